"""The playbook YAML: an attack (or a hard negative) as a graph of steps, with its roles and parameters.

``redgen.playbook.lint`` checks what a model alone cannot: names that must exist, walks that must end.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from redgen.spec.distributions import CastLaw, Delay, Distribution
from redgen.spec.model import Cited, Name, Spec

PersonKind = Literal["customer", "employee", "admin", "service", "api_client"]
RoleKind = Literal["customer", "employee", "admin", "service", "api_client", "address", "site", "host", "principal"]
NetworkKind = Literal[
    "home", "mobile", "office", "vpn", "cloud", "hosting", "residential_proxy", "business", "crawler", "service"
]
AgentKind = Literal[
    "browser", "desktop", "mobile", "app", "crawler", "monitor", "library", "cli", "scanner", "survey", "okta_mobile",
    "aws_cli", "aws_sdk", "aws_tool",
]
PEOPLE_KINDS: tuple[str, ...] = get_args(PersonKind)
ROLE_KINDS: tuple[str, ...] = get_args(RoleKind)
ADDRESSED_KINDS: tuple[str, ...] = (*PEOPLE_KINDS, "address")

END = "end"
"""The name of the transition that ends a walk; no step may be called so."""
HARD_NEGATIVE = "hard-negative"
"""The family whose graphs are benign and only look like attacks."""


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return "a fork" if "all" in value else "weighted targets"
    return "a list of choices" if isinstance(value, list) else "a target"


class Fork(Spec):
    """Branches that run side by side; each ends where it reaches ``go`` or ``end``, then the walk goes on at ``go``."""

    all: Annotated[tuple[str, ...], Field(min_length=2)]
    go: str = END


Weights = Annotated[dict[str, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
Target = Annotated[
    Annotated[str, Tag("a target")] | Annotated[Weights, Tag("weighted targets")] | Annotated[Fork, Tag("a fork")],
    Discriminator(_shape),
]


class Choice(Spec):
    """One line of a list of choices: taken when its fact holds (``not fact``: does not); without ``when``, always."""

    when: Annotated[str, Field(pattern=r"^(not )?[a-z][a-z0-9_]*$")] | None = None
    go: Target

    @property
    def fact(self) -> str:
        """The fact asked for, empty when there is none."""
        return (self.when or "").removeprefix("not ")

    @property
    def wanted(self) -> bool:
        """The truth the fact must have."""
        return not (self.when or "").startswith("not ")


Then = Annotated[
    Annotated[str, Tag("a target")]
    | Annotated[Weights, Tag("weighted targets")]
    | Annotated[Fork, Tag("a fork")]
    | Annotated[tuple[Choice, ...], Field(min_length=1), Tag("a list of choices")],
    Discriminator(_shape),
]
"""Where a step leads: a name, weights, a fork, or choices of which the first that holds is taken."""


class Where(Spec):
    """What the entities of a role have in common; which keys make sense depends on the kind (``WHERE_KEYS``)."""

    breached: bool | None = None
    mfa: bool | None = None
    factor: str | None = None
    cloud: bool | None = None
    unix: bool | None = None
    country: str | None = None
    name: str | None = None
    org: Literal["customers", "workforce"] | None = None
    exposed: bool | None = None
    role: str | None = None
    type: Literal["IAMUser", "AssumedRole", "Root", "AWSService"] | None = None
    key: bool | None = None
    owned: bool | None = None


_OF_PEOPLE = frozenset({"breached", "mfa", "factor", "cloud", "unix", "country", "name"})
WHERE_KEYS = {
    **dict.fromkeys(PEOPLE_KINDS, _OF_PEOPLE),
    "address": frozenset({"country"}),
    "site": frozenset({"name", "org"}),
    "host": frozenset({"name", "exposed", "role"}),
    "principal": frozenset({"name", "type", "key", "owned"}),
}
"""People: login in a breach list; has a second factor (or this one); has a cloud principal, a Unix account; lives in a
country (ISO code); this login. Hosts: ssh reachable from outside; what it is for. Principals: has a long-lived key;
belongs to a person."""


class RoleSpec(Cited):
    """Who plays a role: how many of which kind, drawn anew for each campaign, all different."""

    kind: RoleKind
    count: CastLaw = Distribution.of(1)
    side: Literal["attacker", "victim"] | None = None
    where: Where = Where()
    others: str | tuple[str, ...] = Field(default=(), alias="not")
    """Roles none of whose members this role shares."""
    pick: Literal["evenly", "by_activity"] = "evenly"
    """People: whether busy ones are likelier."""
    network: NetworkKind | dict[NetworkKind, float] | None = None
    agent: AgentKind | dict[AgentKind, float] | None = None
    near: str | None = None
    """Addresses: in the city or country of the first member of this role."""

    @property
    def takes_part(self) -> str:
        """``attacker`` or ``victim``: as written, else addresses attack and everything else is attacked."""
        return self.side or ("attacker" if self.kind == "address" else "victim")

    @property
    def apart_from(self) -> tuple[str, ...]:
        """The roles under ``not``."""
        return (self.others,) if isinstance(self.others, str) else self.others


def _after(value: Any) -> str:
    return "a parameter" if isinstance(value, str) and value.startswith("$") else "a delay"


PARAMETER = {"type": "string", "pattern": r"^\$[A-Za-z]", "description": "one of the playbook's parameters"}
After = Annotated[
    Annotated[str, Tag("a parameter"), WithJsonSchema(PARAMETER)] | Annotated[Delay, Tag("a delay")],
    Discriminator(_after),
]
"""The delay before a step: a distribution of durations, or ``$parameter``."""


class References(Spec):
    """What is known of this attack elsewhere."""

    attack: tuple[str, ...] = ()
    owasp_api: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Step(Cited):
    """One node of the graph: an action with its parameters, the delay before it, and where it leads."""

    action: str
    title: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")
    technique: str = ""
    tactic: str = ""
    after: After = Distribution.of("0s")
    then: Then = END
    at_most: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How often a walk may visit this step; every loop needs a step that says so."""


def _not_end(name: str) -> str:
    if name == END:
        raise ValueError("no step may be called 'end': it ends the walk")
    return name


class Playbook(Spec):
    """One playbook file."""

    id: Name
    title: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=1)] = 1
    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    description: str = ""
    references: References = References()
    roles: dict[Name, RoleSpec] = Field(default_factory=dict)
    parameters: dict[Name, Distribution] = Field(default_factory=dict)
    start: str
    steps: Annotated[dict[Annotated[Name, AfterValidator(_not_end)], Step], Field(min_length=1, max_length=500)]
    objective: str | tuple[str, ...] = ()

    @property
    def objectives(self) -> tuple[str, ...]:
        """The steps that are the attack's impact."""
        return (self.objective,) if isinstance(self.objective, str) else self.objective

    @property
    def label(self) -> str:
        """The truth of what its steps do: ``malicious``, or ``hard_negative``."""
        return "hard_negative" if self.family == HARD_NEGATIVE else "malicious"

