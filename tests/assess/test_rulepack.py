"""The bundled rules: sound Sigma, told apart, with the techniques they find, and a copy to keep."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule

from redgen.assess.rulepack import copy_pack, folders, pack, rule_paths, rules_folder
from redgen.errors import DataError, SinkError


@pytest.fixture(scope="module")
def rules() -> SigmaCollection:
    """All of them, as pySigma reads them."""
    return SigmaCollection.load_ruleset([rules_folder()])


def test_every_rule_is_sound_and_unique(rules: SigmaCollection) -> None:
    """No errors, no id and no name twice."""
    assert not rules.errors
    for what in ("id", "name"):
        values = [getattr(r, what) for r in rules.rules]
        assert len(values) == len(set(values))


def test_each_outer_rule_says_what_it_finds(rules: SigmaCollection) -> None:
    """A description, false positives, and at least one technique."""
    inner = {ref.rule.id for r in rules.rules if isinstance(r, SigmaCorrelationRule) for ref in r.rules}
    for rule in rules.rules:
        if rule.id in inner:
            continue
        assert rule.description, rule.title
        assert rule.falsepositives, rule.title
        assert any(re.match(r"t\d{4}", t.name) for t in rule.tags), rule.title


def test_every_base_rule_feeds_a_correlation(rules: SigmaCollection) -> None:
    """A rule of level informational raises no alerts of its own."""
    inner = {ref.rule.id for r in rules.rules if isinstance(r, SigmaCorrelationRule) for ref in r.rules}
    for rule in rules.rules:
        if str(rule.level) == "informational":
            assert rule.id in inner, rule.title


def test_the_pack_is_listed_by_part() -> None:
    """One entry a file."""
    listed = list(pack())
    assert len(listed) == len(list(rules_folder().rglob("*.yml"))) >= 30
    assert {r.folder for r in listed} == set(folders()) == {"identity", "web", "cloud", "linux", "network"}
    assert all(r.level != "informational" and r.techniques for r in listed)


def test_a_copy_to_keep(tmp_path: Path) -> None:
    """The files themselves; never over one that is there."""
    made = copy_pack(tmp_path, ["identity"])
    assert {p.parent for p in made} == {tmp_path / "identity"}
    assert made[0].read_bytes() == (rules_folder() / "identity" / made[0].name).read_bytes()
    with pytest.raises(SinkError, match="already there"):
        copy_pack(tmp_path)
    with pytest.raises(DataError, match="did you mean 'identity'"):
        copy_pack(tmp_path / "x", ["identty"])


def test_bundled_is_a_word_for_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a directory is called so."""
    monkeypatch.chdir(tmp_path)
    assert rule_paths([Path("bundled"), Path("mine")]) == (rules_folder(), Path("mine"))
    (tmp_path / "bundled").mkdir()
    assert rule_paths([Path("bundled")]) == (Path("bundled"),)
