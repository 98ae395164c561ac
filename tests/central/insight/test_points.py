from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from central.insight.points import SECOND_US, AntennaSums
from gateway.contract import TagResident

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize("claimed", [timedelta(seconds=10), timedelta(days=365 * 5_000)])
def test_a_resident_is_spread_over_seconds_and_never_over_years(claimed: timedelta) -> None:
    """One that claimed eight thousand years took all memory, one second after another."""
    sums = AntennaSums()
    seen = TagResident(
        device="reader", read_point="dock-1", event_time=NOON, epc="AA", antenna=1,
        until=NOON + claimed, count=55,
    )  # fmt: skip
    sums.add(1, seen, now_us=0)
    points = sums.points()
    assert len(points) <= 601
    assert sum(point.fields["reads"] for point in points) == pytest.approx(55)
    seconds = {point.time_us // SECOND_US for point in points}
    assert min(seconds) == NOON.timestamp()
    assert len(seconds) == len(points)
