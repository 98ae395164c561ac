"""What was told of asks, by id, for whoever follows them: the newest word, never a queue.

A follower that is slow skips what lies between, and always gets the last word. What is finished
is remembered for a while, so that an id asked again is not run again; both are bounded.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator

from gateway.console import Told

_REMEMBERED = 64


class Errands:
    """Every ask that runs, or ran lately."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._newest: OrderedDict[str, Told] = OrderedDict()
        self._version: dict[str, int] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, ask_id: str) -> bool:
        return ask_id in self._newest

    @property
    def running(self) -> int:
        """How many have no last word yet."""
        return len(self._newest) - len(self._finished)

    def newest(self, ask_id: str) -> Told | None:
        """The newest word about an ask; ``None`` of one that is not known (any more)."""
        return self._newest.get(ask_id)

    def tell(self, told: Told) -> None:
        """Take a word in; one that comes after the last word is ignored."""
        if told.id in self._finished:
            return
        self._newest[told.id] = told
        self._version[told.id] = self._version.get(told.id, 0) + 1
        if told.is_final:
            self._finished[told.id] = None
        event = self._changed.pop(told.id, None)
        if event is not None:
            event.set()
        while len(self._finished) > self._remembered:
            gone, _ = self._finished.popitem(last=False)
            del self._newest[gone], self._version[gone]

    async def follow(self, ask_id: str) -> AsyncGenerator[Told, None]:
        """The newest word, then whatever is newer, up to the last one. Nothing of an id that is
        not known.
        """
        seen = 0
        while (told := self._newest.get(ask_id)) is not None:
            version = self._version[ask_id]
            if version > seen:
                seen = version
                yield told
                if told.is_final:
                    return
                continue
            await self._changed.setdefault(ask_id, asyncio.Event()).wait()
