"""Runs a driver in a test and waits for what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from drivers.driver import Driver
from drivers.readings import Reading

Kind = TypeVar("Kind")
PATIENCE_S = 60.0


class Listening:
    def __init__(self, driver: Driver) -> None:
        self.readings: list[Reading] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(driver.run(self._emit))

    async def _emit(self, readings: Sequence[Reading]) -> None:
        self.readings += readings
        self._news.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [reading for reading in self.readings if isinstance(reading, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait([news, self.task], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if self.task.done():
                    await self.task

    async def heard(
        self, kind: type[Kind], accept: Callable[[Kind], bool] = lambda _: True
    ) -> Kind:
        await self.until(lambda: any(accept(reading) for reading in self.of(kind)))
        return next(reading for reading in self.of(kind) if accept(reading))

    async def end(self) -> None:
        """How the driver ended; raises what it raised."""
        async with asyncio.timeout(PATIENCE_S):
            await self.task


@asynccontextmanager
async def listening(driver: Driver) -> AsyncIterator[Listening]:
    listener = Listening(driver)
    try:
        yield listener
    finally:
        listener.task.cancel()
        await asyncio.gather(listener.task, return_exceptions=True)
