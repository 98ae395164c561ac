"""``tallyport central run`` in front of a person: central's status, kept fresh at the foot."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import TextIO

from central.terminal import status
from central.terminal.now import Vitals
from gateway.log_ring import LogRing
from gateway.terminal.screen import Draw, Screen
from gateway.terminal.status import shown_on

__all__ = ["Shown"]

_ERRORS = 2


class Shown:
    """``beside`` goes on while central runs; ``close`` gives the terminal back. ``ring`` has the
    log's newest lines.
    """

    def __init__(self, stream: TextIO) -> None:
        self.screen = Screen(stream)
        self.ring = LogRing()
        self._vitals: Vitals | None = None

    @contextlib.asynccontextmanager
    async def beside(self, vitals: Vitals) -> AsyncIterator[None]:
        """Show how central is."""
        self._vitals = vitals

        async def look() -> Draw:
            return functools.partial(status.draw, await vitals.now(), errors=self._errors())

        async with shown_on(self.screen, look):
            yield

    def _errors(self) -> list[str]:
        """When, what and why, of the newest."""
        lines = self.ring.after(level="error", most=_ERRORS)
        return [
            f"{one.at:%H:%M:%S}Z {one.event} {one.fields.get('why', '')}".strip() for one in lines
        ]

    def close(self) -> None:
        """Take the status away, and say in a line what the run came to."""
        self.screen.close(status.farewell(self._vitals.newest) if self._vitals else "")
