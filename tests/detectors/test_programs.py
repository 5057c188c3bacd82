"""Programs, functions and exported files as detectors: what they say counts, and how they fail is told."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from redgen.detector import EventFile, Events
from redgen.detectors._spec import detector_of
from redgen.detectors.command import Command
from redgen.errors import DataError
from tests.detectors.logs import GUESSER, PROBER

FINDER = """
import json, sys
for path in sys.argv[1:]:
    for number, line in enumerate(open(path, errors="replace"), 1):
        if " 404 " in line:
            print(json.dumps({"redgen_alert": 1, "rule_id": "r", "ts": "2026-01-12T07:05:00Z",
                              "events": [{"file": path, "line": number}]}))
"""


@pytest.fixture
def finder(tmp_path: Path) -> str:
    """A program that greps, as words of a command."""
    program = tmp_path / "finder.py"
    program.write_text(FINDER)
    return shlex.join([sys.executable, str(program)])


def test_a_program_is_given_files_and_its_alerts_name_them_as_the_dataset_does(events: Events, finder: str) -> None:
    """With a source's placeholder, with all files, and with none named at all."""
    for tail in (" {logs:nginx_access}", " {files}", ""):
        found = Command(finder + tail).detect(events)
        assert not found.failed
        assert len(found.alerts) == 30
        assert set(found.alerts.events["file"]) == {"logs/nginx_access/access.0.log"}
        assert found.alerts.events["line"].tolist() == list(range(2, 32))
        assert [(r.rule_id, r.status) for r in found.rules] == [("r", "tested")]


def test_a_shell_is_used_only_when_asked_for(events: Events, finder: str) -> None:
    """Without one, a pipe is a word like any other."""
    piped = f"{finder} {{logs:nginx_access}} | head -n 3"
    assert len(Command(piped, shell=True).detect(events).alerts) == 3
    assert "No such file or directory" in Command(piped).detect(events).failed


def test_alerts_may_go_to_a_file_in_any_format(events: Events) -> None:
    """``{output}`` is a file that is read when the program has ended."""
    alert = [{"title": "t", "id": "z", "sigma": [], "rule_level": "high", "matches": [{"SystemTime": "2026-01-12T07:00:00Z"}]}]
    code = f"import sys; print('talk'); open(sys.argv[1], 'w').write({json.dumps(json.dumps(alert))})"
    found = Command(shlex.join([sys.executable, "-c", code, "{output}", "{dataset}"])).detect(events)
    assert found.alerts.frame["rule_id"].tolist() == ["z"]


@pytest.mark.parametrize(("code", "said"), [
    ("import sys; sys.stderr.write('no licence\\n'); sys.exit(3)", "ended with exit code 3: no licence"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "was ended by signal 15"),
    ("print('hello')", "standard output of python"), ("print('{\"a\": 1}')", "no known alert format"),
    ("import time; time.sleep(60)", "took too long and was stopped")])
def test_how_a_program_failed_is_told(events: Events, code: str, said: str) -> None:
    """A failure is part of the result, never a traceback and never an empty success."""
    found = Command(shlex.join([sys.executable, "-c", code]), timeout=20 if "sleep" not in code else 1).detect(events)
    assert said in found.failed
    assert len(found.alerts) == 0


def test_what_cannot_be_run_or_filled_in_is_told(events: Events) -> None:
    """No such program, no such source, no dataset."""
    assert "cannot run no-such-program" in Command("no-such-program").detect(events).failed
    with pytest.raises(DataError, match="no files of log source 'nginx_acces'; did you mean 'nginx_access'"):
        Command("cat {logs:nginx_acces}").detect(events)
    with pytest.raises(DataError, match="these files are no dataset"):
        Command("cat {dataset}").detect(Events(events.files))


def test_no_output_is_no_alerts(events: Events) -> None:
    """A program that found nothing and ended well."""
    found = Command(shlex.join([sys.executable, "-c", ""])).detect(events)
    assert (len(found.alerts), found.failed) == (0, "")
    assert [d.code for d in found.alerts.diagnostics] == ["EMPTY_FILE"]


def test_rows_that_a_function_picks_are_alerts_on_their_events(events: Events) -> None:
    """Time, file and line come with the row."""
    found = detector_of("python:tests.detectors.finders:not_found").detect(events)
    assert not found.failed
    assert len(found.alerts) == 30
    assert found.alerts.events[["file", "line"]].iloc[0].tolist() == ["logs/nginx_access/access.0.log", 2]
    assert set(found.alerts.entities["value"]) == {PROBER}
    assert found.alerts.frame["t_alert"][0] == 1_768_201_500_000_000


def test_a_function_may_make_its_own_alerts(events: Events) -> None:
    """From as many events as it likes, of the fields it asked for."""
    found = detector_of("python:tests.detectors.finders:guesses").detect(events)
    assert found.alerts.frame[["rule_name", "severity", "n_events"]].to_numpy().tolist() == [["Password guessing", 75, 12]]
    assert found.alerts.entities["value"].tolist() == [GUESSER]
    assert len(found.alerts.events) == 12


@pytest.mark.parametrize(("name", "said"), [
    ("broken", "KeyError: 'no_such_column' (finders.py:"), ("nothing", "returned nothing: return a DataFrame"),
    ("timeless", "finders:timeless:1: not a redgen alert: it lacks `ts`")])
def test_how_a_function_failed_is_told(events: Events, name: str, said: str) -> None:
    """Its own last line, not ours."""
    found = detector_of(f"python:tests.detectors.finders:{name}").detect(events)
    assert said in found.failed
    assert len(found.alerts) == 0


def test_frames_hold_every_field_of_any_format(tmp_path: Path) -> None:
    """JSON by its keys, Zeek by its header; files of unknown source go by their name."""
    web = tmp_path / "okta.jsonl"
    web.write_text('{"uuid": "u1", "published": "2026-01-12T07:00:00Z", "actor": {"alternateId": "ada"}}\n')
    zeek = tmp_path / "conn.log"
    zeek.write_text("#separator \\x09\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n1768201200.5\tC1\t10.0.0.1\n")
    found = detector_of("python:tests.detectors.finders:columns").detect(
        Events((EventFile(web, "okta.jsonl", "okta_system"), EventFile(zeek, "conn.log"))))
    said = found.alerts.frame["rule_id"].tolist()
    assert said[0].startswith("okta_system: _file _line _ts _event_id _text uuid published actor.alternateId")
    assert said[1].startswith("conn.log: _file _line _ts _event_id _text ts uid id.orig_h")


def test_an_exported_file_is_a_detector(events: Events) -> None:
    """Its format is told like that of any file of alerts."""
    sample = Path(__file__).parent.parent / "readers" / "samples" / "elastic.hits.json"
    found = detector_of(f"alerts:{sample}").detect(events)
    assert (found.detector, len(found.alerts), len(found.rules), found.alerts.clock) == ("alerts", 4, 4, "batch")
    with pytest.raises(DataError, match="cannot read none"):
        detector_of("alerts:none.json").detect(events)
