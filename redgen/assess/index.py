"""What a scorer asks of the logs: where an entity, an event id or a raw line stands; parsed once, kept in DuckDB."""

# ruff: noqa: S608  (identifiers are ours, values are parameters)

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from redgen.alert import digest_of
from redgen.detector import EventFile, Events
from redgen.matching.index import PLACE_COLUMNS
from redgen.parser import Given, Want
from redgen.parsers._detect import detect_parser
from redgen.sigma.entities import fields_of_source

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection


_BLANK = "'', '-'"
"""Cells without a value: a log of fixed columns writes a dash."""


class LogFiles:
    """A ``LogIndex`` over the log files of a dataset: nothing is read before the first question."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._names = [f.name for f in events.files]

    def entity(self, kind: str, values: Sequence[str]) -> pd.DataFrame | None:
        """All lines with one of ``values`` (lower case, meaning any case) as an entity of the type ``kind``."""
        columns = self._columns(kind)
        return self._found(columns, values, fold=True) if columns else None

    def names(self, kind: str) -> Sequence[str] | None:
        """Every value of that type in the logs, each once, sorted."""
        columns = self._columns(kind)
        if not columns:
            return None
        union = " UNION ".join(f'SELECT "{column}" AS value FROM {table}' for table, column in columns)
        rows = self._db.execute(f"SELECT DISTINCT value FROM ({union}) WHERE value NOT IN ({_BLANK}) "
                                "ORDER BY value").fetchall()
        return [str(value) for value, in rows]

    def sample(self, kind: str, most: int) -> pd.DataFrame | None:
        """Every n-th line with an entity of that type, about ``most`` of them: name (lower case), file, line, t."""
        columns = self._columns(kind)
        if not columns:
            return None
        cells = [(table, f'e."{column}"') for table, column in columns]
        lines = [f"FROM {table} e WHERE {cell} NOT IN ({_BLANK}) AND e._ts IS NOT NULL" for table, cell in cells]
        counts = " UNION ALL ".join(f"SELECT count(*) AS n {those}" for those in lines)
        row = self._db.execute(f"SELECT sum(n) FROM ({counts})").fetchone()
        each = max(1, -(-int(row[0] if row else 0) // most))
        union = " UNION ALL ".join(
            f"SELECT lower({cell}) AS name, '{table}' AS source, e._file AS number, e._line AS line, "
            f"epoch_us(e._ts) AS t {those} AND e._line % {each} = 0"
            for (table, cell), those in zip(cells, lines, strict=True))
        return self._db.execute(f"SELECT DISTINCT u.name, f.name AS file, line, t FROM ({union}) u JOIN files f "
                                "USING (source, number) ORDER BY ALL").df()

    def events(self, ids: Sequence[str]) -> pd.DataFrame | None:
        """All lines whose product's own event id is one of ``ids``."""
        return self._found([(table, "_event_id") for table in self._tables], ids)

    def digests(self, digests: Sequence[str]) -> pd.DataFrame | None:
        """All lines whose raw text has one of ``digests``; their times are the parsers'."""
        import pandas as pd

        wanted = {d: i for i, d in enumerate(digests)}
        places = [(wanted[digest], file, line) for file, line, digest in self._hashed() if digest in wanted]
        found = pd.DataFrame(places, columns=["value", "file", "line"])
        times = self._where(found[["file", "line"]].drop_duplicates())
        return found.merge(times, on=["file", "line"], how="left").fillna({"t": 0}).astype({"t": "int64"})[
            list(PLACE_COLUMNS)]

    def _found(self, columns: Iterable[tuple[str, str]], values: Sequence[str], *, fold: bool = False) -> pd.DataFrame:
        """Lines whose column is one of ``values``; with ``fold`` these are in lower case and mean any case."""
        import pandas as pd

        asked = pd.DataFrame({"value": range(len(values)), "text": pd.Series(list(values), dtype="str")})
        self._db.register("asked", asked)
        cell = 'lower(e."{}")' if fold else 'e."{}"'
        union = " UNION ALL ".join(
            f"SELECT asked.value, f.name AS file, e._line AS line, coalesce(epoch_us(e._ts), 0) AS t FROM {table} e "
            f"JOIN asked ON {cell.format(column)} = asked.text "
            f"JOIN files f ON f.source = '{table}' AND f.number = e._file"
            for table, column in columns)
        try:
            return self._db.execute(f"SELECT DISTINCT value, file, line, t FROM ({union}) ORDER BY ALL").df()
        finally:
            self._db.unregister("asked")

    def _where(self, places: pd.DataFrame) -> pd.DataFrame:
        """Times (µs UTC) of the lines at ``places`` (file, line)."""
        self._db.register("places", places)
        union = " UNION ALL ".join(
            f"SELECT p.file, p.line, coalesce(epoch_us(e._ts), 0) AS t FROM {table} e "
            f"JOIN files f ON f.source = '{table}' AND f.number = e._file "
            f"JOIN places p ON p.file = f.name AND p.line = e._line" for table in self._tables)
        try:
            return self._db.execute(f"SELECT DISTINCT * FROM ({union})").df()
        finally:
            self._db.unregister("places")

    def _columns(self, kind: str) -> list[tuple[str, str]]:
        """(table, column) of every field that holds entities of a type."""
        return [(table, column) for table, fields in self._tables.items()
                for column, of in fields.items() if of == kind]

    def _hashed(self) -> Iterator[tuple[str, int, str]]:
        from redgen.parsers._lines import open_log

        for file in self._events.files:
            with open_log(file.path) as stream:
                for number, line in enumerate(stream, 1):
                    if number > file.head_lines:
                        yield file.name, number, digest_of(line)

    @cached_property
    def _by_source(self) -> Mapping[str, list[EventFile]]:
        found: dict[str, list[EventFile]] = defaultdict(list)
        for file in self._events.files:
            found[file.source].append(file)
        return found

    @property
    def _db(self) -> DuckDBPyConnection:
        return self._loaded[0]

    @property
    def _tables(self) -> Mapping[str, Mapping[str, str]]:
        """Table -> column -> type of entity."""
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[DuckDBPyConnection, dict[str, dict[str, str]]]:
        import duckdb
        import pandas as pd

        db = duckdb.connect(config={"threads": 2, "memory_limit": "2GB", "autoinstall_known_extensions": False,
                                    "autoload_known_extensions": False})
        db.execute("SET enable_progress_bar = false")
        tables: dict[str, dict[str, str]] = {}
        rows: list[tuple[str, int, str]] = []
        for k, (source, files) in enumerate(self._by_source.items()):
            table = f"lines{k}"
            tables[table] = self._load(db, table, source, files)
            rows += [(table, number, file.name) for number, file in enumerate(files)]
        files_frame = pd.DataFrame(rows, columns=["source", "number", "name"])
        db.register("files_frame", files_frame)
        db.execute("CREATE TABLE files AS SELECT * FROM files_frame")
        db.unregister("files_frame")
        return db, tables

    def _load(self, db: DuckDBPyConnection, table: str, source: str, files: Sequence[EventFile]) -> dict[str, str]:
        """One source's lines with the columns that name entities; those columns and their types."""
        fields = fields_of_source(source)
        parser = detect_parser(files[0].path, "envelope" if files[0].enveloped else files[0].format)
        given = Given(self._events.year_from, self._events.time_field, [f.head_lines for f in files])
        relation = parser.relation(db, [f.path for f in files], Want(frozenset(fields)), given)
        columns = {f: relation.columns[f] for f in fields if f not in relation.absent and f not in relation.lists}
        chosen = ", ".join(f'"{c}"' for c in dict.fromkeys(columns.values()))
        db.execute(f"CREATE TABLE {table} AS SELECT _file, _line, _ts, _event_id{', ' if chosen else ''}{chosen} "
                   f"FROM ({relation.sql})")
        if relation.table:
            db.execute(f'DROP TABLE IF EXISTS "{relation.table}"')
        return {column: fields[field] for field, column in columns.items()}
