"""A share of counted cases, and how sure it can be. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

_Z95 = 1.959964


class Share(NamedTuple):
    """``hits`` of ``cases``."""

    hits: int
    cases: int

    @property
    def value(self) -> float | None:
        """The share, or None of nothing."""
        return self.hits / self.cases if self.cases else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval at 95 % (Wilson, JASA 22, 1927)."""
        if not self.cases:
            return None
        n, p = self.cases, self.hits / self.cases
        middle = p + _Z95**2 / (2 * n)
        half = _Z95 * math.sqrt(p * (1 - p) / n + _Z95**2 / (4 * n * n))
        scale = 1 + _Z95**2 / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def told(self) -> dict[str, object]:
        """For JSON: of how many, and between which ends."""
        interval = self.interval
        return {
            "value": rounded(self.value),
            "hits": self.hits,
            "cases": self.cases,
            "low": rounded(interval[0]) if interval else None,
            "high": rounded(interval[1]) if interval else None,
        }


def rounded(value: float | None) -> float | None:
    """Six digits: more would tell nothing."""
    return None if value is None else round(value, 6)
