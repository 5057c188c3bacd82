"""What log source a file is of, when nobody said: by its format, and by keys that only one product's records have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

BY_FORMAT: Mapping[str, Mapping[str, str]] = {
    "nginx_combined": {"category": "webserver"},
    "syslog_auth": {"product": "linux", "service": "auth"},
    "cloudtrail_envelope": {"product": "aws", "service": "cloudtrail"}}

BY_KEYS: tuple[tuple[frozenset[str], Mapping[str, str]], ...] = (
    (frozenset({"eventSource", "eventName", "userIdentity"}), {"product": "aws", "service": "cloudtrail"}),
    (frozenset({"eventType", "published", "actor", "client"}), {"product": "okta", "service": "okta"}))

_ZEEK = re.compile(r"^#path\t(\w+)", re.MULTILINE)


def logsource_of(parser: str, head: str) -> Mapping[str, str]:
    r"""Sigma's keys for a file beginning with ``head`` that ``parser`` reads; empty when it could be anybody's.

    >>> logsource_of("zeek_tsv", "#separator x\n#path\tdns\n")
    {'product': 'zeek', 'service': 'dns'}
    """
    if parser == "zeek_tsv":
        path = _ZEEK.search(head)
        return {"product": "zeek", "service": path[1]} if path else {"product": "zeek"}
    if parser == "ndjson":
        return next((source for keys in _keys(head) for needed, source in BY_KEYS if needed <= keys), {})
    return BY_FORMAT.get(parser, {})


def _keys(head: str) -> Iterator[frozenset[str]]:
    """The keys of each of the first records."""
    for line in head.splitlines()[:20]:
        if line.startswith("{"):
            try:
                yield frozenset(json.loads(line))
            except ValueError:
                return
