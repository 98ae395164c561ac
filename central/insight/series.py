"""What a store of measurements can do, whichever engine stands behind it.

A point has a measurement, tags that say whose it is, numbers and a time. A point of the
same measurement, tags and time replaces the earlier one, so that sending twice is harmless.
Series are derived from the observation log and the ledger: losing them loses no stock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

Tags = Mapping[str, str]


class Point(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One measurement at one time. Numeric fields are floats, so that no type ever conflicts."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, float]
    time_us: int


class Sample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a field came to in the stretch that starts at ``time_us``."""

    time_us: int
    value: float


class Feed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is measured, e.g. one antenna or one plate."""

    measurement: str
    tags: dict[str, str]


class Fold(StrEnum):
    """How the points of one stretch become one sample.

    ``rate`` is their sum per second of the stretch.
    """

    MEAN = "mean"
    MAX = "max"
    LAST = "last"
    RATE = "rate"


class SeriesUnavailable(Exception):
    """The store cannot be written or asked now; trying again later makes sense."""


class SeriesRefused(Exception):
    """The store answered and said no: these points will never be taken as they are."""


class SeriesStore(Protocol):
    """Where measurements are kept. Every method may raise ``SeriesUnavailable``."""

    async def open(self) -> bool:
        """Make ready; true when the store is new and should be filled from the beginning."""
        ...

    async def write(self, points: Sequence[Point]) -> None:
        """Keep the points; they are durable when this returns."""
        ...

    async def query(
        self,
        measurement: str,
        tags: Tags,
        field: str,
        *,
        from_us: int,
        to_us: int,
        max_points: int,
        fold: Fold = Fold.MEAN,
    ) -> list[Sample]:
        """Samples of one feed in [from_us, to_us), at most ``max_points``, oldest first."""
        ...

    async def feeds(self) -> list[Feed]:
        """Everything that is measured, in a stable order."""
        ...

    async def prune(self, before_us: int) -> None:
        """Forget points older than ``before_us`` (a server with its own retention need not)."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


def stretch_us(from_us: int, to_us: int, max_points: int) -> int:
    """How long one sample's stretch is: whole milliseconds, at least one."""
    wanted = -(-max(to_us - from_us, 1) // max(max_points, 1))
    return max(1_000, -(-wanted // 1_000) * 1_000)
