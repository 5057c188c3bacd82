"""Seed after seed until it is decided whether recall is good enough: Wald's test over whole datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from redgen.assess.cache import dataset_for, is_dataset
from redgen.assess.judge import Terms
from redgen.assess.loop import whole_loop
from redgen.detector import Detector
from redgen.errors import DataError
from redgen.gates.bench import BLIND
from redgen.gates.evaluate import suspicions
from redgen.scorecard import CAUGHT, INCONCLUSIVE, PASSED, Scorecard
from redgen.scorecard import GateResult as Gate
from redgen.shards.inputs import Request, read_inputs
from redgen.statistics.sequential import Decision, Sprt, confidence_sequence, run


def decide(scenario: str, detectors: Sequence[Detector], terms: Terms, test: Sprt, *, seed: int | None = None,
           settings: tuple[str, ...] = (), jobs: int | None = None, folder: Path | None = None,
           said: Callable[[str], None] = lambda _: None) -> tuple[Scorecard, Path, int]:
    """Make, detect and score the scenario's dataset with one seed after another until ``test`` decides.

    The scorecard is that of the last dataset, with the decision as a gate; then that dataset's directory, and how many
    datasets it took. A dataset without campaigns that tell anything, or whose detections prove nothing (chance would do
    as well, nothing ran), ends the test; it is not passed then.
    """
    if is_dataset(Path(scenario)):
        raise DataError(f"{scenario} is one dataset, and a sequential test makes one after another; name a scenario")
    first = seed if seed is not None else read_inputs(Request(scenario, settings)).scenario.seed
    outcomes, doubts = list[bool](), dict[str, None]()
    for k in range(test.n_max):
        data = dataset_for(scenario, seed=first + k, settings=settings, jobs=jobs, folder=folder, said=said)
        card = whole_loop(data, detectors, terms)
        found = list(_outcomes(card))
        outcomes += found
        doubts.update(dict.fromkeys(_doubts(card, terms)))
        decision = run(test, outcomes)
        said(f"seed {first + k}: {sum(outcomes)} of {len(outcomes)} campaigns detected so far: {decision.status}")
        if decision.done or doubts or not found or card.failed:
            break
    return replace(card, gates=(*card.gates, _gate(test, decision, k + 1, tuple(doubts)))), data.path, k + 1


def _outcomes(card: Scorecard) -> Iterator[bool]:
    for campaign in card.campaigns:
        if campaign.status not in BLIND:
            yield campaign.status in CAUGHT


def _doubts(card: Scorecard, terms: Terms) -> Iterator[str]:
    """Why the detections in a dataset prove nothing."""
    yield from suspicions(card)
    if card.chance.refused and not terms.allow_chance:
        yield f"chance alone would detect {card.chance.recall:.0%} of campaigns (--allow-chance)"


def _gate(test: Sprt, decision: Decision, datasets: int, doubts: Sequence[str]) -> Gate:
    bounds = confidence_sequence(decision.detected, decision.n, 1 - test.alpha)
    recall = decision.detected / decision.n if decision.n else None
    message = (f"{decision.detected} of {decision.n} campaigns of {datasets} datasets detected; recall between "
               f"{bounds.lower or 0:.2f} and {1 if bounds.upper is None else bounds.upper:.2f} at every look; wanted "
               f"{test.r0:g}, unacceptable {test.r1:g} (Wald's test, alpha {test.alpha:g}, beta {test.beta:g})")
    status = INCONCLUSIVE if doubts and decision.status == PASSED else decision.status
    if status == INCONCLUSIVE:
        message = "; ".join([message, *(doubts or ("not decided",))])
    return Gate("sequential", "campaign_recall", status, recall, test.r1, "sequential", ">=", message)
