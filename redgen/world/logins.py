"""How people write their names and logins: display names, unique e-mail addresses, and slips of the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redgen.seed import U64, Seed
from redgen.world import bundled
from redgen.world.carve import slug
from redgen.world.lists import LOCALE_OF, names_of
from redgen.world.plan import I32, Cities

MAIL_SHARES = (0.44, 0.18, 0.12, 0.09, 0.07, 0.04, 0.04, 0.02)
"""How customers' mail providers share the market (unverified); the providers are in ``data/words.txt``."""


def names(
    cities: Cities, city: I32, ids: U64, locales: Mapping[str, str], seed: Seed
) -> tuple[list[str], list[str]]:
    """First and last name of each person, as people in the city's country are called; ``locales`` by ISO code."""
    nation = cities.nation[city]
    woman = seed.uniform(ids, "sex") < 0.5
    pick_first, pick_last = seed.uniform(ids, "first name") ** 1.4, seed.uniform(ids, "last name") ** 1.4
    first = np.empty(len(ids), dtype=object)
    last = np.empty(len(ids), dtype=object)
    for code in np.unique(nation).tolist():
        for sex, known in enumerate(names_of(locales.get(cities.nations[code], LOCALE_OF[cities.nations[code]]))):
            some = np.flatnonzero((nation == code) & (woman == bool(sex)))
            first[some] = _picked(known.first, pick_first[some])
            last[some] = _picked(known.last, pick_last[some])
    return first.tolist(), last.tolist()


def _picked(words: Sequence[str], u: NDArray[np.float64]) -> NDArray[np.object_]:
    """Words by uniform; the earlier ones more often when ``u`` leans to 0."""
    return np.array(words, dtype=object)[(u * len(words)).astype(np.int64)]


def private(first: Sequence[str], last: Sequence[str], ids: U64, seed: Seed) -> list[str]:
    """E-mail addresses at public providers, each once; who comes later finds the plain form taken and adds a number."""
    shape = (seed.uniform(ids, "login shape") * 100).astype(np.int64).tolist()
    year = (50 + seed.noise(ids, "birth year") % np.uint64(58)).astype(np.int64).tolist()
    mail = bundled.sections("words.txt")["mail"]
    provider = np.searchsorted(np.cumsum(MAIL_SHARES)[:-1], seed.uniform(ids, "mail"), side="right").tolist()
    plain = {word: slug(word).replace("-", "") for word in {*first, *last}}
    return unique(
        [f"{_local(plain[f], plain[n], s, y % 100)}@{mail[p]}"
         for f, n, s, y, p in zip(first, last, shape, year, provider, strict=True)]
    )


def _local(first: str, last: str, shape: int, year: int) -> str:
    if shape < 34:
        return f"{first}.{last}"
    if shape < 48:
        return f"{first}{last}"
    if shape < 60:
        return f"{first[:1]}{last}"
    if shape < 72:
        return f"{first}.{last}{year:02d}"
    if shape < 82:
        return f"{first}{last[:1]}{year:02d}"
    if shape < 90:
        return f"{first}_{last}"
    return f"{last}.{first}" if shape < 96 else f"{first}{year:02d}{last[:2]}"


def staff(first: Sequence[str], last: Sequence[str], domain: str) -> list[str]:
    """``jane.doe@domain``, each once."""
    plain = {word: slug(word).replace("-", "") for word in {*first, *last}}
    return unique([f"{plain[f]}.{plain[n]}@{domain}" for f, n in zip(first, last, strict=True)])


def unique(logins: Sequence[str]) -> list[str]:
    """The same logins, a number added before the @ (or at the end) of every one that is taken already.

    >>> unique(["a@x.test", "a@x.test", "b", "b"])
    ['a@x.test', 'a2@x.test', 'b', 'b2']
    """
    taken: dict[str, int] = {}
    found = []
    for login in logins:
        if login not in taken:
            taken[login] = 1
            found.append(login)
            continue
        local, at, domain = login.partition("@")
        number = taken[login]
        while (other := f"{local}{number + 1}{at}{domain}") in taken:
            number += 1
        taken[login] = number + 1
        taken[other] = 1
        found.append(other)
    return found


def slips(logins: Sequence[str], ids: U64, seed: Seed) -> list[str]:
    """One mistyped form of each login: two letters swapped, one lost, doubled or hit beside, or the domain cut."""
    way = (seed.uniform(ids, "slip") * 100).astype(np.int64).tolist()
    where = seed.uniform(ids, "slip at").tolist()
    return [_slip(login, w, u) for login, w, u in zip(logins, way, where, strict=True)]


def _slip(login: str, way: int, u: float) -> str:
    local, _, domain = login.partition("@")
    at = int(u * max(len(local) - 1, 1))
    if way < 30:
        local = local[:at] + local[at + 1 : at + 2] + local[at : at + 1] + local[at + 2 :]
    elif way < 55:
        local = local[:at] + local[at + 1 :]
    elif way < 72:
        local = local[: at + 1] + local[at:]
    elif way < 86:
        beside = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))
        local = local[:at] + beside.get(local[at : at + 1], "1") + local[at + 1 :]
    elif way < 94:
        return local
    else:
        domain = domain.replace("mail", "mial").replace("inbox", "inbx")
    return f"{local}@{domain}"
