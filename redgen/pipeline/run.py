"""Generate: a scenario in, a dataset directory out; the whole way in one function."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import yaml

from redgen.dataset.dataset import Dataset, load
from redgen.pipeline.ahead import renderer_compiling
from redgen.pipeline.digests import Digests
from redgen.pipeline.labels import write_labels
from redgen.pipeline.ledger import Ledger
from redgen.pipeline.lookups import write_lookups
from redgen.pipeline.maker import MARKS_FOLDER
from redgen.pipeline.manifest import manifest, write_manifest
from redgen.pipeline.produce import Watch, produce
from redgen.pipeline.staging import MANIFEST, Staging, check_target, open_staging, writing
from redgen.pipeline.truthfiles import campaign_records, effect_records, hard_negative_records, write_jsonl
from redgen.pipeline.unseen import unseen
from redgen.shards.inputs import Inputs, Request
from redgen.shards.plan import Plan, make_plan
from redgen.shards.shard import ShardPlan


def generate(scenario: str | Path, target: str | Path | None = None, *, seed: int | None = None,
             jobs: int | None = None, settings: Sequence[str] = (), clean: bool = False, force: bool = False,
             watch: Watch | None = None, warn: Callable[[str], None] | None = None) -> Dataset:
    """Make the dataset of ``scenario`` (a bundled name or a path) in the directory ``target`` (``redgen-<its name>``).

    ``seed`` and ``settings`` (``dotted.key=value``) override the scenario; ``clean`` leaves the campaigns out and keeps
    every benign line as it is with them; ``jobs`` is the number of worker processes (default: one per core) and changes
    no byte; ``force`` replaces a dataset that is there; ``watch`` is called as shards finish; ``warn`` with what is
    allowed but hardly meant: campaigns that leave nothing in the sources chosen.

    Raises SpecError (a YAML is wrong), DataError (a file cannot be read), SinkError (the target cannot be written).
    An interrupted run leaves ``<target>.partial``; the same call goes on from there.
    """
    overrides = (*settings, *([f"seed={seed}"] if seed is not None else []))
    request = Request(str(scenario), tuple(overrides), clean)
    place = Path(target or f"redgen-{Path(scenario).stem}").expanduser().absolute()
    check_target(place, force=force)
    with renderer_compiling():
        plan = make_plan(request)
    if warn:
        for text in unseen(plan):
            warn(text)
    with open_staging(place, plan.journal_digest, force=force) as staging:
        ledger, digests = produce(
            plan.work, PlanAgain(plan), staging, jobs=jobs or os.cpu_count() or 1, watch=watch,
            meanwhile=partial(_lookups, plan, staging.path))
        _finish(plan, staging, ledger, digests)
        staging.promote(force=force)
    return load(place)


class PlanAgain:
    """The plan for a worker: shared memory after a fork, built again from the request when pickled."""

    def __init__(self, plan: Plan) -> None:
        self._plan: Plan | None = plan
        self._request = plan.request

    def __call__(self) -> ShardPlan:
        """The part of the plan that shards need."""
        return (self._plan or make_plan(self._request)).work

    def __getstate__(self) -> dict[str, object]:
        return {"_plan": None, "_request": self._request}


def _lookups(plan: Plan, root: Path) -> None:
    """What depends on the world alone."""
    with writing(root):
        (root / "lookups").mkdir(exist_ok=True)
        write_lookups(plan.world, root / "lookups")


def _finish(plan: Plan, staging: Staging, ledger: Ledger, digests: Digests) -> None:
    """Truth, frozen copies and the manifest."""
    root = staging.path
    with writing(root):
        (root / "truth").mkdir(exist_ok=True)
        write_labels(root / "truth" / "labels.parquet", root, ledger, plan.causes)
        campaigns = campaign_records(plan, ledger)
        write_jsonl(root / "truth" / "campaigns.jsonl", campaigns)
        write_jsonl(root / "truth" / "hard_negatives.jsonl", hard_negative_records(plan, ledger))
        write_jsonl(root / "truth" / "effects.jsonl", effect_records(plan, ledger))
        _freeze(plan.inputs, root)
        shutil.rmtree(root / MARKS_FOLDER)
        write_manifest(root / MANIFEST, manifest(plan, ledger, digests, root, campaigns))


def _freeze(inputs: Inputs, root: Path) -> None:
    """The scenario as it was run, and the files it names, so that the dataset can be remade from itself."""
    text = yaml.safe_dump(inputs.frozen, sort_keys=False, allow_unicode=True, width=120)
    (root / "scenario.yaml").write_text(text, encoding="utf-8")
    for copy in inputs.copies:
        (root / copy.name).parent.mkdir(exist_ok=True)
        (root / copy.name).write_bytes(copy.path.read_bytes())
