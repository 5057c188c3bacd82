"""A dataset in hand: its manifest, and pandas views of logs, labels and campaigns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from redgen.decompress import decompressed
from redgen.errors import DataError, did_you_mean
from redgen.registry import SOURCES
from redgen.shards.inline import parted

if TYPE_CHECKING:  # half a second, which who only generates need not wait for
    import pandas as pd

    from redgen.source import Source


@dataclass(frozen=True)
class LogFile:
    """One log file: ``lines`` records after ``head_lines`` of header.

    ``enveloped``: the file is one JSON document; a record's line is its place in the document's list.
    """

    path: Path
    name: str           # relative to the dataset, as labels name it
    source: str
    number: int
    lines: int
    head_lines: int
    enveloped: bool = False

    def open(self) -> IO[bytes]:
        """The uncompressed bytes."""
        try:
            return decompressed(self.path)
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}") from None

    def line(self, number: int) -> str:
        """One record's text by its line, counted from 1; empty when there is none."""
        if self.enveloped:
            return next((text for n, text in self.records() if n == number), "")
        with self.open() as stream:
            return next(islice(stream, number - 1, number), b"").decode().rstrip("\n")

    def records(self) -> Iterator[tuple[int, str]]:
        """(line number from 1, line without its end) of every record, headers and footers left out."""
        if self.enveloped:
            yield from self._enveloped()
            return
        with self.open() as stream:
            for number, line in enumerate(stream, 1):
                if number > self.head_lines + self.lines:
                    return
                if number > self.head_lines:
                    yield number, line.decode().rstrip("\n")

    def _enveloped(self) -> Iterator[tuple[int, str]]:
        with self.open() as stream:
            text = stream.read().decode()
        decode, at = json.JSONDecoder().raw_decode, text.find("[") + 1
        for number in range(1, self.lines + 1):
            _, end = decode(text, at)
            yield number, text[at:end]
            at = end + 1


class Dataset:
    """What ``generate`` made and ``load`` opens. Everything is read when asked for."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = manifest

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r}, {sum(s['lines'] for s in self.manifest['sources'].values()):,} lines)"

    @property
    def sources(self) -> list[str]:
        """The names of the log sources."""
        return list(self.manifest["sources"])

    @cached_property
    def labels(self) -> pd.DataFrame:
        """``truth/labels.parquet``: one row per line that is not plain benign."""
        import pandas as pd

        return self._read("truth/labels.parquet", pd.read_parquet)

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """``truth/campaigns.jsonl``, times as pandas timestamps."""
        import pandas as pd

        frame = pd.DataFrame(self.records("campaigns"))
        for column in {"t_onset", "t_impact", "t_end"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column].astype("Int64"), unit="us", utc=True)
        return frame

    @cached_property
    def hard_negatives(self) -> pd.DataFrame:
        """``truth/hard_negatives.jsonl``."""
        import pandas as pd

        return pd.DataFrame(self.records("hard_negatives"))

    @cached_property
    def effects(self) -> pd.DataFrame:
        """``truth/effects.jsonl``."""
        import pandas as pd

        return pd.DataFrame(self.records("effects"))

    def files(self, source: str | None = None) -> list[LogFile]:
        """The log files of one source (or of all) in the order they were written; DataError for an unknown source."""
        if source is not None and source not in self.manifest["sources"]:
            raise DataError(f"this dataset has no source {source!r}{did_you_mean(source, self.sources)}")
        about, wanted = self.manifest["sources"], [source] if source else self.sources
        found = [LogFile(self.path / f["path"], f["path"], f["source"], f["number"], f["lines"], f["head_lines"],
                         about[f["source"]]["envelope"])
                 for f in self.manifest["files"] if f.get("source") in wanted]
        return sorted(found, key=lambda f: (f.source, f.number))

    def reader(self, source: str) -> Source:
        """The source's class, able to parse lines of its format (it knows no world)."""
        found: type[Source] = SOURCES.get(source)
        reader = object.__new__(found)
        reader.format = self.manifest["sources"][source]["format"]
        reader.near = int(self.manifest["window"]["start"])
        return reader

    def logs(self, source: str) -> pd.DataFrame:
        """The records of one source: ``file``, ``line`` and the product's fields, nested ones with dotted names.

        Where the lines hold labels, ``redgen.label`` and its like are columns, too.
        """
        import pandas as pd

        files = self.files(source)
        reader = self.reader(source)
        inline = self.manifest["sources"][source]["inline_labels"]
        places: list[tuple[str, int]] = []
        records: list[dict[str, Any]] = []
        for file in files:
            for line, text in file.records():
                bare, label = parted(text) if inline else (text, {})
                records.append(reader.parse(bare) | label)
                places.append((file.name, line))
        where = pd.DataFrame(places, columns=["file", "line"])
        return pd.concat([where, pd.json_normalize(records)], axis=1)

    def records(self, name: str) -> list[dict[str, Any]]:
        """The objects of one of ``truth/*.jsonl``: campaigns, hard_negatives, effects."""
        text = self._read(f"truth/{name}.jsonl", lambda p: p.read_text(encoding="utf-8"))
        return [json.loads(line) for line in text.splitlines()]

    def _read(self, name: str, read: Any) -> Any:
        try:
            return read(self.path / name)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path / name} cannot be read: {error}") from None


def load(path: str | Path) -> Dataset:
    """Open the dataset in the directory ``path``; DataError when there is none."""
    place = Path(path).expanduser().absolute()
    file = place / "manifest.json"
    if not place.is_dir():
        raise DataError(f"there is no dataset at {path}; make one with: redgen generate SCENARIO -o {path}")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        kind = manifest.get("format") if isinstance(manifest, dict) else None
        if kind != 1:
            raise DataError(f"{file} cannot be read: its format {kind!r} is not this version's, 1; generate it again")
        if lacking := {"sources", "files", "campaigns", "timeline"} - manifest.keys():
            raise DataError(f"{file} cannot be read: it lacks {', '.join(sorted(lacking))}; generate it again")
        _check(manifest)
    except FileNotFoundError:
        raise DataError(f"{path} is no dataset: it has no manifest.json (an unfinished run has none)") from None
    except (KeyError, IndexError, TypeError, AttributeError):
        raise DataError(f"{file} cannot be read: parts of it are damaged; generate it again") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    return Dataset(place, manifest)


def _check(manifest: Mapping[str, Any]) -> None:
    """Touch every part of a manifest that is read later: one that is missing, or is no such thing, raises here."""
    window, timeline = manifest["window"], manifest["timeline"]
    numbers = [window["start"], window["stop"], timeline["start"], timeline["step"]]
    texts = [window["start_iso"], window["stop_iso"], manifest["redgen"], manifest["organization"]["name"],
             manifest["address_plan"]["name"], manifest["scenario"]["id"]]
    for source in manifest["sources"].values():
        numbers += [source["lines"], source["bytes"], source["labels"]["malicious"]]
        texts += [source["format"], source["title"], *source["sigma"].values()]
        texts += [str(bool(source["envelope"])), str(bool(source["inline_labels"]))]
    for entry in manifest["files"]:
        numbers += [entry["bytes"], *(entry[k] for k in ("number", "lines", "head_lines") if "source" in entry)]
        texts += [entry["path"], *(manifest["sources"][entry["source"]]["format"] for _ in range("source" in entry))]
    for campaign in manifest["campaigns"]:
        numbers.append(campaign["n_events"])
        texts += [campaign["campaign_id"], campaign["playbook"], *campaign["path"]]
    if not (all(isinstance(n, int) for n in numbers) and all(isinstance(t, str) for t in texts)):
        raise TypeError
