"""The edge's time: the wall clock, watched for steps against the steady clock.

A Raspberry Pi without a clock chip starts in the past and jumps when it finds a time server.
Whoever folds by time must know, because silences and windows are measured with it.
"""

from __future__ import annotations

from gateway.clock import Clock, SystemClock


class WallTime:
    """A clock whose ``now_us`` never goes back by a slew; ``steps`` counts its jumps of more
    than half a second between two looks.
    """

    def __init__(self, clock: Clock | None = None, *, step_us: int = 500_000) -> None:
        self._clock = clock or SystemClock()
        self._step_us = step_us
        self._offset_us = self._difference_us()
        self._last_us = 0
        self.steps = 0

    def now_us(self) -> int:
        """The time now; a jump since the last call is counted in ``steps``."""
        steady_us = self._steady_us()
        offset_us = self._clock.now_us() - steady_us
        if abs(offset_us - self._offset_us) > self._step_us:
            self.steps += 1
            self._last_us = 0
        self._offset_us = offset_us
        self._last_us = max(self._last_us, steady_us + offset_us)  # a slew never turns time back
        return self._last_us

    def steady_s(self) -> float:
        """Seconds on a clock that nobody sets."""
        return self._clock.steady_s()

    def _difference_us(self) -> int:
        return self._clock.now_us() - self._steady_us()

    def _steady_us(self) -> int:
        return round(self._clock.steady_s() * 1e6)
