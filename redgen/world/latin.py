"""Names in Latin letters: Cyrillic by table (BGN/PCGN, simplified), Korean by the Revised Romanization."""

from __future__ import annotations


def _table(text: str) -> list[str]:
    """Words separated by blanks; ``_`` is the empty one."""
    return [word.replace("_", "") for word in text.split()]


_CYRILLIC = dict(zip(
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
    _table("a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya i i ye g"), strict=True,
))
_LEADS = _table("g kk n d tt r m b pp s ss _ j jj ch k t p h")
_VOWELS = _table("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_TAILS = _table("_ k k k n n n t l l l l l l l l m p p t t ng t t k t p t")


def latin(name: str) -> str:
    """``name`` with Cyrillic and Hangul letters written in Latin ones; everything else stays.

    >>> latin("Таисия"), latin("윤서")
    ('Taisiya', 'Yunseo')
    """
    written = "".join(_letter(c) for c in name)
    changed = written != name
    return written[:1].upper() + written[1:] if changed else name


def _letter(char: str) -> str:
    low = char.lower()
    if low in _CYRILLIC:
        plain = _CYRILLIC[low]
        return plain if char == low else plain.capitalize()
    syllable = ord(char) - 0xAC00
    if 0 <= syllable < 11172:
        return _LEADS[syllable // 588] + _VOWELS[syllable % 588 // 28] + _TAILS[syllable % 28]
    return char
