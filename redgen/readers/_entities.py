"""The words products have for entities, and which of redgen's types each names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_WORDS: Final[Mapping[str, str]] = {
    "ip": "ip source.ip destination.ip client.ip server.ip src_ip dest_ip dst_ip srcip dstip sourceip destinationip "
          "source_ip destination_ip clientip remote_ip remote_addr remote_address sourceipaddress ipaddress ip_address "
          "c-ip s-ip id.orig_h id.resp_h callerip calleripaddress rhost src_endpoint.ip dst_endpoint.ip related.ip "
          "true_client_ip x_forwarded_for src_addr dst_addr local_address",
    "user": "user username user_name user.name user.email user.target.name src_user dest_user srcuser dstuser "
            "target_user targetusername subjectusername user_id userid account_name accountname userprincipalname "
            "actor.alternateid actor.alternate_id target.alternateid actor_email email login related.user upn "
            "identity.user.name useralias",
    "host": "host hostname host.name host.hostname computer computername agent.name dest_host src_host "
            "destination.host device.hostname workstation workstationname related.hosts machine devicename "
            "system syslog_host",
    "ua": "ua useragent user_agent user_agent.original http_user_agent http.user_agent c-useragent cs-user-agent "
          "cs_user_agent client.useragent.rawuseragent user_agent.raw http_request.user_agent rawuseragent",
    "account": "account cloud.account.id cloud.account.uid recipientaccountid accountid account_id aws_account_id "
               "tenant tenant_id tenantid subscriptionid project_id",
    "principal": "principal principal_id useridentity.username useridentity.arn user_identity.arn arn principal.arn "
                 "user_arn useridentity.sessioncontext.sessionissuer.username",
    "session": "session session_id sessionid externalsessionid external_session_id rootsessionid logonid",
    "domain": "domain dns.question.name query dns.rrname rrname dns.query.name queryname dns_query destination.domain "
              "dns_name",
    "site": "site url.domain http.hostname http_host cs-host vhost target_fqdn server_name tls.sni sni",
    "key": "key accesskeyid access_key_id access_key api_key client_id apikey key_id"}

TYPES: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}

EITHER = {"src", "dest", "dst", "source", "destination", "dvc", "target", "remote"}
"""Words for an address or a host, whichever the value is."""

_IP: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}(\d{1,3}(\.\d{1,3}){3})?",
                        re.IGNORECASE)
_BLANK: Final = frozenset({"", "-", "n/a", "unknown", "none", "null", "(null)"})


def type_of(field: str) -> str:
    """The type of entity that a field names, by its name or its last parts; empty when it names none.

    >>> type_of("aws.cloudtrail.sourceIPAddress"), type_of("okta.actor.alternateId"), type_of("event.code")
    ('ip', 'user', '')
    """
    word = field.lower()
    while word:
        if word in TYPES:
            return TYPES[word]
        if word in EITHER:
            return "either"
        word = word.partition(".")[2]
    return ""


def entities_of(field: str, value: Any, kind: str = "") -> Iterator[tuple[str, str]]:
    """(type, value) of each entity that ``value`` of a field names; ``kind`` when the type is known.

    >>> list(entities_of("src", ["10.0.0.7", "web01", "-"]))
    [('ip', '10.0.0.7'), ('host', 'web01')]
    """
    said = kind or type_of(field)
    if not said:
        return
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, dict | list) or item is None or isinstance(item, bool):
            continue
        text = str(item).strip()
        if text.lower() in _BLANK:
            continue
        address = bool(_IP.fullmatch(text))
        if said == "either":
            yield ("ip" if address else "host"), text
        elif said != "ip" or address:
            yield said, text.lower() if address else text
            if text.startswith("arn:") and "/" in text:  # the name a person or role is known by
                yield said, text.rpartition("/")[2]


def found_in(record: Mapping[str, Any], prefix: str = "", depth: int = 5) -> Iterator[tuple[str, str]]:
    """Every entity that a record names, nested objects included."""
    for key, value in record.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            if depth:
                yield from found_in(value, f"{path}.", depth - 1)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value if depth else ():
                if isinstance(item, dict):
                    yield from found_in(item, f"{path}.", depth - 1)
        else:
            yield from entities_of(path, value)


def of_fields(record: Mapping[str, Any], fields: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The entities in some top-level fields of a record."""
    for field in fields:
        if field in record:
            yield from entities_of(field, record[field])
