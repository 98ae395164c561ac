"""The clocks of the simulated machines."""

from __future__ import annotations

import asyncio

START_US = 1_800_000_000_000_000
"""When the simulation begins: a day in January 2027."""


class SimClock:
    """A machine's clocks; ``offset_us`` is how wrong its wall clock is."""

    def __init__(self) -> None:
        self.offset_us = 0

    def now_us(self) -> int:
        """See ``Clock``."""
        return START_US + round(asyncio.get_running_loop().time() * 1e6) + self.offset_us

    def steady_s(self) -> float:
        """See ``Clock``."""
        return asyncio.get_running_loop().time()
