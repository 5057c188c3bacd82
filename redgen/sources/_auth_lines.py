"""The line catalogue of auth.log: exact texts of sshd, PAM, logind, systemd, sudo, cron and shadow, and their chains.

Sources: OpenSSH auth.c, packet.c (9.2: every line carries ``sshd[pid]``), Linux-PAM pam_unix (>= 1.4), sudo's logging.
Debian's defaults: ``UseDNS no``, so sshd looks up no client's name and logs addresses alone (and its hosts ask the
resolver for no PTR record per connection); ``LogLevel INFO``, so no ``Connection from``; ``by (uid=0)`` without a name.
"""

from __future__ import annotations

from redgen.clock import MILLISECOND, SECOND

_FROM = "from @{ip} port @{port}"
_PAM = "logname= uid=0 euid=0 tty=ssh ruser= rhost=@{ip} "
_KEY = "@{key_type} SHA256:@{key_42}@{key_43}"
_SSHD = "sshd[@{pid}]: "
_CHILD = "sshd[@{child}]: "
_LOGIND = "systemd-logind[@{logind}]: "
_ROOT = "TTY=@{tty} ; PWD=@{home} ; USER=root ; COMMAND=@{command}"

LINES = {
    "invalid_user": f"{_SSHD}Invalid user @{{name}} {_FROM}",
    "check_pass": f"{_SSHD}pam_unix(sshd:auth): check pass; user unknown",
    "pam_unknown": f"{_SSHD}pam_unix(sshd:auth): authentication failure; {_PAM}",
    "pam_failure": f"{_SSHD}pam_unix(sshd:auth): authentication failure; {_PAM} user=@{{name}}",
    "failed_password": f"{_SSHD}Failed password for @{{name}} {_FROM} ssh2",
    "failed_password_invalid": f"{_SSHD}Failed password for invalid user @{{name}} {_FROM} ssh2",
    "failed_key": f"{_SSHD}Failed publickey for @{{name}} {_FROM} ssh2: {_KEY}",
    "failed_key_invalid": f"{_SSHD}Failed publickey for invalid user @{{name}} {_FROM} ssh2: {_KEY}",
    "pam_error": f"{_SSHD}error: PAM: Authentication failure for @{{name}} from @{{ip}}",
    "pam_error_invalid": f"{_SSHD}error: PAM: User not known to the underlying authentication module for illegal user "
                         "@{name} from @{ip}",
    "failed_keyboard": f"{_SSHD}Failed keyboard-interactive/pam for @{{name}} {_FROM} ssh2",
    "failed_keyboard_invalid": f"{_SSHD}Failed keyboard-interactive/pam for invalid user @{{name}} {_FROM} ssh2",
    "accepted_password": f"{_SSHD}Accepted password for @{{name}} {_FROM} ssh2",
    "accepted_key": f"{_SSHD}Accepted publickey for @{{name}} {_FROM} ssh2: {_KEY}",
    "accepted_keyboard": f"{_SSHD}Accepted keyboard-interactive/pam for @{{name}} {_FROM} ssh2",
    "session_opened": f"{_SSHD}pam_unix(sshd:session): session opened for user @{{name}}(uid=@{{uid}}) by (uid=0)",
    "session_closed": f"{_SSHD}pam_unix(sshd:session): session closed for user @{{name}}",
    "new_session": f"{_LOGIND}New session @{{session}} of user @{{name}}.",
    "user_manager": "systemd[@{manager}]: pam_unix(systemd-user:session): session opened for user "
                    "@{name}(uid=@{uid}) by (uid=0)",
    "received_disconnect": f"{_CHILD}Received disconnect {_FROM}:11: disconnected by user",
    "disconnected_user": f"{_CHILD}Disconnected from user @{{name}} @{{ip}} port @{{port}}",
    "logged_out": f"{_LOGIND}Session @{{session}} logged out. Waiting for processes to exit.",
    "removed_session": f"{_LOGIND}Removed session @{{session}}.",
    "closed": f"{_SSHD}Connection closed by @{{ip}} port @{{port}}",
    "closed_unnamed": f"{_SSHD}Connection closed by @{{ip}} port @{{port}} [preauth]",
    "closed_user": f"{_SSHD}Connection closed by authenticating user @{{name}} @{{ip}} port @{{port}} [preauth]",
    "closed_invalid": f"{_SSHD}Connection closed by invalid user @{{name}} @{{ip}} port @{{port}} [preauth]",
    "max_tries": f"{_SSHD}error: maximum authentication attempts exceeded for @{{name}} {_FROM} ssh2 [preauth]",
    "max_tries_invalid": f"{_SSHD}error: maximum authentication attempts exceeded for invalid user @{{name}} {_FROM} "
                         "ssh2 [preauth]",
    "disconnecting": f"{_SSHD}Disconnecting authenticating user @{{name}} @{{ip}} port @{{port}}: "
                     "Too many authentication failures [preauth]",
    "disconnecting_invalid": f"{_SSHD}Disconnecting invalid user @{{name}} @{{ip}} port @{{port}}: "
                             "Too many authentication failures [preauth]",
    "pam_more": f"{_SSHD}PAM @{{more}} more authentication failures; {_PAM} user=@{{name}}",
    "pam_one_more": f"{_SSHD}PAM 1 more authentication failure; {_PAM} user=@{{name}}",
    "pam_more_unknown": f"{_SSHD}PAM @{{more}} more authentication failures; {_PAM}",
    "pam_one_more_unknown": f"{_SSHD}PAM 1 more authentication failure; {_PAM}",
    "pam_retries": f"{_SSHD}PAM service(sshd) ignoring max retries; @{{n}} > 3",
    "no_ident": f"{_SSHD}error: kex_exchange_identification: Connection closed by remote host",
    "bye": f"{_SSHD}Received disconnect {_FROM}:11: @{{bye}} [preauth]",
    "disconnected_unnamed": f"{_SSHD}Disconnected from @{{ip}} port @{{port}} [preauth]",
    "disconnected_authenticating": f"{_SSHD}Disconnected from authenticating user @{{name}} @{{ip}} port @{{port}} "
                                   "[preauth]",
    "disconnected_invalid": f"{_SSHD}Disconnected from invalid user @{{name}} @{{ip}} port @{{port}} [preauth]",
    "sudo": f"sudo: @{{name8}} : {_ROOT}",
    "sudo_opened": "sudo: pam_unix(sudo:session): session opened for user root(uid=0) by @{name}(uid=@{uid})",
    "sudo_closed": "sudo: pam_unix(sudo:session): session closed for user root",
    "sudo_not_sudoer": f"sudo: @{{name8}} : user NOT in sudoers ; {_ROOT}",
    "sudo_pam": "sudo: pam_unix(sudo:auth): authentication failure; logname=@{name} uid=@{uid} euid=0 tty=@{tty_path} "
                "ruser=@{name} rhost=  user=@{name}",
    "sudo_incorrect": f"sudo: @{{name8}} : @{{n}} incorrect password attempt@{{plural}} ; {_ROOT}",
    "cron_opened": "CRON[@{pid}]: pam_unix(cron:session): session opened for user @{name}(uid=@{uid}) by (uid=0)",
    "cron_closed": "CRON[@{pid}]: pam_unix(cron:session): session closed for user @{name}",
    "useradd_group": "useradd[@{tool}]: new group: name=@{name}, GID=@{uid}",
    "useradd_user": "useradd[@{tool}]: new user: name=@{name}, UID=@{uid}, GID=@{uid}, home=/home/@{name}, "
                    "shell=/bin/bash, from=@{tty_from}",
    "usermod_group": "usermod[@{tool}]: add '@{name}' to group 'sudo'",
    "usermod_shadow": "usermod[@{tool}]: add '@{name}' to shadow group 'sudo'",
    "passwd": "passwd[@{tool}]: pam_unix(passwd:chauthtok): password changed for @{name}",
}
"""Every line there is, after the time and the host."""

_SOON = (30, 3 * MILLISECOND)
_LOGIND_TIME = (4 * MILLISECOND, 90 * MILLISECOND)
_AT_ONCE = (0, 0)

Chain = tuple[tuple[str, tuple[int, int]], ...]
"""Lines in order, each with the least and the most microseconds after the one before."""


def _chain(*steps: str | tuple[str, tuple[int, int]]) -> Chain:
    named = [(step, _SOON) if isinstance(step, str) else step for step in steps]
    return ((named[0][0], _AT_ONCE), *named[1:])


_IN = ("session_opened", ("new_session", _LOGIND_TIME))
_MANAGER = ("user_manager", _LOGIND_TIME)

CHAINS: dict[str, Chain] = {
    "invalid_user": _chain("invalid_user", "check_pass", "pam_unknown"),
    "pam_failure": _chain("pam_failure"),
    "pam_failure invalid": _chain("check_pass", "pam_unknown"),
    "failed_password": _chain("failed_password"),
    "failed_password invalid": _chain("failed_password_invalid"),
    "failed_key": _chain("failed_key"),
    "failed_key invalid": _chain("failed_key_invalid"),
    "failed_keyboard": _chain("pam_error", "failed_keyboard"),
    "failed_keyboard invalid": _chain("pam_error_invalid", "failed_keyboard_invalid"),
    "accepted_password": _chain("accepted_password", *_IN),
    "accepted_key": _chain("accepted_key", *_IN),
    "accepted_keyboard": _chain("accepted_keyboard", *_IN),
    "accepted_password first": _chain("accepted_password", *_IN, _MANAGER),
    "accepted_key first": _chain("accepted_key", *_IN, _MANAGER),
    "accepted_keyboard first": _chain("accepted_keyboard", *_IN, _MANAGER),
    "disconnect": _chain("received_disconnect", "disconnected_user", "session_closed", ("logged_out", _LOGIND_TIME),
                         "removed_session"),
    "closed_preauth": _chain("closed_user"),
    "closed_preauth invalid": _chain("closed_invalid"),
    "closed_preauth unnamed": _chain("closed_unnamed"),
    "max_tries": _chain("max_tries", "disconnecting", "pam_more", "pam_retries"),
    "max_tries invalid": _chain("max_tries_invalid", "disconnecting_invalid", "pam_more_unknown", "pam_retries"),
    "max_tries few": _chain("max_tries", "disconnecting", "pam_more"),
    "max_tries few invalid": _chain("max_tries_invalid", "disconnecting_invalid", "pam_more_unknown"),
    "no_ident": _chain("no_ident", "closed"),
    "sudo": _chain("sudo", "sudo_opened", ("sudo_closed", (20 * MILLISECOND, 20 * SECOND))),
    "sudo_denied": _chain("sudo_not_sudoer"),
    "sudo_denied tried": _chain("sudo_pam", ("sudo_incorrect", (4 * SECOND, 9 * SECOND))),
    "cron_open": _chain("cron_opened"),
    "cron_close": _chain("cron_closed"),
    "useradd": _chain("useradd_group", "useradd_user"),
    "usermod_sudo": _chain("usermod_group", "usermod_shadow"),
    "passwd_changed": _chain("passwd"),
    "pam_more_failures": _chain("pam_more"),
    "pam_more_failures one": _chain("pam_one_more"),
    "pam_more_failures invalid": _chain("pam_more_unknown"),
    "pam_more_failures one invalid": _chain("pam_one_more_unknown"),
    "disconnect_preauth": _chain("bye", "disconnected_authenticating"),
    "disconnect_preauth invalid": _chain("bye", "disconnected_invalid"),
    "disconnect_preauth unnamed": _chain("bye", "disconnected_unnamed"),
}
"""What one row writes, by its op and what is particular about it."""

LONGEST = max(sum(most for _, (_, most) in chain) for chain in CHAINS.values())
"""The last line of a chain is at most this many microseconds after the first."""
