"""How what was asked of edges ended: one entry of the audit for each ask that is in it.

The edge's last word tells. Where central was started anew meanwhile, or another worker had asked,
the edge is asked what became of the ask (``gateway.console.ENDS``), which neither runs it again
nor renews it. What nobody can tell any more is ``lost``; should its last word come after all, that
is kept too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog

from central.console.desk import RemoteDesk
from central.console.edges import EdgeConsoles
from central.console.kept import Begun, keep_end, since
from central.database.store import Database
from central.database.tide import Tide
from gateway.clock import Clock, SystemClock
from gateway.console import ENDS, Ask, Told, new_id
from screens.console.port import NoSuchEdge

__all__ = ["LOST", "Ends"]

LOST = "lost"
_log = structlog.get_logger("central.console")
_LOOK_EVERY_S = 15.0
_YOUNG_US = 30_000_000
"""Whoever asked so lately is still waiting for the answer."""
_GIVEN_UP_US = 600_000_000
"""An edge that was not reached for so long after the ask will not remember it."""
_MOST_IDS = 64
_UNHEARD = frozenset({"edge-silent"})
"""Troubles of central's own after which nobody knows whether the edge did it."""


class _Ending(NamedTuple):
    begun: Begun
    state: str
    code: str
    by: str


class Ends:
    """``begun`` is told of every ask that is in the audit; ``run`` looks for those whose end
    nobody heard. ``counters``: by state, ``failed`` counts asks that failed.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        consoles: EdgeConsoles,
        *,
        clock: Clock | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._database, self._tide, self._consoles = database, tide, consoles
        self._clock = clock or SystemClock()
        self._look_every_s = look_every_s
        self._open: dict[str, Begun] = {}
        self._lost: dict[str, Begun] = {}
        self._read_to = 0
        self._keeping: set[asyncio.Task[None]] = set()
        self.counters: Counter[str] = Counter()
        consoles.ended = self.ended

    def begun(self, one: Begun) -> None:
        """An ask is in the audit, and goes out now."""
        self._open[one.id] = one

    def ended(self, edge: str, told: Told) -> None:
        """The last word about an ask, the edge's or that of who waited for it here."""
        begun = self._open.get(told.id) or self._lost.get(told.id)
        if begun is None or begun.edge != edge:
            return
        code = "" if told.error is None else told.error.code
        state = LOST if code in _UNHEARD else told.state
        by = "central" if state == LOST else f"edge {edge}"
        task = asyncio.create_task(self._keep([_Ending(begun, state, code, by)]), name="an end")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._look_every_s)
        finally:
            await self.close()

    async def close(self) -> None:
        """Return when what was heard is kept."""
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def look(self) -> None:
        """Look once for asks whose end nobody minds, and ask their edges."""
        for one in await self._database.read(lambda c: since(c, self._read_to)):
            self._read_to = one.no
            if one.state:
                self._open.pop(one.id, None)
            elif one.id not in self._lost:
                self._open[one.id] = one
        now_us = self._clock.now_us()
        left: dict[str, list[Begun]] = {}
        for one in self._open.values():
            if now_us - one.at_us > _YOUNG_US and not self._is_minded(one):
                left.setdefault(one.edge, []).append(one)
        for edge, ones in left.items():
            await self._keep(await self._ask(edge, ones[:_MOST_IDS], now_us))

    async def _ask(self, edge: str, ones: list[Begun], now_us: int) -> list[_Ending]:
        """What an edge says of asks, and those that nobody can tell of any more."""
        told = await self._words(edge, [one.id for one in ones])
        words: dict[str, Any] = (told.result or {}) if told.state == "done" else {}
        endings = []
        for one in ones:
            word = words.get(one.id)
            if word is not None and word["state"] != "running":
                code = str(word.get("code", ""))
                endings.append(_Ending(one, word["state"], code, f"edge {edge}"))
            elif word is None and told.state == "done":
                endings.append(_Ending(one, LOST, "forgotten", f"edge {edge}"))
            elif word is None and now_us - one.at_us > _GIVEN_UP_US:
                code = "" if told.error is None else told.error.code
                endings.append(_Ending(one, LOST, code, "central"))
        return endings

    async def _words(self, edge: str, ids: list[str]) -> Told:
        ask = Ask(id=new_id(), op=ENDS, arguments={"ids": ids})
        last = Told(id=ask.id, state="failed")
        try:
            desk = self._consoles.desk(edge)
        except NoSuchEdge:
            return last
        desk.start(ask)
        async for told in desk.follow(ask.id):
            last = told
        return last

    def _is_minded(self, one: Begun) -> bool:
        try:
            desk = self._consoles.desk(one.edge)
        except NoSuchEdge:
            return False
        return isinstance(desk, RemoteDesk) and desk.minds(one.id)

    async def _keep(self, endings: Iterable[_Ending]) -> None:
        now_us = self._clock.now_us()
        for one in endings:
            begun, state = one.begun, one.state
            try:
                kept = await self._database.write(
                    lambda c, one=one: keep_end(  # type: ignore[misc]
                        c, one.begun, state=one.state, code=one.code, by=one.by, at_us=now_us
                    )
                )
            except Exception:  # noqa: BLE001 - the ask stays open, and is looked for again
                _log.exception("end_not_kept", id=begun.id, edge=begun.edge, op=begun.op)
                continue
            self._open.pop(begun.id, None)
            self._lost.pop(begun.id, None)
            if state == LOST:
                self._lost[begun.id] = begun
                while len(self._lost) > _MOST_IDS:
                    del self._lost[next(iter(self._lost))]
            if kept:
                self.counters[state] += 1
                self._tide.rise()
