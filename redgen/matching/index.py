"""What a scorer may ask of the logs: where an entity, an event id or a raw line stands.

The truth lists malicious lines alone. Whether an address is shared with a thousand customers, or whether an event id
is that of a benign line, only the logs know. Who has parsed them hands in a ``LogIndex``; without one the scorer says
what it had to assume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

PLACE_COLUMNS = ("value", "file", "line", "t")
"""``value``: position among the values asked for; ``file`` as labels name it; ``line`` from 1; ``t`` in µs UTC."""


class LogIndex(Protocol):
    """Answers with a frame of PLACE_COLUMNS, one row per line and value, in any order; None when it cannot tell.

    Entities are asked for in lower case and mean any case. Nothing is asked for that need not be known, so an index may
    wait with reading logs until the first question.
    """

    def entity(self, kind: str, values: Sequence[str]) -> pd.DataFrame | None:
        """All lines with one of ``values`` as an entity of the type ``kind`` (redgen.alert.ENTITIES)."""

    def names(self, kind: str) -> Sequence[str] | None:
        """Every value of that type in the logs, each once."""

    def sample(self, kind: str, most: int) -> pd.DataFrame | None:
        """Every n-th line with an entity of that type, about ``most`` of them: name (lower case), file, line, t."""

    def events(self, ids: Sequence[str]) -> pd.DataFrame | None:
        """All lines whose product's own event id is one of ``ids``."""

    def digests(self, digests: Sequence[str]) -> pd.DataFrame | None:
        """All lines whose raw text has one of ``digests`` (redgen.alert.digest_of)."""


class MemoryIndex:
    """A ``LogIndex`` over columns in memory: ``file, line, t``, and ``event_id``, ``digest`` and entities as given.

    ``entities``: type -> name of the column that holds it; a blank value is none.
    """

    def __init__(self, lines: pd.DataFrame, entities: Mapping[str, str]) -> None:
        self._lines = lines
        self._entities = dict(entities)

    def entity(self, kind: str, values: Sequence[str]) -> pd.DataFrame | None:
        """See ``LogIndex``."""
        column = self._entities.get(kind)
        return None if column is None else self._where(column, values, lower=True)

    def names(self, kind: str) -> Sequence[str] | None:
        """See ``LogIndex``."""
        column = self._entities.get(kind)
        if column is None:
            return None
        return sorted({str(v).lower() for v in self._lines[column].dropna().unique()} - {""})

    def sample(self, kind: str, most: int) -> pd.DataFrame | None:
        """See ``LogIndex``."""
        column = self._entities.get(kind)
        if column is None:
            return None
        name = self._lines[column].astype("str").str.lower()
        lines = self._lines.assign(name=name)[self._lines[column].notna() & (name != "")]
        return lines[["name", "file", "line", "t"]].iloc[::max(1, -(-len(lines) // most))]

    def events(self, ids: Sequence[str]) -> pd.DataFrame | None:
        """See ``LogIndex``."""
        return self._where("event_id", ids)

    def digests(self, digests: Sequence[str]) -> pd.DataFrame | None:
        """See ``LogIndex``."""
        return self._where("digest", digests)

    def _where(self, column: str, values: Sequence[str], *, lower: bool = False) -> pd.DataFrame | None:
        import pandas as pd

        if column not in self._lines.columns:
            return None
        text = self._lines[column].astype("str")
        code = pd.Index(list(values), dtype="str").get_indexer(text.str.lower() if lower else text)
        found = self._lines.loc[code >= 0, ["file", "line", "t"]]
        return found.assign(value=code[code >= 0])[list(PLACE_COLUMNS)].reset_index(drop=True)
