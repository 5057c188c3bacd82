"""redgen's own alerts: one JSON line each, as ``redgen detect`` writes them. Read in columns: a million in seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from redgen.alert import LEVELS, Alerts, alerts_of
from redgen.errors import DataError
from redgen.reader import Options, Reader, without_duplicates
from redgen.readers._rows import note_naive, severity_of, windows
from redgen.readers._times import UNREADABLE, micros
from redgen.records import Notes, RecordFile

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

BATCH = 100_000
"""Lines that are parsed at once."""

_SHAPE = json.dumps({
    "redgen_alert": "BIGINT", "alert_id": "VARCHAR", "rule_id": "VARCHAR", "rule_title": "VARCHAR",
    "rule_name": "VARCHAR", "level": "VARCHAR", "severity": "VARCHAR", "ts": "VARCHAR", "first_ts": "VARCHAR",
    "last_ts": "VARCHAR", "fires": "BIGINT", "n_events": "BIGINT", "entities": "MAP(VARCHAR, JSON)",
    "events": [{"file": "VARCHAR", "line": "BIGINT", "event_id": "VARCHAR", "digest": "VARCHAR"}]})

_PARSED = """
CREATE OR REPLACE TEMP TABLE parsed AS
SELECT row, line, json_valid(text) AS sound, CASE WHEN json_valid(text) THEN from_json(text, $shape) END AS a
FROM batch"""

_FRAME = """
SELECT line, sound, a.redgen_alert AS format, a.alert_id, a.rule_id, coalesce(a.rule_title, a.rule_name) AS rule_name,
       coalesce(a.severity, a.level) AS severity, a.ts, a.first_ts, a.last_ts, coalesce(a.fires, 0) AS fires,
       coalesce(a.n_events, 0) AS n_events, coalesce(len(a.events), 0) AS n FROM parsed ORDER BY row"""

_EVENTS = """
SELECT row AS alert, coalesce(e.event_id, '') AS event_id, coalesce(e.file, '') AS file, coalesce(e.line, 0) AS line,
       coalesce(e.digest, '') AS digest
FROM (SELECT row, unnest(a.events) AS e, generate_subscripts(a.events, 1) AS i FROM parsed) ORDER BY row, i"""

_ENTITIES = """
SELECT alert, type, value FROM (
  SELECT row AS alert, type, place,
         unnest(CASE WHEN json_type(said) = 'ARRAY' THEN said::VARCHAR[] ELSE [said ->> '$'] END) AS value
  FROM (SELECT row, unnest(map_keys(a.entities)) AS type, unnest(map_values(a.entities)) AS said,
               unnest(range(len(map_keys(a.entities)))) AS place FROM parsed))
WHERE value IS NOT NULL AND value <> '' ORDER BY alert, place"""


class RedgenNative(Reader):
    """redgen's alert lines."""

    name = "redgen_native"
    title = "redgen alerts (NDJSON)"
    signature = (("redgen_alert", "rule_id", "ts"),)

    def read(self, file: RecordFile, options: Options, notes: Notes) -> Alerts:
        """All alerts of a file, in its order."""
        import duckdb
        import pandas as pd

        lines = iter(file.lines() if file.shape == "ndjson" else self._respelled(file, notes))
        parts: list[list[pd.DataFrame]] = []
        row = 0
        with duckdb.connect() as db:
            db.execute("SET enable_progress_bar = false")
            waiting: tuple[int, str] | None = None
            while some := tuple(islice(lines, BATCH)):
                if waiting:
                    raise DataError(f"{file.name}:{waiting[0]}: not JSON")
                frames, waiting = self._parsed(db, some, row, file)
                row += len(frames[0])
                parts.append(frames)
        if waiting:
            file.cut_off(notes, waiting[0])
        if not parts:
            return alerts_of({})
        frame, events, entities = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
        return self._alerts(frame, events, entities, file, options, notes)

    def _respelled(self, file: RecordFile, notes: Notes) -> Iterator[tuple[int, str]]:
        """Alerts that are not one a line (an array, say) as lines."""
        return ((line, json.dumps(record)) for line, record in file.records(notes))

    def _parsed(self, db: DuckDBPyConnection, some: tuple[tuple[int, str], ...], row: int, file: RecordFile,
                ) -> tuple[list[pd.DataFrame], tuple[int, str] | None]:
        """Some lines in columns, and the last line when it is cut off."""
        import duckdb
        import pyarrow as pa

        numbers, texts = zip(*some, strict=True)
        db.register("batch", pa.table({
            "row": np.arange(row, row + len(some)), "line": np.array(numbers, np.int64),
            "text": pa.array(texts, pa.large_string())}))
        try:
            db.execute(_PARSED, {"shape": _SHAPE})
            frames = [db.execute(sql).df() for sql in (_FRAME, _EVENTS, _ENTITIES)]
        except duckdb.Error as error:
            raise DataError(f"{file.name}:{numbers[0]} and after: {str(error).splitlines()[0]}") from None
        broken = frames[0].index[~frames[0]["sound"]]
        if len(broken) and broken[0] < len(some) - 1:
            raise DataError(f"{file.name}:{numbers[broken[0]]}: not JSON")
        if len(broken):
            frames[0] = frames[0].iloc[:-1]
            return frames, some[-1]
        return frames, None

    def _alerts(self, frame: pd.DataFrame, events: pd.DataFrame, entities: pd.DataFrame, file: RecordFile,
                options: Options, notes: Notes) -> Alerts:
        """Checked columns as alerts."""
        self._require(frame, file)
        (t, naive), (begin, bare), (end, bare_too) = (
            micros(frame[c], options.zone) for c in ("ts", "first_ts", "last_ts"))
        if (t == UNREADABLE).any():
            i = int((t == UNREADABLE).argmax())
            raise DataError(f"{file.name}:{frame['line'].iloc[i]}: the alert's time (`ts`) is "
                            f"{frame['ts'].iloc[i]!r}, which is no time")
        begin, end = windows(t, begin, end)
        note_naive(notes, file, naive + bare + bare_too, options)
        where = f"{file.name}:" + frame["line"].astype("str")
        again = frame.groupby("line").cumcount()
        unnamed = where.where(again == 0, where + "#" + again.astype("str"))
        levels = {word: severity_of(word) for word in frame["severity"].dropna().unique()}
        columns: dict[str, Any] = {
            "alert_id": frame["alert_id"].where(frame["alert_id"].fillna("") != "", unnamed),
            "rule_id": frame["rule_id"], "rule_name": frame["rule_name"].fillna(frame["rule_id"]),
            "severity": frame["severity"].map(levels).fillna(LEVELS["medium"]).astype("int64"),
            "t_alert": t, "t_first": begin, "t_last": end,
            "n_events": frame["n_events"].where(frame["n_events"] > 0, frame[["fires", "n"]].max(axis=1)),
            "raw_ref": where}
        return without_duplicates(alerts_of(columns, dict(events), dict(entities), self.clock))

    def _require(self, frame: pd.DataFrame, file: RecordFile) -> None:
        for column, key in (("format", "redgen_alert"), ("rule_id", "rule_id"), ("ts", "ts")):
            lost = frame[column].isna()
            if lost.any():
                line = frame["line"][lost].iloc[0]
                raise DataError(f"{file.name}:{line}: not a redgen alert: it lacks `{key}`")


READER = RedgenNative()
