"""Syslog in its three writings, and what messages of logins say."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from redgen.clock import parse_time
from redgen.parsers._auth_messages import READINGS
from tests.parsers.reading import read, relation, rows, write

Db = duckdb.DuckDBPyConnection
NEAR = parse_time("2026-01-12T00:00:00Z")
HEAD = ("host", "process", "pid", "message")


@pytest.mark.parametrize("line", [
    "Jan 12 07:12:11 web01 sshd[4711]: Hello: you",
    "<38>Jan 12 07:12:11 web01 sshd[4711]: Hello: you",
    "2026-01-12T08:12:11.000000+01:00 web01 sshd[4711]: Hello: you",
    "<38>2026-01-12T07:12:11Z web01 sshd[4711]: Hello: you",
    "<38>1 2026-01-12T07:12:11Z web01 sshd 4711 - - Hello: you",
    '<38>1 2026-01-12T07:12:11Z web01 sshd 4711 ID47 [a@1 b="c\\]d"][e] \ufeffHello: you',
])
def test_the_same_line_in_every_writing(db: Db, tmp_path: Path, line: str) -> None:
    row = read(db, write(tmp_path / "auth.log", line + "\n"), HEAD, year_from=NEAR)[0]
    assert tuple(row[name] for name in HEAD) == ("web01", "sshd", "4711", "Hello: you")
    assert str(row["_ts"]) == "2026-01-12 07:12:11"


def test_lines_around_new_year(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", "Dec 31 23:59:59 h su: x\nJan  1 00:00:01 h su: x\n")
    assert [row["_ts"].year for row in read(db, log, year_from=parse_time("2026-01-01T00:00:00Z"))] == [2025, 2026]


def test_priorities(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", "<86>Jan 12 07:12:11 h su: x\nJan 12 07:12:11 h su: x\n")
    got = [(row["facility"], row["severity"]) for row in read(db, log, ["facility", "severity"], year_from=NEAR)]
    assert got == [("10", "6"), (None, None)]


SAID = {
    "Failed password for invalid user admin from 203.0.113.9 port 22001 ssh2":
        {"user": "admin", "src_ip": "203.0.113.9", "src_port": "22001", "method": "password", "outcome": "failure"},
    "Accepted publickey for bob from 2001:db8::1 port 2 ssh2: ED25519 SHA256:abc":
        {"user": "bob", "src_ip": "2001:db8::1", "method": "publickey", "key": "SHA256:abc", "outcome": "success"},
    "Failed password for invalid user x from 9.9.9.9 port 1 ssh2 from 203.0.113.9 port 22001 ssh2":
        {"user": "x from 9.9.9.9 port 1 ssh2", "src_ip": "203.0.113.9", "src_port": "22001"},
    "Invalid user oracle from 203.0.113.9 port 22001": {"user": "oracle", "src_ip": "203.0.113.9"},
    "Invalid user  from 203.0.113.9 port 22001": {"user": None, "src_ip": "203.0.113.9"},
    "Disconnected from authenticating user root 203.0.113.9 port 5 [preauth]": {"user": "root", "src_ip": "203.0.113.9"},
    "Connection closed by invalid user a b 203.0.113.9 port 5 [preauth]": {"user": "a b", "src_port": "5"},
    "Connection closed by 203.0.113.9 port 5 [preauth]": {"user": None, "src_ip": "203.0.113.9"},
    "Received disconnect from 203.0.113.9 port 5:11: Bye Bye [preauth]": {"src_ip": "203.0.113.9", "src_port": "5"},
    "error: PAM: Authentication failure for illegal user z from 203.0.113.9": {"user": "z", "src_ip": "203.0.113.9"},
    "error: maximum authentication attempts exceeded for root from 203.0.113.9 port 5 ssh2 [preauth]":
        {"user": "root", "outcome": "failure"},
    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root":
        {"user": "root", "src_ip": "203.0.113.9", "uid": "0", "euid": "0", "tty": "ssh", "ruser": None, "logname": None,
         "rhost": "203.0.113.9", "pam_module": "pam_unix", "pam_service": "sshd", "outcome": "failure"},
    "pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)":
        {"user": "root", "ruser": "alice", "uid": "0", "pam_service": "sudo", "outcome": "success"},
    "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow":
        {"user": "alice", "target_user": "root", "tty": "pts/0", "pwd": "/home/alice", "command": "/usr/bin/cat /etc/shadow"},
    "   bob : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh":
        {"user": "bob", "attempts": "3", "command": "/bin/sh", "outcome": "failure"},
    "new user: name=eve, UID=1005, GID=1005, home=/home/eve, shell=/bin/bash, from=/dev/pts/2":
        {"user": "eve", "uid": "1005", "gid": "1005", "home": "/home/eve", "shell": "/bin/bash", "tty": "/dev/pts/2"},
    "add 'eve' to group 'sudo'": {"user": "eve", "group": "sudo"},
    "(root) CMD (run-parts /etc/cron.hourly)": {"user": "root", "command": "run-parts /etc/cron.hourly"},
    "Successful su for root by bob": {"user": "bob", "target_user": "root"},
    "FAILED SU (to root) bob on pts/0": {"user": "bob", "target_user": "root", "outcome": "failure"},
    "New session 42 of user bob.": {"user": "bob", "session": "42"},
    "message repeated 2 times: [ Failed password for root from 203.0.113.9 port 5 ssh2]":
        {"user": "root", "method": "password", "src_ip": "203.0.113.9"},
    "Server listening on 0.0.0.0 port 22.": {"user": None, "method": None, "outcome": None},
}


def test_what_messages_say(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", "".join(f"Jan 12 07:12:11 h x[1]: {message}\n" for message in SAID))
    got = read(db, log, [*READINGS, "outcome", "message"], year_from=NEAR)
    for row, (message, expected) in zip(got, SAID.items(), strict=True):
        assert row["message"] == message
        assert {name: row[name] for name in expected} == expected, message


def test_what_is_no_syslog_is_refused(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "auth.log", "Jan 12 07:12:11 h su: x\nFoo 99 07:12:11 h su: x\nJan 12 07:12\n\nJan 12 07:12:11 h su: y\n")
    found = relation(db, log, ["message"], year_from=NEAR)
    assert [row["_line"] for row in rows(db, found)] == [1, 5]
    assert found.refused == 2
    assert found.first_refused == f"{log}:2: not a syslog line: 'Foo 99 07:12:11 h su: x'"


def test_lines_without_a_program(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "messages", "Jan 12 07:12:11 h su: x\nJan 12 07:12:11 h last message repeated 3 times\n")
    row = read(db, log, HEAD, year_from=NEAR)[1]
    assert (row["process"], row["message"]) == (None, "last message repeated 3 times")
