"""All that runs for connected programs: what they send is applied, what they are told is theirs."""

from __future__ import annotations

from collections import Counter

from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.erp import messages
from central.erp.config import ErpSection
from central.erp.desk import ErpDesk
from central.erp.target import ErpTargets, subscribe
from gateway.clock import Clock, SystemClock

__all__ = ["Erp"]

_DAY_US = 86_400 * 1_000_000


class Erp:
    """See the module. ``targets`` is how ``central.events`` tells them."""

    def __init__(
        self, database: Database, tide: Tide, settings: ErpSection, events: EventsSection,
        *, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._database, self._tide, self._settings = database, tide, settings
        self._clock = clock or SystemClock()
        self.desk = ErpDesk(database, tide, settings, clock=self._clock)
        self.targets = ErpTargets(database, settings.connections, events, clock=self._clock)
        self.counters: Counter[str] = self.desk.counters

    async def run(self) -> None:
        """Until cancelled."""
        await self.begin()
        await self.desk.run()

    async def begin(self) -> None:
        """Have the connections of the settings told, and no others."""
        now_us = self._clock.now_us()
        await self._database.write(lambda c: subscribe(c, self._settings.connections, now_us))
        self._tide.rise()

    async def forget_old(self) -> None:
        """Drop messages that were done with long ago."""
        before_us = self._clock.now_us() - self._settings.keep_days * _DAY_US
        await self._database.write(lambda c: messages.forget_old(c, before_us))
