"""A store of measurements that keeps what feeds there are, and refuses what no store could hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from central.insight.line_protocol import line
from central.insight.series import Feed, Point, Sample, Tags, Word
from central.insight.windows import Bucket, Window

_LARGEST_BIGINT = 2**63 - 1


class CheckedSeries:
    """A ``SeriesStore``; every point has a line and a time that 64 bits hold."""

    def __init__(self) -> None:
        self._feeds: list[Feed] = []

    async def open(self) -> bool:
        """Nothing to make ready."""
        return False

    async def write(self, points: Sequence[Point]) -> None:
        """Check and let go."""
        for point in points:
            assert abs(point.time_us) <= _LARGEST_BIGINT
            assert "\n" not in line(point)
            fields = tuple(sorted(point.fields))
            feed = Feed(measurement=point.measurement, tags=point.tags, fields=fields)
            if feed not in self._feeds:
                self._feeds.append(feed)

    async def buckets(
        self, measurement: str, tags: Tags, field: str, window: Window
    ) -> tuple[int, list[Bucket]]:
        """Nothing was kept."""
        return window.stretch_us, []

    async def newest(
        self, measurement: str, tags: Tags, field: str, *, before_us: int
    ) -> Sample | None:
        """Nothing was kept."""
        return None

    async def began(self, measurement: str, tags: Tags, field: str) -> int | None:
        """Nothing was kept."""
        return None

    async def samples(
        self, measurement: str, tags: Tags, field: str, *, from_us: int, to_us: int
    ) -> AsyncGenerator[list[Sample], None]:
        """Nothing was kept."""
        for nothing in list[list[Sample]]():
            yield nothing

    async def find(self, words: Sequence[Word], limit: int) -> list[tuple[Feed, str]]:
        """Everything that ever had a point."""
        return [(feed, field) for feed in self._feeds for field in feed.fields][:limit]

    async def feeds(self) -> list[Feed]:
        """Everything that ever had a point."""
        return self._feeds

    async def prune(self, before_us: int, minutes_before_us: int) -> None:
        """Nothing was kept."""

    async def close(self) -> None:
        """Nothing is open."""
