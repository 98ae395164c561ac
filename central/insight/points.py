"""From observations and movements to points. Pure: times and numbers come from outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from central.insight.series import Point
from central.insight.windows import SECOND_US, Fold
from gateway.contract import (
    DeviceHealth,
    Observation,
    TagResident,
    TagSighting,
    WeightDisturbed,
    WeightSettled,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_RESIDENT_S = 600
"""Residents are told every few seconds: one that claims years is spread over this much."""
_SETTLES_S = 12
"""What antennas heard is all there after this: residents are told every ten seconds (an edge's
`resident_every_s`, unless it says otherwise), and the road takes a moment.
"""
_QUIET_US = _SETTLES_S * SECOND_US
"""A second's sum is left alone once nothing was added to it for this long: what came after that
would be a point of its own, and look like a second in which little was heard.
"""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """How a field is shown: its words, its unit, how many digits behind the point mean something,
    and what stands for a stretch of it. ``settles_s`` after a moment everything of it has
    arrived; what is younger may still grow.
    """

    label: str
    unit: str
    fold: Fold
    digits: int = 0
    settles_s: int = 0


FIELDS: dict[str, dict[str, Field]] = {
    "antenna": {
        "reads": Field(
            label="Reads", unit="reads/s", fold=Fold.RATE, digits=1, settles_s=_SETTLES_S
        ),
        "rssi_dbm": Field(
            label="Peak RSSI", unit="dBm", fold=Fold.MAX, digits=1, settles_s=_SETTLES_S
        ),
    },
    "plate": {"gross_g": Field(label="Weight", unit="g", fold=Fold.LAST, digits=1)},
    "device": {"up": Field(label="Running", unit="1 = yes", fold=Fold.LAST)},
    "stock": {"on_hand": Field(label="On hand", unit="units", fold=Fold.LAST)},
    "movement": {
        "units_in": Field(label="Moved in", unit="units moved", fold=Fold.SUM),
        "units_out": Field(label="Moved out", unit="units moved", fold=Fold.SUM),
    },
}
"""Every measurement and the fields that have words of their own. Devices have counters besides."""


def field_of(measurement: str, field: str) -> Field:
    """How a field is shown; a counter of a device by its own name."""
    known = FIELDS.get(measurement, {}).get(field)
    label = field.replace("_", " ").capitalize()
    return known or Field(label=label, unit="count", fold=Fold.LAST)


def shown_fields() -> Iterator[tuple[str, str, Field]]:
    """Measurement, field, and how it is shown, of those that have words."""
    for measurement, fields in FIELDS.items():
        for name, shown in fields.items():
            yield measurement, name, shown


def microseconds(moment: datetime) -> int:
    """A moment as integer microseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def observed_points(edge: str, observation: Observation) -> Iterator[Point]:
    """Points that follow from one observation alone: weights and health."""
    at = microseconds(observation.event_time)
    if isinstance(observation, WeightSettled) or (
        isinstance(observation, WeightDisturbed) and observation.gross_mg is not None
    ):
        gross_mg = observation.gross_mg
        assert gross_mg is not None, "settled weights have a value, disturbed ones were asked"
        yield Point(
            measurement="plate",
            tags={"read_point": observation.read_point, "plate": str(observation.plate)},
            fields={"gross_g": gross_mg / 1_000},
            time_us=at,
        )
    elif isinstance(observation, DeviceHealth):
        counted = {name: float(count) for name, count in observation.counters.items()}
        yield Point(
            measurement="device",
            tags={"edge": edge, "device": observation.device},
            fields=counted | {"up": 1.0 if observation.state == "running" else 0.0},
            time_us=at,
        )


class _Sum(msgspec.Struct, kw_only=True, gc=False):
    """What one antenna heard in one second, as far as it is known."""

    first_log_id: int
    touched_us: int
    reads: float = 0.0
    rssi_dbm: float = float("-inf")
    changed: bool = True


class AntennaSums:
    """Reads per second and strongest signal of each antenna, summed as the log is followed.

    A second's point is written again whenever more of it arrives, under the same time; that
    time carries the first observation's place in the log, so that late arrivals to a second
    that was let go get a point of their own.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, int], _Sum] = {}

    def add(self, log_id: int, seen: TagSighting | TagResident, now_us: int) -> None:
        """Count one observation; a resident tag's reads are spread over the time it covers."""
        start = microseconds(seen.event_time) // SECOND_US
        end = start
        if isinstance(seen, TagResident):
            end = max(start, microseconds(seen.until) // SECOND_US)
            end = min(end, start + _LONGEST_RESIDENT_S)
        share = seen.count / (end - start + 1)
        for second in range(start, end + 1):
            key = (seen.device, seen.antenna, second)
            total = self._sums.get(key)
            if total is None:
                total = self._sums[key] = _Sum(first_log_id=log_id, touched_us=now_us)
            total.touched_us = now_us
            total.changed = True
            total.reads += share
            if seen.peak_rssi_dbm is not None:
                total.rssi_dbm = max(total.rssi_dbm, seen.peak_rssi_dbm)

    def points(self) -> list[Point]:
        """Points of all sums that changed since ``written``."""
        return [
            Point(
                measurement="antenna",
                tags={"device": device, "antenna": str(antenna)},
                # A field that is not finite is left out by every store.
                fields={"reads": total.reads, "rssi_dbm": total.rssi_dbm},
                time_us=second * SECOND_US + total.first_log_id % SECOND_US,
            )
            for (device, antenna, second), total in self._sums.items()
            if total.changed
        ]

    def written(self, now_us: int) -> None:
        """The points are kept: let go of the sums that have become quiet."""
        for total in self._sums.values():
            total.changed = False
        quiet = [k for k, s in self._sums.items() if now_us - s.touched_us >= _QUIET_US]
        for key in quiet:
            del self._sums[key]

    def oldest(self) -> int | None:
        """The place in the log from which open sums would have to be read again."""
        return min((total.first_log_id for total in self._sums.values()), default=None)
