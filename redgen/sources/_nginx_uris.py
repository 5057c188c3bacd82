"""The world's routes as forms: request URIs, paths, queries and referers, for the templates of web servers.

A route's path has the holes ``@{obj}``, ``@{obj2}`` and ``@{word}``; here each becomes the hole that writes it in the
route's style and from the right columns (the request's own, or with ``ref_`` those of the referring page).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from redgen.render.holes import Forms, Hex, Hole, Int, Pick, Text, Uuid4
from redgen.vocabulary import Vocabulary
from redgen.world.sites import STYLES, Routes, Sites
from redgen.world.world import World

Escape = Callable[[str], str]

_SLUGS = tuple(Vocabulary.of(words.split()) for words in (  # the two words before a slug's number: walnut-lamp-1042
    """alder amber ash birch black blue brass bright brown cedar clay coral cotton cream deep dusk fern flax grand gray
    green honey iron ivory large linen little loft maple matte mild mint moss navy north oak ochre olive pale pearl
    pine plain rust sage salt sand silk slate small soft stone sun teak velvet walnut warm white willow wool""",
    """armchair basket bench blanket board bottle bowl box brush bulb cabinet candle carafe chair clock cushion desk
    dish drawer frame glass hook jar jug kettle ladder lamp lantern light mirror mug pan pillow pitcher planter plate
    pot rack rug shade shelf sofa spoon stand stool table throw towel tray trunk tumbler vase""",
))

_HOLE = re.compile(r"@\{(obj2?|word)\}")
NO_REFERER, EXTERNAL, CROSS_SITE, SAME_SITE = 0, 1, 2, 3
"""Values of the column ``referer``; from SAME_SITE on, SAME_SITE + route."""


def scheme_of(sites: Sites) -> list[str]:
    """``http`` for sites on the plain ports, else ``https``."""
    return ["http" if plain else "https" for plain in sites.plain.tolist()]


class Uris:
    """URI holes over the columns route, obj, obj2, word and referer, ref_site, ref_ext, ref_obj, ref_obj2, ref_word."""

    def __init__(self, world: World, escape: Escape) -> None:
        self._world = world
        self._escape = escape
        self.holes: dict[str, Hole] = {}
        words = world.words
        decoded = Vocabulary.of(unquote(w) for w in words)
        for prefix in ("", "ref_"):
            self.holes[f"{prefix}word"] = Text(words.escaped(escape), f"{prefix}word", missing="")
        self.holes["word_decoded"] = Text(decoded.escaped(escape), "word", missing="")

    def paths(self, split: str = "") -> Forms:
        """The request's target per route; ``split`` "uri" gives the decoded path alone, "args" the query alone."""
        texts = list(self._world.routes.path)
        if split == "args":
            return self._forms((t.partition("?")[2] for t in texts), "", "route")
        if split == "uri":
            plain = (unquote(t.partition("?")[0]).replace("@{word}", "@{word_decoded}") for t in texts)
            return self._forms(plain, "", "route")
        return self._forms(texts, "", "route")

    def referer(self, missing: str) -> Forms:
        """The Referer header: nothing, an external URL, another site's origin, or the full URL of a page of this one.

        Browsers send the origin alone across sites (``strict-origin-when-cross-origin``).
        """
        world = self._world
        origins = [f"{s}://{h}" for s, h in zip(scheme_of(world.sites), world.sites.host, strict=True)]
        self.holes["ref_ext"] = Text(world.referers.escaped(self._escape), "ref_ext")
        self.holes["ref_origin"] = Text(Vocabulary.of(origins), "ref_site")
        pages = self._forms(world.routes.path, "ref_", "referer").forms
        own = [origins[site] + page for site, page in zip(world.routes.site.tolist(), pages, strict=True)]
        return Forms([missing, "@{ref_ext}", "@{ref_origin}/", *own], "referer")

    def _forms(self, texts: Iterable[str], prefix: str, column: str) -> Forms:
        return Forms([self._form(text, route, prefix) for route, text in enumerate(texts)], column)

    def _form(self, text: str, route: int, prefix: str) -> str:
        """One path with its holes named for style and columns, its literal parts escaped."""
        parts, routes = _HOLE.split(text), self._world.routes
        shown = [self._escape(parts[0])]
        for name, literal in zip(parts[1::2], parts[2::2], strict=True):
            many = routes.objects if name == "obj" else routes.objects2
            style = STYLES[int(routes.style[route])]
            hole = f"@{{{prefix}word}}" if name == "word" else self._object(prefix + name, style, int(many[route]))
            shown += [hole, self._escape(literal)]
        return "".join(shown)

    def _object(self, column: str, style: str, many: int) -> str:
        """Holes that write an object's id. Routes with equally many objects are about the same, and agree on ids."""
        salt = zlib.crc32(str(many).encode()) & 0xFFFFF
        styles: dict[str, dict[str, Hole]] = {
            "int": {f"{column}:int": Int(column)},
            "uuid": {f"{column}:uuid:{salt}": Uuid4(column, salt)},
            "hex": {f"{column}:hex:{salt}": Hex(column, 24, salt)},
            "slug": {
                **{f"{column}:slug{k}": Pick(words, column, k) for k, words in enumerate(_SLUGS)},
                f"{column}:int": Int(column),
            },
        }
        made = styles[style]
        self.holes |= made
        return "-".join(f"@{{{name}}}" for name in made)


def referer_code(
    ref: NDArray[np.int32], site: NDArray[np.int16], routes: Routes
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int32]]:
    """The columns (referer, ref_site, ref_ext) of an ``http`` table's ``ref``, given the rows' own sites."""
    page = np.maximum(ref, 0)
    ref_site = routes.site[page]
    inner = np.where(ref_site == site, page + SAME_SITE, CROSS_SITE)
    referer = np.where(ref >= 0, inner, np.where(ref == -1, NO_REFERER, EXTERNAL)).astype(np.int32)
    return referer, ref_site, np.maximum(-2 - ref, 0).astype(np.int32)
