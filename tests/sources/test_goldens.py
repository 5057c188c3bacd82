"""What each source of this house writes about the stories, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from redgen.registry import SOURCES
from redgen.seed import Seed
from redgen.source import Source
from tests.sources import stories
from tests.worlds import small_world

FORMATS = [
    ("nginx_access", "combined"), ("nginx_access", "json"), ("zeek_conn", "tsv"), ("zeek_conn", "json"),
    ("zeek_dns", "tsv"), ("zeek_dns", "json"), ("linux_auth", "rfc3164"), ("linux_auth", "rfc3339"),
]


def written(name: str, form: str) -> tuple[Source, str]:
    """The source and the whole file it writes about the stories, in write order."""
    world = small_world()
    source: Source = SOURCES.get(name)(world, Seed(3).child(name), form)
    records = source.observe(stories.everything(world))
    order = np.lexsort((records["id"], records["w"]))
    lines = "".join(source.template.texts(records.take(order)))
    return source, (source.header(stories.NOON) + lines.encode() + source.footer(stories.NOON)).decode()


@pytest.mark.parametrize(("name", "form"), FORMATS)
def test_goldens(name: str, form: str, golden: Callable[[str, str], None]) -> None:
    source, text = written(name, form)
    golden(f"{name}.{form}.{source.formats[form]}", text)
