"""Detectors by one line of text, as the command line takes them: ``name``, ``name:argument``, ``name[a=b]:argument``.

For example ``command:'./engine --json {files}'``, ``python:pkg.module:function``, ``alerts:export.ndjson``,
``crowdsec``, ``fail2ban[maxretry=5,findtime=10m]:sshd``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from redgen.detector import Detector
from redgen.errors import DataError, PluginError, did_you_mean
from redgen.registry import DETECTORS

_SHAPE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\[(?P<options>[^\]]*)\])?(?::(?P<argument>.*))?", re.DOTALL | re.ASCII)


def detector_of(spec: str) -> Detector:
    """The detector that ``spec`` describes; DataError saying what is wrong with it."""
    match = _SHAPE.fullmatch(spec.strip())
    if match is None:
        raise DataError(f"--detector {spec!r}: write name, name:argument or name[option=value]:argument, "
                        "for example fail2ban[maxretry=5]:sshd")
    name, argument = match["name"], (match["argument"] or "").strip()
    kind = DETECTORS.get(name)
    if name == "sigma":
        if not argument or match["options"]:
            raise DataError("--detector sigma: write sigma:PATH, or name rules with --rules PATH")
        made: Detector = kind((argument,))
        return made
    if not hasattr(kind, "of"):
        raise PluginError(f"detector {name!r} has no `of`: it cannot be configured in a line of text")
    options = _options(match["options"] or "", name, kind.options)
    if kind.takes and not argument:
        raise DataError(f"--detector {name}: it needs {kind.takes}: {name}:…")
    configured: Detector = kind.of(argument, options)
    return configured


def _options(text: str, name: str, known: Mapping[str, str]) -> dict[str, str]:
    """``a=b,c=d`` as a mapping of known options."""
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = part.partition("=")
        if key not in known:
            raise DataError(f"--detector {name}: unknown option {key!r}{did_you_mean(key, known)}")
        if not equals or not value:
            raise DataError(f"--detector {name}: write {key}=VALUE ({known[key]})")
        if key in found:
            raise DataError(f"--detector {name}: {key} is given twice")
        found[key] = value
    return found
