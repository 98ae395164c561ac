"""Processes that end by themselves while a field plays: none may."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

_LOOK_EVERY_S = 0.1
_Alive = Callable[[], bool]


class Watch:
    """Looks after processes by name. Whoever ends one says so with ``away``."""

    def __init__(self) -> None:
        self._away: Counter[str] = Counter()

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """What is called ``name`` may be dead from here until it was started again."""
        self._away[name] += 1
        try:
            yield
        finally:
            self._away[name] -= 1

    async def death(self, living: Mapping[str, _Alive]) -> str:
        """Wait for one of them to end unasked; gives its name."""
        while True:
            for name, alive in living.items():
                if not self._away[name] and not alive():
                    return name
            await asyncio.sleep(_LOOK_EVERY_S)
