"""The contract between playbooks and actions: what an action is given, what it gives back, and how it is declared.

An action is a plug-in module in ``redgen/actions/``, named like the file, that exposes ``ACTION``::

    @action(facts={"any_success": "at least one password fitted", "cracked": "whose passwords fitted"})
    def login_attempts(
        stage: Stage,
        *,
        targets: People,                          # a role; the playbook's author writes its name
        source: Network,
        pace: Annotated[float, Field(gt=0)] = 1.0,     # tries per second
        gap: Distribution = Distribution.of({"exponential": "2s"}),   # drawn per row, by the action
        client: Literal["browser", "script"] = "browser",
        pause: Duration = 0,                      # microseconds; written 5m
    ) -> Staged:
        ...
        return Staged(activity={"auth": table}, ended=int(t.max()), facts={"any_success": hit.any(), "cracked": who})

    ACTION = login_attempts

The keyword-only parameters are the schema of ``with:``; there is no second description. In the YAML a value is written
plainly (``pace: 2``), taken from the playbook's parameters (``pace: $pace``) or drawn once per execution of the step
(``pace: {log_uniform: [1, 9]}``); a parameter of type ``Distribution`` gets the distribution itself. A role is written
by its name, or as ``role.fact`` for those of its members that an earlier step's fact names (``list.cracked``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, create_model

from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import Activity
from redgen.errors import PluginError
from redgen.seed import Seed
from redgen.spec.playbook import ADDRESSED_KINDS, PEOPLE_KINDS
from redgen.world.world import World


@dataclass(frozen=True)
class Role:
    """The entities that play one role of a campaign; columns of one length.

    ``members``: persons, sites, hosts or cloud principals by their code in the world; for addresses their number,
    0..n-1. ``addr``: an address, a person's home line, a site's or a host's public address. ``agent`` and ``device``:
    the software and device each acts with (rows of ``World.agents``, seeds of ids); -1 and 0 where that means nothing.
    What a person shows elsewhere or later, ``stage.world.people`` knows.
    """

    name: str
    kind: str                     # one of redgen.spec.playbook.ROLE_KINDS
    side: str                     # attacker | victim
    members: NDArray[np.int64]
    addr: NDArray[np.uint32]
    agent: NDArray[np.int32]
    device: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.members)

    def take(self, index: NDArray[Any]) -> Role:
        """The members at ``index`` (positions or a mask)."""
        columns = (self.members, self.addr, self.agent, self.device)
        return Role(self.name, self.kind, self.side, *(column[index] for column in columns))

    def only(self, members: NDArray[np.integer]) -> Role:
        """The members among ``members`` (values of the column of that name), in the role's order."""
        return self.take(np.flatnonzero(np.isin(self.members, members)))


@dataclass(frozen=True)
class Kinds:
    """Metadata of a Role parameter: which kinds of role it takes. ``Annotated[Role, Kinds("site")]``."""

    kinds: tuple[str, ...]


People = Annotated[Role, Kinds(PEOPLE_KINDS)]
Network = Annotated[Role, Kinds(ADDRESSED_KINDS)]
"""Where an attacker acts from: addresses with an agent and a device each, or an accomplice's (person's) own."""
Site = Annotated[Role, Kinds(("site",))]
Host = Annotated[Role, Kinds(("host",))]
Principal = Annotated[Role, Kinds(("principal",))]


@dataclass(frozen=True)
class Stage:
    """What an action is given: the world, its own randomness, when it begins, whom it may use, what is known so far.

    ``root`` is the dataset's seed (for the builders of activity), ``seed`` that of this execution of the step
    (root/campaign/<id>/<step>/<visit>): every draw comes from it. ``effects`` holds what earlier steps of this campaign
    did to the world. ``t``: when the step begins; ``stop``: the end of the window: rows done later are dropped, so an
    action may stop making them there. ``truth`` goes into every row; ``collateral`` into the ``truth`` of ``Effect``s;
    ``cause`` into the rows' ``cause``. ``campaign_id`` is the campaign's place in its entry, not its number in the
    truth: it names streams that several steps share, and stays when other campaigns come or go. ``facts``: what earlier
    steps found, newest last word.
    """

    world: World
    root: Seed
    seed: Seed
    effects: Effects
    t: int
    stop: int
    cast: Mapping[str, Role]
    truth: int
    collateral: int
    cause: int
    campaign_id: str = ""
    step_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def ids(self, n: int, name: str = "row") -> NDArray[np.uint64]:
        """``n`` row ids, unique to this execution and ``name``: use one name per kind and purpose of rows."""
        return self.seed.noise(np.arange(n, dtype=np.uint64), f"id/{name}")

    def effect(self, kind: str, subject: int, t0: int, t1: int, level: float = 1.0) -> Effect:
        """An effect of this step, with its truth filled in; put it into ``Staged.effects``."""
        return Effect(kind, int(subject), int(t0), int(t1), float(level), self.campaign_id, self.collateral)


@dataclass(frozen=True)
class Staged:
    """What an action gives back: complete rows, or the means to make them, and what came of it.

    ``activity``: tables by kind, every row with the stage's truth. ``expand``: for volumes that do not fit in memory: a
    picklable callable [a, b) -> rows *done* in [a, b), the same rows whatever a and b are; it may be given besides
    ``activity``; its rows are done before ``until`` (0: by the end of the window). ``ended``: when the step is over
    (the next one's delay counts from there). ``facts``: values for ``when:`` and for later steps: booleans, numbers, or
    arrays of a role's ``members``; only names the action declares.
    """

    activity: Activity = field(default_factory=dict)
    expand: Callable[[int, int], Activity] | None = None
    until: int = 0
    ended: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Action:
    """A declared action: its function, the model of its ``with``, its roles and the facts it can report."""

    name: str
    play: Callable[..., Staged]
    parameters: type[BaseModel]          # a field per keyword; roles are text here
    roles: Mapping[str, tuple[str, ...]]  # role parameter -> the kinds it takes, () for any
    facts: Mapping[str, str]             # fact -> what it says
    title: str

    def __call__(self, stage: Stage, **given: Any) -> Staged:
        """Play the step with validated values and cast roles; PluginError when it reports a fact it never declared."""
        staged = self.play(stage, **given)
        if unknown := staged.facts.keys() - self.facts.keys():
            raise PluginError(f"action {self.name!r} reports undeclared facts: {', '.join(sorted(unknown))}")
        return staged


def action(*, facts: Mapping[str, str] | None = None) -> Callable[[Callable[..., Staged]], Action]:
    """Declare ``f(stage, *, parameter: type = default, …) -> Staged`` as an action; see the module's docstring.

    ``facts`` maps each fact the action can report to what it means. PluginError when the signature is none.

    >>> @action(facts={"rested": "time has passed"})
    ... def rest(stage: Stage, *, who: People | None = None, length: int = 5) -> Staged:
    ...     '''Wait and do nothing.'''
    ...     return Staged(ended=stage.t + length, facts={"rested": True})
    >>> rest.roles["who"][:2], rest.parameters(length=3).length, rest.title
    (('customer', 'employee'), 3, 'Wait and do nothing.')
    """

    def declare(function: Callable[..., Staged]) -> Action:
        fields: dict[str, Any] = {}
        roles: dict[str, tuple[str, ...]] = {}
        first, *keywords = inspect.signature(function, eval_str=True).parameters.values()
        for p in keywords:
            if p.kind is not p.KEYWORD_ONLY or p.annotation is p.empty:
                raise PluginError(f"action {function.__name__!r}: {p.name} must be keyword-only, with a type")
            default = ... if p.default is p.empty else p.default
            kinds = _role_kinds(p.annotation)
            if kinds is None:
                fields[p.name] = (p.annotation, default)
            else:
                roles[p.name] = kinds
                fields[p.name] = (str, default) if default is ... else (str | None, default)
        model = create_model(
            function.__name__, __doc__=function.__doc__,
            __config__=ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False), **fields,
        )
        title = (inspect.getdoc(function) or first.name).splitlines()[0]
        return Action(function.__name__, function, model, roles, dict(facts or {}), title)

    return declare


def _role_kinds(annotation: Any) -> tuple[str, ...] | None:
    """The kinds a Role annotation takes (optional or not), () for any; None when it is no role."""
    if annotation is Role:
        return ()
    if get_origin(annotation) is Annotated:
        kind, *notes = get_args(annotation)
        if kind is Role:
            return next((n.kinds for n in notes if isinstance(n, Kinds)), ())
        return None
    for branch in get_args(annotation) if type(None) in get_args(annotation) else ():
        kinds = _role_kinds(branch)
        if kinds is not None:
            return kinds
    return None
