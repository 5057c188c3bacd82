"""The ``world:`` section of a baseline or scenario: how large the organisation is and what it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from redgen.errors import DataError
from redgen.spec.model import VALUED, Cited, Count, Duration, Name, Number, Positive, Share, Spec, also, bare, valued

S = TypeVar("S", bound=Spec)

SAFE_ENDINGS = (".example", ".test", ".invalid")


def _fictional(value: Any) -> Any:
    if isinstance(value, str) and not value.endswith(SAFE_ENDINGS):
        raise ValueError(f"every domain is fictional: {value!r} must end in {', '.join(SAFE_ENDINGS)}")
    return value


_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
Domain = Annotated[str, BeforeValidator(_fictional), Field(pattern=rf"^{_LABEL}(\.{_LABEL})+$")]
"""A lower-case name that nobody can own: it ends in .example, .test or .invalid."""
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Method = Literal["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
RouteKind = Literal[
    "page", "api", "asset", "login_form", "login_post", "logout", "health", "probe", "feed", "other"
]
Person = Literal["customer", "employee", "admin"]
Factor = Literal["push", "webauthn", "totp", "sms", "email", "fastpass"]
OrgName = Literal["customers", "workforce"]


class Scale(Cited):
    """How many there are of each kind; not said = 2000 customers, 80 employees, 4 admins, 6 services, 12 clients."""

    customers: Annotated[int, BeforeValidator(bare), Field(ge=0, le=20_000_000), VALUED] | None = None
    employees: Annotated[int, BeforeValidator(bare), Field(ge=0, le=500_000), VALUED] | None = None
    admins: Annotated[int, BeforeValidator(bare), Field(ge=0, le=10_000), VALUED] | None = None
    services: Annotated[int, BeforeValidator(bare), Field(ge=0, le=100_000), VALUED] | None = None
    api_clients: Annotated[int, BeforeValidator(bare), Field(ge=0, le=100_000), VALUED] | None = None


class Body(Cited):
    """Body sizes in bytes: lognormal with a Pareto tail, never above ``cap``; ``constant`` alone fixes the size."""

    constant: Count | None = None
    median: Positive = 11_271
    sigma: Number = 1.318
    tail: Share = 0.0
    tail_k: Positive = 133_000
    tail_alpha: Positive = 1.1
    cap: Positive = 100_000_000


class Latency(Cited):
    """Upstream time: lognormal, median in milliseconds."""

    median_ms: Positive = 28
    sigma: Number = 0.55


def _body(value: Any) -> Any:
    value = bare(value)
    return {"constant": value} if isinstance(value, int) and not isinstance(value, bool) else value


_INTEGER = {"type": "integer", "minimum": 0}
BYTES = also(_INTEGER, valued(_INTEGER))
"""A body may be written as its number of bytes."""


class Route(Cited):
    """One thing that can be asked of a site. ``path`` may hold @{obj}, @{obj2} and @{word}."""

    id: Name
    path: Annotated[str, Field(pattern=r"^/[^\s\"\\]*$")]
    method: Method = "GET"
    kind: RouteKind = "page"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """Of a request that succeeds; not said: 200, 302 for login_post and logout, 404 for probe."""
    objects: Annotated[int, BeforeValidator(bare), Field(ge=1, le=10**15), VALUED] = 1
    objects2: Annotated[int, BeforeValidator(bare), Field(ge=1, le=10**15), VALUED] = 1
    zipf: Number = 1.0
    style: Literal["int", "uuid", "hex", "slug"] = "int"
    body: Annotated[Body | None, BeforeValidator(_body), BYTES] = None
    """A number of bytes, or a distribution; not said: the site's."""
    latency: Latency | None = None
    request: Count = 0
    """Bytes of request body."""
    local: bool | None = None
    """Served by nginx itself; not said: assets, probes and health checks are."""
    cacheable: bool | None = None
    """Not said: assets are."""
    auth: bool = False


class Site(Cited):
    """One virtual host of the web servers."""

    host: Domain
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    upstreams: Annotated[int, BeforeValidator(bare), Field(ge=0, le=200), VALUED] = 3
    keepalive: Duration = 65_000_000
    h2: bool = True
    login: OrgName | None = None
    """Whose identity provider checks its logins."""
    body: Annotated[Body, BeforeValidator(_body), BYTES] = Body()
    latency: Latency = Latency()
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]


class Account(Cited):
    """An AWS account; its number is made from the seed unless written."""

    alias: Name
    number: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None


class Role(Cited):
    """A role and who assumes it."""

    name: Name
    account: Name | None = None
    sessions: Literal["fixed", "login", "instance", "stamp"] = "stamp"
    session: str = ""
    """The fixed session name, or the text before the stamp; not said: the role's name."""
    service: str = ""
    """The AWS service that assumes it by itself: ``lambda.amazonaws.com``."""
    path: Annotated[str, Field(pattern=r"^/([A-Za-z0-9_.-]+/)*$")] = "/"
    people: Literal["", "employee", "admin", "service"] = ""
    """Whose members may assume it."""
    weight: Positive = 1.0


class Resource(Cited):
    """Resources of one kind: one by ``name``, or ``count`` of them numbered."""

    kind: Literal[
        "bucket", "secret", "trail", "key", "role", "policy", "group", "instance", "function", "table", "parameter",
        "log_group", "stack", "repository", "queue", "topic", "cluster", "db", "db_snapshot", "snapshot", "volume",
        "security_group", "image", "model", "detector", "document", "task",
    ]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_.:-]+$")] = ""
    count: Annotated[int, BeforeValidator(bare), Field(ge=1, le=1_000_000), VALUED] = 1
    account: Name | None = None
    objects: Count = 0
    sensitive: bool = False


class Cloud(Cited):
    """The organisation's AWS accounts, regions, roles and resources; ``users`` are IAM users of programs."""

    accounts: tuple[Account, ...] = ()
    regions: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}-[a-z]+-[0-9]$")], ...] = ()
    users: tuple[Name, ...] = ()
    iam_user_share: Share | None = None
    """Share of employees with an IAM user of their own and a long-lived key (admins all have one)."""
    roles: tuple[Role, ...] = ()
    resources: tuple[Resource, ...] = ()


class Host(Cited):
    """Linux hosts: one by ``name``, or ``count`` of them numbered from 01."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    count: Annotated[int, BeforeValidator(bare), Field(ge=1, le=5000), VALUED] = 1
    role: Literal["web", "app", "db", "bastion", "ci", "batch"] = "app"
    exposed: bool = False
    """ssh can be reached from the internet."""
    style: Literal["rfc3164", "rfc3339"] = "rfc3164"


class Office(Cited):
    """A place of work behind one public address."""

    name: str
    city: str
    """As in the address plan: ``Dublin``."""
    share: Positive = 1.0


class Dns(Cited):
    """What is asked of the resolver besides the organisation's own names."""

    external: Annotated[int, BeforeValidator(bare), Field(ge=0, le=200_000), VALUED] | None = None
    """How many external names (600 when nothing is said)."""
    zones: tuple[Domain, ...] = ()
    """Domains below which labels are generated (tunnels, generated names); not said: a few."""


class WorldSpec(Cited):
    """Everything about the organisation that is not behavior. What is left out comes from the bundled default world.

    ``countries`` is the customers' mix (ISO code to weight).
    """

    name: str | None = None
    domain: Domain | None = None
    scale: Scale = Scale()
    countries: dict[Country, Positive] = Field(default_factory=dict)
    locales: dict[Country, Annotated[str, Field(pattern=r"^[a-z]{2,3}_[A-Z]{2}$")]] = Field(default_factory=dict)
    """Faker locales whose names people of a country bear, where the bundled choice is not wanted: ``{US: hu_HU}``."""
    breached_share: Share | None = None
    mfa: dict[Person, dict[Factor, Share]] = Field(default_factory=dict)
    """Shares of second factors per kind of person; what is left has none."""
    sites: tuple[Site, ...] = ()
    apps: tuple[str, ...] = ()
    cloud: Cloud = Cloud()
    hosts: tuple[Host, ...] = ()
    offices: tuple[Office, ...] = ()
    dns: Dns = Dns()

    @model_validator(mode="after")
    def _consistent(self) -> WorldSpec:
        self.check_names()
        return self

    def check_names(self) -> None:
        """ValueError when a name stands for two things, or shares exceed the whole."""
        _no_twice("site", [s.host for s in self.sites])
        _no_twice("route id", [r.id for s in self.sites for r in s.routes])
        _no_twice("host", [h.name for h in self.hosts])
        _no_twice("office", [o.name for o in self.offices])
        _no_twice("account", [a.alias for a in self.cloud.accounts])
        _no_twice("role", [f"{r.account or ''}:{r.name}".lstrip(":") for r in self.cloud.roles])
        for kind, shares in self.mfa.items():
            if sum(shares.values()) > 1 + 1e-9:
                raise ValueError(f"the shares of {kind}s' second factors add up to more than 1")


def merge(specs: Sequence[WorldSpec]) -> WorldSpec:
    """One world that holds what several baselines need; DataError when they contradict each other.

    Lists are joined (the same entry twice counts once). Numbers of people are the larger of each. Of ``name``,
    ``domain`` and other single values the first that is said holds, and so it is with ``countries``, ``locales`` and
    ``mfa``, each as a whole.
    """
    joined = WorldSpec()
    for spec in specs:
        joined = _joined(joined, spec)
    try:
        joined.check_names()
    except ValueError as error:
        raise DataError(f"the baselines' worlds do not fit together: {error}") from None
    return joined


def _joined(a: S, b: S) -> S:
    """What ``b`` says added to what ``a`` says, key by key."""
    added: dict[str, Any] = {}
    for key in sorted(b.model_fields_set):
        ours, theirs = getattr(a, key), getattr(b, key)
        if key not in a.model_fields_set or ours is None:
            added[key] = theirs
        elif isinstance(ours, Spec):
            added[key] = _joined(ours, theirs)
        elif isinstance(ours, tuple):
            added[key] = (*ours, *(item for item in theirs if item not in ours))
        elif isinstance(a, Scale) and isinstance(theirs, int):
            added[key] = max(ours, theirs)
    return a.model_copy(update=added)


def _no_twice(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is there twice")
        seen.add(name)
