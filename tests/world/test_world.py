"""The world as a whole: same seed, same bytes; it travels to workers; specs merge and are checked."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import DataError, SpecError
from redgen.seed import Seed
from redgen.spec.loader import load_yaml
from redgen.spec.world import Account, Cloud, Dns, Host, Office, Role, Route, Scale, Site, WorldSpec, merge
from redgen.world.build import build_world, completed, default_spec
from redgen.world.carve import build_plan
from redgen.world.lists import LOCALE_OF, ask_faker, names_of
from redgen.world.plan import PLANS
from tests.worlds import small_world


def digest(world):
    return hashlib.sha256(pickle.dumps(world, 5)).hexdigest()


def test_same_seed_same_bytes_another_seed_other_people():
    spec = WorldSpec(scale=Scale(customers=300))
    one, two, other = (build_world(spec, Seed(seed)) for seed in (7, 7, 8))
    assert digest(one) == digest(two) != digest(other)
    assert list(one.people.login)[:300] != list(other.people.login)[:300]
    assert list(one.cloud.accounts) != list(other.cloud.accounts)
    assert (one.plan.starts == other.plan.starts).all(), "the internet is the same for everybody"


def test_bytes_do_not_depend_on_the_process():
    script = ("import hashlib, pickle; from tests.worlds import small_world as w; "
              "print(hashlib.sha256(pickle.dumps(w(customers=200), 5)).hexdigest())")
    made = {subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                           env={"PYTHONHASHSEED": h, "PYTHONPATH": "."}).stdout for h in ("1", "2")}
    assert len(made) == 1


@pytest.mark.parametrize("plan", PLANS)
def test_every_address_is_in_the_plan(plan):
    world = small_world(address_plan=plan)
    people = world.people
    for addr in (people.home, people.mobile, people.egress[people.egress > 0], people.vpn[people.vpn > 0],
                 world.offices.egress, world.sites.addr, world.hosts.public[world.hosts.exposed]):
        assert (world.plan.find(addr) >= 0).all()


def test_a_world_travels_and_says_the_same():
    world = small_world()
    copy = pickle.loads(pickle.dumps(world, 5))
    who = np.arange(50, dtype=np.int32)
    t = np.full(50, 1_768_000_000_000_000, dtype=np.int64)
    assert (copy.people.address(who, 1, t) == world.people.address(who, 1, t)).all()
    assert copy.people.plan is copy.plan, "one plan, not two"
    assert len(pickle.dumps(world, 5)) < 2_000_000


def test_what_is_left_out_comes_from_the_default_world():
    spec = completed(WorldSpec(scale=Scale(customers=10), cloud=Cloud(regions=("us-west-2",))))
    assert (spec.scale.customers, spec.scale.employees) == (10, 80)
    assert spec.cloud.regions == ("us-west-2",) and spec.cloud.roles == default_spec().cloud.roles
    assert spec.sites == default_spec().sites and spec.domain == "lumenshop.example"


def shop(*routes):
    return Site(host="www.shop.example", routes=tuple(Route(id=r, path=f"/{r}") for r in routes))


def test_two_baselines_share_one_world():
    retail = WorldSpec(name="Shop", scale=Scale(customers=5000), sites=(shop("home"),))
    office = WorldSpec(name="Firm", scale=Scale(customers=100, employees=300), hosts=(Host(name="web"),),
                       offices=(Office(name="HQ", city="Dublin"),))
    both = merge([retail, office, retail])
    assert both.name == "Shop" and (both.scale.customers, both.scale.employees) == (5000, 300)
    assert both.sites == retail.sites and both.hosts == office.hosts
    with pytest.raises(DataError, match=r"do not fit together: site 'www\.shop\.example' is there twice"):
        merge([retail, WorldSpec(sites=(shop("other"),))])
    assert merge([]) == WorldSpec()


BAD = """
domain: lumenshop.com
scale: {customers: many, employes: 3}
countries: {usa: 1}
sites:
- host: www.shop.example
  routes: [{id: home, path: "no slash"}, {id: x, path: /x, style: roman}]
mfa: {customer: {sms: 1.5}}
"""


def test_bad_specs_say_everything_at_once():
    with pytest.raises(SpecError) as error:
        load_yaml(BAD, "w.yaml").validate(WorldSpec)
    text = str(error.value)
    assert "w.yaml:2: domain:" in text and "must end in .example" in text
    assert "did you mean 'employees'" in text
    for line in (3, 4, 7, 8):
        assert f"w.yaml:{line}: " in text


@pytest.mark.parametrize(("spec", "message"), [
    (WorldSpec(offices=(Office(name="HQ", city="Dublim"),)), "did you mean 'Dublin'"),
    (WorldSpec(countries={"XX": 1.0}), "no country 'XX'"),
    (WorldSpec(cloud=Cloud(accounts=(Account(alias="prod"),), roles=(Role(name="r", account="prd"),))),
     "role r: unknown account 'prd'; did you mean 'prod'"),
])
def test_what_does_not_exist_is_named(spec, message):
    with pytest.raises(DataError, match=message):
        build_world(spec, Seed(1))


@given(
    customers=st.integers(0, 60), employees=st.integers(0, 40), admins=st.integers(0, 3), services=st.integers(0, 20),
    clients=st.integers(0, 40), plan=st.sampled_from(PLANS), names=st.integers(0, 400), seed=st.integers(0, 2**64 - 1),
)
@settings(max_examples=40, deadline=None)
def test_any_scale_builds(customers, employees, admins, services, clients, plan, names, seed):
    scale = Scale(customers=customers, employees=employees, admins=admins, services=services, api_clients=clients)
    world = build_world(WorldSpec(scale=scale, dns=Dns(external=names)), Seed(seed), plan)
    assert len(world.people) == customers + employees + admins + services + clients
    assert len(set(world.people.login)) == len(world.people)
    assert len(set(world.dns.names)) == len(world.dns)


def test_a_written_account_number_is_kept():
    spec = WorldSpec(cloud=Cloud(accounts=(Account(alias="main", number="111122223333"),)))
    with pytest.raises(DataError, match="unknown account 'lumenshop-dev'"):
        build_world(spec, Seed(1))
    own = WorldSpec(cloud=Cloud(accounts=(Account(alias="lumenshop-dev", number="111122223333"),)))
    assert list(build_world(own, Seed(1)).cloud.accounts) == ["111122223333"]


def test_every_country_of_the_plan_has_names():
    nations = set(build_plan("reserved").cities.nations)
    assert nations == set(LOCALE_OF)
    for locale in set(LOCALE_OF.values()):
        for names in names_of(locale):
            assert len(names.first) >= 10 and len(names.last) >= 10
            assert all(word == word.strip() and word for word in (*names.first, *names.last))


def test_faker_is_asked_for_locales_we_do_not_keep():
    men, women = names_of("hu_HU")
    assert len(men.first) > 20 and len(women.last) > 20
    assert ask_faker("hu_HU") == (men, women), "the same every time"
    for locale, why in (("xx_XX", "Faker does not know it"), ("el_GR", "cannot be written in Latin letters")):
        with pytest.raises(DataError, match=why):
            names_of(locale)
    spec = WorldSpec(scale=Scale(customers=200), countries={"US": 1.0}, locales={"US": "hu_HU"})
    hungary = build_world(spec, Seed(1))
    assert {name.split()[-1] for name in list(hungary.people.display)[:200]} <= {*men.last, *women.last}


@pytest.mark.heavy
def test_a_million_customers_fit_into_a_gigabyte():
    """In a process of its own; how long it takes is told by ``python -m tests.benchmarks``."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory of a process is read from /proc, which is not here")
    script = ("from tests.worlds import small_world; from pathlib import Path; small_world(customers=1_000_000); "
              "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": "."})
    assert int(done.stdout) < 1_000_000
