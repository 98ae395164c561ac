"""When a standing query reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from central.epcis.timetable import NoSchedule, checked, due_after

SATURDAY = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ({"hour": "1", "minute": "5"}, "2026-02-01T01:05:00"),
        ({"second": "0/30"}, "2026-02-01T00:00:00"),
        ({"second": "59"}, "2026-02-01T00:00:59"),
        ({"hour": "[8-17]", "minute": "30,45"}, "2026-02-01T08:30:00"),
        ({"dayOfWeek": "1"}, "2026-02-02T00:00:00"),
        ({"dayOfWeek": "7"}, "2026-02-01T00:00:00"),
        ({"dayOfWeek": "[3-5]", "hour": "6"}, "2026-02-04T06:00:00"),
        ({"month": "2", "dayOfMonth": "29"}, "2028-02-29T00:00:00"),
        ({"minute": "*"}, "2026-02-01T00:00:00"),
    ],
)
def test_the_next_time_is_behind_the_last(schedule: dict[str, str], due: str) -> None:
    checked(schedule)
    found = due_after(schedule, SATURDAY)
    assert found is not None
    assert found.replace(tzinfo=None).isoformat() == due
    assert due_after(schedule, found) != found
    assert due_after(schedule, found - timedelta(microseconds=1)) == found


@pytest.mark.parametrize(
    "schedule",
    [
        {}, {"hour": "24"}, {"hour": "-1"}, {"hour": "8-17"}, {"hour": "[17-8]"}, {"minute": ""},
        {"second": "0/0"}, {"dayOfWeek": "0"}, {"dayOfWeek": "8"}, {"month": "2,", "hour": "1"},
        {"month": "2", "dayOfMonth": "30"},
    ],
)  # fmt: skip
def test_what_says_no_time_is_refused(schedule: dict[str, str]) -> None:
    with pytest.raises(NoSchedule):
        checked(schedule)
