"""How those who tell learn that something was committed: a counter one can wait on.

Nobody is handed facts here: each consumer keeps its own cursor into the observation log or
the ledger and reads what is new after every rise of the tide.
"""

from __future__ import annotations

import asyncio


class Tide:
    """Rises once per commit that others may want to see."""

    def __init__(self) -> None:
        self.level = 0
        self._risen = asyncio.Event()

    def rise(self) -> None:
        """Wake everybody who waits; call it on the event loop, after the commit."""
        self.level += 1
        self._risen.set()
        self._risen = asyncio.Event()

    async def above(self, level: int) -> int:
        """Wait until the tide stands above ``level``; return where it stands."""
        while self.level <= level:
            await self._risen.wait()
        return self.level
