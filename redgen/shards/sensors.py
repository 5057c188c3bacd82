"""What may go wrong between a product and its collector: delivery delay, lost and doubled lines, a wrong clock.

All off unless the scenario asks. Each decision is a pure hash of the record, so it holds for any cut of time, and is
counted in the manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.clock import SECOND
from redgen.seed import Seed
from redgen.table import Table, concat

_LATENCY_CAP = 10
"""A delay is at most this many times its mean."""
_DUPLICATE_SPREAD = 5 * SECOND
"""A second copy follows within this time, as when a shipper resends after a missed acknowledgement."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Sensor:
    """Knobs of one source.

    ``latency``: mean delivery delay, µs (exponential, capped at 10 times); ``loss`` and ``duplicates``: share of
    lines; ``skew``: µs added to the clock that stamps them.
    """

    latency: int = 0
    loss: float = 0.0
    duplicates: float = 0.0
    skew: int = 0

    @property
    def slack(self) -> int:
        """The most that delivery may come after the source's own write time."""
        return self.latency * _LATENCY_CAP + (_DUPLICATE_SPREAD if self.duplicates else 0)

    @property
    def on(self) -> bool:
        """Whether anything goes wrong at all."""
        return self != Sensor()


@dataclass(frozen=True)
class Sensed:
    """Records as delivered: ``written`` orders them; ``lost`` and ``again`` mark rows that are dropped or copies."""

    records: Table
    written: NDArray[np.int64]
    lost: NDArray[np.bool_]
    again: NDArray[np.bool_]


def sense(sensor: Sensor, seed: Seed, records: Table) -> Sensed:
    """Pass ``records`` through ``sensor``; ``seed`` is the sensor's own.

    Lost records stay in the table, marked, so that the accounting sees them. The skew is not applied here: it
    changes what a line says, not when it is written (see ``skewed``).
    """
    none = np.zeros(len(records), dtype=np.bool_)
    written = records["w"]
    if not sensor.on or not len(records):
        return Sensed(records, written, none, none)
    keys = _record_keys(records)
    if sensor.latency:
        delay = -np.log(seed.uniform(keys, "latency")) * sensor.latency
        written = written + np.minimum(delay, sensor.latency * _LATENCY_CAP - 1).astype(np.int64)
    lost = seed.uniform(keys, "loss") < sensor.loss
    twice = np.flatnonzero(~lost & (seed.uniform(keys, "duplicates") < sensor.duplicates))
    if not len(twice):
        return Sensed(records, written, lost, none)
    later = (seed.uniform(keys[twice], "again") * (_DUPLICATE_SPREAD - 1)).astype(np.int64)
    return Sensed(
        concat([records, records.take(twice)]),
        np.concatenate([written, written[twice] + later]),
        np.concatenate([lost, np.zeros(len(twice), dtype=np.bool_)]),
        np.concatenate([none, np.ones(len(twice), dtype=np.bool_)]),
    )


def skewed(sensor: Sensor, records: Table) -> Table:
    """The records with the times they state moved by the sensor's clock error."""
    if not sensor.skew:
        return records
    return records.replace(t=records["t"] + sensor.skew, w=records["w"] + sensor.skew)


def _record_keys(records: Table) -> NDArray[np.uint64]:
    """One key per record: several records of one row differ in write time or form."""
    keys = records["id"] ^ (records["w"].astype(np.uint64) * _GOLDEN)
    return keys ^ (records["form"].astype(np.uint64) << np.uint64(48))  # type: ignore[no-any-return]
