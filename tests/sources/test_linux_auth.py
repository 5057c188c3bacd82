"""auth.log against a grammar of its own, fail2ban's stock filter, and the rules that tie its lines together."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from redgen.activity.schema import rows
from redgen.activity.terms import SHELL_OPS, code
from redgen.checks.sample import START, activity
from redgen.clock import DAY, SECOND
from redgen.seed import Seed
from redgen.sources.linux_auth import LinuxAuth
from redgen.table import Table
from tests.sources import stories
from tests.worlds import small_world

IP = r"\d{1,3}(\.\d{1,3}){3}"
FROM = rf"from {IP} port \d{{1,5}}"
AT = rf"{IP} port \d{{1,5}}"
KEY = r"(ED25519|RSA|ECDSA) SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]"
NAME = r"[a-z_][a-z0-9_.-]*\$?"
UNKNOWN = r"logname= uid=0 euid=0 tty=ssh ruser= rhost=" + IP + " "
KNOWN = UNKNOWN + rf" user={NAME}"
COMMAND = rf"TTY=(pts/\d|unknown) ; PWD=(/home/{NAME}|/root) ; USER=root ; COMMAND=/\S.*"
WHO = rf"(authenticating|invalid) user {NAME} "
SUDO_FAILED = (
    rf"sudo: pam_unix\(sudo:auth\): authentication failure; logname=({NAME}) uid=\d+ euid=0 tty=(?:/dev/pts/\d)? ruser=\1 "
    r"rhost=  user=\1"
)
UNKNOWN_TO_PAM = (
    r"sshd\[\d+\]: error: PAM: User not known to the underlying authentication module for illegal user "
    rf"{NAME} from {IP}"
)
GRAMMAR = tuple(re.compile(pattern) for pattern in (
    rf"sshd\[\d+\]: Invalid user {NAME} {FROM}",
    r"sshd\[\d+\]: pam_unix\(sshd:auth\): check pass; user unknown",
    rf"sshd\[\d+\]: pam_unix\(sshd:auth\): authentication failure; ({UNKNOWN}|{KNOWN})",
    rf"sshd\[\d+\]: Failed (password|keyboard-interactive/pam) for (invalid user )?{NAME} {FROM} ssh2",
    rf"sshd\[\d+\]: Failed publickey for (invalid user )?{NAME} {FROM} ssh2: {KEY}",
    rf"sshd\[\d+\]: error: PAM: Authentication failure for {NAME} from {IP}",
    UNKNOWN_TO_PAM,
    rf"sshd\[\d+\]: Accepted (password|keyboard-interactive/pam) for {NAME} {FROM} ssh2",
    rf"sshd\[\d+\]: Accepted publickey for {NAME} {FROM} ssh2: {KEY}",
    rf"sshd\[\d+\]: pam_unix\(sshd:session\): session opened for user {NAME}\(uid=\d+\) by \(uid=0\)",
    rf"sshd\[\d+\]: pam_unix\(sshd:session\): session closed for user {NAME}",
    rf"systemd-logind\[\d+\]: New session \d+ of user {NAME}\.",
    r"systemd-logind\[\d+\]: Session \d+ logged out\. Waiting for processes to exit\.",
    r"systemd-logind\[\d+\]: Removed session \d+\.",
    rf"systemd\[\d+\]: pam_unix\(systemd-user:session\): session opened for user {NAME}\(uid=\d+\) by \(uid=0\)",
    rf"sshd\[\d+\]: Received disconnect {FROM}:11: disconnected by user",
    rf"sshd\[\d+\]: Disconnected from user {NAME} {AT}",
    rf"sshd\[\d+\]: Connection closed by ({WHO})?{AT} \[preauth\]",
    rf"sshd\[\d+\]: Connection closed by {AT}",
    rf"sshd\[\d+\]: error: maximum authentication attempts exceeded for (invalid user )?{NAME} {FROM} ssh2 \[preauth\]",
    rf"sshd\[\d+\]: Disconnecting {WHO}{AT}: Too many authentication failures \[preauth\]",
    rf"sshd\[\d+\]: PAM (1 more authentication failure|\d+ more authentication failures); ({UNKNOWN}|{KNOWN})",
    r"sshd\[\d+\]: PAM service\(sshd\) ignoring max retries; [4-9] > 3",
    r"sshd\[\d+\]: error: kex_exchange_identification: Connection closed by remote host",
    rf"sshd\[\d+\]: Received disconnect {FROM}:11: (Bye Bye|Normal Shutdown, Thank you for playing) \[preauth\]",
    rf"sshd\[\d+\]: Disconnected from ({WHO})?{AT} \[preauth\]",
    rf"sudo: (?=.{{8,}}? : ) *{NAME} : (user NOT in sudoers ; |\d incorrect password attempts? ; )?{COMMAND}",
    rf"sudo: pam_unix\(sudo:session\): session opened for user root\(uid=0\) by {NAME}\(uid=\d+\)",
    r"sudo: pam_unix\(sudo:session\): session closed for user root",
    SUDO_FAILED,
    rf"CRON\[\d+\]: pam_unix\(cron:session\): session opened for user {NAME}\(uid=\d+\) by \(uid=0\)",
    rf"CRON\[\d+\]: pam_unix\(cron:session\): session closed for user {NAME}",
    rf"useradd\[\d+\]: new group: name={NAME}, GID=\d+",
    rf"useradd\[\d+\]: new user: name=({NAME}), UID=(\d+), GID=\2, home=/home/\1, shell=/bin/bash, from=(/dev/pts/\d|none)",
    rf"usermod\[\d+\]: add '{NAME}' to (shadow )?group 'sudo'",
    rf"passwd\[\d+\]: pam_unix\(passwd:chauthtok\): password changed for {NAME}",
))
HEADERS = {
    "rfc3164": re.compile(r"[A-Z][a-z]{2} ( [1-9]|[12]\d|3[01]) [0-2]\d:[0-5]\d:[0-5]\d [a-z0-9-]+ "),
    "rfc3339": re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}\+00:00 [a-z0-9-]+ "),
}


@cache
def source(form: str = "rfc3164") -> LinuxAuth:
    """The source under test."""
    return LinuxAuth(small_world(), Seed(3), form)


@cache
def shell() -> Table:
    """The story, and rows with every code."""
    return activity(small_world(), Seed(1), 2_000)["shell"]


def lines_of(table: Table, form: str = "rfc3164") -> list[str]:
    """Lines in write order."""
    made = source(form)
    records = made.observe({"shell": table})
    return made.template.texts(records.take(np.lexsort((records["id"], records["w"]))))


@pytest.mark.parametrize("form", LinuxAuth.formats)
def test_every_line_is_in_the_catalogue(form: str) -> None:
    for table in (shell(), stories.everything(small_world())["shell"]):
        for line in lines_of(table, form):
            header = HEADERS[form].match(line)
            assert header, line
            assert any(g.fullmatch(line[header.end():].removesuffix("\n")) for g in GRAMMAR), line


def test_a_single_digit_day_is_padded_with_a_space() -> None:
    early = shell().replace(t=shell()["t"] - 9 * DAY)
    assert all(line.startswith("Jan  3 ") for line in lines_of(early))


def test_years_come_from_a_time_nearby() -> None:
    made = source()
    made.near = START
    assert made.time_of_line("Dec 31 23:59:58 web01 sudo: x") == START - 11 * DAY - 2 * SECOND
    assert made.time_of_line("Jan  1 00:00:01 web01 sudo: x") == START - 11 * DAY + SECOND
    assert made.time_of_line("Feb 29 00:00:00 web01 sudo: x") > 0


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="fail2ban is not installed")
@pytest.mark.parametrize("form", LinuxAuth.formats)
def test_fail2ban_finds_exactly_the_failed_logins(form: str, tmp_path: Path) -> None:
    """Stock sshd filter: refused passwords, invalid users and too many tries are failures, refused keys are not."""
    table = shell().take(np.flatnonzero(shell()["method"] != 2))  # keyboard-interactive is counted twice by the filter
    op, method = table["op"], table["method"]
    refused = (op == code(SHELL_OPS, "failed_password")) & (method == 0)
    failures = refused | np.isin(op, [code(SHELL_OPS, "invalid_user"), code(SHELL_OPS, "max_tries")])
    lines = lines_of(table, form)
    log = tmp_path / "auth.log"
    log.write_text("".join(lines))
    done = subprocess.run(["fail2ban-regex", "--print-all-matched", str(log), "sshd"], capture_output=True, text=True,
                          check=True, timeout=120)
    counted = re.search(r"Lines: (\d+) lines, (\d+) ignored, (\d+) matched", done.stdout)
    assert counted, done.stdout
    assert int(counted[1]) == len(lines)
    assert int(counted[3]) == int(failures.sum())


def test_one_connection_one_pid_one_port() -> None:
    """All lines of a connection carry its pid, but for the child of the session; other connections carry others."""
    n = 400
    t = START + np.arange(n) * 9 * SECOND
    common = {"t": t, "start": t, "dur": 0, "client": 0xF1020304, "cport": 40_000 + np.arange(n), "host": 1, "name": 0,
              "conn": stories.ids("c", n), "method": 0, "user": -1}
    later = common | {"t": t + 3 * SECOND}
    first = rows("shell", n, id=stories.ids("a", n), op=code(SHELL_OPS, "pam_failure"), **common)
    last = rows("shell", n, id=stories.ids("b", n), op=code(SHELL_OPS, "closed_preauth"), **later)
    made = source()
    one, two = made.observe({"shell": first}), made.observe({"shell": last})
    assert one["pid"].tolist() == two["pid"].tolist()
    assert len(set(one["pid"].tolist())) == n
    steps = np.diff(one["pid"])
    assert (steps > 0).sum() >= n - 2, "process ids grow, but where they wrap"


def test_sessions_are_numbered_and_closed() -> None:
    """Login and logout agree on pid, session number and child, and numbers grow with time."""
    n = 50
    t = START + np.arange(n) * 600 * SECOND
    common = {"start": t, "dur": 0, "client": 0xF1020304, "cport": 40_000, "host": 0, "name": 0,
              "conn": stories.ids("s", n), "method": 1, "key": 5, "user": -1}
    enter = rows("shell", n, id=stories.ids("in", n), t=t, op=code(SHELL_OPS, "accepted"), **common)
    leave = rows("shell", n, id=stories.ids("out", n), t=t + 60 * SECOND, op=code(SHELL_OPS, "disconnect"), **common)
    text = "".join(lines_of(Table(enter.schema, 2 * n, **{c: np.concatenate([enter[c], leave[c]]) for c in enter})))
    begun, removed = re.findall(r"New session (\d+)", text), re.findall(r"Removed session (\d+)", text)
    assert begun == removed
    assert sorted(map(int, begun)) == list(map(int, begun)) or int(min(begun, key=int)) < 100
    opened = text.count("session opened for user") - text.count("systemd-user")
    assert opened == text.count("session closed for user") == n


def test_a_root_session_lasts_as_long_as_its_command() -> None:
    ran = np.array([0, 40_000, 1_500_000])
    table = rows("shell", 3, id=stories.ids("sudo", 3), t=START, dur=0, n=ran // 1000, op=code(SHELL_OPS, "sudo"),
                 host=0, name=0, command=0, conn=1, start=START)
    w = source().observe({"shell": table})["w"].reshape(3, 3)
    assert (w[1:, 2] - w[1:, 1]).tolist() == [40_000, 1_500_000]
    assert 20_000 <= w[0, 2] - w[0, 1] <= 20 * SECOND


def test_a_program_runs_its_commands_without_a_terminal() -> None:
    people, names = small_world().people, list(small_world().unix_names)
    who = [people.span("admin")[0], people.span("service")[0], -1]
    table = rows("shell", 3, id=stories.ids("tty", 3), t=START, dur=0, n=1, op=code(SHELL_OPS, "sudo"), host=0,
                 name=[0, 0, names.index("deploy")], command=0, conn=stories.ids("conn", 3), start=START, user=who)
    texts = source().template.texts(source().observe({"shell": table}))[::3]
    assert [re.findall(r"TTY=(pts|unknown)", text)[0] for text in texts] == ["pts", "unknown", "unknown"]


def test_jobs_of_one_minute_have_processes_of_their_own() -> None:
    """cron forks them all at once, whenever PAM opens their sessions."""
    t = START + np.array([1_000_000, 1_400_000, 1_900_000])
    table = rows("shell", 3, id=stories.ids("job", 3), t=t, dur=0, n=0, op=code(SHELL_OPS, "cron_open"), host=0,
                 name=[0, 1, 2], conn=stories.ids("conn", 3), start=t)
    pids = source().observe({"shell": table})["pid"]
    assert len(set(pids.tolist())) == 3 and pids.max() - pids.min() < 60
