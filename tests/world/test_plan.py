"""The fictional internet: prefixes do not overlap, draws depend on nothing but their key, databases are honest."""

import ipaddress

import maxminddb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import DataError
from redgen.seed import Seed
from redgen.world.carve import build_plan, slug
from redgen.world.plan import NETWORK_KINDS, PLANS, AddressPlan

SPACES = {
    "reserved": ("240.0.0.0/4",),
    "benchmark": ("100.64.0.0/10", "198.18.0.0/15"),
    "public": tuple(f"{block}.0.0.0/8" for block in (5, 23, 31, 37, 46, 62, 77, 80, 85, 91, 109, 151, 176, 188, 212)),
}
IDS = np.arange(20_000, dtype=np.uint64)
SEED = Seed(11)


@pytest.fixture(params=PLANS)
def plan(request) -> AddressPlan:
    return build_plan(request.param, 50_000, {"US": 0.6, "DE": 0.4})


def test_prefixes_are_sorted_disjoint_and_inside_their_space(plan):
    assert (plan.starts <= plan.ends).all()
    assert (plan.starts[1:] > plan.ends[:-1]).all()
    size = plan.ends.astype(np.int64) - plan.starts + 1
    assert (size & (size - 1) == 0).all(), "every prefix is one CIDR block"
    assert (plan.starts % size == 0).all()
    assert (plan.pool <= size).all() and (plan.pool > 0).all()
    spaces = [ipaddress.ip_network(text) for text in SPACES[plan.name]]
    for edge in (plan.starts, plan.ends):
        inside = np.zeros(len(edge), dtype=bool)
        for space in spaces:
            inside |= (edge >= int(space[0])) & (edge <= int(space[-1]))
        assert inside.all()
    assert int(plan.ends[-1]) < 0xFFFFFFFF, "the broadcast address belongs to nobody"


def test_public_plan_is_globally_routable_and_the_others_are_not():
    for name in PLANS:
        plan = build_plan(name)
        routable = {ipaddress.ip_address(int(a)).is_global for a in (*plan.starts[::50], *plan.ends[::50])}
        assert routable == {name == "public"}


def test_operators_are_fictional_and_sizes_heavy_tailed(plan):
    assert 130 <= len(plan.asns) <= 400
    assert ((plan.asns.number >= 64512) & (plan.asns.number <= 65534)).all(), "private-use numbers, RFC 6996"
    assert len(np.unique(plan.asns.number)) == len(plan.asns)
    assert all(domain.endswith(".example") and domain.isascii() for domain in plan.asns.domain)
    assert len(set(plan.asns.domain)) == len(plan.asns)
    assert len(plan.cities.nations) >= 35 and len(plan.cities) >= 200
    size = np.sort(plan.ends.astype(np.int64) - plan.starts + 1)[::-1]
    assert size[: len(size) // 10].sum() > 0.4 * size.sum()


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_draws_are_of_their_kind_and_keyed(plan, kind):
    addr = plan.draw(kind, IDS, SEED, "who")
    expected = "home" if kind == "residential_proxy" else kind
    assert (plan.kind[plan.find(addr)] == NETWORK_KINDS.index(expected)).all()
    assert not np.isin(addr & np.uint32(255), [0, 255]).any()
    half = plan.draw(kind, IDS[::-2], SEED, "who")
    assert (half == addr[::-2]).all(), "an address depends on its id, not on the rows beside it"
    assert (plan.draw(kind, IDS, SEED, "other") != addr).mean() > 0.5
    assert (plan.draw(kind, IDS, Seed(12), "who") != addr).mean() > 0.5


def test_near_stays_in_the_country_and_mostly_in_the_city(plan):
    city = (IDS % np.uint64(len(plan.cities))).astype(np.int32)
    addr = plan.near("home", city, IDS, SEED, "home")
    assert (plan.nation_of(addr) == plan.cities.nation[city]).all()
    assert 0.7 < (plan.city_of(addr) == city).mean() < 0.95
    crawler = plan.near("crawler", city, IDS, SEED, "c")
    assert (plan.kind[plan.find(crawler)] == NETWORK_KINDS.index("crawler")).all(), "no crawlers there: from anywhere"


def test_among_keeps_to_the_countries_asked_for(plan):
    addr = plan.among("residential_proxy", ["BR", "VN"], IDS, SEED, "proxy")
    assert {plan.cities.nations[n] for n in np.unique(plan.nation_of(addr))} == {"BR", "VN"}
    with pytest.raises(DataError, match="no country 'XX'"):
        plan.among("home", ["XX"], IDS, SEED, "x")
    with pytest.raises(DataError, match="no crawler network in VN"):
        plan.among("crawler", ["VN"], IDS, SEED, "x")


def test_inner_addresses_are_nowhere_in_the_plan(plan):
    inner = np.array([int(ipaddress.ip_address(a)) for a in ("10.20.4.17", "192.168.1.2", "172.16.9.9", "0.0.0.0")])
    for lookup in (plan.find, plan.city_of, plan.asn_of, plan.nation_of):
        assert (lookup(inner.astype(np.uint32)) == -1).all()


def test_a_proxy_exit_may_be_somebodys_home_line(plan):
    homes = plan.near("home", np.zeros(len(IDS), dtype=np.int32), IDS, SEED, "home")
    exits = plan.among("residential_proxy", [plan.cities.iso[0]], IDS, SEED, "proxy")
    assert np.isin(exits, homes).mean() > 0.01


@given(row=st.integers(0, 3000), serial=st.integers(0, 2**11 - 1))
@settings(max_examples=200, deadline=None)
def test_serials_scatter_inside_their_prefix(row, serial):
    for name in PLANS:
        plan = build_plan(name)
        inside = np.uint64(serial % int(plan.ends[row] - plan.starts[row] + 1))
        addr = plan.address(np.array([row], dtype=np.int32), np.array([inside]))
        assert plan.find(addr).tolist() == [row]


def test_unknown_words_name_the_nearest(plan):
    with pytest.raises(DataError, match="did you mean 'hosting'"):
        plan.draw("hostin", IDS, SEED, "x")
    with pytest.raises(DataError, match="did you mean 'reserved'"):
        build_plan("reservd")


def test_databases_answer_for_every_network_as_the_plan_does(plan, tmp_path):
    geo, asn = plan.write_mmdb(tmp_path)
    addr = np.concatenate([plan.starts[::7], plan.ends[::7], plan.draw("mobile", IDS[:200], SEED, "m")])
    city, operator = plan.city_of(addr), plan.asn_of(addr)
    with maxminddb.open_database(geo) as places, maxminddb.open_database(asn) as operators:
        assert places.metadata().database_type == "GeoLite2-City"
        assert operators.metadata().database_type == "GeoLite2-ASN"
        for a, c, o in zip(addr.tolist(), city.tolist(), operator.tolist(), strict=True):
            text = str(ipaddress.ip_address(a))
            found, owner = places.get(text), operators.get(text)
            assert found["city"]["names"]["en"] == plan.cities.name[c]
            assert found["country"]["iso_code"] == plan.cities.iso[c]
            assert found["subdivisions"][0]["names"]["en"] == plan.cities.state[c]
            assert found["location"]["latitude"] == pytest.approx(plan.cities.lat[c])
            assert owner["autonomous_system_number"] == plan.asns.number[o]
            assert owner["autonomous_system_organization"] == plan.asns.org[o]
        assert places.get("10.0.0.1") is None


def test_databases_are_the_same_bytes_every_time(tmp_path):
    plan = build_plan("reserved")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        plan.write_mmdb(tmp_path / name)
    for file in ("geoip.mmdb", "asn.mmdb"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_distances_are_great_circles():
    cities = build_plan("reserved").cities
    row = {name: i for i, name in enumerate(cities.name)}
    a = np.array([row["Dublin"], row["Sydney"]], dtype=np.int32)
    b = np.array([row["Berlin"], row["Sydney"]], dtype=np.int32)
    assert cities.distance_km(a, b) == pytest.approx([1319, 0], abs=8)


@pytest.mark.parametrize(("text", "plain"), [("Björkdal Bredbånd", "bjorkdal-bredband"), ("Łódź & Co.", "lodz-co")])
def test_slugs_are_ascii(text, plain):
    assert slug(text) == plain
