"""How long to wait before trying again: capped, exponential, with full jitter.

Full jitter (a uniform draw up to the ceiling) keeps a hundred devices that were cut off
together from coming back together.
"""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """The waits of one thing that is tried again and again, in seconds."""

    def __init__(
        self,
        *,
        first_s: float = 0.5,
        most_s: float = 8.0,
        least_s: float = 0.1,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._least_s = least_s
        self._draw = draw
        self.failures = 0

    def next_s(self) -> float:
        """The wait after one more failure."""
        ceiling = min(self._most_s, self._first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(self._least_s, self._draw(0.0, ceiling))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
