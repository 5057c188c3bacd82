"""Logs that redgen did not make, in any time and any state: read, or refused with a word about what and where."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.holds.command import redgen

FOREIGN = """\
title: Refused
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0301
name: refused
logsource: {product: acme}
detection: {selection: {action: login, ok: 'no'}, condition: selection}
---
title: Many refused
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0302
correlation: {type: event_count, rules: [refused], group-by: [user], timespan: 5m, condition: {gte: 3}}
"""
T0 = 1_772_500_000
ROWS: list[dict[str, Any]] = [{"when": T0 + 30 * k, "user": f"u{k % 2}", "action": "login", "ok": "no"} for k in range(8)]
TIMES: dict[str, Callable[[int], object]] = {
    "seconds": lambda s: s, "milliseconds": lambda s: s * 1000, "fractions": lambda s: s + 0.25,
    "ISO": lambda s: datetime.fromtimestamp(s, UTC).isoformat(),
    "ISO elsewhere": lambda s: datetime.fromtimestamp(s, timezone(timedelta(hours=5, minutes=30))).isoformat()}


def foreign(file: Path, time: Callable[[int], object] = TIMES["ISO"]) -> None:
    """A log that redgen did not make, as NDJSON, CSV or Parquet by its name."""
    rows = [{**row, "when": time(row["when"])} for row in ROWS]
    if file.suffix == ".ndjson":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file.suffix == ".csv":
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(ROWS[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        pd.DataFrame(rows).to_parquet(file)


def found(place: Path, *arguments: object) -> tuple[int, list[tuple[str, str]], str]:
    """Exit code, titles and times of the alerts of ``redgen detect``, what it said; no file when it fails."""
    (place / "foreign.yml").write_text(FOREIGN)
    done = redgen("detect", *arguments, "--rules", "foreign.yml", "-o", "out.ndjson", cwd=place)
    out = place / "out.ndjson"
    assert out.exists() == (done.returncode == 0)
    alerts = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return done.returncode, [(a["rule_title"], a["ts"]) for a in alerts], done.stderr


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize("time", TIMES)
def test_logs_of_others_in_any_time(tmp_path: Path, suffix: str, time: str) -> None:
    """Epoch seconds, milliseconds, ISO 8601, in every format: the same alerts."""
    file = tmp_path / f"log.{suffix}"
    foreign(file, TIMES[time])
    code, alerts, said = found(tmp_path, file.name, "--no-routing", "--time-field", "when")
    more = timedelta(seconds=0.25 if time == "fractions" else 0)
    want = [datetime.fromtimestamp(T0 + 30 * k, UTC) + more for k in (4, 5)]
    assert (code, alerts) == (0, [("Many refused", t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) for t in want]), said


def test_logs_of_others_without_a_word_about_them(tmp_path: Path) -> None:
    """What cannot be known is asked for: the option that says it is named."""
    foreign(tmp_path / "log.ndjson")
    code, alerts, said = found(tmp_path, "log.ndjson", "--time-field", "when")
    assert (code, alerts) == (0, [])
    assert "UNSUPPORTED_LOGSOURCE" in said
    assert "--no-routing" in said
    code, alerts, said = found(tmp_path, "log.ndjson", "--no-routing")
    assert (code, alerts) == (0, [])
    assert "name it with --time-field" in said
    (tmp_path / "out.ndjson").unlink()
    code, _, said = found(tmp_path, "log.ndjson", "--no-routing", "--time-field", "wen")
    assert (code, "log.ndjson: no record has a field 'wen'" in said, "did you mean 'when'" in said) == (2, True, True)


def _spoiled(folder: Path) -> dict[str, tuple[bytes, int, str]]:
    foreign(folder / "good.ndjson")
    foreign(folder / "good.parquet")
    text, table = (folder / "good.ndjson").read_bytes(), (folder / "good.parquet").read_bytes()
    refused = "REFUSED_LINES"
    return {
        "cut.ndjson": (text[:-25], 0, refused), "broken.ndjson": (text.replace(b'"user"', b'"user', 2), 0, refused),
        "prose.log": (b"hello\nworld\n", 2, "no parser knows this format; it begins 'hello'"),
        "noise.bin": (bytes(range(256)) * 8, 2, "no parser knows this format"),
        "empty.log": (b"", 2, "there are no records"), "empty.csv": (b"", 2, "there are no records"),
        "headings.csv": (b"when,user\n", 0, "FIELD_GAP"), "ragged.csv": (b"when,user,action,ok\n1,2\n3,4,5,6,7\n", 0, refused),
        "cut.parquet": (table[:-60], 2, "cannot read cut.parquet"), "bad.parquet": (b"PAR1\x15\rPAR1", 2, "cannot read bad.parquet"),
        "bad.gz": (b"\x1f\x8b\x08\x00garbage", 2, "cannot read bad.gz")}


@pytest.mark.parametrize("name", ["cut.ndjson", "broken.ndjson", "prose.log", "noise.bin", "empty.log", "empty.csv", "headings.csv",
                                  "ragged.csv", "cut.parquet", "bad.parquet", "bad.gz"])
def test_logs_of_others_that_are_spoiled(tmp_path: Path, name: str) -> None:
    """Lines that are no records are counted and the first is shown; files that are no logs are refused."""
    content, code, said = _spoiled(tmp_path)[name]
    (tmp_path / name).write_bytes(content)
    ended, _, told = found(tmp_path, name, "--no-routing", "--time-field", "when")
    assert (ended, said in told) == (code, True), told
    if code == 2:
        assert told.startswith("redgen: ")
        assert told.count("\n") == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (["none.log"], "none.log: no such file or directory"), (["hollow"], "hollow: no log files in there"),
    (["halves"], "halves is no dataset: it has no manifest.json"),
    (["good.ndjson", "-o", "no/where"], "no/where: cannot be written; make the directory no first")])
def test_logs_that_are_not_there(tmp_path: Path, arguments: list[str], said: str) -> None:
    foreign(tmp_path / "good.ndjson")
    for folder in ("hollow", "halves/truth", "halves/logs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "foreign.yml").write_text(FOREIGN)
    done = redgen("detect", *arguments, "--rules", "foreign.yml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
