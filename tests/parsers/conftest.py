"""Datasets whose logs the parsers must read as the sources that wrote them do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import redgen
from redgen.dataset.dataset import Dataset

TINY = Path(__file__).with_name("tiny.yaml")
OTHER_FORMATS = (
    "sources.nginx_access.format=json", "sources.aws_cloudtrail.format=s3", "sources.linux_auth.format=rfc3339",
    "sources.zeek_conn.format=json", "sources.zeek_dns.format=json", "sources.okta_system.format=json",
)
FORMS = {
    "plain": (),
    "other formats, gzip, every two hours": (*OTHER_FORMATS, "output.compress=gzip", "output.rotate=2h"),
    "labels in the lines, zstd, every hour": ("output.inline_labels=true", "output.compress=zstd", "output.rotate=1h"),
}


@pytest.fixture(scope="session", params=FORMS)
def dataset(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A small dataset in each of the forms in which logs lie on disk."""
    return redgen.generate(TINY, tmp_path_factory.mktemp("dataset") / "out", jobs=1, settings=FORMS[request.param])


@pytest.fixture
def db() -> duckdb.DuckDBPyConnection:
    """An engine with two threads, as detectors have it."""
    return duckdb.connect(config={"threads": 2})
