"""Spans of time cut into stretches, and what the points of a stretch came to. Pure.

A chart of a million points has a few hundred columns of pixels. Each stretch keeps its least,
greatest and last value, their sum and number: a line drawn from these is, column by column, the
line of all points (Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation",
PVLDB 7(10), 2014), and a spike of one point survives. Methods that choose representative points
such as LTTB (Steinarsson, 2013) ship as much and may leave that spike out; what makes them quick
is choosing least and greatest values first (Van Der Donckt et al., "MinMaxLTTB", IEEE VIS 2023).

Stretches begin at whole multiples of their length since 1970 UTC, so that a chart that moves on
by a second does not tell other values of the seconds before.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
_STRETCHES_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800,
)  # fmt: skip
"""From a minute on whole minutes, so that what is known of minutes can be used."""


class Fold(StrEnum):
    """What stands for a stretch: ``rate`` is the sum of its points per second."""

    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    LAST = "last"
    RATE = "rate"


class Bucket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the points of the stretch that begins at ``time_us`` came to."""

    time_us: int
    low: float
    high: float
    total: float
    count: int
    last: float

    def value(self, fold: Fold, stretch_us: int) -> float:
        """The one number that stands for the stretch."""
        match fold:
            case Fold.MEAN:
                return self.total / self.count
            case Fold.MAX:
                return self.high
            case Fold.LAST:
                return self.last
            case Fold.RATE:
                return self.total * SECOND_US / stretch_us
            case Fold.SUM:
                return self.total


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """[from_us, to_us), in stretches of ``stretch_us``; both ends are multiples of it."""

    from_us: int
    to_us: int
    stretch_us: int

    def __len__(self) -> int:
        return (self.to_us - self.from_us) // self.stretch_us

    def widened(self, stretch_us: int) -> Window:
        """At least this window, in other stretches."""
        return Window(
            from_us=self.from_us // stretch_us * stretch_us,
            to_us=-(-self.to_us // stretch_us) * stretch_us,
            stretch_us=stretch_us,
        )


def window(from_us: int, to_us: int, most: int) -> Window:
    """The span, widened to whole stretches, in at most ``most`` (from 2 on) of them: as many as
    that allows, of a length that people use. No stretch is shorter than a second.
    """
    asked = Window(from_us=from_us, to_us=max(to_us, from_us + 1), stretch_us=1)
    for seconds in _STRETCHES_S:
        found = asked.widened(seconds * SECOND_US)
        if len(found) <= most:
            return found
    longest_us = _STRETCHES_S[-1] * SECOND_US
    weeks = 1
    while len(found := asked.widened(weeks * longest_us)) > most:
        weeks *= 2
    return found
