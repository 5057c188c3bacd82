"""Agents, sites, cloud, hosts and names: what belongs together agrees, and nothing real is named."""

import ipaddress
import re

import numpy as np
import pytest

from redgen.activity.terms import METHODS
from redgen.errors import DataError
from redgen.world.agents import AGENT_KINDS
from redgen.world.cloud import PRINCIPAL_TYPES, RESOURCE_KINDS, account_of, key_id
from redgen.world.names import NAME_KINDS
from redgen.world.sites import ROUTE_KINDS
from tests.worlds import small_world

FICTIONAL = re.compile(r"\.(example|test|invalid)$")


def test_agents_are_many_different_and_current():
    agents = small_world().agents
    strings = list(agents.ua)
    assert 120 <= len(strings) <= 220
    assert len(set(strings)) == len(strings)
    assert all(ua.isascii() and '"' not in ua for ua in strings)
    for kind in AGENT_KINDS:
        rows, weights = agents.agents_of(kind)
        assert len(rows) and weights.sum() == pytest.approx(1.0)
    people, weights = agents.agents_of("browser")
    assert len(people) >= 80
    assert [i for i in people if "NT 11" in agents.ua[i] or "Mac OS X 14" in agents.ua[i]] == []
    chrome = [agents.ua[i] for i in people if " Chrome/" in agents.ua[i]]
    assert all(re.search(r"Chrome/\d+\.0\.0\.0 ", ua) for ua in chrome), "reduced: no minor versions"
    with pytest.raises(DataError, match="did you mean 'crawler'"):
        agents.agents_of("crawlers")


def test_agents_words_follow_from_the_string():
    agents = small_world().agents
    rows, _ = agents.agents_of("browser")
    for i in rows.tolist():
        ua = agents.ua[i]
        os = agents.os_words[agents.os[i]]
        device, browser = agents.device_words[agents.device[i]], agents.browser_words[agents.browser[i]]
        assert bool(agents.padded[i]) == ("Chrome/" in ua)
        assert (os == "Windows 10") == ("Windows NT 10.0" in ua)
        assert (os == "iOS") == ("like Mac OS X)" in ua)
        assert (os == "Android 1.x") == ("Android" in ua)
        assert (device == "Mobile") == ("Mobile" in ua and "iPad" not in ua)
        assert (browser == "FIREFOX") == ("Firefox" in ua)
        assert (browser == "CHROMIUM_EDGE") == ("Edg/" in ua)
        assert not ("Safari" in ua and "Windows" in ua and "Chrome" not in ua)
        assert (agents.port_low[i], agents.port_high[i]) in {(49152, 65535), (32768, 60999)}
        assert agents.tls_words[agents.tls[i]].startswith("t13d")


def test_sites_and_routes_point_at_each_other():
    world = small_world()
    sites, routes = world.sites, world.routes
    assert [FICTIONAL.search(host) is not None for host in sites.host] == [True] * len(sites)
    assert (world.plan.find(sites.addr) >= 0).all()
    assert all(ipaddress.ip_address(int(a)).is_private for a in sites.inner)
    assert sites.first[0] == 0 and (sites.first[1:] == sites.stop[:-1]).all()
    assert sites.stop[-1] == len(sites.upstreams)
    assert len(set(routes.id)) == len(routes) >= 40
    login = routes.code("shop.login")
    assert METHODS[routes.method[login]] == "POST" and routes.status[login] == 302
    probes = routes.of_kind("probe", sites.code("www.lumenshop.example"))
    assert (routes.status[probes] == 404).all() and routes.local[probes].all()
    assert {ROUTE_KINDS[k] for k in routes.kind} >= {"page", "api", "asset", "login_form", "login_post", "health"}
    for i in range(len(routes)):
        assert (routes.objects[i] > 1) == ("@{obj}" in routes.path[i]), routes.id[i]
        assert (routes.objects2[i] > 1) == ("@{obj2}" in routes.path[i]), routes.id[i]
    with pytest.raises(DataError, match=r"did you mean 'shop\.login'"):
        routes.code("shop.loginn")


def test_cloud_ids_embed_their_account():
    cloud = small_world().cloud
    principals = cloud.principals
    numbers = list(cloud.accounts)
    assert all(re.fullmatch(r"[0-9]{12}", number) for number in numbers)
    for i in range(len(principals)):
        kind, identity, key = PRINCIPAL_TYPES[principals.type[i]], principals.id[i], principals.key[i]
        number = numbers[principals.account[i]]
        if kind == "IAMUser" and not principals.weight[i]:  # whom nobody has created yet
            assert account_of(identity) == number and not key and principals.person[i] < 0
        elif kind == "IAMUser":
            assert re.fullmatch(r"AIDA[A-Z2-7]{17}", identity) and re.fullmatch(r"AKIA[A-Z2-7]{16}", key)
            assert account_of(identity) == account_of(key) == number
        elif kind == "AssumedRole":
            assert re.fullmatch(r"AROA[A-Z2-7]{17}", identity) and not key
            assert account_of(identity) == number
        else:
            assert identity == (number if kind == "Root" else "")
    keys = [k for k in principals.key if k]
    assert len(set(keys)) == len(keys)
    assert key_id("AKIA", "111122223333", 1) != key_id("AKIA", "111122223333", 2)


def test_cloud_principals_belong_to_people_who_know_it():
    world = small_world()
    people, principals = world.people, world.cloud.principals
    owners = np.flatnonzero(people.principal >= 0)
    assert (principals.person[people.principal[owners]] == owners).all()
    admins = np.arange(*people.span("admin"))
    assert (people.principal[admins] >= 0).all()
    assert (people.principal[np.arange(*people.span("service"))] >= 0).all()
    assert (people.principal[np.arange(*people.span("customer"))] == -1).all()
    named = principals.naming == 1
    for i in np.flatnonzero(named & (principals.person >= 0)):
        assert principals.session[i] == people.login[principals.person[i]]
    machine = (principals.addr > 0) & (principals.person < 0)
    assert (world.plan.find(principals.addr[machine]) >= 0).all()


def test_cloud_operations_find_resources_of_their_kind():
    cloud = small_world().cloud
    assert len(cloud.ops) > 300
    op = cloud.ops.code("s3:GetObject")
    assert cloud.ops.data[op] and cloud.ops.read[op]
    assert cloud.ops.global_[cloud.ops.code("iam:CreateUser")]
    needed = {int(k) for k in np.concatenate([cloud.ops.resource, cloud.ops.resource2]) if k >= 0}
    present = {int(k) for k in cloud.resources.kind} | {RESOURCE_KINDS.index("object")}
    assert {RESOURCE_KINDS[k] for k in needed - present} == set()
    buckets = cloud.resources_of("bucket")
    assert (cloud.resources.objects[buckets] > 0).all()
    assert cloud.resources.sensitive[buckets].any()
    with pytest.raises(DataError, match="did you mean 's3:ListBuckets'"):
        cloud.ops.code("s3:ListBucket")
    assert len(cloud.principals_of("IAMUser")) > 4


def test_hosts_have_inner_addresses_and_some_are_exposed():
    world = small_world()
    hosts = world.hosts
    assert len(hosts) >= 12 and 2 <= hosts.exposed.sum() < len(hosts)
    assert ((hosts.public > 0) == hosts.exposed).all()
    assert (world.plan.find(hosts.public[hosts.exposed]) >= 0).all()
    assert all(ipaddress.ip_address(int(a)).is_private for a in hosts.addr)
    assert len(np.unique(hosts.addr)) == len(hosts)
    assert not set(world.sites.addr.tolist()) & set(hosts.public.tolist())
    assert 0 < hosts.ordinary < len(hosts.commands) and all(c.startswith("/") for c in hosts.commands)


def test_names_resolve_to_what_they_name():
    world = small_world()
    dns = world.dns
    assert len(set(dns.names)) == len(dns)
    assert all(FICTIONAL.search(name) and name == name.lower() for name in (*dns.names, *dns.zones))
    assert dns.weight.sum() == pytest.approx(1.0) and (np.diff(dns.weight) <= 0).all()
    for site in range(len(world.sites)):
        row = int(dns.name_of_site(np.array([site], dtype=np.int16))[0])
        assert dns.names[row] == world.sites.host[site] and dns.answer[row] == world.sites.addr[site]
    assert [dns.names[i] for i in dns.idp] == [world.org.idp_host("customers"), world.org.idp_host("workforce")]
    outside = dns.kind == NAME_KINDS.index("external")
    assert outside.sum() == 600 and (world.plan.find(dns.answer[outside]) >= 0).all()
    assert all(name.endswith(dns.zones[z]) for name, z in zip(dns.names, dns.zone, strict=True))
    assert (dns.answer[dns.kind == NAME_KINDS.index("inner")] == 0).any(), "some names are asked for in vain"


def test_words_and_referers_can_stand_in_a_log():
    world = small_world()
    assert len(world.words) > 200
    assert all(re.fullmatch(r"[a-z0-9+]+", word) for word in world.words)
    assert all(re.fullmatch(r"https://[a-z0-9.-]+\.(example|test|invalid)/", url) for url in world.referers)
    assert len(world.apps) > 10
