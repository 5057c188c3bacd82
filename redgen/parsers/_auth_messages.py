"""What messages of sshd, PAM, sudo, su, cron and the account tools say, as fields.

Sources: OpenSSH auth.c, packet.c and session.c; Linux-PAM pam_unix; sudo's logging; shadow-utils; cron's log_it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One way to find a value: when the message holds a text, the pattern's one group in a piece of the message.

    ``holds``: one text or several of which one will do, after ``^`` at the start. ``piece``: see ``PIECES``.
    """

    holds: str | tuple[str, ...]
    pattern: str
    piece: str = "all"

    def sql(self, message: str) -> str:
        """A branch of a CASE over the column ``message``."""
        every = (self.holds,) if isinstance(self.holds, str) else self.holds
        tests = (f"starts_with({message}, {_text(t[1:])})" if t[0] == "^" else f"contains({message}, {_text(t)})"
                 for t in every)
        piece = PIECES[self.piece].replace("?", message)
        return f"WHEN {' OR '.join(tests)} THEN nullif(regexp_extract({piece}, {_text(self.pattern)}, 1), '')"


PIECES = {
    "all": "?",
    "after user": "split_part(?, ' for user ', 2)",
    "after from": "split_part(?, ' from ', -1)",
    "before from": "left(?, length(?) - length(split_part(?, ' from ', -1)) - 6)",
    "after port": "split_part(?, ' port ', -1)",
    "before port": "left(?, length(?) - length(split_part(?, ' port ', -1)) - 6)",
}
"""Pieces of a message, cut at the last such word: who guesses names could write ``from`` and addresses into them."""

_TRIED = ("^Failed ", "^Accepted ", "^Postponed ", "^Partial ")
_LEFT = ("^Connection ", "^Disconnect")
_ADDRESS = r"([\da-fA-F.:]+)"
_NEW = r"^new (?:user|group|account): (?:name|account)=([^,\s]+)"

READINGS: Mapping[str, Sequence[Reading]] = {
    "user": (
        Reading(_TRIED, r" for (?:invalid user |illegal user )?(.*)$", "before from"),
        Reading((" opened for user ", " closed for user "), r"^([^\s(]+)", "after user"),
        Reading(" user=", r" user=(\S+)"),
        Reading("^Invalid user ", r"^Invalid user (.*)$", "before from"),
        Reading(_LEFT, r"(?: by| from|ing) (?:(?:authenticating|invalid) )?user (.*) \S+$", "before port"),
        Reading(" exceeded for ", r" exceeded for (?:invalid user )?(.*)$", "before from"),
        Reading("^error: PAM: ", r" for (?:illegal user |invalid user )?(.*)$", "before from"),
        Reading("^New session ", r"^New session \S+ of user ([^\s.]+)"),
        Reading((" COMMAND=", "NOT in sudoers"), r"^\s*(\S+) : "),
        Reading("^new ", _NEW),
        Reading("^add '", r"^add '([^']+)' to "),
        Reading("^delete user ", r"^delete user '([^']+)'"),
        Reading(") CMD (", r"^\(([^)]+)\) CMD"),
        Reading(("^Successful su for ", "^FAILED su for "), r" for \S+ by (\S+)"),
        Reading("^FAILED SU ", r"^FAILED SU \(to \S+\) (\S+)"),
        Reading("^(to ", r"^\(to \S+\) (\S+) on "),
        Reading("password changed for ", r"password changed for (\S+)"),
    ),
    "target_user": (
        Reading(" ; USER=", r" ; USER=(\S+)"), Reading("su for ", r"su for (\S+) by "),
        Reading("(to ", r"\(to ([^)\s]+)\)"),
        Reading(" opened for user ", r"^([^\s(]+)", "after user"),
    ),
    "src_ip": (
        Reading("rhost=", rf"rhost={_ADDRESS}"), Reading(_LEFT, rf" {_ADDRESS}$", "before port"),
        Reading(" from ", rf"^{_ADDRESS}(?: port |:|$|\s)", "after from"),
    ),
    "src_port": (Reading(" port ", r"^(\d+)", "after port"),),
    "method": (Reading(_TRIED, r"^\w+ (\S+) for "),),
    "ruser": (Reading("ruser=", r"ruser=([^\s=]+)(?:\s|$)"), Reading(" by ", r" by ([^\s(]+)\(uid=")),
    "rhost": (Reading("rhost=", r"rhost=(\S+)"),),
    "logname": (Reading("logname=", r"logname=(\S+)(?:\s|$)"),),
    "uid": (
        Reading(" opened for user ", r"^[^\s(]+\(uid=(\d+)\)", "after user"),
        Reading(" uid=", r" uid=(\d+)"), Reading("UID=", r"UID=(\d+)"),
    ),
    "gid": (Reading("GID=", r"GID=(\d+)"),),
    "euid": (Reading("euid=", r"euid=(\d+)"),),
    "tty": (Reading("TTY=", r"TTY=(\S+)"), Reading("tty=", r"tty=(\S+)"), Reading("from=", r"from=(\S+)$")),
    "pwd": (Reading("PWD=", r"PWD=(.*?) ; "),),
    "command": (Reading("COMMAND=", r"COMMAND=(.*)$"), Reading(") CMD (", r"\) CMD \((.*)\)$")),
    "home": (Reading("home=", r"home=([^,\s]+)"),),
    "shell": (Reading("shell=", r"shell=([^,\s]+)"),),
    "group": (
        Reading("^new group", r"^new group: name=([^,\s]+)"), Reading(" group ", r" to (?:shadow )?group '([^']+)'"),
    ),
    "session": (
        Reading(("^New session ", "^Session "), r"ession (\d+) "),
        Reading("^Removed session ", r"^Removed session (\d+)"),
    ),
    "pam_module": (Reading("^pam_", r"^(pam_\w+)\("),),
    "pam_service": (Reading("^pam_", r"^pam_\w+\(([\w-]+):"),),
    "key": (Reading("SHA256:", r"(SHA256:\S+)"),),
    "attempts": (Reading("incorrect password", r" (\d+) incorrect password"), Reading("^PAM ", r"^PAM (\d+) more")),
}
"""Field -> ways to find it: the first whose text the message holds decides."""

SAID = (
    ("Accepted ", "success"), ("Failed ", "failure"), ("authentication failure", "failure"),
    ("Invalid user ", "failure"), ("session opened", "success"), ("incorrect password", "failure"),
    ("NOT in sudoers", "failure"), ("maximum authentication attempts", "failure"), ("FAILED ", "failure"),
)
"""What stands in a message -> how the attempt ended."""


def reading(field: str, message: str) -> str:
    """SQL of one field's value in the column ``message``; NULL when it says none."""
    return f"CASE {' '.join(way.sql(message) for way in READINGS[field])} END"


def outcome(message: str) -> str:
    """SQL of ``success``, ``failure`` or NULL."""
    cases = (f"WHEN contains({message}, {_text(part)}) THEN {_text(word)}" for part, word in SAID)
    return f"CASE {' '.join(cases)} END"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
