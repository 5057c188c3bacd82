"""From the events that alerts name to lines of the dataset: by event id, else by file and line, else by digest.

An id may stand on several lines (a Zeek uid, a line that a sensor doubled): the reference then means all of them,
unless a file or a line beside it says which. The truth knows the ids of labelled lines alone; a ``LogIndex`` knows the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from redgen.alert import Diagnostic
from redgen.matching.gather import Raised
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask, any_of, count, equal, unique_pairs
from redgen.matching.tables import Tables

PACKED = (".gz", ".zst", ".zstd", ".bz2", ".xz")


@dataclass(frozen=True)
class References:
    """What alerts name, resolved.

    ``alert``, ``row``: every labelled line an alert names. ``size``: usable references of each alert, ``evil`` how many
    of them mean a malicious line. ``benign_*``: lines named that are not malicious, as positions in their source.
    ``adrift_*``: events named (``id`` numbers them) that are benign, but whose line is not known.
    """

    alert: I64
    row: I64
    size: I64
    evil: I64
    benign_alert: I64
    benign_source: I64
    benign_position: I64
    adrift_alert: I64
    adrift_id: I64
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class _Refs:
    """Distinct references as numbers; -1 is blank (``file``: -2 blank, -1 no file of this dataset)."""

    alert: I64
    event: I64
    file: I64
    line: I64
    digest: I64
    ids: Sequence[str]
    digests: Sequence[str]


def resolve(raised: Raised, tables: Tables, index: LogIndex | None = None) -> References:
    """Every reference of every alert, resolved as far as truth and ``index`` know."""
    refs = _numbered(raised, tables)
    ref, row, narrowed = _by_id(refs, tables)
    settled = any_of(ref, np.ones(len(ref), dtype=bool), len(refs.alert))
    at = np.where(~settled & (refs.file >= 0) & (refs.line > 0), tables.rows_at(refs.file, refs.line), -1)
    exists = tables.files.exist(refs.file, refs.line) & ~settled
    by_place = np.flatnonzero(at >= 0)
    open_ = ~settled & ~exists
    far_ref, far_file, far_line, known, sure = _by_log(refs, open_, tables, index)
    far_row = tables.rows_at(far_file, far_line)
    ref = np.concatenate([ref, by_place, far_ref[far_row >= 0]])
    row = np.concatenate([row, at[by_place], far_row[far_row >= 0]])
    beside = exists & (at < 0)
    place_ref = np.concatenate([np.flatnonzero(beside), far_ref[far_row < 0]])
    place_file = np.concatenate([refs.file[beside], far_file[far_row < 0]])
    place_line = np.concatenate([refs.line[beside], far_line[far_row < 0]])
    adrift = open_ & ~known & (refs.event >= 0) & (not sure)
    adrift &= ~_strangers(refs, raised, adrift, any_of(ref, np.ones(len(ref), dtype=bool), len(refs.alert)) | exists)
    usable = settled | exists | known | adrift
    return _references(refs, raised, tables, (ref, row), (place_ref, place_file, place_line), adrift, usable,
                       narrowed + _doubled(far_ref))


def _numbered(raised: Raised, tables: Tables) -> _Refs:
    """The references that say anything, each once per alert."""
    events = raised.events
    said = (events["event_id"] != "") | (events["digest"] != "") | ((events["file"] != "") & (events["line"] > 0))
    events = events[said.to_numpy(dtype=bool)]
    ids, id_names = pd.factorize(events["event_id"])
    digests, digest_names = pd.factorize(events["digest"])
    files, file_names = pd.factorize(events["file"])
    known = np.array([_file_number(str(f), tables.files.names) for f in file_names] or [-2], dtype=np.int64)
    frame = pd.DataFrame({
        "alert": events["alert"].to_numpy(dtype=np.int64), "event": _blank(ids, id_names),
        "file": known[files] if len(files) else np.zeros(0, dtype=np.int64),
        "line": np.maximum(events["line"].to_numpy(dtype=np.int64), 0), "digest": _blank(digests, digest_names),
    }).drop_duplicates()
    columns = {name: np.asarray(frame[name].to_numpy(dtype=np.int64)) for name in frame.columns}
    return _Refs(**columns, ids=[str(i) for i in id_names], digests=[str(d) for d in digest_names])


def _blank(codes: np.ndarray[tuple[int], np.dtype[np.intp]], names: pd.Index) -> I64:
    """Codes with the blank name's made -1."""
    at = np.flatnonzero(np.asarray(names == ""))
    return np.where(codes == (at[0] if len(at) else -1), -1, codes).astype(np.int64)


def _file_number(name: str, names: Sequence[str]) -> int:
    """Which file of the dataset is meant by a path of any machine, or by a bare name; -1 when none or several."""
    if not name:
        return -2
    asked = _bare(name)
    for same in (lambda f: f == asked, lambda f: asked.endswith(f"/{f}") or f.endswith(f"/{asked}"),
                 lambda f: PurePosixPath(f).name == PurePosixPath(asked).name):
        found = [k for k, f in enumerate(names) if same(_bare(f))]
        if found:
            return found[0] if len(found) == 1 else -1
    return -1


def _bare(name: str) -> str:
    """A path with plain slashes, without ./ and without the ending of a compressor."""
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("") if path.suffix in PACKED else path)


def _by_id(refs: _Refs, tables: Tables) -> tuple[I64, I64, int]:
    """Pairs (reference, labelled line) by event id, narrowed by file and line where given; how many stay ambiguous."""
    row_id = pd.Index(refs.ids, dtype="str").get_indexer(tables.ground.labels["event_id"].astype("str"))
    row_id = np.where((tables.ground.labels["event_id"] == "").to_numpy(dtype=bool), -1, row_id).astype(np.int64)
    ref, row = equal(refs.event, row_id)
    fits = (refs.file[ref] < 0) | (tables.row_file[row] == refs.file[ref])
    ref, row = ref[fits], row[fits]
    exact = (refs.file[ref] >= 0) & (refs.line[ref] > 0) & (tables.row_line[row] == refs.line[ref])
    sure = any_of(ref, exact, len(refs.alert))
    fits = exact | ~sure[ref]
    ref, row = ref[fits], row[fits]
    return ref, row, _doubled(ref)


def _doubled(ref: I64) -> int:
    """How many references mean more than one line."""
    return int((np.bincount(ref) > 1).sum()) if len(ref) else 0


def _by_log(refs: _Refs, left: Mask, tables: Tables, index: LogIndex | None) -> tuple[I64, I64, I64, Mask, bool]:
    """What only the logs know: (reference, file, line) by id and by digest, and which references they know at all.

    The last says whether the logs were asked for ids and could tell: ids that they do not know are then of no event.
    """
    none = np.zeros(0, dtype=np.int64)
    known = np.zeros(len(refs.alert), dtype=bool)
    found: list[tuple[I64, I64, I64]] = [(none, none, none)]
    sure = False
    if index is None or not left.any():
        return none, none, none, known, sure
    for column, names, ask in ((refs.event, refs.ids, index.events), (refs.digest, refs.digests, index.digests)):
        numbers = np.unique(column[left & ~known & (column >= 0)])
        places = ask([names[k] for k in numbers]) if len(numbers) else None
        sure |= places is not None and names is refs.ids
        if places is None or places.empty:
            continue
        wanted = np.where(left & ~known, column, -1)
        ref, hit = equal(wanted, numbers[places["value"].to_numpy(dtype=np.int64)])
        file = pd.Index(tables.files.names, dtype="str").get_indexer(places["file"].astype("str")).astype(np.int64)
        line = places["line"].to_numpy(dtype=np.int64)
        fits = (refs.file[ref] < 0) | (file[hit] == refs.file[ref])
        found.append((ref[fits], file[hit[fits]], line[hit[fits]]))
        known[ref[fits]] = True
    ref, file, line = (np.concatenate(part) for part in zip(*found, strict=True))
    return ref, file, line, known, sure


def _strangers(refs: _Refs, raised: Raised, adrift: Mask, met: Mask) -> Mask:
    """References of detectors of which not one is known: ids of another system, which say nothing of benign lines."""
    detector = raised.column("detector")[refs.alert]
    size = len(raised.detectors) + 1
    familiar = any_of(detector, met, size)
    return adrift & ~familiar[detector]


def _references(refs: _Refs, raised: Raised, tables: Tables, pairs: tuple[I64, I64], places: tuple[I64, I64, I64],
                adrift: Mask, usable: Mask, ambiguous: int) -> References:
    ref, row = pairs
    evil_ref = any_of(ref, tables.evil[row], len(refs.alert))
    quiet = ~evil_ref[ref]
    source, position = tables.row_place()
    other_source, other_position = tables.files.place(places[1], places[2])
    alert, named = unique_pairs(refs.alert[ref], row)
    benign_alert = np.concatenate([refs.alert[ref[quiet]], refs.alert[places[0]]])
    benign_source = np.concatenate([source[row[quiet]], other_source])
    benign_position = np.concatenate([position[row[quiet]], other_position])
    there = (benign_source >= 0) & ~evil_ref[np.concatenate([ref[quiet], places[0]])]
    n = len(raised)
    return References(
        alert, named, count(refs.alert[usable], n), count(refs.alert[evil_ref], n), benign_alert[there],
        benign_source[there], benign_position[there], refs.alert[adrift], refs.event[adrift],
        _notes(refs, usable, ambiguous))


def _notes(refs: _Refs, usable: Mask, ambiguous: int) -> tuple[Diagnostic, ...]:
    notes = []
    lost = ~usable
    if lost.any():
        digests = int((lost & (refs.digest >= 0) & (refs.event < 0)).sum())
        more = f"; {digests} of them by digest, which only an index of the logs resolves" if digests else ""
        notes.append(Diagnostic("UNKNOWN_EVENT", f"references to events that are not in this dataset{more}; alerts "
                                "with no other reference are matched by entity and time", int(lost.sum())))
    if ambiguous:
        notes.append(Diagnostic("AMBIGUOUS_EVENT", "references that mean several lines, taken to mean all of them",
                                ambiguous, "info"))
    return tuple(notes)
