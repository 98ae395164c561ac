"""What a store of measurements can do, whichever engine stands behind it.

A point has a measurement, tags that say whose it is, numbers and a time. A point of the
same measurement, tags and time replaces the earlier one, so that sending twice is harmless.
Series are derived from the observation log and the ledger: losing them loses no stock.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

import msgspec

from central.insight.windows import Bucket, Window

Tags = Mapping[str, str]


class Point(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One measurement at one time. Numeric fields are floats, so that no type ever conflicts."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, float]
    time_us: int


class Sample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a field was at a time."""

    time_us: int
    value: float


class Feed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is measured, e.g. one antenna or one plate, and the fields it ever had."""

    measurement: str
    tags: dict[str, str]
    fields: tuple[str, ...] = ()


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a search for feeds. It fits a field of a feed that holds ``text`` (lower case)
    in its measurement, tags or name, that has one of ``tags``, or is one of ``fields``.
    """

    text: str
    tags: frozenset[tuple[str, str]] = frozenset()
    fields: frozenset[tuple[str, str]] = frozenset()


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

    async def buckets(
        self, measurement: str, tags: Tags, field: str, window: Window
    ) -> tuple[int, list[Bucket]]:
        """What the points of each stretch of the window came to, oldest first; stretches without
        a point are left out. Where the single points are gone, stretches may be longer than
        asked for: how long they are (microseconds) is told first.
        """
        ...

    async def newest(
        self, measurement: str, tags: Tags, field: str, *, before_us: int
    ) -> Sample | None:
        """The last point before a time."""
        ...

    async def began(self, measurement: str, tags: Tags, field: str) -> int | None:
        """When it was measured for the first time, as far as anything is kept of it."""
        ...

    def samples(
        self, measurement: str, tags: Tags, field: str, *, from_us: int, to_us: int
    ) -> AsyncGenerator[list[Sample], None]:
        """Every point in [from_us, to_us), oldest first, some thousands at a time. To be closed."""
        ...

    async def feeds(self) -> list[Feed]:
        """Everything that is measured, in a stable order."""
        ...

    async def find(self, words: Sequence[Word], limit: int) -> list[tuple[Feed, str]]:
        """The first ``limit`` fields of feeds that every word fits, in a stable order."""
        ...

    async def prune(self, before_us: int, minutes_before_us: int) -> None:
        """Forget points, and what minutes came to, older than these (a server with its own
        retention need not).
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


def fits(word: Word, feed: Feed, field: str) -> bool:
    """Whether the word finds this field of the feed."""
    text = " ".join((feed.measurement, field, *feed.tags, *feed.tags.values())).lower()
    return (
        word.text in text
        or (feed.measurement, field) in word.fields
        or not word.tags.isdisjoint(feed.tags.items())
    )
