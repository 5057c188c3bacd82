"""One way to call every action, as a playbook would write it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Example(NamedTuple):
    """Roles and settings."""

    roles: dict[str, Any]
    settings: dict[str, Any]


_EXITS = {"kind": "address", "network": "residential_proxy", "agent": {"browser": 0.7, "library": 0.3}, "count": 40}
_DESK = {"kind": "address", "network": "vpn", "agent": "desktop"}
_TOOL = {"kind": "address", "network": "hosting", "agent": "aws_cli"}
_LEAKED = {"kind": "principal", "where": {"type": "IAMUser", "key": True}}
_SHOP = {"kind": "site", "where": {"name": "www.lumenshop.example"}}

EXAMPLES: dict[str, Example] = {
    "login_attempts": Example(
        {"list": {"kind": "customer", "where": {"breached": True}, "count": 150}, "exits": _EXITS},
        {"targets": "list", "source": "exits", "pace": 2, "success": 0.05, "unknown": 0.4, "passwords": 2,
         "client": "browser", "loads": {"shop.favicon": 0.2}},
    ),
    "browse": Example(
        {"who": {"kind": "customer", "count": 8}, "from": _DESK},
        {"who": "who", "source": "from", "sign_in": True, "does": "change_email", "loads": {"shop.favicon": 0.5},
         "routes": ["shop.account", "shop.orders", "shop.email_change", "shop.account"]},
    ),
    "api_enumerate": Example(
        {"token": {"kind": "customer"}, "exits": _EXITS},
        {"token": "token", "source": "exits", "route": "api.order", "count": 300, "detail": "api.invoice",
         "detail_share": 0.1, "hardens": 0.2, "batch": 60, "rest": "2m", "revoke": True},
    ),
    "web_scan": Example(
        {"site": _SHOP, "from": {"kind": "address", "network": "hosting", "agent": "scanner"}},
        {"site": "site", "source": "from", "count": 300},
    ),
    "http_flood": Example(
        {"site": _SHOP, "bots": {**_EXITS, "count": 200}},
        {"site": "site", "bots": "bots", "routes": {"shop.home": 0.6, "shop.search": 0.4}, "rate": 60, "lasting": "90s",
         "capacity": 40, "pulses": 2, "pause": "70s", "bust": 0.5},
    ),
    "idp_login": Example(
        {"staff": {"kind": "employee", "count": 10}},
        {"who": "staff", "source": "staff", "via": "usual", "within": "1h", "wrong": {"uniform": [0, 6]}, "knows": 0.8,
         "apps": 3, "expired": 0.3},
    ),
    "push_bomb": Example(
        {"victim": {"kind": "employee", "where": {"factor": "push"}}, "from": _DESK},
        {"victim": "victim", "source": "from", "prompts": 9, "accepts": 0.02, "denies": 0.4, "reports": 0.3},
    ),
    "idp_act": Example(
        {"actor": {"kind": "admin"}, "target": {"kind": "employee"}, "from": _DESK},
        {"actor": "actor", "source": "from", "target": "target", "locks_out": "2h",
         "acts": ["admin_app", "factor_reset_all", "reset_password", "privilege_grant", "api_token_create", "sso",
                  "session_end"]},
    ),
    "cloud_calls": Example(
        {"who": _LEAKED, "from": _TOOL},
        {"who": "who", "source": "from", "ops": ["sts:GetCallerIdentity", "iam:ListUsers", "s3:ListBuckets"],
         "sweep": ["s3:GetBucketAcl"], "repeat": 2, "reads": 0.5},
    ),
    "cloud_persist": Example({"who": _LEAKED, "from": _TOOL}, {"who": "who", "source": "from", "way": "new_user"}),
    "cloud_assume": Example({"who": _LEAKED, "from": _TOOL}, {"who": "who", "source": "from", "lets_in": 0.9}),
    "cloud_console": Example(
        {"who": _LEAKED, "from": _DESK},
        {"who": "who", "source": "from", "wrong": 1, "ops": ["iam:ListUsers", "s3:ListBuckets"]},
    ),
    "cloud_exfiltrate": Example(
        {"who": _LEAKED, "from": _TOOL},
        {"who": "who", "source": "from", "stores": 2, "count": 120, "denied": 0.1},
    ),
    "ssh_attempts": Example(
        {"hosts": {"kind": "host", "where": {"exposed": True}, "count": 3}, "swarm": {"kind": "address", "count": 60},
         "accounts": {"kind": "employee", "where": {"unix": True}}},
        {"hosts": "hosts", "source": "swarm", "accounts": "accounts", "count": 400, "success": 1.0, "silent": 0.05,
         "per_connection": {"categorical": {1: 0.5, 6: 0.5}}},
    ),
    "ssh_session": Example(
        {"host": {"kind": "host", "where": {"exposed": True}}, "from": _DESK,
         "account": {"kind": "employee", "where": {"unix": True}}},
        {"host": "host", "account": "account", "source": "from", "sessions": 2, "within": "1h", "adds_account": True,
         "choice": "unusual"},
    ),
    "beacon": Example(
        {"host": {"kind": "host"}, "home": {"kind": "address"}},
        {"host": "host", "channel": "https", "server": "home", "lasting": "4h", "volume": 900, "job": True},
    ),
    "wait": Example(
        {"clock": {"kind": "employee"}}, {"lasting": "1h", "clock": "clock", "from_hour": 23, "to_hour": 29}
    ),
}
