"""Time, as everything on the road asks for it: one small interface, and the machine's own clock.

Waiting is the event loop's matter; what stands here is only what may be wrong or jump (the
wall clock) and what may not (the steady clock). A simulation hands over its own.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks of one machine."""

    def now_us(self) -> int:
        """Wall clock: microseconds since 1970 UTC, as well as this machine knows."""
        ...

    def steady_s(self) -> float:
        """Seconds since some moment; never set, never back."""
        ...


class SystemClock:
    """The clocks of the machine it runs on."""

    def now_us(self) -> int:
        """See ``Clock``."""
        return time.time_ns() // 1_000

    def steady_s(self) -> float:
        """See ``Clock``."""
        return time.monotonic()
