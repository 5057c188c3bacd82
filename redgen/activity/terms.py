"""The closed word lists that activity columns point into; a code is the position in its tuple."""

from __future__ import annotations

METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
HTTP_VERSIONS = ("HTTP/1.1", "HTTP/2.0", "HTTP/1.0", "HTTP/3.0")
TRANSPORTS = ("tcp", "udp", "icmp")

ORGS = ("customers", "workforce")
"""IdP tenants: customers sign in through the shop (Classic engine), employees at the dashboard (OIE)."""

AUTH_OPS = (
    "password",             # a password was checked: result ok, bad_password, unknown_user, locked, expired
    "push_sent",            # a push notification went out
    "push_answer",          # it was approved, denied or timed out
    "factor_check",         # a one-time code or a key was checked
    "session_start", "session_end",
    "sso",                  # the session opened an app
    "lock", "unlock",
    "reset_password",       # self-service, or by an administrator (target)
    "change_password",
    "factor_activate", "factor_deactivate", "factor_reset_all",
    "change_email",         # profile update
    "token_refresh",
    "api_token_create",
    "admin_app",            # the administrator console was opened
    "privilege_grant",
    "report_suspicious",
    "policy_deny",          # sign-on policy evaluated to DENY
    "identify",             # a login was typed, before any password (workforce only)
)
AUTH_RESULTS = ("ok", "bad_password", "unknown_user", "locked", "denied", "timeout", "expired", "rate_limited")
FACTORS = ("password", "push", "webauthn", "totp", "sms", "email", "fastpass")
NOVELTY = ("new_ip", "new_device", "new_city", "new_state", "new_country", "new_geo", "velocity")
"""Bit k of ``novelty`` is the k-th word."""
RISKS = ("low", "medium", "high")

CLOUD_ERRORS = (
    "AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException", "NoSuchEntityException",
    "ResourceNotFoundException", "NoSuchBucketPolicy", "EntityAlreadyExistsException", "Failed authentication",
    "InvalidClientTokenId", "NoSuchKey",
)

SHELL_OPS = (
    "invalid_user",         # Invalid user NAME from … + its two PAM lines
    "pam_failure",          # pam_unix(sshd:auth): authentication failure, known user
    "failed_password",
    "accepted",             # Accepted METHOD + PAM session opened + logind new session
    "disconnect",           # by the user: disconnect, disconnected, session closed, logind removed
    "closed_preauth",       # Connection closed by [invalid|authenticating] user … [preauth]
    "max_tries",            # maximum authentication attempts exceeded … and what follows
    "no_ident",             # kex_exchange_identification: Connection closed by remote host
    "sudo", "sudo_denied",
    "cron_open", "cron_close",
    "useradd", "usermod_sudo", "passwd_changed",
    "pam_more_failures",    # PAM n more authentication failures
    "disconnect_preauth",   # Received disconnect … 11: Bye Bye [preauth] + Disconnected from …
)
SSH_METHODS = ("password", "publickey", "keyboard-interactive/pam")

QTYPES = ("A", "AAAA", "PTR", "TXT", "MX", "HTTPS", "SRV", "CNAME", "NS", "SOA")
RCODES = ("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED")
SERVICES = ("http", "ssl", "ssh", "dns", "ntp", "quic,ssl")
CONN_STATES = ("SF", "S0", "REJ", "S1", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH")


def code(words: tuple[str, ...], word: str) -> int:
    """The code of ``word`` in its list."""
    return words.index(word)
