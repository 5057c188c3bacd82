"""Everything that can be wrong with a playbook beyond its shape, found at once, with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File

from redgen.errors import DataError, Problem, SpecError, did_you_mean
from redgen.playbook.bind import Binding, references
from redgen.playbook.graph import Graph, Path
from redgen.playbook.stage import Action
from redgen.registry import ACTIONS
from redgen.spec.distributions import as_delay
from redgen.spec.loader import Document
from redgen.spec.playbook import END, HARD_NEGATIVE, WHERE_KEYS, Playbook

Finding = tuple[Path, str]

FAMILIES = ("account-takeover", "api-misuse", "distributed", HARD_NEGATIVE)
"""Families there are playbooks of; another one is a new family, unless it looks like a slip of one of these."""
TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
    "defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control",
    "exfiltration", "impact",
)
_STAND_INS = {"id": "unnamed", "title": "untitled", "family": FAMILIES[0]}
_OWASP = re.compile(r"API(10|[1-9]):20(19|23)")


@dataclass(frozen=True)
class Compiled:
    """A playbook that passed: its file, its graph, and each step bound to its action."""

    document: Document
    playbook: Playbook
    graph: Graph
    bindings: Mapping[str, Binding]


@cache
def technique_ids() -> frozenset[str]:
    """Every technique and sub-technique id of MITRE ATT&CK Enterprise v17."""
    found: set[str] = set()
    for line in (File(__file__).parent / "attack_ids.txt").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            technique, *subs = line.split()
            found |= {technique, *(f"{technique}.{sub}" for sub in subs)}
    return frozenset(found)


def compiled(document: Document) -> Compiled:
    """The playbook in ``document``, ready to be sampled; SpecError with every problem."""
    problems = lint(document)
    if problems:
        raise SpecError(problems)
    playbook = document.validate(Playbook)
    bindings = {name: Binding(ACTIONS.get(s.action), s.parameters) for name, s in playbook.steps.items()}
    return Compiled(document, playbook, Graph.of(playbook), bindings)


def lint(document: Document) -> list[Problem]:
    """Every problem of a playbook file, in file order.

    Where the shape itself is wrong, what is sound is still checked as far as the faults do not blur it.
    """
    playbook, problems, faults = document.salvaged(Playbook, _STAND_INS)
    if playbook is not None:
        graph = Graph.of(playbook)
        for check, needs in CHECKS.items():
            blurred = [fault for fault in faults if fault[0] in needs]
            if blurred and (check not in _BY_NAME or any(len(fault) == 1 for fault in blurred)):
                continue
            for path, text in check(graph):
                if not any(path[: len(fault)] == fault or _mentions(text, fault) for fault in faults):
                    problems.append(document.problem(path, text))
    return sorted(set(problems), key=lambda p: (p.file, p.line, p.key))


def _mentions(text: str, fault: Path) -> bool:
    """Whether a finding is about a step, role or parameter that was set aside because of a fault."""
    said = text.partition(";")[0]  # what comes after it is what may be written instead
    return len(fault) == 2 and re.search(rf"(?<![\w-]){re.escape(str(fault[1]))}(?![\w-])", said) is not None


def _start_and_targets(graph: Graph) -> Iterator[Finding]:
    """Names of steps that do not exist."""
    playbook = graph.playbook
    if playbook.start not in playbook.steps:
        yield ("start",), f"unknown step {playbook.start!r}{did_you_mean(playbook.start, playbook.steps)}"
    for way in graph.ways:
        if way.target not in (*playbook.steps, END):
            at = (*way.branching.at, way.target) if len(way.branching.options) > 1 else way.branching.at
            yield at, f"unknown step {way.target!r}{did_you_mean(way.target, (*playbook.steps, END))}"
    for branchings in graph.after.values():
        for branching in branchings:
            join = branching.fork.go if branching.fork else END
            if join not in (*playbook.steps, END):
                yield (*branching.at, "go"), f"unknown step {join!r}{did_you_mean(join, (*playbook.steps, END))}"
    for name in playbook.objectives if playbook.family != HARD_NEGATIVE else ():
        if name not in playbook.steps:
            yield ("objective",), f"unknown step {name!r}{did_you_mean(name, playbook.steps)}"


def _objective(graph: Graph) -> Iterator[Finding]:
    """The objective must be a step that can be reached; a hard negative has none."""
    playbook = graph.playbook
    if playbook.family == HARD_NEGATIVE:
        if playbook.objectives:
            yield ("objective",), "a hard negative has no objective: it is no attack"
        return
    if not playbook.objectives:
        yield (), "missing objective: the step that is the attack's impact"
    for name in playbook.objectives:
        if name in playbook.steps and graph.reachable and name not in graph.reachable:
            yield ("objective",), f"no walk reaches {name!r}"


def _weights(graph: Graph) -> Iterator[Finding]:
    """Weights must sum to 1, of transitions and of mixtures in roles."""
    for branchings in graph.after.values():
        for branching in branchings:
            total = sum(weight for _, weight in branching.options)
            if not branching.fork and abs(total - 1.0) > 1e-6:
                yield branching.at, f"weights sum to {total:.6g}, not 1"
    for name, role in graph.playbook.roles.items():
        for key in ("network", "agent"):
            mix = getattr(role, key)
            if isinstance(mix, dict) and abs(sum(mix.values()) - 1.0) > 1e-6:
                yield ("roles", name, key), f"weights sum to {sum(mix.values()):.6g}, not 1"


def _choices(graph: Graph) -> Iterator[Finding]:
    """A list of choices must leave nothing undecided and hold no line that can never be taken."""
    for name, branchings in graph.after.items():
        seen: set[tuple[str, bool]] = set()
        closed = False
        for branching in branchings:
            if closed or (branching.fact, branching.wanted) in seen:
                yield branching.at, "never taken: a choice above always comes first"
            seen.add((branching.fact, branching.wanted))
            closed = closed or not branching.fact or (branching.fact, not branching.wanted) in seen
        if branchings and not closed:
            yield ("steps", name, "then"), "nothing is left when no fact holds; end the list with {go: …}"


def _reach(graph: Graph) -> Iterator[Finding]:
    """Every step must be reachable, and every walk must end."""
    if graph.playbook.start in graph.playbook.steps:
        for name in graph.playbook.steps:
            if name not in graph.reachable:
                yield ("steps", name), "no walk reaches this step"
    for name in sorted({step for step in graph.reachable - {END} if END not in _ahead(graph, step)}):
        yield ("steps", name, "then"), "no walk from here ends"
    loop = graph.endless()
    if loop:
        round_trip = " → ".join((*loop, loop[0]))
        yield ("steps", loop[0], "then"), f"the loop {round_trip} never ends; give a step of it at_most"


def _ahead(graph: Graph, step: str) -> set[str]:
    import networkx as nx

    found: set[str] = nx.descendants(graph.digraph, step)
    return found


def _roles(graph: Graph) -> Iterator[Finding]:
    """Roles must refer to roles that exist and are cast before them, and say only what their kind can have."""
    roles = graph.playbook.roles
    for name, role in roles.items():
        at: Path = ("roles", name)
        for key, others in (("not", role.apart_from), ("near", (role.near,) if role.near else ())):
            for other in others:
                if other not in roles:
                    yield (*at, key), f"unknown role {other!r}{did_you_mean(other, roles)}"
                elif other == name or list(roles).index(other) > list(roles).index(name):
                    yield (*at, key), f"role {other!r} must be written above {name!r}"
                elif key == "not" and roles[other].kind != role.kind:
                    yield (*at, key), f"role {other!r} is of another kind: nobody could be in both"
        for key in sorted(role.where.model_fields_set - WHERE_KEYS[role.kind]):
            yield (*at, "where", key), f"means nothing for {role.kind}{did_you_mean(key, WHERE_KEYS[role.kind])}"
        if role.kind != "address":
            for key in sorted({"network", "agent", "near"} & role.model_fields_set):
                yield (*at, key), "only roles of kind address have one"


def _techniques(graph: Graph) -> Iterator[Finding]:
    """ATT&CK and OWASP ids must exist."""
    playbook = graph.playbook
    wanted: list[tuple[Path, str]] = [(("steps", n, "technique"), s.technique) for n, s in playbook.steps.items()]
    wanted += [(("references", "attack", i), t) for i, t in enumerate(playbook.references.attack)]
    for path, technique in wanted:
        if technique and technique not in technique_ids():
            near = [t for t in technique_ids() if t.startswith(technique[:4])]
            yield path, f"{technique!r} is no technique of ATT&CK Enterprise v17{did_you_mean(technique, near)}"
    for name, step in playbook.steps.items():
        if step.tactic and step.tactic not in TACTICS:
            yield ("steps", name, "tactic"), f"unknown tactic {step.tactic!r}{did_you_mean(step.tactic, TACTICS)}"
        if step.technique and playbook.family == HARD_NEGATIVE:
            yield ("steps", name, "technique"), "a hard negative uses no technique: it is no attack"
    for i, text in enumerate(playbook.references.owasp_api):
        if not _OWASP.fullmatch(text):
            yield ("references", "owasp_api", i), f"{text!r} is no OWASP API risk; write for example API1:2023"
    near_family = did_you_mean(playbook.family, FAMILIES)
    if playbook.family not in FAMILIES and "did you mean" in near_family:
        yield ("family",), f"unknown family {playbook.family!r}{near_family}"


def _actions(graph: Graph) -> Iterator[Finding]:
    """Actions must exist, take what ``with`` says, and report the facts that are asked for."""
    playbook = graph.playbook
    found = {name: _action(step.action) for name, step in playbook.steps.items()}
    for name, step in playbook.steps.items():
        action = found[name]
        if not isinstance(action, Action):
            yield ("steps", name, "action"), action
            continue
        for keys, text in Binding(action, step.parameters).findings(playbook.roles, playbook.parameters):
            yield ("steps", name, "with", *keys), text
        yield from _delay(playbook, name)
        for branching in graph.after[name]:
            if branching.fact and branching.fact not in action.facts:
                at = (*branching.at[:-1], "when")
                told = did_you_mean(branching.fact, action.facts) or f"; {action.name} reports none"
                yield at, f"{action.name} reports no fact {branching.fact!r}{told}"
        earlier = {f for n in graph.before(name) for f in getattr(found[n], "facts", ())}
        for key, _, fact in references(step.parameters, action):
            if fact and fact not in earlier:
                told = did_you_mean(fact, earlier)
                yield ("steps", name, "with", key), f"no step before reports the fact {fact!r}{told}"


def _delay(playbook: Playbook, name: str) -> Iterator[Finding]:
    """A delay taken from a parameter must be a time."""
    after = playbook.steps[name].after
    if not isinstance(after, str):
        return
    law = playbook.parameters.get(after[1:])
    if law is None:
        told = did_you_mean(after[1:], playbook.parameters)
        yield ("steps", name, "after"), f"unknown parameter {after}{told}"
        return
    try:
        as_delay(law)
    except ValueError as error:
        yield ("steps", name, "after"), f"{after} {error}"


def _action(name: str) -> Action | str:
    try:
        found: Action = ACTIONS.get(name)
    except DataError as error:
        return str(error)
    return found


CHECKS: Mapping[Callable[[Graph], Iterator[Finding]], tuple[str, ...]] = {
    _roles: ("roles",), _techniques: (), _weights: (), _choices: (), _actions: ("roles", "parameters"),
    _start_and_targets: ("steps",), _objective: ("steps", "start"), _reach: ("steps", "start"),
}
"""Every check, from a graph to (path in the file, message) pairs, and the sections that must be sound for it to see."""
_BY_NAME = (_actions, _roles, _start_and_targets)
"""Checks that look for names, and go on looking where others are at fault."""
