"""``why``: the explanation of a line agrees with the truth, with the line, and with its siblings."""

from __future__ import annotations

import re

import pytest

from redgen.dataset.dataset import Dataset
from redgen.dataset.explain import Explanation, explain
from redgen.errors import DataError


def facts(found: Explanation) -> dict[str, str]:
    return dict(found.facts)


def text_at(dataset: Dataset, place: str) -> str:
    name, _, line = place.rpartition(":")
    return next(f for f in dataset.files() if f.name == name).line(int(line))


@pytest.mark.parametrize("source", ["nginx_access", "okta_system", "aws_cloudtrail", "linux_auth", "zeek_conn"])
def test_a_malicious_line_names_its_campaign(small: Dataset, source: str) -> None:
    labels = small.labels[(small.labels["source"] == source) & (small.labels["label"] == "malicious")]
    row = labels.iloc[len(labels) // 2]
    found = explain(small, f"{row['file']}:{row['line']}")
    said = facts(found)
    assert said["label"] == "malicious"
    assert said["campaign"].startswith(row["campaign_id"])
    assert f"[{row['step_id']}]" in said["path"]
    assert found.text == text_at(small, f"{row['file']}:{row['line']}")
    for sibling in found.siblings:
        assert sibling.text == text_at(small, sibling.place)


def test_a_benign_login_shows_in_the_other_logs(small: Dataset) -> None:
    """A sign-in at the identity provider: the same person and address in the sessions beside it."""
    okta = small.files("okta_system")[0]
    labelled = set(small.labels.loc[small.labels["source"] == "okta_system", "line"])
    line, text = next((n, x) for n, x in okta.records()
                      if '"eventType":"user.session.start"' in x and '"SUCCESS"' in x and n not in labelled)
    found = explain(small, f"{okta.name}:{line}")
    said = facts(found)
    assert said["label"] == "benign"
    assert said["stream"].startswith("benign/")
    address = re.search(r'"ipAddress":"([\d.]+)"', text)
    assert address
    assert said["from"].startswith(address[1])
    others = [s for s in found.siblings if "okta" not in s.place]
    assert others
    assert any(address[1] in s.text for s in others)


@pytest.mark.parametrize("source", ["nginx_access", "zeek_dns"])
def test_first_and_last_line_can_be_explained(small: Dataset, source: str) -> None:
    file = small.files(source)[-1]
    for line in (file.head_lines + 1, file.head_lines + file.lines):
        found = explain(small, f"{file.name}:{line}")
        assert found.text == file.line(line)
        assert all(words.strip() and not words.startswith(" ") for _, words in found.facts)


def test_places_that_are_none(small: Dataset) -> None:
    for place, said in (("zeek_conn.0.log:1", "header"), ("zeek_conn.0.log:99999999", "no record"),
                        ("nothing.log:1", "no log file"), ("zeek_conn.0.log", "no LOGFILE:LINE")):
        with pytest.raises(DataError, match=said):
            explain(small, place)
