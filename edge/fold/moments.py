"""Integer microseconds to the zone-aware moments of the contract, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_us: int) -> datetime:
    """The moment ``at_us`` microseconds after 1970-01-01T00:00:00Z."""
    return _EPOCH + timedelta(microseconds=at_us)


class Place(NamedTuple):
    """Whose observations these are: what every observation carries besides its time."""

    device: str
    read_point: str
