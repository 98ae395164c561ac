from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central.insight.points import SECOND_US, AntennaSums
from gateway.contract import TagResident, TagSighting

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


def test_residents_told_ten_seconds_later_join_what_was_heard_beside_them() -> None:
    """As points of their own they would look like seconds in which little was heard."""
    sums = AntennaSums()
    heard: Any = {"device": "reader", "read_point": "dock-1", "event_time": NOON, "antenna": 1}
    passing = TagSighting(**heard, epc="AA", count=80, peak_rssi_dbm=-50.0)
    sums.add(1, passing, now_us=0)
    sums.written(now_us=SECOND_US // 10)
    lying = TagResident(**heard, epc="BB", until=NOON + timedelta(seconds=9), count=100)
    sums.written(now_us=10 * SECOND_US)
    sums.add(700, lying, now_us=10 * SECOND_US)
    (first,) = (one for one in sums.points() if one.time_us // SECOND_US == NOON.timestamp())
    assert first.fields["reads"] == 90
    assert first.time_us % SECOND_US == 1
    sums.written(now_us=30 * SECOND_US)
    assert sums.oldest() is None
