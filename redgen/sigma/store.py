"""The events of a run in DuckDB: one table per log source, with the columns that the loaded rules need.

The engine reads files only while it loads; from then on it can reach neither files nor the network.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import duckdb

from redgen.parser import Relation
from redgen.sigma.addresses import normal_column
from redgen.sigma.columns import FORMS, FULLTEXT, FULLTEXT_RAW, MOMENT, NUMBER, RAW, Columns, Need, quoted
from redgen.sigma.inputs import Unit
from redgen.sigma.patterns import Watch
from redgen.sigma.routing import in_format

if TYPE_CHECKING:
    from types import TracebackType

TYPES = {NUMBER: "DOUBLE", MOMENT: "TIMESTAMP"}
MEMORY = "2GB"
THREADS = 2


@dataclass(frozen=True)
class Table:
    """One log source's events, a row each, known by ``place``: its file and line in one number.

    Columns: ``t`` (UTC µs or NULL), ``file`` (index into ``files``), ``line``, ``event_id``, ``fulltext`` when asked
    for, and the fields of ``fields`` in the forms that rules asked for. ``lists`` are fields that hold arrays,
    ``absent`` fields that the source cannot have; both by ``Columns.key``.
    """

    index: int
    title: str
    source: str
    files: tuple[str, ...]
    rows: int
    fields: frozenset[str]
    lists: frozenset[str]
    absent: frozenset[str]

    @property
    def name(self) -> str:
        """Its name in SQL."""
        return f"events{self.index}"


class Store:
    """A DuckDB of its own, in memory, spilling to a directory that goes with it."""

    def __init__(self, memory: str = MEMORY, threads: int = THREADS) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="redgen-", ignore_cleanup_errors=True)
        self.db = duckdb.connect(config={
            "threads": threads, "memory_limit": memory, "temp_directory": self._spill.name,
            "autoinstall_known_extensions": False, "autoload_known_extensions": False})
        self.db.execute("SET TimeZone = 'UTC'")
        self.watch = Watch()
        self.tables: list[Table] = []
        make: Any = self.db.create_function  # its stubs name types that its documentation writes as text
        make("redgen_address", normal_column, ["VARCHAR"], "VARCHAR", type="arrow", null_handling="special")
        make("redgen_regex", self.watch.column, ["VARCHAR", "VARCHAR"], "BOOLEAN", type="arrow",
             null_handling="special")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.db.close()
        self._spill.cleanup()

    def load(self, relation: Relation, columns: Columns, need: Need, unit: Unit) -> Table:
        """Make the table of one relation; the relation's own table is dropped."""
        keys = sorted(need.fields)
        empty = {k for k in keys if k in relation.absent or k not in relation.columns}
        absent = frozenset(k for k in empty if not in_format(unit.logsource, k))
        lists = frozenset(k for k in keys if k in relation.lists) - empty
        chosen = ["epoch_us(_ts) AS t", "_file AS file", "_line AS line",
                  "(_file::BIGINT << 40) + _line AS place", "_event_id AS event_id"]
        if need.fulltext:
            chosen += [f"_fulltext AS {FULLTEXT_RAW}", f"lower(_fulltext) AS {FULLTEXT}"]
        forms = need.forms | {(k, RAW) for k in keys}
        for key, form in sorted(forms):
            value = derived(relation.columns, key, form, many=key in lists, empty=key in empty)
            chosen.append(f"{value} AS {columns.name(key, form)}")
        table = Table(len(self.tables), unit.title, unit.source, unit.names, relation.rows, frozenset(keys), lists,
                      absent)
        self.db.execute(f"CREATE TABLE {table.name} AS SELECT {', '.join(chosen)} FROM ({relation.sql})")
        if relation.table:
            self.db.execute(f"DROP TABLE IF EXISTS {quoted(relation.table)}")
        self.tables.append(table)
        return table

    def lock(self) -> None:
        """Shut out files and network for the rest of the run."""
        self.db.execute("SET enable_external_access = false")
        self.db.execute("SET lock_configuration = true")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; for small answers."""
        return self.db.execute(sql, list(values)).fetchall()

    def one(self, sql: str) -> Any:
        """The single value of a query."""
        return self.rows(sql)[0][0]  # all rows fetched: an unfinished result would keep the connection busy


def derived(columns: Mapping[str, str], key: str, form: str, *, many: bool, empty: bool) -> str:
    """The SQL of one column of a table: a field's text in some form, element by element for arrays."""
    if empty:
        return f"NULL::{TYPES.get(form, 'VARCHAR')}"
    column = quoted(columns[key])
    if many and form != RAW:
        return f"list_transform({column}, lambda _x: {FORMS[form]('_x')})"
    return FORMS[form](column)
