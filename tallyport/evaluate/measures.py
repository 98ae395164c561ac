"""What is counted, and how sure a share of few cases can be. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
        """For JSON."""
        interval = self.interval
        return {
            "value": _rounded(self.value),
            "hits": self.hits,
            "cases": self.cases,
            "low": _rounded(interval[0]) if interval else None,
            "high": _rounded(interval[1]) if interval else None,
        }


def f1(right: int, said: int, true: int) -> float | None:
    """The harmonic mean of precision (``right`` of ``said``) and recall (``right`` of ``true``)."""
    return _rounded(2 * right / (said + true)) if said + true else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
