"""Pipelines and placeholders: what a user's setting does to rules before they become SQL."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from sigma.exceptions import SigmaError, SigmaPlaceholderError
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation
from sigma.rule import SigmaRule

from redgen.alert import BROKEN, PLACEHOLDER
from redgen.errors import Problem, SpecError
from redgen.sigma.backend import Predicates
from redgen.sigma.columns import Need
from redgen.sigma.documents import LOADER
from redgen.sigma.patterns import POLICY, BadPatternError
from redgen.sigma.ruleset import Loaded, Ruleset, plainly


def pipeline_of(files: Sequence[Path], placeholders: Path | None = None) -> ProcessingPipeline:
    """Pipelines in the order given, then the values of placeholders; SpecError when a file cannot be used."""
    whole = ProcessingPipeline()
    for file in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = _text(file)
            try:
                yaml.load(text, LOADER)  # noqa: S506  (a safe loader; for its line numbers)
                whole += ProcessingPipeline.from_yaml(text, policy=POLICY)
            except yaml.YAMLError as error:
                raise SpecError(Problem(str(file), *_not_yaml(error))) from error
            except (SigmaError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise SpecError(Problem(str(file), 0, "", f"no pySigma pipeline: {plainly(error)}")) from error
    if placeholders is not None:
        whole += _values(placeholders)
    return whole


def _values(file: Path) -> ProcessingPipeline:
    """``name: value`` or ``name: [values]``, as YAML."""
    try:
        said = yaml.load(_text(file), LOADER)  # noqa: S506  (a safe loader, in C where there is one)
    except yaml.YAMLError as error:
        raise SpecError(Problem(str(file), *_not_yaml(error))) from error
    if not isinstance(said, dict):
        raise SpecError(Problem(str(file), 1, "", "placeholders are a mapping of names to values"))
    values: dict[str, Any] = {}
    for name, value in said.items():
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(v, str | int | float) for v in listed):
            raise SpecError(Problem(str(file), 0, str(name), "a placeholder is a text, a number, or a list of them"))
        values[str(name).strip("%")] = listed
    item = ProcessingItem(ValueListPlaceholderTransformation(include=list(values)))
    return ProcessingPipeline(items=[item], vars=values)


def _not_yaml(error: yaml.YAMLError) -> tuple[int, str, str]:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 0, "", f"not YAML: {getattr(error, 'problem', None) or error}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SpecError(Problem(str(file), 0, "", f"cannot be read: {why}")) from error


def prepare(ruleset: Ruleset, pipeline: ProcessingPipeline, predicates: Predicates) -> dict[int, Need]:
    """Apply the pipeline to every rule and say, by entry, which columns each plain rule reads.

    Rules that cannot be said in SQL are rejected with the reason.
    """
    needs: dict[int, Need] = {}
    for index, entry in enumerate(ruleset.loaded):
        if not entry.usable:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pipeline.apply(entry.rule)
            if isinstance(entry.rule, SigmaRule):
                needs[index] = predicates.need(entry.rule)
                entry.report = replace(entry.report, logsource=_logsource(entry))
        except SigmaPlaceholderError as error:
            names = error.args[0] if error.args else error
            entry.reject(PLACEHOLDER, f"no value for {names}; give one with a placeholders file or a pipeline")
        except (SigmaError, BadPatternError) as error:
            entry.reject(BROKEN, plainly(error))
        except Exception as error:  # noqa: BLE001  (pipelines run foreign code over foreign rules)
            entry.reject(BROKEN, f"cannot be converted: {plainly(error)}")
    return needs


def _logsource(entry: Loaded) -> dict[str, str]:
    """The log source after pipelines, which may change it."""
    source = entry.rule.logsource if isinstance(entry.rule, SigmaRule) else None
    pairs = (("product", source.product), ("service", source.service), ("category", source.category)) if source else ()
    return {key: value for key, value in pairs if value}
