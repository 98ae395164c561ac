"""Every subscriber has a courier of his own, so that none waits for another."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from central.events import subscriptions
from central.events.courier import Courier, Road
from central.events.model import Subscription

__all__ = ["Couriers"]

_PACE_S = 0.2
"""The least time between two looks while things keep happening."""
_BACK_OFF_S = 5.0
_log = structlog.get_logger("central.events")
Key = tuple[str, int]


class Couriers:
    """Begins and ends couriers as subscriptions come, change and go."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._tide = road.tide
        self.counters = road.counters
        self._running: dict[Key, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                level = self._tide.level
                try:
                    await self.look()
                except DBAPIError as error:
                    _log.warning("subscriptions_unread", why=str(error), wait_s=_BACK_OFF_S)
                    await asyncio.sleep(_BACK_OFF_S)
                    continue
                await asyncio.sleep(_PACE_S)
                await self._tide.above(level)
        finally:
            await self._end(list(self._running))

    async def look(self) -> None:
        """One courier for each subscription as it stands now."""
        wanted = {
            (one.id, one.version): one
            for one in await self._road.database.read(subscriptions.active)
        }
        await self._end([key for key in self._running if key not in wanted])
        for key, subscription in wanted.items():
            if key not in self._running:
                self._running[key] = asyncio.create_task(self._tell(subscription))

    async def _end(self, keys: list[Key]) -> None:
        tasks = [self._running.pop(key) for key in keys]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, subscription: Subscription) -> None:
        """One subscriber, for as long as the subscription is what it is."""
        while True:
            courier = Courier(self._road, subscription)
            try:
                await self._go_on(courier)
            except Exception as error:  # noqa: BLE001 (counted and told: others are not held up)
                self._road.counters["failed"] += 1
                _log.exception("courier_failed", by=subscription.id, why=str(error))
                await asyncio.sleep(_BACK_OFF_S)
            finally:
                await courier.close()

    async def _go_on(self, courier: Courier) -> None:
        while True:
            level = self._tide.level
            rest_s = await courier.step()
            if not rest_s:
                continue
            try:
                async with asyncio.timeout(rest_s):
                    await self._tide.above(level)
                    await asyncio.sleep(_PACE_S)
            except TimeoutError:
                continue  # it is time
