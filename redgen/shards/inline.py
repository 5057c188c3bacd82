"""Labels inside the lines, for those who ask: every line gets the same extra field, benign lines too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.truth import Cause
from redgen.vocabulary import Vocabulary

FIELDS = ("label", "campaign_id", "step_id")


@dataclass(frozen=True)
class Inline:
    """How labels are added to one format: before ``tail`` at the end of each line comes the text of its truth code."""

    texts: Vocabulary
    tail: int
    zeek: bool = False

    @classmethod
    def of(cls, causes: Sequence[Cause], ext: str, *, zeek: bool) -> Inline:
        """JSON gets a nested object ``redgen``, Zeek's TSV three columns, other text ``redgen=label/campaign/step``."""
        cells = [(c.label, c.campaign_id or c.noise_id, c.step_id) for c in causes]
        if ext.startswith("json") or ext == "ndjson":
            made = [',"redgen":{' + ",".join(f'"{k}":"{v}"' for k, v in zip(FIELDS, cell, strict=True)) + "}"
                    for cell in cells]
            return cls(Vocabulary.of(made), 1 if ext == "json" else 2)  # before "}" in an envelope, "}\n" on lines
        if zeek:
            return cls(Vocabulary.of("\t" + "\t".join(v or "-" for v in cell) for cell in cells), 1, zeek=True)
        return cls(Vocabulary.of(" redgen=" + "/".join(v or "-" for v in cell) for cell in cells), 1)

    def header(self, head: bytes) -> bytes:
        """The file header that announces the extra columns (Zeek's TSV; other formats have none)."""
        if not self.zeek:
            return head
        names = "".join(f"\tredgen_{name}" for name in FIELDS).encode()
        lines = head.splitlines(keepends=True)
        more = {b"#fields": names, b"#types": b"\tstring" * len(FIELDS)}
        return b"".join(x[:-1] + more.get(x.split(b"\t")[0], b"") + x[-1:] for x in lines)

    def add(self, data: NDArray[np.uint8], ends: NDArray[np.int64],
            codes: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The lines with their label; (bytes, end of each line)."""
        text, offsets = self.texts.data, self.texts.offsets
        width = (offsets[1:] - offsets[:-1])[codes]
        out = np.empty(len(data) + int(width.sum()), dtype=np.uint8)
        shift = np.cumsum(width)
        new_ends = ends + shift
        at = new_ends - self.tail - width          # where each label goes
        added = np.zeros(len(out), dtype=bool)
        inner = np.arange(int(shift[-1]) if len(shift) else 0) - np.repeat(shift - width, width)
        added[np.repeat(at, width) + inner] = True
        out[~added] = data
        out[added] = text[np.repeat(offsets[codes], width) + inner]
        return out, new_ends


def parted(text: str) -> tuple[str, dict[str, str]]:
    """A line without its label, and the label as ``redgen.…`` fields; JSON lines stay whole, theirs is a field.

    >>> parted("it happened redgen=malicious/C-0001/probe")
    ('it happened', {'redgen.label': 'malicious', 'redgen.campaign_id': 'C-0001', 'redgen.step_id': 'probe'})
    """
    if text.endswith("}"):
        return text, {}
    stem, found, cells = text.rpartition(" redgen=")
    words = cells.split("/") if found else text.split("\t")[-len(FIELDS) :]
    bare = stem if found else "\t".join(text.split("\t")[: -len(FIELDS)])
    return bare, {f"redgen.{name}": "" if word == "-" else word for name, word in zip(FIELDS, words, strict=True)}
