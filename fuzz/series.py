"""A store of measurements that keeps what feeds there are, and refuses what no store could hold."""

from __future__ import annotations

from collections.abc import Sequence

from central.insight.line_protocol import line
from central.insight.series import Feed, Fold, Point, Sample, Tags

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
            feed = Feed(measurement=point.measurement, tags=point.tags)
            if feed not in self._feeds:
                self._feeds.append(feed)

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
        """Nothing was kept."""
        return []

    async def feeds(self) -> list[Feed]:
        """Everything that ever had a point."""
        return self._feeds

    async def prune(self, before_us: int) -> None:
        """Nothing was kept."""

    async def close(self) -> None:
        """Nothing is open."""
