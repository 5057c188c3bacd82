"""Vocabularies: ordered strings that rows point into by code, kept as one byte buffer plus offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_FEW = 4_096
"""Up to this many words are kept as strings once they were read."""


class Vocabulary:
    """Frozen strings with codes 0..n-1. ``data`` is uint8, ``offsets`` int64 of length n+1.

    >>> v = Vocabulary.of(["GET", "POST"])
    >>> v.code("POST"), v[0], len(v)
    (1, 'GET', 2)
    """

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.data = data
        self.offsets = offsets
        self._escaped: dict[Callable[[str], str], Vocabulary] = {}

    @classmethod
    def of(cls, strings: Iterable[str]) -> Vocabulary:
        """The vocabulary of ``strings``, in their order (duplicates keep their own code)."""
        words = list(strings)
        whole = "".join(words).encode()
        sizes = list(map(len, words))
        if len(whole) != sum(sizes):  # not ASCII alone
            sizes = [len(word.encode()) for word in words]
        offsets = np.zeros(len(words) + 1, dtype=np.int64)
        np.cumsum(sizes, out=offsets[1:])
        return cls(np.frombuffer(whole, dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, code: int) -> str:
        if not 0 <= code < len(self):
            raise IndexError(f"code {code} outside a vocabulary of {len(self)}")
        return self.data[self.offsets[code] : self.offsets[code + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return iter(self._few) if len(self) <= _FEW else self._read()

    @cached_property
    def _few(self) -> tuple[str, ...]:
        return tuple(self._read())

    def _read(self) -> Iterator[str]:
        raw, ends = self.data.tobytes(), self.offsets.tolist()
        if raw.isascii():
            whole = raw.decode()
            return (whole[a:b] for a, b in pairwise(ends))
        return (raw[a:b].decode() for a, b in pairwise(ends))

    def __contains__(self, text: object) -> bool:
        return text in self._codes

    @cached_property
    def _codes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for code, text in enumerate(self):
            found.setdefault(text, code)
        return found

    def code(self, text: str) -> int:
        """The code of ``text``; KeyError when it is not in the vocabulary."""
        return self._codes[text]

    def codes(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The codes of several strings."""
        return np.array([self._codes[t] for t in texts], dtype=np.int64)

    def escaped(self, escape: Callable[[str], str]) -> Vocabulary:
        """The same codes with each string passed through ``escape`` once; kept for the next call."""
        if escape not in self._escaped:
            self._escaped[escape] = Vocabulary.of(escape(s) for s in self)
        return self._escaped[escape]

    def __getstate__(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return self.data, self.offsets

    def __setstate__(self, state: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
        self.data, self.offsets = state
        self._escaped = {}
