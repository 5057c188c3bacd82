"""What messages of sshd, PAM, sudo, su, cron and the account tools say, as fields.

Sources: OpenSSH auth.c, packet.c and session.c; Linux-PAM pam_unix; sudo's logging; shadow-utils; cron's log_it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Reading = tuple[str, str]
"""A piece of text that the message must hold, and the pattern whose first group is the value."""

_TRIED = "(?:Failed|Accepted|Postponed|Partial)"
_LEFT = r"(?:Connection (?:closed|reset) by|Disconnect\w+(?: from)?)"
_ADDRESS = r"([\da-fA-F.:]{2,45})"

READINGS: Mapping[str, Sequence[Reading]] = {
    "user": (
        (" from ", rf"^{_TRIED} \S+ for (?:invalid user |illegal user )?(.*) from \S+ port "),
        ("Invalid user ", r"^Invalid user (.*) from \S+"),
        (" user ", rf"^{_LEFT} (?:authenticating |invalid )?user (.*) \S+ port "),
        (" exceeded for ", r" exceeded for (?:invalid user )?(.*) from \S+ port "),
        ("error: PAM: ", r" for (?:illegal user |invalid user )?(.*) from \S+"),
        ("session ", r"session (?:opened|closed) for user ([^\s(]+)"),
        (" user=", r" user=(\S+)"),
        (" of user ", r"^New session \S+ of user ([^\s.]+)"),
        (" COMMAND=", r"^\s*(\S+) : "),
        ("not in sudoers", r"^\s*(\S+) : "),
        ("new ", r"^new (?:user|group|account): (?:name|account)=([^,\s]+)"),
        ("password changed for ", r"password changed for (\S+)"),
        (" to group ", r"^add '([^']+)' to "),
        ("delete user ", r"^delete user '([^']+)'"),
        (") CMD (", r"^\(([^)]+)\) CMD"),
        ("uccessful su for ", r" for \S+ by (\S+)"),
        ("FAILED su for ", r" for \S+ by (\S+)"), ("FAILED SU ", r"^FAILED SU \(to \S+\) (\S+)"),
        ("su", r"^\(to \S+\) (\S+) on "),
    ),
    "target_user": (
        (" ; USER=", r" ; USER=(\S+)"), ("su for ", r"su for (\S+) by "), ("(to ", r"\(to ([^)\s]+)\)"),
        (" for user ", r"session opened for user ([^\s(]+)"),
    ),
    "src_ip": (
        (" from ", rf"^.* from {_ADDRESS}(?: port |:|$|\s)"),
        (" port ", rf"^.* {_ADDRESS} port \d+"),
        ("rhost=", rf"rhost={_ADDRESS}"),
    ),
    "src_port": ((" port ", r"^.* port (\d+)"),),
    "method": ((" for ", rf"^{_TRIED} (\S+) for "),),
    "ruser": (("ruser=", r"ruser=([^\s=]+)(?:\s|$)"), (" by ", r" by ([^\s(]+)\(uid=")),
    "rhost": (("rhost=", r"rhost=(\S+)"),),
    "logname": (("logname=", r"logname=(\S+)(?:\s|$)"),),
    "uid": (
        ("uid=", r"session opened for user [^\s(]+\(uid=(\d+)\)"), ("uid=", r" uid=(\d+)"), ("UID=", r"UID=(\d+)"),
    ),
    "gid": (("GID=", r"GID=(\d+)"),),
    "euid": (("euid=", r"euid=(\d+)"),),
    "tty": (("TTY=", r"TTY=(\S+)"), ("tty=", r"tty=(\S+)"), ("from=", r"from=(\S+)$")),
    "pwd": (("PWD=", r"PWD=(.*?) ; "),),
    "command": (("COMMAND=", r"COMMAND=(.*)$"), (") CMD (", r"\) CMD \((.*)\)$")),
    "home": (("home=", r"home=([^,\s]+)"),),
    "shell": (("shell=", r"shell=([^,\s]+)"),),
    "group": ((" group ", r" to (?:shadow )?group '([^']+)'"), ("new group", r"^new group: name=([^,\s]+)")),
    "session": (("session ", r"^(?:New session|Session) (\d+) "), ("Removed session", r"^Removed session (\d+)")),
    "pam_module": (("pam_", r"^(pam_\w+)\("),),
    "pam_service": (("pam_", r"^pam_\w+\(([\w-]+):"),),
    "key": (("SHA256:", r"(SHA256:\S+)"),),
    "attempts": (("incorrect password", r" (\d+) incorrect password"), ("more authentication", r"PAM (\d+) more")),
}
"""Field -> ways to find it, in order; the first that finds something decides.

Names are taken up to the last ``from``, addresses from there: who guesses names could write addresses into them.
"""

SAID = (
    ("Accepted ", "success"), ("Failed ", "failure"), ("authentication failure", "failure"),
    ("Invalid user ", "failure"), ("session opened", "success"), ("incorrect password", "failure"),
    ("NOT in sudoers", "failure"), ("maximum authentication attempts", "failure"), ("FAILED ", "failure"),
)
"""What stands in a message -> how the attempt ended."""


def reading(field: str, message: str) -> str:
    """SQL of one field's value in the column ``message``; NULL when it says none."""
    found = (f"nullif(regexp_extract({message}, {_text(pattern)}, 1), '')" for _, pattern in READINGS[field])
    ways = [f"CASE WHEN contains({message}, {_text(holds)}) THEN {sql} END"
            for (holds, _), sql in zip(READINGS[field], found, strict=True)]
    return f"coalesce({', '.join([*ways, 'NULL::VARCHAR'])})"


def outcome(message: str) -> str:
    """SQL of ``success``, ``failure`` or NULL."""
    cases = (f"WHEN contains({message}, {_text(part)}) THEN {_text(word)}" for part, word in SAID)
    return f"CASE {' '.join(cases)} END"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
