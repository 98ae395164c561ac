"""Periodic work: a thin typed face on APScheduler, the one place that imports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

_log = structlog.get_logger(__name__)


def next_time(fields: Mapping[str, str], after: datetime) -> datetime | None:
    """The first time behind ``after`` that fits, in UTC; ``None`` where none ever does. ``fields``
    are cron's (``second`` to ``month``, ``day_of_week`` from 0, Monday): what is finer than the
    finest of them is 0, what is coarser is any. Raises ValueError for what is no such field.
    """
    trigger = CronTrigger(**fields, timezone="UTC")
    found: datetime | None = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    return found


class Schedule:
    """Runs named coroutines every so often on the event loop, never two of a name at once.

    ``counters``: ``failed`` and ``missed``. A failure is logged and the work tried again at
    its next time: nothing here is needed for stock to be right.
    """

    def __init__(self) -> None:
        self._scheduler: Any = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_listener(self._told, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self.counters: Counter[str] = Counter()

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` each ``seconds``; what was missed meanwhile is run once."""
        self._scheduler.add_job(
            work,
            "interval",
            seconds=seconds,
            id=name,
            name=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def daily(self, at: time, zone: str, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Run ``work`` once a day at this time of a time zone; what was missed is run later."""
        self._scheduler.add_job(
            work,
            "cron",
            hour=at.hour,
            minute=at.minute,
            timezone=zone,
            id=name,
            name=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; what runs now is cancelled with the loop."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _told(self, event: Any) -> None:  # noqa: ANN401 (untyped library)
        if event.code == EVENT_JOB_MISSED:
            self.counters["missed"] += 1
            return
        self.counters["failed"] += 1
        _log.error("periodic_work_failed", work=event.job_id, why=repr(event.exception))
