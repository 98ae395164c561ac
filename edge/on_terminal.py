"""``tallyport edge run`` in front of a person: the agent's status, kept fresh at the foot."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import TextIO

from edge import status
from edge.agent import Agent
from gateway.terminal.screen import Draw, Screen
from gateway.terminal.status import shown_on

__all__ = ["Shown"]


class Shown:
    """``beside`` goes on while the agent runs; ``close`` gives the terminal back."""

    def __init__(self, stream: TextIO) -> None:
        self.screen = Screen(stream)
        self._agent: Agent | None = None

    @contextlib.asynccontextmanager
    async def beside(self, agent: Agent) -> AsyncIterator[None]:
        """Show how ``agent`` is."""
        self._agent = agent

        async def look() -> Draw:
            return functools.partial(status.draw, agent.now())

        async with shown_on(self.screen, look):
            yield

    def close(self) -> None:
        """Take the status away, and say in a line what the run came to."""
        self.screen.close(status.farewell(self._agent.now()) if self._agent else "")
