"""Sends what is to be printed: a part that runs for as long as central does.

Each printer gets its jobs one after another; one that is away holds up no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import structlog

from central.enduring import AT_ONCE, follow
from central.labels import jobs
from central.labels.config import PrinterSection
from central.labels.jobs import Job
from central.labels.printers import Away, HalfSent, NotReady, deliver
from central.store import Database
from central.tide import Tide
from gateway.clock import Clock, SystemClock

__all__ = ["Spooler"]

_log = structlog.get_logger("central.labels")
_LONGEST_S = 30.0


class Spooler:
    """See the module. ``counters``: ``sent``, ``failed``, ``waited`` tries, ``labels``."""

    def __init__(
        self,
        database: Database,
        tide: Tide,
        printers: Mapping[str, PrinterSection],
        clock: Clock | None = None,
    ) -> None:
        self._database, self._tide = database, tide
        self._printers = dict(printers)
        self._clock = clock or SystemClock()
        self._begun = False
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Print until cancelled."""
        await follow("print jobs", self.step, tide=self._tide, counters=self.counters)

    async def step(self) -> float:
        """Send what is due, one job a printer; answers how many seconds may pass until more is."""
        if not self._begun:
            now_us = self._clock.now_us()
            await self._database.write(lambda c: jobs.interrupted(c, now_us))
            self._begun = True
        waiting = await self._database.read(lambda c: jobs.due(c, self._clock.now_us()))
        if waiting:
            async with asyncio.TaskGroup() as group:
                for job in waiting:
                    group.create_task(self._send(job))
            return AT_ONCE
        next_us = await self._database.read(jobs.next_us)
        if next_us is None:
            return _LONGEST_S
        return min(max((next_us - self._clock.now_us()) / 1e6, 0.05), _LONGEST_S)

    async def _send(self, job: Job) -> None:
        content = await self._database.write(lambda c: jobs.begin(c, job.id, self._clock.now_us()))
        if content is None:
            return
        try:
            await deliver(self._printer(job), content)
        except (Away, NotReady) as error:
            why = str(error)
            self.counters["waited"] += 1
            await self._database.write(lambda c: jobs.postpone(c, job, why, self._clock.now_us()))
            _log.warning("labels_wait", job=job.id, printer=job.printer, why=why)
            return
        except HalfSent as error:
            await self._end(job, "failed", str(error))
            return
        self.counters["labels"] += job.labels
        await self._end(job, "sent", "")

    def _printer(self, job: Job) -> PrinterSection:
        found = self._printers.get(job.printer)
        if found is None:
            raise NotReady(f"{job.printer} is no printer of the settings any more")
        return found

    async def _end(self, job: Job, state: jobs.Done, why: str) -> None:
        self.counters[state] += 1
        done = await self._database.write(
            lambda c: jobs.end(c, job, state, why, self._clock.now_us())
        )
        self._tide.rise()
        if done.why:
            _log.warning(f"labels_{state}", job=job.id, printer=job.printer, why=done.why)
