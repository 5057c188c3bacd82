"""The contract of a log source: activity in, records out, and the template that turns records into a product's bytes.

To add one, write ``redgen/sources/<name>.py`` with a subclass of ``Source`` named by its ``SOURCE`` constant. Override
``__init__`` (build the templates for ``self.format``), ``observe`` and ``fanout``; everything else has a default
or is a declaration. ``redgen.checks.source`` holds every registered source to this contract.

Records are a ``Table`` whose schema starts with ``RECORD``; a source adds the columns that its holes read. A record
is a pure function of one activity row, of the world and of ``seed``: never of the rows beside it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity.schema import Activity
from redgen.errors import PluginError, did_you_mean
from redgen.render.template import Template
from redgen.seed import Seed
from redgen.table import Schema, Table
from redgen.world.world import World

RECORD = {"id": "u8", "t": "i8", "w": "i8", "form": "i2"}
"""Columns of every record: the activity row's id, event time, write time (both µs UTC), and which form it takes."""


@dataclass(frozen=True)
class Field:
    """One field of a product's log: its name as the product writes it, its type, and what it says.

    ``name`` is the key (dotted for nested objects, ``[]`` after an array of objects); ``formats`` lists the formats
    that carry it (empty: all). A field of type ``object`` stands for everything below it.
    """

    name: str
    type: str               # string | integer | number | boolean | time | ip | array | object
    text: str
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One Parquet column: ``template`` renders its text, one per record; ``type`` names an Arrow type.

    ``type``: ``string``, ``int64``, ``double``, ``bool`` (``true``/``false``) or ``timestamp[us]`` (rendered as
    ``epoch_us``). Empty text is null, unless ``empty_is_null`` is False.
    """

    name: str
    type: str
    template: Template
    empty_is_null: bool = True


class Source(ABC):
    """What one sensor writes about activity, in one of its formats; built once per world, used for every slice."""

    name: ClassVar[str]                         # the file name of its module
    title: ClassVar[str]
    sigma: ClassVar[Mapping[str, str]]          # Sigma's logsource: product, service, category
    kinds: ClassVar[Mapping[str, int]]          # activity kind -> max_delay: done <= w < done + max_delay, in µs
    formats: ClassVar[Mapping[str, str]]        # format -> file extension; the first is the default
    fields: ClassVar[tuple[Field, ...]]
    schema: Schema                              # of the records; starts with RECORD (may depend on the format)
    lead: bytes = b""
    """What stands between two records of one file. The template writes it before every record; the file writer
    drops it before the first one of a file (an envelope's comma). Most sources leave it empty. Records with a lead need
    no newline; labels then count them as they would lines."""

    rotate: int = 0
    """The product itself starts a new file this often (µs), whatever longer interval a scenario asks for; 0: it does
    not."""

    lanes: tuple[str, ...] = ()
    """What the product keeps in files of their own, such as an account's regions: a record's column ``lane`` is a
    position here. Such a file is there only if something is written to it; the product alone says how long it is open
    (``rotate``, which is then set, and of which a cell of five minutes is a multiple)."""

    near: int = 0
    """A time (µs) near those of the lines to be read; whoever reads a log whose times lack the year sets it."""

    template: Template                          # one record to its bytes; forms end with a newline
    event_ids: Template | None = None           # the product's native id alone, one per record
    columns: tuple[Column, ...] = ()            # for Parquet

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002  # its name everywhere
        """``format`` is one of ``formats`` (empty: the first); ``seed`` is the source's own, for sensor noise."""
        self.format = format or next(iter(self.formats))
        if self.format not in self.formats:
            raise PluginError(f"source {self.name!r} has no format {format!r}{did_you_mean(format, self.formats)}")
        self.world = world
        self.seed = seed

    @abstractmethod
    def observe(self, activity: Activity) -> Table:
        """All records of the activity's rows (tables without truth). A kind that is absent or unknown is skipped.

        Several records of one row stand in the order they are written, with ``w`` that does not decrease.
        """

    def fanout(self, kind: str, table: Table) -> NDArray[np.int32]:
        """How many records each row of ``table`` gives; agrees with ``observe``. Default: one for each."""
        return np.full(len(table), int(kind in self.kinds), dtype=np.int32)

    def header(self, opened: int) -> bytes:  # noqa: ARG002
        """What a file starts with when opened at ``opened`` (µs UTC)."""
        return b""

    def footer(self, closed: int) -> bytes:  # noqa: ARG002
        """What a file ends with when closed at ``closed`` (µs UTC)."""
        return b""

    def filed(self, lane: int, closed: int) -> str:
        """Where the file of ``lane`` that is closed at ``closed`` (µs UTC) stands, below the source's own folder.

        Only sources with ``lanes`` name their files; others are numbered.
        """
        raise NotImplementedError

    def parse(self, line: str) -> dict[str, Any]:
        """One record's line back to fields; the default reads JSON. ValueError when it is not such a line."""
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError(f"not a JSON object: {line[:80]}")  # noqa: TRY004  # the line is wrong, not its type
        return found

    @abstractmethod
    def time_of_line(self, line: str) -> int:
        """The event time written in a record's line, in µs UTC, at the log's own resolution."""

    def fields_of_format(self) -> tuple[Field, ...]:
        """The fields that this format carries."""
        return tuple(f for f in self.fields if not f.formats or self.format in f.formats)

    def nothing(self) -> Table:
        """No records."""
        return Table(self.schema, 0)
