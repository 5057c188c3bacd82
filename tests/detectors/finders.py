"""Functions that tests name as detectors."""

from __future__ import annotations

from typing import Any


def not_found(logs: dict[str, Any]) -> Any:
    """Rows of a log, as they are."""
    web = logs["nginx_access"]
    return web[web["status"] == "404"].assign(rule_id="missing-page", ip=web["remote_addr"])


def guesses(logs: dict[str, Any]) -> list[dict[str, Any]]:
    """One alert an address."""
    auth = logs["linux_auth"]
    failures = auth[auth["message"].str.startswith("Failed password")]
    return [{"rule_id": "guesses", "rule_title": "Password guessing", "level": "high", "ts": rows["_ts"].max(),
             "first_ts": rows["_ts"].min(), "last_ts": rows["_ts"].max(), "entities": {"ip": [ip]}, "fires": len(rows),
             "events": [{"file": f, "line": n} for f, n in zip(rows["_file"], rows["_line"], strict=True)]}
            for ip, rows in failures.groupby("src_ip")]


guesses.fields = {"linux_auth": ["message", "src_ip"]}


def columns(logs: dict[str, Any]) -> list[dict[str, Any]]:
    """What a function is given, told through its alerts."""
    return [{"rule_id": f"{name}: {' '.join(frame.columns)}", "ts": 0} for name, frame in logs.items()]


def nothing(logs: dict[str, Any]) -> None:
    """Forgets to return."""


def broken(logs: dict[str, Any]) -> Any:
    """Asks for a column that is not there."""
    return logs["nginx_access"]["no_such_column"]


def timeless(logs: dict[str, Any]) -> list[dict[str, Any]]:
    """An alert without a time."""
    return [{"rule_id": "x"}]


number = 7
