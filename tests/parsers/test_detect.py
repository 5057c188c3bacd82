"""Which parser a file is for; logs written by others are read whole."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from redgen.errors import DataError
from redgen.parsers._detect import detect_parser
from redgen.registry import PARSERS
from tests.parsers.reading import relation, write

Db = duckdb.DuckDBPyConnection
JUDGES = Path(__file__).resolve().parents[3] / "shared" / "judges" / "logs"


def test_every_parser_says_what_it_is() -> None:
    for name in PARSERS.names():
        parser = PARSERS.get(name)
        assert (parser.name, bool(parser.title)) == (name, True)
        assert parser.sniff(Path("x"), "") == 0


@pytest.mark.parametrize(("name", "text"), [
    ("ndjson", '{"a":1}\n{"a":2}\n'), ("ndjson", '[{"a":1}]'), ("ndjson", '\ufeff{\n"a":1}'), ("ndjson", ""),
    ("ndjson", 'broken\n{"a":1}\n'), ("cloudtrail_envelope", '{"Records":[{"eventName":"x"}]}'),
    ("nginx_combined", '1.2.3.4 - - [12/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5\n'),
    ("syslog_auth", "Jan 12 07:12:11 h sshd[1]: x\n"), ("syslog_auth", "<13>1 2026-01-12T07:12:11Z h a - - - x\n"),
    ("syslog_auth", "2026-01-12T07:12:11.5+00:00 h sudo: x\n"), ("csv", "a,b\n1,2\n"), ("csv", "a\tb\n1\t2\n"),
    ("zeek_tsv", "#separator \\x09\n#fields\tts\n"), ("parquet", "PAR1...."),
])
def test_what_a_file_is_by_its_beginning(tmp_path: Path, name: str, text: str) -> None:
    assert detect_parser(write(tmp_path / "x", text)).name == name


@pytest.mark.parametrize("data", [b"PAR1\x15\x04\x15\r\x15\nL\x15", b"\x00\x01,\r,\x02\n\x00", b"a,\rb\n1,2\n"])
def test_bytes_that_are_no_text_trip_nobody(tmp_path: Path, data: bytes) -> None:
    """A carriage return among the bytes of a Parquet file is no line end that CSV could stumble on."""
    file = tmp_path / "x"
    file.write_bytes(data)
    if data.startswith(b"PAR1"):
        assert detect_parser(file).name == "parquet"
    else:
        with pytest.raises(DataError, match="no parser knows this format"):
            detect_parser(file)


def test_a_known_format_needs_no_look(tmp_path: Path) -> None:
    assert detect_parser(tmp_path / "not there yet", "rfc3339").name == "syslog_auth"


def test_what_nothing_knows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no parser knows this format; it begins 'just some prose'.*ndjson: JSON"):
        detect_parser(write(tmp_path / "x", "\njust some prose\nof two lines\n"))
    with pytest.raises(DataError, match="it is a directory"):
        detect_parser(tmp_path)
    with pytest.raises(DataError, match="there is no log file"):
        detect_parser(tmp_path / "nowhere")


@pytest.mark.skipif(not JUDGES.is_dir(), reason="logs written by others are not here")
@pytest.mark.parametrize(("pattern", "parser", "field"), [
    ("cloudtrail/crowdsec_samples/*.log", "ndjson", "eventName"),
    ("cloudtrail/stratus*.jsonl", "ndjson", "event.eventName"), ("cloudtrail/traildiscover*.jsonl", "ndjson", "event.eventName"),
    ("cloudtrail/panther*.jsonl", "ndjson", "eventName"), ("cloudtrail/*.csv", "csv", "Event Name"),
    ("okta/panther*.jsonl", "ndjson", "eventType"), ("entra/panther*.jsonl", "ndjson", "p_log_type"),
    ("waf/panther*.jsonl", "ndjson", "action"), ("dns/panther*.jsonl", "ndjson", "query_name"),
    ("nginx/crowdsec_samples/nginx-bad-user-agent.log", "nginx_combined", "cs-user-agent"),
    ("nginx/crowdsec_samples/nginx-cve-2021-41773.log", "nginx_combined", "c-uri"),
    ("nginx/crowdsec_samples/nginx-http-malformed.log", "nginx_combined", "request"),
    ("nginx/crowdsec_samples/nginx-http-open-proxy.log", "nginx_combined", "c-ip"),
    ("nginx/crowdsec_samples/nginx-http-sensitive-files.log", "nginx_combined", "cs-uri-stem"),
    ("nginx/crowdsec_samples/pfsense-rfc5424-nginx.log", "syslog_auth", "message"),
    ("dns/crowdsec_samples/bind9-syslog.log", "syslog_auth", "message"),
    ("vpcflow/aws_docs/v5_all.log", "csv", "srcaddr"),
])
def test_logs_of_others_are_read_whole(db: Db, pattern: str, parser: str, field: str) -> None:
    for log in sorted(JUDGES.glob(pattern)):
        assert detect_parser(log).name == parser
        found = relation(db, log, [field], year_from=1_768_176_000_000_000)
        records = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert (found.refused, found.rows) == (0, len(records) - (parser == "csv")), found.first_refused
        assert field not in found.absent
        values = [value for value, in db.execute(f'SELECT "{field}" FROM ({found.sql}) ORDER BY _line').fetchall()]
        if parser == "ndjson":
            for value, record in zip(values, records, strict=True):  # some spell it in another case
                assert value == leaf(json.loads(record), field) or field.rpartition(".")[2] not in record


def leaf(record: object, name: str) -> object:
    """A value by its dotted name."""
    for part in name.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record
