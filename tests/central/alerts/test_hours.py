"""Hours in which nobody is told."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alerts.hours import open_from
from central.alerts.model import Hours
from central.database.moments import from_us, to_us

BERLIN = "Europe/Berlin"
NIGHT = Hours(start="20:00", end="06:00")
FRIDAYS = Hours(start="20:00", end="06:00", days=("fri",))
WEEKEND = Hours(start="00:00", end="00:00", days=("sat", "sun"))


def _at(said: str) -> int:
    return to_us(datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(BERLIN)))


@pytest.mark.parametrize(
    ("at", "muted", "opens"),
    [
        ("2026-03-04 12:00", [NIGHT], "2026-03-04 12:00"),
        ("2026-03-04 20:00", [NIGHT], "2026-03-05 06:00"),
        ("2026-03-05 05:59", [NIGHT], "2026-03-05 06:00"),
        ("2026-03-05 06:00", [NIGHT], "2026-03-05 06:00"),
        # Friday night goes over into a weekend, and that into Monday's small hours
        ("2026-03-06 23:00", [NIGHT, WEEKEND], "2026-03-09 06:00"),
        ("2026-03-07 12:00", [WEEKEND], "2026-03-09 00:00"),
        # only Fridays' nights are muted, and this is a Thursday's
        ("2026-03-05 23:00", [FRIDAYS], "2026-03-05 23:00"),
        ("2026-03-07 01:00", [FRIDAYS], "2026-03-07 06:00"),
        # the night in which clocks are put forward, and back
        ("2026-03-28 22:00", [NIGHT], "2026-03-29 06:00"),
        ("2026-10-24 22:00", [NIGHT], "2026-10-25 06:00"),
    ],
)  # fmt: skip
def test_a_window_is_wall_clock_hours_of_the_place(at: str, muted: list[Hours], opens: str) -> None:
    assert from_us(open_from(_at(at), muted, BERLIN)) == from_us(_at(opens))


_CLOCK = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
_DAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri"]), unique=True, max_size=5)
_HOURS = st.builds(Hours, start=_CLOCK, end=_CLOCK, days=_DAYS.map(tuple))


@given(st.integers(1_700_000_000, 1_900_000_000), st.lists(_HOURS, max_size=3))
def test_it_is_never_earlier_and_stays_as_it_is(at_s: int, muted: list[Hours]) -> None:
    at_us = at_s * 1_000_000
    opens = open_from(at_us, muted, BERLIN)
    assert opens >= at_us
    if opens < at_us + 20 * 86_400_000_000:  # else every hour of the week is muted
        assert open_from(opens, muted, BERLIN) == opens
