"""The truth is exact: every line that is not plain benign is labelled, every label points at its line, and all that the
truth says about times and counts can be read off the logs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from redgen.dataset.dataset import Dataset
from tests.holds.compare import difference
from tests.holds.reading import SECOND, SOURCES, TICK, lines, marked, raw


def floored(t: int | pd.Series, source: str) -> Any:
    return t // TICK[source] * TICK[source]


@pytest.mark.parametrize("source", SOURCES)
def test_every_label_points_at_its_line(day: Dataset, source: str) -> None:
    """File, line and offset lead to a record; its time and its own id are those the label gives."""
    labels = day.labels[day.labels["source"] == source]
    assert labels.duplicated(["file", "line"]).sum() == 0
    for name, some in labels.groupby("file", observed=True):
        content = (day.path / str(name)).read_bytes()
        starts = np.concatenate([[0], np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n")) + 1])
        assert some["line"].between(1, len(starts) - 1).all()
        assert (starts[some["line"] - 1] == some["offset"]).all()
    met = lines(day, source).merge(labels[["file", "line", "t", "event_id"]].astype({"file": str}), on=["file", "line"])
    assert len(met) == len(labels), "labels that point at no record"
    assert (floored(met["t_y"], source) == met["t_x"]).all()
    own = {"okta_system": "uuid", "aws_cloudtrail": "eventID", "zeek_conn": "uid", "zeek_dns": "uid"}.get(source)
    if own:
        assert (met["record"].map(lambda record: record[own]) == met["event_id"]).all()
    else:
        assert met["event_id"].str.fullmatch("[0-9a-f]{16,32}").all()
    assert not day.labels["event_id"].isna().any()


@pytest.mark.parametrize("source", SOURCES)
def test_what_the_campaigns_brought_is_what_is_labelled(day: Dataset, clean: Dataset, source: str) -> None:
    """Lines that the day has and its clean twin has not: exactly those labelled malicious or collateral."""
    assert_labelled(day, clean, source, {"malicious", "collateral"})


@pytest.mark.parametrize("source", SOURCES)
def test_what_the_hard_negatives_brought_is_what_is_labelled(clean: Dataset, plain: Dataset, source: str) -> None:
    assert_labelled(clean, plain, source, {"hard_negative", "collateral"})


def assert_labelled(more: Dataset, less: Dataset, source: str, labels: set[str]) -> None:
    places, texts = raw(more, source)
    told = marked(more, source, label=labels)
    labelled = [text for place, text in zip(places, texts, strict=True) if place in told]
    brought = Counter(difference(texts, raw(less, source)[1]).left)
    assert brought == Counter(labelled), (
        f"unlabelled: {list((brought - Counter(labelled)).elements())[:2]}, "
        f"labelled, but there without it: {list((Counter(labelled) - brought).elements())[:2]}")


def test_nothing_is_labelled_that_is_benign_alone(plain: Dataset) -> None:
    assert len(plain.labels) == 0
    assert all(set(s["labels"]) >= {"benign"} and s["labels"]["benign"] == s["lines"]
               for s in plain.manifest["sources"].values())


@pytest.fixture(scope="module")
def seen(day: Dataset) -> pd.DataFrame:
    """Every labelled line with the time its log shows."""
    frames = []
    for source in SOURCES:
        frame = lines(day, source)
        frames.append(frame[frame["label"] != "benign"].assign(source=source).drop(columns=["record", "text"]))
    return pd.concat(frames, ignore_index=True)


def assert_told(told: dict[str, Any], own: pd.DataFrame, first: str, last: str) -> None:
    """Counts by source, first and last time of some lines are as ``told``."""
    assert told["n_events"] == len(own)
    assert told["sources"] == own.groupby("source").size().to_dict()
    if not len(own):
        assert told[first] is told[last] is None
        return
    assert any(floored(told[first], s) == part["t"].min() for s, part in own.groupby("source"))
    assert all(floored(told[first], s) <= part["t"].min() for s, part in own.groupby("source"))
    assert any(floored(told[last], s) == part["t"].max() for s, part in own.groupby("source"))
    assert all(floored(told[last], s) >= part["t"].max() for s, part in own.groupby("source"))


def test_campaigns_tell_what_the_logs_show(day: Dataset, seen: pd.DataFrame) -> None:
    """Onset, impact, end, and of each step its times, counts and sources, read off the labelled lines."""
    malicious = seen[seen["label"] == "malicious"]
    told = day.records("campaigns")
    assert set(malicious["campaign_id"]) <= {c["campaign_id"] for c in told}
    for campaign in told:
        own = malicious[malicious["campaign_id"] == campaign["campaign_id"]]
        assert_told(campaign, own, "t_onset", "t_end")
        assert sum(step["n_events"] for step in campaign["steps"]) == len(own)
        for step in campaign["steps"]:
            assert_told(step, own[own["step_id"] == step["step_id"]], "t0", "t1")
        assert set(own["step_id"]) <= set(campaign["path"])
        assert list(dict.fromkeys(campaign["path"])) == [step["step_id"] for step in campaign["steps"]]
        hit = seen[(seen["label"] == "collateral") & (seen["campaign_id"] == campaign["campaign_id"])]
        assert_told(campaign["collateral"], hit, "t0", "t1")


def test_impact_is_the_first_line_of_an_objective(day: Dataset, seen: pd.DataFrame) -> None:
    """The objectives as the playbooks name them, not as the engine remembers them."""
    reached = 0
    for campaign in day.records("campaigns"):
        goals = objectives(day, campaign["playbook"])
        own = seen[(seen["label"] == "malicious") & (seen["campaign_id"] == campaign["campaign_id"])
                   & seen["step_id"].isin(goals)]
        assert (campaign["t_impact"] is None) == own.empty
        if not own.empty:
            assert any(floored(campaign["t_impact"], s) == part["t"].min() for s, part in own.groupby("source"))
            reached += 1
    assert reached >= 5


def objectives(dataset: Dataset, playbook: str) -> Iterable[str]:
    import yaml

    named = yaml.safe_load((dataset.path / "playbooks" / f"{playbook}.yaml").read_text(encoding="utf-8"))["objective"]
    return [named] if isinstance(named, str) else named


def test_steps_follow_one_another_as_they_were_played(day: Dataset) -> None:
    """A step begins when or after its predecessor in the path began; nobody acts before the campaign's onset."""
    for campaign in day.records("campaigns"):
        begun = {s["step_id"]: s["t0"] for s in campaign["steps"] if s["t0"]}
        path = [step for step in dict.fromkeys(campaign["path"]) if step in begun]
        forks = any("join" in str(step) for step in campaign["path"])
        if not forks:
            times = [begun[step] for step in path]
            assert times == sorted(times), (campaign["campaign_id"], path)


def test_hard_negatives_tell_what_the_logs_show(day: Dataset, seen: pd.DataFrame) -> None:
    noise = seen[seen["label"] == "hard_negative"]
    for told in day.records("hard_negatives"):
        own = noise[noise["noise_id"] == told["noise_id"]]
        assert_told(told, own, "t0", "t1")
        for step in told["steps"]:
            assert_told(step, own[own["step_id"] == step["step_id"]], "t0", "t1")


def test_effects_hold_when_and_for_whom_they_say(day: Dataset, seen: pd.DataFrame) -> None:
    """Collateral lines fall into the time of one of their step's effects (a connection begun before it, a session
    that goes on a while after)."""
    slack = 40 * 60 * SECOND
    effects: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for effect in day.records("effects"):
        who = effect.get("campaign_id") or effect["noise_id"]
        effects.setdefault((who, effect["step_id"]), []).append((effect["t0"], effect["t1"]))
    hit = seen[seen["label"] == "collateral"]
    assert len(hit) > 20
    for row in hit.itertuples():
        spans = effects[row.campaign_id or row.noise_id, row.step_id]
        assert any(a - slack <= row.t <= b + slack for a, b in spans), row


def test_the_accounting_closes(day: Dataset) -> None:
    """Planned = observed + lost = lines written, by source and by cause, and equal to what stands on the disk."""
    for source in SOURCES:
        told = day.manifest["accounting"][source]
        on_disk = len(raw(day, source)[1])
        assert told["planned"] == told["observed"] == told["lines"] == on_disk
        assert told["lost"] == told["duplicated"] == 0
        for count in ("planned", "observed", "lines"):
            assert sum(part[count] for part in told["by"].values()) == told[count]
        counted = Counter(lines(day, source)["label"])
        assert day.manifest["sources"][source]["labels"] == {
            label: counted.get(label, 0) for label in ("benign", "malicious", "hard_negative", "collateral")}
        rows = lines(day, source)
        for cause, part in told["by"].items():
            mine = rows[(rows["campaign_id"] == cause) | (rows["noise_id"] == cause)]
            if cause.startswith(("C-", "N-")) and cause in set(rows["campaign_id"]) | set(rows["noise_id"]):
                assert part["lines"] == len(mine), (source, cause)


def test_declared_loss_and_copies_are_in_the_accounts(day: Dataset, make: Any) -> None:
    """A sensor that loses and doubles lines says so, and the rest of the truth still holds."""
    faulty = make(settings=["sources.okta_system.loss=0.1", "sources.zeek_dns.duplicates=0.05",
                            *(f"sources.{s}.loss=0" for s in SOURCES if s not in {"okta_system", "zeek_dns"})])
    for source in SOURCES:
        told = faulty.manifest["accounting"][source]
        assert told["planned"] == day.manifest["accounting"][source]["planned"]
        assert told["planned"] == told["observed"] == told["lines"] + told["lost"] - told["duplicated"]
        assert told["lines"] == len(raw(faulty, source)[1])
        assert (told["lost"] > 0) == (source == "okta_system")
        assert (told["duplicated"] > 0) == (source == "zeek_dns")
    kept = Counter(raw(faulty, "okta_system")[1])
    assert not kept - Counter(raw(day, "okta_system")[1])
    for campaign in faulty.records("campaigns"):
        for source, n in campaign["sources"].items():
            assert len(marked(faulty, source, label={"malicious"}, campaign_id={campaign["campaign_id"]})) == n
