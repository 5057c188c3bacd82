"""Log files as pandas DataFrames, one per log source, with every field that their records have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from redgen.detector import EventFile, Events
from redgen.parser import Given, Want
from redgen.parsers import nginx_combined
from redgen.parsers._auth_messages import READINGS
from redgen.parsers._detect import detect_parser
from redgen.parsers.zeek_tsv import Header
from redgen.reader import flat
from redgen.records import Notes, RecordFile
from redgen.registry import PARSERS

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT = 2000
"""Records of each file in which the fields of JSON and CSV are looked for."""

_KNOWN: Mapping[str, Sequence[str]] = {
    "nginx_combined": tuple(nginx_combined.FIELDS),
    "syslog_auth": ("timestamp", "host", "process", "pid", "message", *READINGS)}


def frames(events: Events, fields: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
    """Log source (or file name, where it is not known) -> its events.

    Columns: ``_file``, ``_line``, ``_ts`` (UTC), ``_event_id``, ``_text``, then its fields: those that ``fields`` names
    for the source, else all that there are.
    """
    grouped: dict[str, list[EventFile]] = {}
    for file in events.files:
        grouped.setdefault(file.source or file.name, []).append(file)
    return {name: _frame(files, events, fields.get(name)) for name, files in grouped.items()}


def _frame(files: Sequence[EventFile], events: Events, wanted: Sequence[str] | None) -> pd.DataFrame:
    import duckdb

    form = files[0].format
    parser = PARSERS.get(form) if form in PARSERS.names() else detect_parser(files[0].path, form)
    names = list(dict.fromkeys(wanted if wanted is not None else _fields(parser.name, files)))
    given = Given(events.year_from, events.time_field, [f.head_lines for f in files])
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        relation = parser.relation(db, [f.path for f in files], Want(frozenset(names), fulltext=True), given)
        frame = db.execute(f"SELECT * FROM ({relation.sql}) ORDER BY _file, _line").df()  # noqa: S608  -- ours
    called = dict(enumerate(f.name for f in files))
    shown = {relation.columns[name]: name for name in names if name in relation.columns}
    frame = frame.rename(columns={**shown, "_fulltext": "_text"})
    frame["_file"] = frame["_file"].map(called)
    frame["_ts"] = frame["_ts"].dt.tz_localize("UTC")
    return frame[["_file", "_line", "_ts", "_event_id", "_text", *shown.values()]]


def _fields(parser: str, files: Sequence[EventFile]) -> list[str]:
    """Every field that records of some files have."""
    if parser in _KNOWN:
        return list(_KNOWN[parser])
    if parser == "zeek_tsv":
        return [name for f in files for name in Header.of(f.path).fields]
    if parser == "parquet":
        import pyarrow.parquet as pq

        return [name for f in files for name in pq.read_schema(f.path).names]
    found: dict[str, None] = {}
    for file in files:
        for _, record in islice(RecordFile(file.path, file.name).records(Notes()), LOOKED_AT):
            found |= dict.fromkeys(key for key, value in flat(record).items() if not isinstance(value, dict))
    inner = [key for key in found if any(other.startswith(f"{key}.") for other in found)]
    return [key for key in found if key not in inner]


