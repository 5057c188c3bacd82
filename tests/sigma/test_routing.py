"""Rules reach the log sources that they are about, and no others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from redgen.registry import SOURCES
from redgen.sigma.routing import KEYS, aliases, in_format, reason, route

JUDGES = Path(__file__).resolve().parents[3] / "shared" / "judges" / "sigma"
TABLES = Path(__file__).resolve().parents[2] / "redgen" / "sigma" / "data"
HERE = {name: dict(SOURCES.get(name).sigma) for name in
        ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns")}


@pytest.mark.parametrize(("logsource", "expected"), [
    ({"category": "webserver"}, ("nginx_access",)),
    ({"category": "webserver", "product": "apache"}, ("nginx_access",)),
    ({"product": "nginx"}, ("nginx_access",)),
    ({"service": "nginx"}, ("nginx_access",)),
    ({"service": "apache"}, ()),
    ({"category": "webserver", "product": "windows", "service": "iis"}, ()),
    ({"product": "aws", "service": "cloudtrail"}, ("aws_cloudtrail",)),
    ({"product": "aws"}, ("aws_cloudtrail",)),
    ({"product": "aws", "service": "guardduty"}, ()),
    ({"product": "okta", "service": "okta"}, ("okta_system",)),
    ({"product": "Okta", "service": None, "definition": "any text"}, ("okta_system",)),
    ({"product": "linux"}, ("linux_auth",)),
    ({"product": "linux", "service": "sshd"}, ("linux_auth",)),
    ({"product": "linux", "service": "sudo"}, ("linux_auth",)),
    ({"product": "linux", "service": "cron"}, ("linux_auth",)),
    ({"product": "linux", "service": "syslog"}, ("linux_auth",)),
    ({"product": "linux", "service": "auditd"}, ()),
    ({"product": "linux", "category": "process_creation"}, ()),
    ({"category": "authentication"}, ("linux_auth", "okta_system")),
    ({"product": "zeek"}, ("zeek_conn", "zeek_dns")),
    ({"product": "zeek", "service": "dns"}, ("zeek_dns",)),
    ({"product": "zeek", "service": "conn"}, ("zeek_conn",)),
    ({"product": "zeek", "service": "http"}, ()),
    ({"category": "dns"}, ("zeek_dns",)),
    ({"product": "dns"}, ("zeek_dns",)),
    ({"category": "firewall"}, ("zeek_conn",)),
    ({"category": "proxy"}, ()),
    ({"product": "windows", "category": "dns_query"}, ()),
    ({"product": "windows", "category": "network_connection"}, ()),
    ({"product": "azure", "service": "signinlogs"}, ()),
])
def test_who_is_asked(logsource: dict[str, str], expected: tuple[str, ...]) -> None:
    assert route(logsource, HERE) == expected


def test_sources_without_a_table_answer_to_their_own_keys() -> None:
    """A third party's plug-in needs no entry here."""
    sources = {"mail": {"product": "postfix", "service": "smtp"}, "unknown": {}}
    assert route({"product": "postfix"}, sources) == ("mail",)
    assert route({"product": "postfix", "category": "mail"}, sources) == ()
    assert dict(aliases({"product": "postfix"})) == {}
    assert route({}, sources) == ("mail", "unknown")


def test_the_reason_names_what_there_is() -> None:
    said = reason({"category": "proxy"}, {"zeek_dns": HERE["zeek_dns"], "x": {}})
    assert said == "no log source here is category: proxy; there are zeek_dns (product: zeek, service: dns), x (unknown)"


def test_fields_have_the_names_of_the_source() -> None:
    dns = aliases(HERE["zeek_dns"])
    assert (dns["record_type"], dns["QueryName"], dns["answer"]) == (("qtype_name",), ("query",), ("answers",))
    assert dns["src_ip"] == ("id.orig_h",)  # of every Zeek log
    assert aliases(HERE["zeek_conn"])["dst_port"] == ("id.resp_p",)
    assert aliases(HERE["nginx_access"])["cs-method"][0] == "request_method"
    assert "QueryName" not in aliases(HERE["zeek_conn"])


def test_a_field_of_the_format_is_no_gap() -> None:
    assert in_format(HERE["aws_cloudtrail"], "requestParameters.never.seen")
    assert in_format(HERE["okta_system"], "debugcontext.debugdata.behaviors")
    assert in_format(HERE["zeek_dns"], "record_type")  # stands for qtype_name
    assert not in_format(HERE["zeek_dns"], "parent_domain")
    assert not in_format(HERE["nginx_access"], "cs-cookie")


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda p: p.stem)
def test_tables_say_only_what_is_read(path: Path) -> None:
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert table.keys() <= {"source", "serves", "fields", "format"}
    assert table["source"].keys() <= set(KEYS)
    assert table["serves"].keys() <= set(KEYS)
    for words in table["serves"].values():
        assert [word.lower() for word in words] == words
    for name, own in table.get("fields", {}).items():
        assert own, name
        assert name not in own, f"{name} is tried first anyway"


@pytest.mark.parametrize("name", HERE)
def test_aliases_end_at_fields_that_sources_declare(name: str) -> None:
    """Every alias of our own sources leads somewhere: to a declared field, or one the parser makes of the line."""
    from redgen.parsers import nginx_combined, syslog_auth
    from redgen.parsers._auth_messages import READINGS

    declared = {field.name.replace("[]", "").lower() for field in SOURCES.get(name).fields}
    declared |= {known.lower() for known in (*nginx_combined.FIELDS, *nginx_combined.W3C)} if name == "nginx_access" else set()
    made = {*READINGS, "outcome", "host", "process", "pid", "message", *syslog_auth.OTHER_NAMES}
    declared |= made if name == "linux_auth" else set()
    for alias, own in aliases(HERE[name]).items():
        found = [target for target in own if any(
            target.lower() == known or target.lower().startswith(f"{known}.") for known in declared)]
        assert found, (alias, own)


@pytest.mark.skipif(not JUDGES.is_dir(), reason="rules written by others are not here")
def test_rules_of_others_reach_the_logs_they_are_about() -> None:
    """The folders of the corpus whose product this dataset has are routed whole; the others not at all."""
    routed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for file in JUDGES.rglob("*.yml"):
        folder = file.relative_to(JUDGES).parts[0]
        for rule in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if isinstance(rule, dict) and "logsource" in rule:
                total[folder] += 1
                routed[folder] += bool(route(rule["logsource"], HERE))
    for folder in ("aws", "okta", "webserver", "webserver_emerging"):
        assert routed[folder] == total[folder] > 0, folder
    for folder in ("azure_signinlogs", "gcp", "github", "m365", "proxy"):
        assert routed[folder] == 0, folder
    assert routed["dns"] == total["dns"]
