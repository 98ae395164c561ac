"""The one mechanism behind every page that is live: the books are looked at once for everybody
while somebody watches, and each client is told what is newer than what it has.

A client holds no queue here. It knows a version and is given whatever is newer, so that a
slow one skips what lies between and can neither be stale for ever nor cost memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Callable

import structlog

from central.database.tide import Tide
from screens.events import RETRY, STILL_HERE

__all__ = ["Stream"]

COALESCE_S = 0.1
"""The least time between two looks: a change after a rest is told at once, what comes closer
behind it is told as one.
"""
IDLE_S = 2.0
"""How often the books are looked at without a commit, for what changes by itself."""
KEEP_ALIVE_S = 15.0
MAX_CLIENTS = 1_000
_log = structlog.get_logger(__name__)


class Stream(ABC):
    """Looks while somebody watches. ``counters``: ``looked``, ``failed``."""

    def __init__(self, tide: Tide) -> None:
        self._tide = tide
        self._changed = asyncio.Event()
        self._watched = asyncio.Event()
        self._stopped = False
        self.version = 0
        """Grows with all that is told; what is drawn now shows this one."""
        self.clients = 0
        self.counters: Counter[str] = Counter()

    @abstractmethod
    async def look(self, *, anew: bool) -> None:
        """Look once, and ``tell`` if something is new; ``anew``: nobody watched before."""

    async def run(self) -> None:
        """Follow the tide for as long as somebody watches; ends by cancellation."""
        anew = True
        while True:
            anew = anew or not self._watched.is_set()
            await self._watched.wait()
            level = self._tide.level  # before the look: what comes meanwhile needs another
            try:
                self.counters["looked"] += 1
                await self.look(anew=anew)
                anew = False
            except Exception:  # noqa: BLE001 (told and counted: a screen must not stop stock)
                self.counters["failed"] += 1
                _log.exception("screen_not_followed", screen=type(self).__name__)
            await asyncio.sleep(COALESCE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._tide.above(level)

    def tell(self) -> None:
        """Something is new: a version more, and everybody wakes."""
        self.version += 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """End every stream, so that the server can close its connections."""
        self._stopped = True
        self._wake()

    def resume(self) -> None:
        """Take streams again after ``stop``."""
        self._stopped = False

    @property
    def full(self) -> bool:
        """Whether one more client would be too many."""
        return self.clients >= MAX_CLIENTS

    async def follow(
        self, message: Callable[[int], bytes], since: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """Server-sent events for one client: ``message`` of the version that it has, whenever
        there is another one. A version of before a restart is another one too.
        """
        self.clients += 1
        self._watched.set()
        version = since
        try:
            yield RETRY
            while not self._stopped:
                if self.version != version:
                    told, version = message(version), self.version
                    if told:
                        yield told
                    continue
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await self._changed.wait()
                except TimeoutError:
                    yield STILL_HERE
        finally:
            self.clients -= 1
            if self.clients == 0:
                self._watched.clear()
