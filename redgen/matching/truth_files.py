"""Reads the truth of a dataset directory, ours or anybody's of the same shape, into a ``Ground``.

What is malformed is a DataError that says in which file and line, and what to write instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redgen.errors import DataError, did_you_mean
from redgen.ground import LABEL_COLUMNS, Campaign, Extent, Ground, HardNegative, Step

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("malicious", "hard_negative", "collateral")
NEEDED = ("source", "file", "line", "t", "label", "campaign_id", "step_id")
"""Columns of labels.parquet that nothing can replace."""

EARLIEST = 10**14
"""1973 in µs. A time before it is one in seconds or milliseconds."""

Entities = dict[str, Any]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Step(_Record):
    step_id: str
    technique: str = ""
    t0: int | None
    t1: int | None
    n_events: int = Field(default=0, ge=0)
    sources: dict[str, int] = {}
    role: str = ""


class _Campaign(_Record):
    campaign_id: str
    playbook: str
    title: str = ""
    family: str = ""
    path: tuple[str, ...] = ()
    stratum: dict[str, Any] = {}
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    t_onset: int | None
    t_impact: int | None = None
    t_end: int | None
    n_events: int | None = None
    sources: dict[str, int] = {}
    steps: list[_Step]
    entities: Entities = {}


class _HardNegative(_Record):
    noise_id: str
    kind: str
    t0: int | None
    t1: int | None
    entities: Entities = {}


def read_ground(root: Path) -> Ground:
    """The ground truth of the dataset directory ``root``; DataError when it has none or it is malformed."""
    manifest = _manifest(root)
    start, stop = _window(manifest, root / "manifest.json")
    extents = _extents(manifest, root / "manifest.json")
    labels = _labels(root / "truth" / "labels.parquet")
    campaigns, unlogged = _campaigns(list(_records(root / "truth" / "campaigns.jsonl", _Campaign)), labels)
    _match_labels(labels, {c.campaign_id: c for c in campaigns}, unlogged, root / "truth" / "labels.parquet")
    noise = list(_records(root / "truth" / "hard_negatives.jsonl", _HardNegative, needed=False))
    scenario, organization = manifest.get("scenario"), manifest.get("organization")
    return Ground(
        labels, campaigns, _hard_negatives(noise), start, stop, _lines(manifest, labels), _digest(root, manifest),
        str(scenario.get("id", "") if isinstance(scenario, dict) else scenario or ""),
        manifest["seed"] if isinstance(manifest.get("seed"), int) else None,
        _whole(organization.get("people") if isinstance(organization, dict) else manifest.get("population")),
        extents, unlogged)


def _manifest(root: Path) -> Mapping[str, Any]:
    file = root / "manifest.json"
    if not root.is_dir():
        raise DataError(f"{root}: there is no such directory; make a dataset with: redgen generate SCENARIO -o {root}")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{root} is no dataset: it has no manifest.json (an unfinished run has none; run generate "
                        "again, or write one for data of your own)") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"{file}: holds no JSON object; see docs/dataset.md for what a manifest says")
    return found


def _window(manifest: Mapping[str, Any], file: Path) -> tuple[int, int]:
    window = manifest.get("window")
    found = window if isinstance(window, dict) else manifest
    start, stop = found.get("start"), found.get("stop")
    if not isinstance(start, int) or not isinstance(stop, int) or not start < stop:
        raise DataError(f'{file}: window: it must say when the dataset begins and ends, in µs UTC: '
                        '"window": {"start": 1768176000000000, "stop": 1768262400000000}')
    if start < EARLIEST:
        raise DataError(f"{file}: window: start {start} is before 1973 in µs UTC; write microseconds, not seconds")
    return start, stop


def _labels(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except FileNotFoundError:
        raise DataError(f"{file}: missing; without labels nothing can be scored (see docs/dataset.md)") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as Parquet: {error}") from None
    missing = [c for c in NEEDED if c not in frame.columns]
    if missing:
        raise DataError(f"{file}: has no column {missing[0]!r}; it needs {', '.join(NEEDED)} "
                        f"(found: {', '.join(map(str, frame.columns))})")
    for name in ("line", "t"):
        if frame[name].dtype.kind not in "iu":
            raise DataError(f"{file}: column {name!r} is {frame[name].dtype}, not whole numbers; lines count from 1, "
                            "times are µs UTC")
    for name in LABEL_COLUMNS:
        if name not in frame.columns:
            frame[name] = ""
        elif name not in ("line", "t"):
            frame[name] = frame[name].astype("str").fillna("").astype("category")
    _check_labels(frame, file)
    return frame[list(LABEL_COLUMNS)].reset_index(drop=True)


def _check_labels(frame: pd.DataFrame, file: Path) -> None:
    known = frame["label"].isin(LABELS)
    if not known.all():
        row = int((~known).to_numpy().argmax())
        word = str(frame["label"].iloc[row])
        raise DataError(f"{file}: row {row + 1}: unknown label {word!r}{did_you_mean(word, LABELS)}")
    for bad, say in ((frame["line"] < 1, "line is below 1; lines count from 1"),
                     (frame["t"] < EARLIEST, "t is before 1973; times are µs UTC"),
                     ((frame["label"] == "malicious") & (frame["campaign_id"] == ""), "malicious, but no campaign_id")):
        if bad.any():
            raise DataError(f"{file}: row {int(bad.to_numpy().argmax()) + 1}: {say}")


def _match_labels(labels: pd.DataFrame, campaigns: Mapping[str, Campaign], unlogged: tuple[str, ...],
                  file: Path) -> None:
    """Every malicious line is of a step of a campaign that campaigns.jsonl lists."""
    evil = labels.loc[labels["label"] == "malicious", ["campaign_id", "step_id"]].drop_duplicates()
    for name, step in evil.astype("str").itertuples(index=False):
        if name in unlogged:
            raise DataError(f"{file}: has malicious lines of {name}, whose t_onset in campaigns.jsonl is null")
        if name not in campaigns:
            raise DataError(f"{file}: campaign {name!r} is not in campaigns.jsonl{did_you_mean(name, campaigns)}")
        steps = [s.step_id for s in campaigns[name].steps]
        if step not in steps:
            raise DataError(f"{file}: campaign {name} has no logged step {step!r} in campaigns.jsonl"
                            f"{did_you_mean(step, steps)}")


def _records(file: Path, model: type[_Record], *, needed: bool = True) -> Iterator[tuple[str, Any]]:
    """Every record with its place, ``file:line``."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not needed:
            return
        raise DataError(f"{file}: missing; write one JSON object per campaign (see docs/dataset.md)") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"{file}:{number}", model.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "record"
            raise DataError(f"{file}:{number}: {where}: {first['msg']}; see docs/dataset.md") from None


def _campaigns(records: list[tuple[str, _Campaign]],
               labels: pd.DataFrame) -> tuple[tuple[Campaign, ...], tuple[str, ...]]:
    """Campaigns that can be scored, and the ids of those that left no line; both in order of id."""
    evil = labels[labels["label"] == "malicious"]
    counts: Mapping[Any, int] = evil.groupby(["campaign_id", "step_id"], observed=True).size().to_dict()
    found: dict[str, Campaign] = {}
    unlogged = []
    for where, record in records:
        if record.campaign_id in found or record.campaign_id in unlogged:
            raise DataError(f"{where}: campaign_id: {record.campaign_id!r} is there twice; ids must be unique")
        if record.t_onset is None or record.t_end is None:
            if record.n_events:
                raise DataError(f"{where}: t_onset: null, but n_events is {record.n_events}; give the time of "
                                "its first and last line (t_onset, t_end) in µs UTC")
            unlogged.append(record.campaign_id)
            continue
        found[record.campaign_id] = _campaign(where, record, counts)
    return tuple(found[k] for k in sorted(found)), tuple(sorted(unlogged))


def _campaign(where: str, record: _Campaign, counts: Mapping[Any, int]) -> Campaign:
    assert record.t_onset is not None
    assert record.t_end is not None
    for key in ("t_onset", "t_end", "t_impact"):
        if (t := getattr(record, key)) is not None and t < EARLIEST:
            raise DataError(f"{where}: {key}: {t} is before 1973 in µs UTC; write microseconds, not seconds")
    if record.t_end < record.t_onset:
        raise DataError(f"{where}: t_end: before t_onset; swap them")
    name = record.campaign_id
    steps = tuple(Step(s.step_id, s.technique, s.t0, s.t1, s.n_events or counts.get((name, s.step_id), 0), s.sources,
                       s.role) for s in record.steps if s.t0 is not None and s.t1 is not None)
    if not steps:
        raise DataError(f"{where}: steps: none has a time t0 and t1, though t_onset says that lines were logged")
    if len({s.step_id for s in steps}) < len(steps):
        raise DataError(f"{where}: steps: a step_id is there twice; merge the visits of one step")
    return Campaign(
        name, record.playbook, record.family, record.t_onset, record.t_impact, record.t_end, record.weight,
        record.stratum, steps, _by_role(record.entities, where), record.sources,
        record.n_events if record.n_events is not None else sum(s.n_events for s in steps), record.title, record.path)


def _by_role(entities: Entities, where: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    roles = {}
    for role, kinds in entities.items():
        if not isinstance(kinds, dict) or not all(isinstance(v, list) for v in kinds.values()):
            raise DataError(f'{where}: entities: write {{"attacker": {{"ip": ["…"]}}, "victim": {{"user": ["…"]}}}}')
        roles[role] = {kind: tuple(map(str, values)) for kind, values in kinds.items()}
    return roles


def _hard_negatives(records: list[tuple[str, _HardNegative]]) -> tuple[HardNegative, ...]:
    found = []
    for where, record in records:
        if record.t0 is None or record.t1 is None:
            continue  # it left no line: nothing can be mistaken for an attack
        kinds: dict[str, list[str]] = {}
        flat = record.entities if all(isinstance(v, list) for v in record.entities.values()) else None
        for part in [flat] if flat is not None else _by_role(record.entities, where).values():
            for kind, values in part.items():
                kinds.setdefault(kind, []).extend(map(str, values))
        found.append(HardNegative(record.noise_id, record.kind, record.t0, record.t1,
                                  {kind: tuple(dict.fromkeys(values)) for kind, values in kinds.items()}))
    return tuple(sorted(found, key=lambda h: h.noise_id))


def _lines(manifest: Mapping[str, Any], labels: pd.DataFrame) -> dict[str, int]:
    """Lines by source; where the manifest does not say, at least as many as the labels number."""
    sources = manifest.get("sources")
    told = sources if isinstance(sources, dict) else {}
    found = {str(k): _whole(about.get("lines") if isinstance(about, dict) else about) for k, about in told.items()}
    least = labels.groupby(["source", "file"], observed=True)["line"].max().groupby("source", observed=True).sum()
    for name, lines in least.items():
        found.setdefault(str(name), int(lines))
    return dict(sorted(found.items()))


def _extents(manifest: Mapping[str, Any], file: Path) -> tuple[Extent, ...]:
    found = []
    entries = manifest.get("files")
    for k, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise DataError(f'{file}: files[{k}]: write {{"path": "logs/…", "source": "…", "lines": 1000}}')
        if entry.get("source") and isinstance(entry.get("lines"), int):
            order = (str(entry["source"]), _whole(entry.get("number")), entry["path"])
            extent = Extent(entry["path"], order[0], entry["lines"], _whole(entry.get("head_lines")))
            found.append((order, extent))
    return tuple(extent for _, extent in sorted(found, key=lambda f: f[0]))


def _digest(root: Path, manifest: Mapping[str, Any]) -> str:
    """A name of the content: SHA-256 over the digests of all logs, as the manifest has them, and of the truth files.

    The truth is hashed as it stands, so that an edited truth is another dataset.
    """
    whole = hashlib.sha256()
    entries = manifest.get("files")
    logs = {e["path"]: e.get("sha256", "") for e in (entries if isinstance(entries, list) else [])
            if str(e["path"]).startswith(("logs/", "pcap/"))}
    for path in sorted(logs):
        whole.update(f"{path} {logs[path]}\n".encode())
    for name in ("campaigns.jsonl", "hard_negatives.jsonl", "labels.parquet"):
        path = root / "truth" / name
        if path.is_file():
            with path.open("rb") as stream:
                whole.update(f"truth/{name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
