"""The edge's time: the wall clock, watched for steps against the monotonic clock.

A Raspberry Pi without a clock chip starts in the past and jumps when it finds a time server.
Whoever folds by time must know, because silences and windows are measured with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class WallTime:
    """``now_us`` is microseconds since 1970 UTC; ``steps`` counts jumps of more than half a
    second between two looks.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        *,
        step_us: int = 500_000,
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._step_us = step_us
        self._offset_us = self._difference_us()
        self._last_us = 0
        self.steps = 0

    def now_us(self) -> int:
        """The time now; a jump since the last call is counted in ``steps``."""
        steady_us = self._steady_ns() // 1_000
        offset_us = self._wall_ns() // 1_000 - steady_us
        if abs(offset_us - self._offset_us) > self._step_us:
            self.steps += 1
            self._last_us = 0
        self._offset_us = offset_us
        self._last_us = max(self._last_us, steady_us + offset_us)  # a slew never turns time back
        return self._last_us

    def _difference_us(self) -> int:
        return (self._wall_ns() - self._steady_ns()) // 1_000
