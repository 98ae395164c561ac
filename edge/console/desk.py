"""The edge's desk: takes asks, runs their operations, and tells what becomes of them.

The same desk serves the edge's own page and central. An operation belongs to who asked for it:
without a sign of life within its lease it is cancelled, so that a browser or a central that went
away never leaves a device held or a power changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog

from drivers.errors import DeviceError
from edge.console.bench import Bench
from edge.console.operation import find
from gateway.clock import Clock, SystemClock
from gateway.console import Ask, Told, Trouble, Troubled
from gateway.errands import Errands

_log = structlog.get_logger("edge.console")
MOST_AT_ONCE = 32
_LOOK_EVERY_S = 1.0


class Desk:
    """``start``, ``follow``, ``cancel``; ``run`` watches the leases and ends everything when it
    is cancelled. ``counters``: ``asks``, ``asks_repeated``, ``asks_failed``, ``asks_abandoned``.
    """

    def __init__(
        self, bench: Bench, *, clock: Clock | None = None, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        self._bench = bench
        self._clock = clock or SystemClock()
        self._most = most_at_once
        self._errands = Errands()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leases_s: dict[str, float] = {}
        self._some = asyncio.Event()
        self._until_s: dict[str, float] = {}
        self.counters = dict.fromkeys(("asks", "asks_repeated", "asks_failed", "asks_abandoned"), 0)

    def start(self, ask: Ask) -> None:
        """Run what is asked; asked again it goes on for another lease, and is not run twice."""
        if ask.id in self._errands:
            self.counters["asks_repeated"] += 1
            self.renew(ask.id)
            return
        self.counters["asks"] += 1
        if len(self._tasks) >= self._most:
            self._fail(ask.id, Trouble(
                code="busy",
                text=f"This edge does {self._most} things for technicians already.",
                hint="Close pages that nobody looks at, and try again.",
            ))  # fmt: skip
            return
        self._errands.tell(Told(id=ask.id, state="running"))
        self._leases_s[ask.id] = ask.lease_s
        self._until_s[ask.id] = self._clock.steady_s() + ask.lease_s
        self._some.set()
        task = asyncio.create_task(self._carry_out(ask), name=f"ask {ask.op}")
        self._tasks[ask.id] = task
        task.add_done_callback(lambda _: self._over(ask.id))

    def follow(self, ask_id: str) -> AsyncIterator[Told]:
        """The newest word about an ask, then what is newer, up to the last one."""
        return self._errands.follow(ask_id)

    def newest(self, ask_id: str) -> Told | None:
        """The newest word about an ask; ``None`` of one that is not known."""
        return self._errands.newest(ask_id)

    def renew(self, ask_id: str) -> None:
        """Somebody still looks."""
        if ask_id in self._tasks:
            self._until_s[ask_id] = self._clock.steady_s() + self._leases_s[ask_id]

    def cancel(self, ask_id: str) -> None:
        """End it, if it still runs; its last word comes when what it changed is put back."""
        task = self._tasks.get(ask_id)
        if task is not None and not task.cancelling():
            task.cancel()

    async def run(self) -> None:
        """End what nobody wants any more, until cancelled; then everything."""
        try:
            while True:
                self._some.clear()
                if not self._until_s:
                    await self._some.wait()
                await asyncio.sleep(_LOOK_EVERY_S)
                now_s = self._clock.steady_s()
                for ask_id in [one for one, until_s in self._until_s.items() if until_s < now_s]:
                    self._until_s[ask_id] = float("inf")
                    self.counters["asks_abandoned"] += 1
                    self.cancel(ask_id)
        finally:
            tasks = list(self._tasks.values())
            for ask_id in list(self._tasks):
                self.cancel(ask_id)
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one ask -----------------------------------------------------------------------------
    async def _carry_out(self, ask: Ask) -> None:
        def tell(progress: dict[str, Any]) -> None:
            self._errands.tell(Told(id=ask.id, state="running", progress=progress))

        try:
            result = await find(ask.op).run(self._bench, ask.arguments, tell)
        except Troubled as error:
            self._fail(ask.id, error.trouble)
        except DeviceError as error:
            self._fail(ask.id, Trouble(code="device", text=str(error), hint=error.hint))
        except asyncio.CancelledError:
            self._errands.tell(Told(id=ask.id, state="cancelled"))
            raise
        except Exception as fault:  # noqa: BLE001 - told to who asked; the agent goes on
            _log.exception("operation_fault", op=ask.op)
            self._fail(ask.id, Trouble(
                code="fault",
                text=f"A fault in {ask.op}: {type(fault).__name__}: {fault}",
                hint="This is a mistake in the software; please report it with the agent's log.",
            ))  # fmt: skip
        else:
            self._errands.tell(Told(id=ask.id, state="done", result=result))

    def _fail(self, ask_id: str, trouble: Trouble) -> None:
        self.counters["asks_failed"] += 1
        self._errands.tell(Told(id=ask_id, state="failed", error=trouble))

    def _over(self, ask_id: str) -> None:
        self._tasks.pop(ask_id, None)
        self._until_s.pop(ask_id, None)
        self._leases_s.pop(ask_id, None)
        told = self._errands.newest(ask_id)
        if told is not None and not told.is_final:  # cancelled before it began
            self._errands.tell(Told(id=ask_id, state="cancelled"))
