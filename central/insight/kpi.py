"""How accurate the whole is, in figures that warehouses know (feature C08). Pure.

What is counted, for each day (UTC, by record time) and read point:

* **auto-posted**: movements that judging posted without asking anybody;
* **corrected**: those of them that a later movement corrects, told on the day of the former;
* **asked**: reviews that judging opened, and of these those that people **resolved** (not those
  dismissed or expired), and resolved otherwise than by the best hypothesis (**overruled**);
* how long each auto-posted movement took from its event to the ledger.

Of these follow auto-post precision (not corrected, of the auto-posted), review rate (asked, of all
that was decided) and overturn rate (corrected or overruled, of auto-posted and resolved). A
movement that nobody corrected counts as right: nobody can count what nobody noticed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from central.insight.shares import Share, rounded

DAY_US = 86_400_000_000
SENSED = frozenset({"portal", "shelf", "scan", "zone"})
"""Origins of movements that judging decides; what a person resolved has the origin ``review``."""
_STEP = math.log(1.1)
_FINEST_S = 0.001


class Delays(msgspec.Struct):
    """Delays in classes a tenth apart, so that any number of them takes no more room."""

    counts: dict[int, int] = {}

    def add(self, seconds: float, times: int = 1) -> None:
        """Count some; a clock that runs ahead makes a delay of nothing."""
        step = math.ceil(math.log(max(seconds, _FINEST_S) / _FINEST_S) / _STEP)
        self.counts[step] = self.counts.get(step, 0) + times

    def merge(self, other: Delays) -> None:
        """Add another's."""
        for step, times in other.counts.items():
            self.counts[step] = self.counts.get(step, 0) + times

    def quantile(self, share: float) -> float | None:
        """What this share stays below, no more than a tenth too long."""
        wanted = share * sum(self.counts.values())
        reached = 0
        for step in sorted(self.counts):
            reached += self.counts[step]
            if reached >= wanted:
                return round(_FINEST_S * math.exp(step * _STEP), 3)
        return None


class Tally(msgspec.Struct):
    """What is counted of one read point on one day."""

    auto_posted: int = 0
    corrected: int = 0
    asked: int = 0
    resolved: int = 0
    overruled: int = 0
    delays: Delays = msgspec.field(default_factory=Delays)

    def merge(self, other: Tally) -> None:
        """Add another's."""
        self.auto_posted += other.auto_posted
        self.corrected += other.corrected
        self.asked += other.asked
        self.resolved += other.resolved
        self.overruled += other.overruled
        self.delays.merge(other.delays)

    @property
    def auto_post_precision(self) -> Share:
        """Auto-posted movements that nobody corrected."""
        return Share(self.auto_posted - self.corrected, self.auto_posted)

    @property
    def review_rate(self) -> Share:
        """Decisions that people were asked for."""
        return Share(self.asked, self.asked + self.auto_posted)

    @property
    def overturn_rate(self) -> Share:
        """Decisions of judging that people found wrong, of those that stand or were resolved."""
        return Share(self.corrected + self.overruled, self.auto_posted + self.resolved)

    def told(self) -> dict[str, object]:
        """For JSON."""
        return {
            "auto_posted": self.auto_posted,
            "asked": self.asked,
            "auto_post_precision": self.auto_post_precision.told(),
            "review_rate": self.review_rate.told(),
            "overturn_rate": self.overturn_rate.told(),
            "event_to_ledger_s": {
                "p50": self.delays.quantile(0.5),
                "p95": self.delays.quantile(0.95),
            },
        }


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger itself shows of a window: ``pairs`` of item and internal location that hold
    stock or were touched, those that an adjustment ``changed``; units on hand, and units that came
    from nowhere or went there (to and from ``adjustment`` and ``unknown``). ``counted`` are pairs
    that people counted, ``exact`` those where every account was as the books said.
    """

    pairs: int = 0
    changed: int = 0
    on_hand: int = 0
    unexplained: int = 0
    counted: int = 0
    exact: int = 0

    def told(self) -> dict[str, object]:
        """For JSON."""
        right = Share(self.pairs - self.changed, self.pairs)
        share = self.unexplained / self.on_hand if self.on_hand else None
        return {
            "sku_location_accuracy": right.told(),
            "counted_accuracy": Share(self.exact, self.counted).told(),
            "unexplained_units": self.unexplained,
            "unexplained_variance": rounded(share),
        }


class Kpis(msgspec.Struct, frozen=True, kw_only=True):
    """All of it for a window of whole days: read point and day to what was counted."""

    since_us: int
    until_us: int
    tallies: dict[tuple[str, int], Tally] = {}
    books: Books = Books()

    def overall(self) -> Tally:
        """All read points and days together."""
        return _sum(self.tallies.values())

    def by_read_point(self) -> dict[str, Tally]:
        """All days together."""
        points = sorted({point for point, _ in self.tallies})
        return {
            point: _sum(one for (of, _), one in self.tallies.items() if of == point)
            for point in points
        }

    def by_day(self) -> dict[int, Tally]:
        """All read points together; the day is its first microsecond."""
        days = sorted({day for _, day in self.tallies})
        return {
            day * DAY_US: _sum(one for (_, of), one in self.tallies.items() if of == day)
            for day in days
        }


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for one in tallies:
        total.merge(one)
    return total


def day_of(at_us: int) -> int:
    """The number of the day since 1970."""
    return at_us // DAY_US
