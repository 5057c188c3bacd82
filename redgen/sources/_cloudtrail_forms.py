"""CloudTrail's records as texts: for every operation what a call that works, is denied or fails looks like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import CLOUD_ERRORS
from redgen.render.holes import Forms, Hole
from redgen.sources._flat import flat
from redgen.spec.syntax import own_yaml
from redgen.world.cloud import RESOURCE_KINDS, Ops

OK, DENIED, FAILED = range(3)
"""The three forms of an operation; form = operation * 3 + one of these."""
DENIALS = ("AccessDenied", "Client.UnauthorizedOperation")
VARIANTS = 12
"""Divisible by 2, 3 and 4: how many alternatives a call's parameters may have."""
_WORD = re.compile(r"<(\w+)>")
_AFTER = re.compile(r"@\{(invoked_by|delivery)\}")
_VERSIONED = re.compile(r"20\d{6}(v\d)?$")
_TLS = (("TLSv1.3", "TLS_AES_128_GCM_SHA256"), ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"))
_BYTES = {"in": ("@{bytes}", "0"), "out": ("0", "@{bytes}"), "none": ("0", "0"), "small": ("0", "@{small}")}


@dataclass(frozen=True)
class Calls:
    """All texts: ``forms`` (three per operation), the ``holes`` that only they use, facts per operation.

    ``cells``: the text of each top-level field by form, empty where it is null or absent. ``old``: the record's version
    carries webIdFederationData. ``commands`` and ``modules``: what AWS CLI calls the operation, and what SDKs call the
    service it belongs to.
    """

    forms: tuple[str, ...]
    cells: Mapping[str, tuple[str, ...]]
    holes: Mapping[str, Hole]
    old: NDArray[np.bool_]
    commands: tuple[str, ...]
    modules: tuple[str, ...]


@cache
def wording() -> Mapping[str, Any]:
    """The YAML of records, identities, errors and services.

    Beside an operation's response stands ``additional`` (not where the caller was denied, unless its service keeps what
    was asked), ``details`` (always) and ``worked`` (only where the call did).
    """
    return _load("cloudtrail")


@cache
def listed() -> Mapping[str, Mapping[str, Any]]:
    """The calls that say something, by service and operation."""
    return _load("cloudtrail_calls_identity") | _load("cloudtrail_calls_compute") | _load("cloudtrail_calls_data")


def _load(name: str) -> dict[str, Any]:
    text = files("redgen.sources").joinpath(f"data/{name}.yaml").read_text(encoding="utf-8")
    return own_yaml(text)  # type: ignore[no-any-return]


@dataclass
class _Maker:
    """Texts under construction; a hole of several texts is made once for equal texts."""

    constants: Mapping[str, str]
    holes: dict[str, Hole] = field(default_factory=dict)
    known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def choice(self, texts: Sequence[str], column: str) -> str:
        """``texts`` as one hole chosen by ``column``; a single text stays itself."""
        if len(set(texts)) == 1:
            return texts[0]
        key = (column, *texts)
        if key not in self.known:
            name = f"{column}_{len(self.known)}"
            self.known[key] = name
            self.holes[name] = Forms([expand(text, {}) for text in texts], column)
        return f"@{{{self.known[key]}}}"


def calls(ops: Ops, constants: Mapping[str, str]) -> Calls:
    """The texts of every operation of ``ops``; ``constants`` fill the words that only the organisation knows."""
    maker = _Maker(constants)
    forms: list[str] = []
    cells: list[dict[str, str]] = []
    commands, modules, old = [], [], np.zeros(len(ops), dtype=np.bool_)
    for op in range(len(ops)):
        facts = _facts(ops, op)
        old[op] = facts["version"] <= "1.08"
        commands.append(facts["command_line"])
        modules.append(facts["module"])
        for outcome in (OK, DENIED, FAILED):
            words = _words(maker, facts, outcome)
            forms.append(expand(wording()["record"], words))
            cells.append(_cells(words))
    columns = {name: tuple(cell[name] for cell in cells) for name in cells[0]}
    return Calls(tuple(forms), columns, maker.holes, old, tuple(commands), tuple(modules))


def _facts(ops: Ops, op: int) -> dict[str, Any]:
    """What is known of one operation: the defaults, its service's ways, its own."""
    doc = wording()
    source, name = ops.source[op], ops.name[op]
    service = doc["services"].get(source, {})
    call = listed().get(source, {}).get(name) or {}
    kind = RESOURCE_KINDS[ops.resource[op]] if ops.resource[op] >= 0 else ""
    plain = _VERSIONED.sub("", name)
    facts: dict[str, Any] = doc["defaults"] | service | call
    cli = service.get("command", source)
    facts["command_line"] = call.get("command", f"{cli}.{kebab(plain)}")
    facts["module"] = service.get("module", source.replace("-", ""))
    facts["action"] = f"{service.get('permission', source)}:{call.get('action', plain)}"
    if "upon" not in call:
        facts["upon"] = service.get("kinds", {}).get(kind, facts["upon_resource"]) if kind else facts["upon"]
    for word in ("missing", "exists"):
        if word not in call:
            facts[word] = service.get(word, {}).get(kind, "")
    facts["encoded"] = ". Encoded authorization failure message: @{encoded}" if facts["upon"] else ""
    facts |= {
        "source": source, "name": name, "read": str(bool(ops.read[op])).lower(),
        "management": str(not ops.data[op]).lower(), "category": "Data" if ops.data[op] else "Management",
        "errors": service.get("errors", {}),
    }
    return facts


def kebab(name: str) -> str:
    """An operation as AWS CLI spells it.

    >>> kebab("ListMFADevices")
    'list-mfa-devices'
    """
    return re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1-\2", name)).lower()


def _words(maker: _Maker, facts: Mapping[str, Any], outcome: int) -> dict[str, str]:
    """What fills the record of one operation and outcome."""
    words = dict(maker.constants) | {k: v for k, v in facts.items() if isinstance(v, str)}
    kept = outcome != DENIED or facts["keeps_parameters"]
    request, response = _alternatives(facts.get("request", "null")), _alternatives(facts.get("response", "null"))
    words |= _error(maker, words, facts) if outcome else {"error": "", "error_code": "", "error_message": ""}
    asked = [expand(text, words) if kept else "null" for text in request]
    words["request"] = maker.choice(asked, "variant")
    words["request_cell"] = maker.choice(["" if text == "null" else text for text in asked], "variant")
    failed = facts.get("failed_response", "null")
    words["response"] = failed if outcome else maker.choice([expand(text, words) for text in response], "variant")
    words["bytes_in"], words["bytes_out"] = _BYTES["small" if outcome else facts.get("bytes", "small")]
    beside = [facts["additional"] if kept else "", facts["details"], "" if outcome else facts["worked"]]
    additional = ",".join(text for text in beside if text)
    words["additional"] = f',"additionalEventData":{{{additional}}}' if additional else ""
    words["resources"] = f',"resources":[{facts["resources"]}]' if "resources" in facts and kept else ""
    words["api_version"] = f',"apiVersion":"{facts["api_version"]}"' if facts["api_version"] else ""
    host = expand(facts["host"], words)
    shaken = [_tls(version, cipher, host) for version, cipher in _TLS]
    words["tls"] = "" if "no_tls" in facts else maker.choice(shaken, "tls")
    return words


def _cells(words: Mapping[str, str]) -> dict[str, str]:
    """The text of each column but ``userIdentity``."""
    texts = {
        "eventVersion": "<version>", "eventSource": "<source>.amazonaws.com", "eventName": "<name>",
        "awsRegion": "@{region}",
        "sourceIPAddress": "@{origin}", "userAgent": "<agent>", "errorCode": "<error_code>",
        "errorMessage": "<error_message>",
        "requestParameters": "<request_cell>", "responseElements": "<response>",
        "requestID": words["request_id"].partition(':"')[2].rstrip('",'), "eventID": "@{event_id}",
        "readOnly": "<read>",
        "eventType": "<type>", "managementEvent": "<management>", "recipientAccountId": "@{recipient}",
        "sharedEventID": "@{shared_cell}", "eventCategory": "<category>",
    }
    found = {name: expand(text, words) for name, text in texts.items()}
    return {name: "" if text == "null" else text for name, text in found.items()}


def _alternatives(found: str | list[str]) -> list[str]:
    texts = [found] if isinstance(found, str) else found
    return [texts[k % len(texts)] for k in range(VARIANTS)]


def _tls(version: str, cipher: str, host: str) -> str:
    return f',"tlsDetails":{{"tlsVersion":"{version}","cipherSuite":"{cipher}","clientProvidedHostHeader":"{host}"}}'


def _error(maker: _Maker, words: Mapping[str, str], facts: Mapping[str, Any]) -> dict[str, str]:
    """The code and message of every error an activity can name, in one and each alone."""
    codes, messages = [], []
    for name in CLOUD_ERRORS:
        found = facts["errors"].get(name, wording()["errors"][name])
        code, message = found.get("code", ""), found["message"]
        if name == "NoSuchEntityException" and facts["missing"]:
            message = facts["missing"]
        if name == "EntityAlreadyExistsException" and facts["exists"]:
            message = facts["exists"]
        if name == "NoSuchBucketPolicy" and "missing_config" in facts:
            code, message = facts["missing_config"]
        codes.append(code)
        messages.append(expand(message, words))
    said = [(f',"errorCode":"{code}"' if code else "") + f',"errorMessage":{json.dumps(message, ensure_ascii=False)}'
            for code, message in zip(codes, messages, strict=True)]
    return {
        "error": maker.choice(said, "error"),
        "error_code": maker.choice(codes, "error"), "error_message": maker.choice(messages, "error"),
    }


def identity_cells(constants: Mapping[str, str]) -> dict[str, list[str]]:
    """Per column below ``userIdentity``, the text of each identity; ``constants`` as for ``calls``."""
    found = []
    for text in wording()["identities"].values():
        cells = flat(_AFTER.sub("", text).replace("@{issuer}", wording()["issuer"]))
        found.append({"invokedBy": "@{service}"} | cells if "@{invoked_by}" in text else cells)
    names = ("type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy",
             "sessionContext.sessionIssuer.arn", "sessionContext.sessionIssuer.userName",
             "sessionContext.attributes.creationDate", "sessionContext.attributes.mfaAuthenticated")
    return {f"userIdentity.{name}": [expand(cell.get(name, ""), constants) for cell in found] for name in names}


def expand(text: str, words: Mapping[str, str]) -> str:
    """``text`` with <words> filled, words within words too, and aliases of longer texts replaced.

    A word that nobody knows stays as it is: AWS itself writes ``<sensitiveDataRemoved>``.
    """
    for _ in range(8 if "<" in text else 0):
        filled = _WORD.sub(lambda m: words.get(m[1], m[0]), text)
        if filled == text:
            break
        text = filled
    if "@{" in text:
        for alias, longer in wording()["aliases"].items():
            text = text.replace(f"@{{{alias}}}", longer)
    return text
