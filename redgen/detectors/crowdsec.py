"""CrowdSec on sshd and nginx logs: its parsers and scenarios as installed, in a configuration and database of our own.

The engine runs in time-machine mode beside a local API of its own on the loopback interface; nothing is read from or
told to its central API, no notification is sent, and the system's configuration is only copied from. It whitelists
private addresses, and knows neither JSON access logs nor logs without a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from redgen.alert import TESTED, UNSUPPORTED, Alerts, Detection, Diagnostic, RuleReport, alerts_of
from redgen.detector import Events
from redgen.detectors._configured import Configured, detected, failed, seconds
from redgen.detectors._crowdsec_run import Engine
from redgen.detectors._ordered import AUTH, WEB, copied, files_of
from redgen.detectors._process import tool
from redgen.errors import DataError, RedgenError
from redgen.reader import merged, read_alerts

INSTALL = "apt-get install crowdsec (offline: put a comment line into /etc/crowdsec/online_api_credentials.yaml first)"
TYPES: Mapping[str, str] = {AUTH: "syslog", WEB: "nginx"}
"""What CrowdSec calls the logs it is given."""


class CrowdSec(Configured):
    """CrowdSec's scenarios."""

    name = "crowdsec"
    title = "CrowdSec scenarios (sshd, nginx)"
    options: ClassVar = {"config": "its configuration directory (default: /etc/crowdsec)",
                         "timeout": "how long one kind of log may take (default: 30m)"}

    def __init__(self, config: Path = Path("/etc/crowdsec"), timeout: float = 1800.0) -> None:
        self.config, self.timeout = config, timeout

    @classmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> CrowdSec:
        """CrowdSec with options; it takes no argument."""
        if argument:
            raise DataError(f"crowdsec:{argument}: it takes no argument; write crowdsec[config=DIR]")
        return cls(Path(options.get("config", "/etc/crowdsec")), seconds(options.get("timeout", "30m"), "timeout"))

    def detect(self, events: Events) -> Detection:
        """Alerts of all scenarios on the logs that CrowdSec can read."""
        chosen = {kind: files_of(events, kind) for kind in TYPES}
        with TemporaryDirectory(prefix="redgen-") as folder:
            try:
                programs = {name: tool(name, INSTALL) for name in ("crowdsec", "cscli")}
                engine = Engine(programs, self.config, Path(folder), self.timeout)
                rules = engine.rules()
                if not any(chosen.values()):
                    return Detection(self.name, alerts_of({}), tuple(
                        replace(rule, status=UNSUPPORTED, reason="no auth log, no access log in combined format")
                        for rule in rules))
                parts, notes = [], list[Diagnostic]()
                for kind, files in chosen.items():
                    if files:
                        copy = copied(files, kind, events.year_from, Path(folder) / f"{kind}.log")
                        if copy.dropped:
                            notes.append(Diagnostic("UNDATED_LINE", f"{files[0].name}…: lines without a time were left "
                                                    "out", copy.dropped))
                        parts.append(_read(engine.alerts(copy.path, TYPES[kind]), kind))
            except RedgenError as error:
                return failed(self.name, str(error))
        found = detected(self.name, merged(parts), events)
        sources = tuple(sorted({f.source or f.name for files in chosen.values() for f in files}))
        return replace(found, rules=_with(rules, found.rules, sources), diagnostics=tuple(notes))


def _read(file: Path, kind: str) -> Alerts:
    """The alerts in what cscli printed (``null`` when there are none)."""
    if file.read_text(encoding="utf-8").strip() in {"null", "[]", ""}:
        return alerts_of({})
    return read_alerts(file, "crowdsec", name=f"{kind}.json")


def _with(rules: Sequence[RuleReport], raised: Sequence[RuleReport], sources: tuple[str, ...],
          ) -> tuple[RuleReport, ...]:
    """Every installed scenario as tested on some sources, and those that alerts name beyond them."""
    known = {rule.rule_id for rule in rules}
    return (*(replace(rule, status=TESTED, sources=sources) for rule in rules),
            *(rule for rule in raised if rule.rule_id not in known))


DETECTOR = CrowdSec
