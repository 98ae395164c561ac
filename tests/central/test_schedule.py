"""Work by the clock: once a day is once a day, summer time or not."""

from __future__ import annotations

from datetime import UTC, datetime, time

from central.schedule import Schedule


async def test_a_night_is_a_night_where_it_is_said() -> None:
    schedule = Schedule()

    async def work() -> None:
        raise AssertionError("not in this test")

    schedule.daily(time(2, 30), "Europe/Berlin", "night", work)
    (job,) = schedule._scheduler.get_jobs()
    fires, told = datetime(2026, 3, 27, 12, tzinfo=UTC), []
    for _ in range(3):
        fires = job.trigger.get_next_fire_time(fires, fires)
        told.append(fires.astimezone(UTC))
    # on 29 March 2026 there is no 02:30 in Berlin
    assert [(one.day, one.hour, one.minute) for one in told][:1] == [(28, 1, 30)]
    assert len({one.day for one in told}) == 3
