"""Walking a graph: one engine that lists routes, samples paths and drives staging, depending on who decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from redgen.playbook.graph import Branching, Graph
from redgen.spec.playbook import END


class Decision(NamedTuple):
    """One decision of a walk: at which visit of a step, about what, which option, and how likely it was.

    A fact (``fact`` not empty) is no matter of chance for the walk: its weight is 1, option 1 = it holds.
    """

    step: str
    visit: int
    fact: str
    option: int
    weight: float


class Player(Protocol):
    """Who plays the steps and makes the decisions of a walk."""

    def play(self, step: str, visit: int, t: int) -> int | None:
        """Play the ``visit``-th visit (from 1) of ``step``, come to at ``t``; when it ended, None to stop the walk."""

    def holds(self, step: str, visit: int, fact: str) -> bool:
        """Whether a fact holds after the visit."""

    def choose(self, step: str, visit: int, weights: Sequence[float]) -> int:
        """Which of two or more options to take; ``weights`` sum to 1."""


@dataclass
class Walk:
    """A walk in progress: the steps visited, the transitions and the decisions taken so far."""

    graph: Graph
    player: Player
    path: list[str] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    visits: dict[str, int] = field(default_factory=dict)

    def run(self, t: int = 0) -> int:
        """Walk from the start to the end; when it ended."""
        return self._along(self.graph.playbook.start, t, END)[1]

    @property
    def natural(self) -> float:
        """The probability of the choices made, given the facts."""
        product = 1.0
        for decision in self.decisions:
            product *= decision.weight
        return product

    def _along(self, step: str, t: int, until: str) -> tuple[bool, int]:
        """Walk from ``step`` until ``until`` or the end: whether it came there, and when."""
        while step not in (END, until):
            visit = self.visits[step] = self.visits.get(step, 0) + 1
            self.path.append(step)
            ended = self.player.play(step, visit, t)
            if ended is None:
                return False, t
            t = ended
            branching = self._branching(step, visit)
            if branching is None:
                return False, t
            targets = self._targets(step, visit, branching)
            self.edges += [(step, target) for target in targets]
            if branching.fork is None:
                step = targets[0]
                continue
            arrivals = [self._along(branch, t, branching.fork.go) for branch in targets]
            t = max(when for _, when in arrivals)
            step = branching.fork.go if any(arrived for arrived, _ in arrivals) else END
        return step == until, t

    def _open(self, branching: Branching) -> list[int]:
        """The options whose target may still be visited."""
        steps = self.graph.playbook.steps
        limits = [steps[target].at_most if target in steps else None for target, _ in branching.options]
        return [
            i for i, limit in enumerate(limits) if limit is None or self.visits.get(branching.options[i][0], 0) < limit
        ]

    def _branching(self, step: str, visit: int) -> Branching | None:
        """The first line of choice that holds and leads somewhere; None: the walk ends."""
        known: dict[str, bool] = {}
        for branching in self.graph.after[step]:
            if not self._open(branching):
                continue
            if not branching.fact:
                return branching
            if branching.fact not in known:
                known[branching.fact] = held = self.player.holds(step, visit, branching.fact)
                self.decisions.append(Decision(step, visit, branching.fact, int(held), 1.0))
            if known[branching.fact] == branching.wanted:
                return branching
        return None

    def _targets(self, step: str, visit: int, branching: Branching) -> list[str]:
        """All branches of a fork, else one option; what is used up passes its weight on to the others."""
        options = [branching.options[i] for i in self._open(branching)]
        if branching.fork or len(options) == 1:
            return [target for target, _ in options]
        total = sum(weight for _, weight in options)
        weights = [weight / total for _, weight in options]
        taken = self.player.choose(step, visit, weights)
        self.decisions.append(Decision(step, visit, "", taken, weights[taken]))
        return [options[taken][0]]


@dataclass(frozen=True)
class Route:
    """A whole way through the graph: its steps, its decisions, and its probability given the facts it assumes."""

    steps: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    natural: float

    @property
    def last(self) -> str:
        """The step it ends with."""
        return self.steps[-1]


MOST_ROUTES = 5_000


class _Script:
    """Replays a list of options and takes the first one beyond it, noting how many there were."""

    def __init__(self, options: Sequence[int]) -> None:
        self.options = list(options)
        self.width: list[int] = []

    def play(self, step: str, visit: int, t: int) -> int:  # noqa: ARG002 (nothing happens in a rehearsal)
        return t

    def holds(self, step: str, visit: int, fact: str) -> bool:  # noqa: ARG002
        return self._next(2) == 0  # first what happens when it holds

    def choose(self, step: str, visit: int, weights: Sequence[float]) -> int:  # noqa: ARG002
        return self._next(len(weights))

    def _next(self, width: int) -> int:
        self.width.append(width)
        if len(self.width) > len(self.options):
            self.options.append(0)
        return self.options[len(self.width) - 1]


def routes(graph: Graph, most: int = MOST_ROUTES) -> tuple[Route, ...]:
    """Every route through the graph, facts both ways, in the order of the file; at most ``most``."""
    found: list[Route] = []
    script: list[int] | None = []
    while script is not None and len(found) < most:
        player = _Script(script)
        walk = Walk(graph, player)
        walk.run()
        found.append(Route(tuple(walk.path), tuple(walk.edges), tuple(walk.decisions), walk.natural))
        script = _following(player.options, player.width)
    return tuple(found)


def _following(options: list[int], width: list[int]) -> list[int] | None:
    """The next script in order, None after the last."""
    for at in range(len(width) - 1, -1, -1):
        if options[at] + 1 < width[at]:
            return [*options[:at], options[at] + 1]
    return None
