"""CloudTrail's ids: of events, of those that a second trail has too, of requests to STS; and the regions they name."""

from __future__ import annotations

from base64 import b64encode

from redgen.render import holes as h
from redgen.render.holes import BASE62, Forms, Hex, Hole, Pick, Text
from redgen.seed import Seed
from redgen.sources._cloudtrail_forms import wording
from redgen.vocabulary import Vocabulary
from redgen.world.cloud import Cloud
from redgen.world.world import World

GLOBAL = "us-east-1"
_TAILS = 4096
"""How many endings ids of requests to STS are put together from."""


def regions(cloud: Cloud) -> list[str]:
    """The world's regions; us-east-1, where global services log, is added when it is not among them."""
    found = list(cloud.regions)
    return found if GLOBAL in found else [*found, GLOBAL]


def zone_prefix(region: str) -> str:
    """How ids of availability zones begin.

    >>> zone_prefix("eu-west-1"), zone_prefix("ap-southeast-2")
    ('euw1', 'apse2')
    """
    area, direction, number = region.rsplit("-", 2)
    return f"{area}{direction[0]}{direction[5] if direction[5:] in {'east', 'west'} else ''}{number}"


def event_holes(world: World, seed: Seed) -> dict[str, Hole]:
    """Ids of events, of the events that a second trail has too, and of requests to STS."""
    doc, drawn = wording(), seed.child("request tail").stream().integers(0, 62, 3 * _TAILS).tolist()
    thrice = ["".join(BASE62[i] for i in drawn[k : k + 3]) for k in range(0, len(drawn), 3)]
    tail = Vocabulary.of(_base64(text) for text in thrice)
    clock = Vocabulary.of(_base64(f"{n:03d}") for n in range(1000))
    heads = [_base64(f"1:{name}:S:1") if len(f"1:{name}:S:1") % 3 == 0 else "" for name in regions(world.cloud)]
    own, more = doc["extended_request"], doc["request_details"]
    found: dict[str, Hole] = {
        "event_own": h.Uuid4("event", salt=1), "shared_id": h.Uuid4("call", salt=70),
        "event_8": Hex("event", 8, salt=71), "event_4": Hex("event", 4, salt=72), "event_3": Hex("event", 3, salt=73),
        "event_3b": Hex("event", 3, salt=74), "event_12": Hex("event", 12, salt=75),
        "event_variant": Pick(Vocabulary.of("89ab"), "event", salt=76),
        "event_id": Forms(["@{event_own}", doc["shared_event_id"]], "shared"),
        "shared": Forms(["", ',"sharedEventID":"@{shared_id}"'], "shared"),
        "shared_cell": Forms(["", "@{shared_id}"], "shared"),
        "tail_a": Pick(tail, "call", salt=77), "tail_b": Pick(tail, "call", salt=78),
        "tail_c": Pick(Vocabulary.of(_base64(text[:2]) for text in thrice), "call", salt=79),
        "asked_of": Forms([f"{own.replace('<head>', head)},{more}" if head else more for head in heads], "region"),
        "asked_inside": Forms([own.replace("<head>", head) if head else more for head in heads], "region"),
        "sts_details": Forms(["@{asked_of}", *["@{asked_inside}"] * 3, "@{asked_of}"], "origin_kind"),
    }
    return found | {f"ms_{part}": Text(clock, f"ms_{part}") for part in "abcd"}


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
