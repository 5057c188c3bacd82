"""Attack and benign are written by the same hands: no format, and no value but those an attack is made of, tells them
apart. Both tests look at one kind of event at a time; what an attack chooses by its nature is masked or listed below."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline

import redgen
from redgen.dataset.dataset import Dataset
from tests.holds.conftest import SCENARIO
from tests.holds.reading import SOURCES, Record, lines, sentence

CHOSEN: Mapping[str, Mapping[str, str]] = {
    "nginx_access": {
        r"addr|remote_addr|remote_port|connection|connection_requests": "who comes, and how often over one connection",
        r"agent|http_user_agent|server_protocol|ssl_.*": "the client program and what it speaks",
        r"target|request_uri|uri|args|referer|http_referer|method|request_method|request": "what is asked for",
        r"host|server_name|ssl_server_name": "where",
        r"status|upstream_.*|bytes|body_bytes_sent|bytes_sent|request_time|request_length": "what came of it, how big",
    },
    "okta_system": {
        r"actor\..*|target\[\]\..*": "whose account, which app, whom it concerns",
        r"client\..*|device\..*|request\.ipChain.*|securityContext\..*": "the address and the device it comes from",
        r"debugContext\.debugData\.(signOnMode|initiationType)": "follows from the app",
        r"outcome\..*|legacyEventType|debugContext\.debugData\.loginResult": "what came of it",
        r"debugContext\.debugData\.(behaviors|risk|logOnlySecurityData|threatSuspected)":
            "the provider's verdict on address and device",
        r"debugContext\.debugData\.suspiciousActivity.*": "what a warned user reports",
    },
    "aws_cloudtrail": {
        r"userIdentity\..*": "whose key",
        r"sourceIPAddress|userAgent": "where from, with which tool",
        r"eventName|eventSource|tlsDetails\.clientProvidedHostHeader|apiVersion": "which call",
        r"requestParameters.*|resources.*|responseElements.*|additionalEventData\.(bytes.*|x-amz-id-2|LoginTo|MFA.*)":
            "what it is about, how much of it",
        r"errorCode|errorMessage|awsRegion": "whether it was allowed; where things lie",
    },
    "linux_auth": {
        r"host|addr|port|pid": "which server, from where",
        r"user|command": "which account, which command",
    },
    "zeek_conn": {
        r"id\..*|local_.*": "who talks to whom",
        r"duration|.*_bytes|.*_pkts": "how long, how much",
    },
    "zeek_dns": {
        r"id\..*": "who asks",
        r"query|answers.*|TTLs.*": "for what",
    },
}
"""What an attack is made of, by field (a pattern of its whole path), with the reason."""

SERIAL = {
    "nginx_access": r"time|time_iso8601|msec|request_id|user|t",
    "okta_system": r"uuid|published|.*(requestId|authnRequestId|dtHash|deviceFingerprint|SessionId|\.id|\.url|\.requestUri)",
    "aws_cloudtrail": r"eventTime|eventID|requestID|sharedEventID",
    "linux_auth": r"time|message", "zeek_conn": r"ts|uid", "zeek_dns": r"ts|uid|trans_id|rtt",
}
"""Times, ids and serials: different in every line, whoever made it."""

FORMS = [*(("day", source) for source in SOURCES), *(("other", s) for s in ("nginx_access", "zeek_conn", "linux_auth"))]
"""Each source in its first format, and those whose second one says more or otherwise."""

FEW = 60
"""A field with at most this many benign values is a vocabulary; with more, it is compared by shape."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A day of benign life of a larger company: what a value must be found in to count as ordinary."""
    return redgen.generate(
        SCENARIO, tmp_path_factory.mktemp("crowd") / "out", jobs=1, clean=True,
        settings=["hard_negatives=[]", "window.duration=1d", "world.scale={customers: 1500, employees: 300, admins: 10}",
                  "sources=[okta_system, aws_cloudtrail, linux_auth, zeek_dns]"])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside a record with its path; ``[]`` stands for any place in a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path + "#", len(value)
        for inner in value:
            yield from leaves(inner, path + "[]")
    else:
        yield path, value


def shape(value: Any) -> str:
    """The form of a value: runs of letters and digits become one letter each, long mixtures one word."""
    text = re.sub(r"\w{12,}", "W", str(value))
    text = re.sub(r"\d+", "9", text)
    return re.sub(r"[A-Za-z9]{2,}", "a", text)


def said(record: Record, source: str) -> dict[str, set[str]]:
    """Path -> values as text, without times, serials and what an attack chooses."""
    hidden = re.compile("|".join([*CHOSEN[source], SERIAL[source], "t"]))
    found: dict[str, set[str]] = {}
    for path, value in leaves({**record, "sentence": sentence(record["tag"], record["message"])}
                              if source == "linux_auth" else record):
        if not hidden.fullmatch(path.rstrip("#")):
            found.setdefault(path, set()).add(json.dumps(value))
    return found


@pytest.mark.parametrize(("form", "source"), FORMS)
def test_no_value_is_the_attacks_alone(
    request: pytest.FixtureRequest, crowd: Dataset, form: str, source: str
) -> None:
    """Within each type of event that benign life has, too, a value (or its shape) that attacks show occurs there."""
    frame = lines(request.getfixturevalue(form), source)
    benign = frame[frame["label"] != "malicious"]
    if source in crowd.sources:
        benign = pd.concat([benign, lines(crowd, source)])
    known: dict[str, set[str]] = {}
    for record in benign["record"]:
        for path, values in said(record, source).items():
            known.setdefault(path, set()).update(values)
    shapes = {path: {shape(v) for v in values} for path, values in known.items() if len(values) > FEW}
    attacks = frame[frame["label"] == "malicious"]
    usual = attacks[attacks["type"].isin(set(benign["type"]))]
    alone: dict[str, str] = {}
    for record, kind, step in zip(usual["record"], usual["type"], usual["step_id"], strict=True):
        for path, values in said(record, source).items():
            ordinary = shapes.get(path, known.get(path, set()))
            alone |= {f"{path} = {v}": f"{kind}, {step}" for v in values
                      if (shape(v) if path in shapes else v) not in ordinary}
    assert not alone, f"{len(alone)} values only attacks have: {dict(list(alone.items())[:8])}"


@pytest.mark.parametrize("source", SOURCES)
def test_benign_life_knows_the_types_of_events(day: Dataset, crowd: Dataset, source: str) -> None:
    """Most of what attackers do is done by others, too: a type of event is no label. Those left are what attacks are
    made of, and few."""
    frame = lines(day, source)
    usual = set(frame.loc[frame["label"] != "malicious", "type"])
    usual |= set(lines(crowd, source)["type"]) if source in crowd.sources else set()
    attacks = frame[frame["label"] == "malicious"]
    strange = attacks[~attacks["type"].isin(usual)]
    assert len(strange) <= 0.25 * len(attacks), strange["type"].value_counts().head(10).to_dict()


GRAIN: Mapping[str, Callable[[Record], str]] = {
    "nginx_access": lambda r: f"{r['status']} {r['server_protocol']} {bool(r['referer'].strip('-'))}",
    "okta_system": lambda r: f"{r['outcome']} {len(r['transaction']['id'])} {len(r['target'] or ())} "
                             f"{r['device'] is not None}",
    "aws_cloudtrail": lambda r: " ".join([r["userIdentity"].get("type", ""), r.get("errorCode", ""),
                                          r["userIdentity"].get("invokedBy", ""),
                                          r.get("sessionCredentialFromConsole", "")]),
    "linux_auth": lambda _: "", "zeek_conn": lambda r: f"{r.get('service')} {r['local_orig']}", "zeek_dns": lambda _: "",
}
"""What an attack chooses changes which fields a line has; compare like with like."""


def masked(source: str, record: Record, text: str) -> str:
    """The line without times, ids, numbers and all that an attack chooses; its form remains."""
    if source == "linux_auth":
        return sentence(record["tag"], record["message"])
    hidden = re.compile("|".join([*CHOSEN[source], SERIAL[source]]))
    if text.startswith("{"):
        return json.dumps(_hide(json.loads(text), "", hidden))
    if source == "nginx_access":
        return _cut(text, [record[k] for k in ("addr", "time", "request", "status", "referer", "agent")])
    return "\t".join("X" if hidden.fullmatch(k) else re.sub(r"\d+", "#", str(v)) for k, v in record.items() if k != "t")


def _cut(text: str, values: list[str]) -> str:
    """``text`` with ``values``, which stand in it in this order, masked, and all other numbers, too."""
    at, parts = 0, []
    for value in values:
        begin = text.index(value, at)
        parts.append(re.sub(r"\d+", "#", text[at:begin]))
        at = begin + len(value)
    return "X".join([*parts, text[at:]])


def _hide(value: Any, path: str, hidden: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {k: _hide(v, f"{path}.{k}" if path else k, hidden) for k, v in value.items()}
    if isinstance(value, list):
        return [_hide(v, path + "[]", hidden) for v in value]
    if value is None or isinstance(value, bool):
        return value
    if hidden.fullmatch(path):
        return "X"
    return re.sub(r"\d+", "#", re.sub(r"[0-9A-Fa-f-]{16,}", "H", str(value)))


def separation(texts: list[str], attack: np.ndarray, groups: list[str]) -> float:
    """How well n-grams of characters tell attack from benign lines of clients and campaigns never seen: AUC, the mean
    over six folds (scores of different folds are not compared with one another)."""
    if len(set(texts)) == 1:
        return 0.5
    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(2, 4), max_features=5000),
                          LogisticRegression(max_iter=500, class_weight="balanced"))
    lines = np.array(texts, dtype=object)
    scores = []
    for repeat in range(2):
        for seen, unseen in StratifiedGroupKFold(3, shuffle=True, random_state=repeat).split(lines, attack, groups):
            if 0 < attack[unseen].sum() < len(unseen) and 0 < attack[seen].sum() < len(seen):
                model.fit(lines[seen], attack[seen])
                scores.append(roc_auc_score(attack[unseen], model.decision_function(lines[unseen])))
    return float(np.mean(scores))


ENOUGH, MOST = 40, 300


@pytest.mark.parametrize(("form", "source"), FORMS)
def test_the_form_of_a_line_tells_nothing(request: pytest.FixtureRequest, form: str, source: str) -> None:
    """Within one type of event, a classifier of masked lines does no better than 0.60."""
    frame = lines(request.getfixturevalue(form), source)
    frame = frame[frame["label"].isin(["benign", "malicious"])]
    kinds = frame["type"] + " " + frame["record"].map(GRAIN[source])
    found = {}
    for kind, some in frame.groupby(kinds):
        sides = [some[(some["label"] == side)] for side in ("malicious", "benign")]
        if min(len(s) for s in sides) < ENOUGH or sides[0]["campaign_id"].nunique() < 3:
            continue
        both = pd.concat([s.sample(min(len(s), MOST), random_state=0) for s in sides])
        groups = both["campaign_id"].where(both["label"] == "malicious", both["who"])
        texts = [masked(source, r, t) for r, t in zip(both["record"], both["text"], strict=True)]
        found[kind] = separation(texts, (both["label"] == "malicious").to_numpy(), list(groups))
    assert {k: v for k, v in found.items() if v > 0.6} == {}
    if source not in {"zeek_dns", "aws_cloudtrail"}:
        assert found, "nothing was compared"
