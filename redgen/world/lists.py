"""Lists of first and last names by locale, as Faker has them.

Faker's lists change between its versions, and the same seed must give the same people everywhere. So what Faker gave
once for the locales of the address plan is kept in ``data/names.txt``, written by ``python -m redgen.world.lists``;
a locale that is not in there is asked of the installed Faker when the world is built.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TextIO

from redgen.errors import DataError
from redgen.seed import Seed
from redgen.world import bundled
from redgen.world.carve import slug
from redgen.world.latin import latin

LOCALE_OF = {
    "US": "en_US", "CA": "en_US", "MX": "es_MX", "BR": "pt_BR", "AR": "es_AR", "CL": "es_CL", "CO": "es_CO",
    "GB": "en_GB", "IE": "en_IE", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "PT": "pt_PT", "IT": "it_IT",
    "NL": "nl_NL", "BE": "nl_BE", "CH": "de_CH", "AT": "de_AT", "SE": "sv_SE", "NO": "no_NO", "DK": "da_DK",
    "FI": "fi_FI", "PL": "pl_PL", "CZ": "cs_CZ", "RO": "ro_RO", "UA": "uk_UA", "TR": "tr_TR", "RU": "ru_RU",
    "ZA": "zu_ZA", "NG": "en_NG", "EG": "en_PK", "IN": "en_IN", "ID": "id_ID", "VN": "vi_VN", "TH": "en_TH",
    "PH": "es_MX", "SG": "en_IN", "JP": "ja_JP", "KR": "ko_KR", "AU": "en_GB", "NZ": "en_NZ",
}
"""The Faker locale whose names people of a country bear."""
DRAWS = 3000
MOST_FIRST, MOST_LAST = 120, 260


@dataclass(frozen=True)
class Names:
    """Names of one locale and sex, most common first."""

    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def names_of(locale: str) -> tuple[Names, Names]:
    """Men's and women's names of ``locale``; DataError when neither we nor Faker know it."""
    kept = bundled.sections("names.txt")
    if f"{locale} m first" in kept:
        m, f = (Names(*(_split(kept[f"{locale} {sex} {part}"]) for part in ("first", "last"))) for sex in "mf")
        return m, f
    return ask_faker(locale)


def ask_faker(locale: str) -> tuple[Names, Names]:
    """What the installed Faker has for ``locale``, in Latin letters."""
    from faker import Faker

    try:
        fake = Faker(locale)
    except AttributeError:
        raise DataError(f"no names for locale {locale!r}: Faker does not know it") from None
    fake.seed_instance(Seed(0).child("names", locale).key)
    m, f = (Names(_common(fake, "first", sex, MOST_FIRST), _common(fake, "last", sex, MOST_LAST))
            for sex in ("male", "female"))
    if not all((m.first, m.last, f.first, f.last)):
        raise DataError(f"no names for locale {locale!r}: they cannot be written in Latin letters, as logins need")
    return m, f


def _common(fake: object, part: str, sex: str, most: int) -> tuple[str, ...]:
    """The most common names of one sort, by how often Faker draws them."""
    romanized = getattr(fake, f"{part}_romanized_name", None)
    draw = romanized or getattr(fake, f"{part}_name_{sex}", None) or getattr(fake, f"{part}_name")
    counts = Counter(" ".join(latin(draw()).strip(".").split()) for _ in range(DRAWS))
    found = sorted((name for name in counts if slug(name)), key=lambda name: (-counts[name], name))
    return tuple(found[:most])


def _split(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for line in lines for name in line.rstrip(",").split(", "))


def write(out: TextIO) -> None:
    """Write ``data/names.txt`` anew from the installed Faker."""
    from faker import VERSION

    print(f"# Made by python -m redgen.world.lists with Faker {VERSION}", file=out)
    for locale in sorted(set(LOCALE_OF.values())):
        for sex, names in zip("mf", ask_faker(locale), strict=True):
            for part, words in (("first", names.first), ("last", names.last)):
                body = textwrap.fill(", ".join(w.replace(" ", "\u00a0") for w in words), 118, break_long_words=False,
                                     break_on_hyphens=False)
                print(f"[{locale} {sex} {part}]\n{body.replace(chr(0xA0), ' ')}", file=out)


if __name__ == "__main__":
    write(sys.stdout)
