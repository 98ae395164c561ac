"""Sends what is to be printed: a part that runs for as long as central does.

Each printer has a queue of its own and gets its jobs one after another: one that is away, or slow,
holds up no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog

from central.catalogue.changes import Told
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database
from central.database.tide import Tide
from central.labels import jobs
from central.labels.binding import bind_all
from central.labels.config import PrinterSection
from central.labels.jobs import Job
from central.labels.printers import Away, HalfSent, NotReady, deliver
from gateway.clock import Clock, SystemClock

__all__ = ["PrintQueue", "Spooler"]

_log = structlog.get_logger("central.labels")
_LONGEST_S = 30.0


class Spooler:
    """The queues of all printers. ``counters``: ``sent``, ``failed``, ``waited`` tries,
    ``labels``.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        printers: Iterable[PrinterSection],
        clock: Clock | None = None,
    ) -> None:
        self._tide = tide
        self.counters: Counter[str] = Counter()
        self.queues = [
            PrintQueue(database, tide, one, self.counters, clock or SystemClock())
            for one in printers
        ]

    async def run(self) -> None:
        """Print until cancelled."""
        async with asyncio.TaskGroup() as group:
            for one in self.queues:
                what = f"print jobs of {one.name}"
                group.create_task(follow(what, one.step, tide=self._tide, counters=self.counters))


class PrintQueue:
    """One printer's jobs, the oldest first. What was printed and its tags are bound before it is
    called sent: cut in between, it is `failed`, and printing it again binds what is left.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        printer: PrinterSection,
        counters: Counter[str],
        clock: Clock,
    ) -> None:
        self._database, self._tide, self._printer = database, tide, printer
        self._counters, self._clock = counters, clock
        self._begun = False

    @property
    def name(self) -> str:
        """The printer's."""
        return self._printer.name

    async def step(self) -> float:
        """Send the oldest job if it is due; answers how many seconds may pass until the next."""
        if not self._begun:
            now_us = self._clock.now_us()
            await self._database.write(lambda c: jobs.interrupted(c, self.name, now_us))
            self._begun = True
        job = await self._database.read(lambda c: jobs.oldest(c, self.name))
        if job is None:
            return _LONGEST_S
        wait_s = (job.next_us - self._clock.now_us()) / 1e6
        if wait_s > 0:
            return min(wait_s, _LONGEST_S)
        await self._send(job)
        return AT_ONCE

    async def _send(self, job: Job) -> None:
        content = await self._database.write(lambda c: jobs.begin(c, job.id, self._clock.now_us()))
        if content is None:
            return
        try:
            await deliver(self._printer, content)
        except (Away, NotReady) as error:
            why = str(error)
            self._counters["waited"] += 1
            await self._database.write(lambda c: jobs.postpone(c, job, why, self._clock.now_us()))
            _log.warning("labels_wait", job=job.id, printer=self.name, why=why)
            return
        except HalfSent as error:
            await self._end(job, "failed", str(error))
            return
        self._counters["labels"] += job.labels
        told = Told(by=job.made_by, at_us=self._clock.now_us())
        refused = await bind_all(self._database.write, job.bindings, told)
        await self._end(job, "sent", "; ".join(refused))

    async def _end(self, job: Job, state: jobs.Done, why: str) -> None:
        self._counters[state] += 1
        await self._database.write(lambda c: jobs.end(c, job, state, why, self._clock.now_us()))
        self._tide.rise()
        if why:
            _log.warning(f"labels_{state}", job=job.id, printer=self.name, why=why)
