"""Measure the parsers: lines and bytes per second of processor time for each format, on one thread and on two.

    python -m tests.benchmarks.parsing [DATASET] [--lines 1000000]

The logs of a dataset (the demo, made first, if none is given) are repeated until they have that many lines. The fields
read are those that public Sigma rules about the source name. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb

import redgen
from redgen.parser import Given, Want
from redgen.parsers._detect import detect_parser
from redgen.sigma.routing import aliases

FIELDS = {
    "aws_cloudtrail": ("eventName", "eventSource", "errorCode", "userAgent", "sourceIPAddress", "userIdentity.type",
                       "userIdentity.arn", "requestParameters", "requestParameters.bucketName", "eventType"),
    "okta_system": ("eventType", "actor.alternateId", "client.ipAddress", "outcome.result", "target.displayName",
                    "debugContext.debugData.behaviors", "securityContext.isProxy", "displayMessage"),
    "nginx_access": ("c-ip", "cs-method", "cs-uri-query", "cs-uri-stem", "sc-status", "cs-user-agent", "cs-referer"),
    "linux_auth": ("host", "process", "message", "user", "src_ip", "method", "command"),
    "zeek_conn": ("id.orig_h", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "conn_state"),
    "zeek_dns": ("query", "qtype_name", "rcode_name", "answers", "id.orig_h", "Z"),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = given.dataset or redgen.generate("demo", Path(scratch) / "demo").path
        dataset = redgen.load(place)
        print(f"{'source':16}{'parser':21}{'lines':>10}{'bytes/line':>11}{'threads':>8}{'s':>7}{'CPU s':>7}"
              f"{'M lines/s of CPU':>18}{'MB/s of CPU':>13}{'peak MB':>9}")
        for source in dataset.sources:
            file = repeated(dataset.files(source)[0].path, given.lines, Path(scratch))
            for threads in (1, 2):
                measure(source, dict(dataset.manifest["sources"][source]["sigma"]), file, threads)
            file.unlink()


def repeated(log: Path, lines: int, scratch: Path) -> Path:
    """The log, its lines written again and again."""
    data = log.read_bytes()
    made = scratch / f"many-{log.name}"
    with made.open("wb") as out:
        out.write(data)
        for _ in range(lines // data.count(b"\n")):
            out.write(data)
    return made


def measure(source: str, sigma: dict[str, str], file: Path, threads: int) -> None:
    """Parse the file once and print what it took."""
    db = duckdb.connect(config={"threads": threads})
    found = detect_parser(file)
    wanted = Want(frozenset(FIELDS.get(source, ())), aliases=aliases(sigma))
    clock, cpu = time.perf_counter(), time.process_time()
    relation = found.relation(db, [file], wanted, Given(year_from=1_768_176_000_000_000))
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    size = file.stat().st_size
    assert not relation.refused, relation.first_refused
    print(f"{source:16}{found.name:21}{relation.rows:10,}{size / relation.rows:11.0f}{threads:8}{clock:7.2f}{cpu:7.2f}"
          f"{relation.rows / cpu / 1e6:18.2f}{size / cpu / 1e6:13.0f}"
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:9,}", flush=True)


if __name__ == "__main__":
    main()
