"""How often something may be done: the generic cell rate algorithm, in memory, of this process.

One number a key says when it would be at rest again, so that waiting times are exact and nothing
is swept but what is at rest. (The library ``limits`` looks at every key with each hit, in a task
or thread of its own.)
"""

from __future__ import annotations

import math
from collections import OrderedDict

__all__ = ["Rate"]

_MOST_KEYS = 50_000


class Rate:
    """At most ``times`` at once, and then one each ``per_s / times`` seconds. Not for threads.

    What is counted is bounded: of more than 50,000 keys the one forgotten is the one that was
    counted longest ago.
    """

    def __init__(self, times: int, *, per_s: float) -> None:
        self._step = per_s / times
        self._burst = per_s
        self._at_rest: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> int:
        """Whole seconds until the next may be done; 0 is now. Counts nothing."""
        over = self._at_rest.get(key, now_s) + self._step - self._burst - now_s
        return max(0, math.ceil(over - 1e-9))

    def count(self, key: str, now_s: float) -> None:
        """It was done."""
        self._at_rest[key] = max(self._at_rest.get(key, now_s), now_s) + self._step
        self._at_rest.move_to_end(key)
        if len(self._at_rest) > _MOST_KEYS:
            self._at_rest.popitem(last=False)

    def take(self, key: str, now_s: float) -> int:
        """Do it, if it may be done: 0; or how many seconds to wait, and nothing is counted."""
        wait = self.wait_s(key, now_s)
        if not wait:
            self.count(key, now_s)
        return wait

    def give_back(self, key: str) -> None:
        """What was counted last does not count."""
        if key in self._at_rest:
            self._at_rest[key] -= self._step

    def forget(self, key: str) -> None:
        """Begin anew."""
        self._at_rest.pop(key, None)
