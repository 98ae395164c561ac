"""When stock runs out, with an interval: a forecast for demand of any kind, lumpy too. Pure.

Stock runs out within ``t`` days when the demand ``D(t)`` of these days reaches it, and as demand
takes nothing back, that is all there is to it: the interval of the day follows from the
distribution of ``D(t)``. It is taken as a gamma distribution (Burgin, "The gamma distribution and
inventory control", Operational Research Quarterly 26, 1975: never negative, skewed, which a normal
one is not), with the mean ``m t`` of ``m`` units a day over ``n`` observed days. Its variance is
``v t (1 + t / n)``: the days' own ``v t``, and that ``m`` is only estimated, so that errors of all
days to come go the same way (Prak, Teunter and Syntetos, "On the calculation of safety stocks when
demand is forecasted", European Journal of Operational Research 256, 2017). Quantiles by Wilson and
Hilferty's cube root (PNAS 17, 1931), which needs no table and no library.

It supposes that demand goes on as it was: neither season nor trend, nor days that follow each
other in runs.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec

__all__ = ["HORIZON_DAYS", "LEAST_DAYS", "RunOut", "left", "run_out"]

HORIZON_DAYS = 730.0
"""What lies farther away is not told."""
LEAST_DAYS = 14.0
"""Fewer days with stock on hand say nothing about the next ones."""
LEAST_DEMANDS = 3
"""Fewer days with demand do not show how it varies."""
_FINE = 0.01


class RunOut(msgspec.Struct, frozen=True):
    """Days from now until nothing is left: as likely sooner as later than ``median``, and not
    before ``low`` nor behind ``high`` with the asked probability. ``None``: behind the horizon.
    """

    low: float | None
    median: float | None
    high: float | None


def run_out(
    on_hand: float, *, days: float, demands: int, total: float, squares: float, inside: float = 0.9
) -> RunOut | None:
    """When ``on_hand`` units are gone, from ``days`` of history that sum up to ``total`` units and
    whose days' squares sum up to ``squares``, ``demands`` of them with any demand at all.
    ``inside`` is the probability of the interval. ``None``: the history says too little.
    """
    if on_hand <= 0:
        return RunOut(0.0, 0.0, 0.0)
    if days < LEAST_DAYS or demands < LEAST_DEMANDS or total <= 0:
        return None
    mean = total / days
    variance = max(0.0, (squares - days * mean * mean) / (days - 1))
    tail = (1 - inside) / 2
    low, median, high = (
        _day(on_hand, mean, variance, days, NormalDist().inv_cdf(1 - share))
        for share in (tail, 0.5, 1 - tail)
    )
    return RunOut(low, median, high)


def left(
    on_hand: float,
    after_days: float,
    *,
    days: float,
    total: float,
    squares: float,
    inside: float = 0.9,
) -> tuple[float, float, float]:
    """What is left of ``on_hand`` units in so many days, from a history as ``run_out`` takes it:
    the least, the median and the most, with the probability ``inside`` between both; never below 0.
    """
    mean = total / days
    variance = max(0.0, (squares - days * mean * mean) / (days - 1))
    tail = (1 - inside) / 2
    least, median, most = (
        max(0.0, on_hand - _quantile(after_days, mean, variance, days, NormalDist().inv_cdf(share)))
        for share in (1 - tail, 0.5, tail)
    )
    return least, median, most


def _day(on_hand: float, mean: float, variance: float, days: float, z: float) -> float | None:
    """The day by which demand's quantile at ``z`` standard deviations reaches the stock."""
    low, high = 0.0, HORIZON_DAYS
    if _quantile(high, mean, variance, days, z) < on_hand:
        return None
    while high - low > _FINE:
        middle = (low + high) / 2
        if _quantile(middle, mean, variance, days, z) < on_hand:
            low = middle
        else:
            high = middle
    return high


def _quantile(t: float, mean: float, variance: float, days: float, z: float) -> float:
    """A quantile of the demand of ``t`` days."""
    expected = mean * t
    spread = variance * t * (1 + t / days)
    if not spread:
        return expected
    nine = 9 * expected * expected / spread
    return float(expected * max(0.0, 1 - 1 / nine + z / math.sqrt(nine)) ** 3)
