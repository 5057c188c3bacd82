"""Alerts in normal form: what any detector said, as columns, whatever product's words it came in.

An ``Alerts`` is three frames that a scorer can join: the alerts, the events they name, the entities they name. Times
are integers of UTC microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LEVELS: Mapping[str, int] = {"informational": 10, "low": 30, "medium": 50, "high": 75, "critical": 95}
"""Sigma's levels as severities of 0 to 100; between them a severity belongs to the level below it."""

ENTITIES = ("ip", "user", "host", "ua", "account", "principal", "session", "domain", "site", "key")
"""The types of entity that truth and alerts name; readers map their product's words to these, or keep their own."""

ALERT_COLUMNS: Mapping[str, str] = {
    "alert_id": "string", "rule_id": "string", "rule_name": "string", "severity": "int64",
    "t_alert": "int64", "t_first": "int64", "t_last": "int64", "n_events": "int64", "raw_ref": "string"}
"""``n_events``: how many events it stands for (0: unknown); ``raw_ref``: ``file:line`` of the alert itself."""

EVENT_COLUMNS: Mapping[str, str] = {
    "alert": "int64", "event_id": "string", "file": "string", "line": "int64", "digest": "string"}
"""``alert``: row number in the alerts' frame. ``file`` as labels name it, or a bare file name; ``line`` from 1, 0 when
unknown; ``digest``: BLAKE2b-128 hex of the raw line (see ``digest_of``), empty when not given."""

ENTITY_COLUMNS: Mapping[str, str] = {"alert": "int64", "type": "string", "value": "string"}

CLOCKS = ("event", "arrival", "batch")
"""What an alert's time means: the time of the events, the time they arrived, or no more than when the engine ran."""


@dataclass(frozen=True)
class Diagnostic:
    """Something a user must know about a run that is not a result: how often, and what it means.

    ``code`` is a constant such as ``DUPLICATE_ALERT``; ``level`` is ``info``, ``warning`` or ``error``.
    """

    code: str
    message: str
    count: int = 1
    level: str = "warning"


@dataclass(frozen=True)
class Alerts:
    """What detectors said. ``frame``, ``events`` and ``entities`` have the columns of the constants above."""

    frame: pd.DataFrame
    events: pd.DataFrame
    entities: pd.DataFrame
    clock: str = "event"
    diagnostics: tuple[Diagnostic, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)


TESTED, UNSUPPORTED, FIELD_GAP, PLACEHOLDER, BROKEN = (
    "tested", "UNSUPPORTED_LOGSOURCE", "FIELD_GAP", "UNRESOLVED_PLACEHOLDER", "ERROR")
"""What became of a rule: "no alerts" is only said of a rule that was tested."""


@dataclass(frozen=True)
class RuleReport:
    """One rule and what became of it.

    ``span`` is its window in µs (0: none); ``sources`` the log sources it was run on; ``missing`` the fields that
    none of them has; ``reason`` one sentence when it was not tested.
    """

    rule_id: str
    title: str
    level: str = "medium"
    status: str = TESTED
    reason: str = ""
    file: str = ""
    line: int = 0
    tags: tuple[str, ...] = ()
    logsource: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    span: int = 0
    correlation: bool = False
    feeds: bool = False
    """Whether it raises no alert of its own and only feeds a correlation."""
    tuned_on: tuple[str, ...] = ()
    """Seeds or dataset digests on which it was tuned (Sigma custom key ``redgen.tuned_on``)."""


@dataclass(frozen=True)
class Detection:
    """What one detector made of a dataset: its alerts, its rules, and what failed (empty: nothing)."""

    detector: str
    alerts: Alerts
    rules: tuple[RuleReport, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: str = ""


def digest_of(line: bytes) -> str:
    r"""The digest by which an alert may name a raw line: BLAKE2b-128 of it without its line end, in hex.

    >>> digest_of(b"x\n") == digest_of(b"x")
    True
    """
    import hashlib

    return hashlib.blake2b(line.rstrip(b"\r\n"), digest_size=16).hexdigest()


def level_of(severity: int) -> str:
    """Sigma's word for a severity of 0 to 100.

    >>> level_of(75), level_of(60), level_of(0)
    ('high', 'medium', 'informational')
    """
    return next((name for name, least in reversed(tuple(LEVELS.items())) if severity >= least), "informational")


def alerts_of(frame: Mapping[str, Sequence[Any]], events: Mapping[str, Sequence[Any]] | None = None,
              entities: Mapping[str, Sequence[Any]] | None = None, clock: str = "event",
              diagnostics: tuple[Diagnostic, ...] = ()) -> Alerts:
    """Alerts from columns: types are set, columns left out are blank (``t_first`` and ``t_last`` are then ``t_alert``).

    >>> made = alerts_of({"rule_id": ["r"], "t_alert": [5]})
    >>> made.frame[["alert_id", "rule_name", "severity", "t_last"]].to_dict("records")
    [{'alert_id': 'A-1', 'rule_name': 'r', 'severity': 50, 't_last': 5}]
    """
    columns = dict(frame)
    n = max((len(v) for v in columns.values()), default=0)
    given = {**columns}
    given.setdefault("alert_id", [f"A-{i + 1}" for i in range(n)])
    given.setdefault("rule_name", given.get("rule_id", [""] * n))
    given.setdefault("severity", [LEVELS["medium"]] * n)
    for name in ("t_first", "t_last"):
        given.setdefault(name, given.get("t_alert", [0] * n))
    return Alerts(_typed(given, ALERT_COLUMNS), _typed(events or {}, EVENT_COLUMNS),
                  _typed(entities or {}, ENTITY_COLUMNS), clock, diagnostics)


def _typed(columns: Mapping[str, Sequence[Any]], schema: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    n = max((len(v) for v in columns.values()), default=0)
    blank: Mapping[str, Any] = {"string": "", "int64": 0}
    series = {}
    for name, dtype in schema.items():
        values = columns.get(name)
        series[name] = pd.Series([blank[dtype]] * n if values is None else values, dtype=_DTYPES[dtype])
    return pd.DataFrame(series, columns=list(schema))


_DTYPES = {"string": "str", "int64": "int64"}
