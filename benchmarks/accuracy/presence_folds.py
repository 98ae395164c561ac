"""Steadiness over lag: our silences beside fixed windows and SMURF, and how ours were chosen.

Read by read and without the edge's fold, so that many rules can be tried: a rule is what
``central.reconcile.zone.silence`` decides by. Two measures of a tag between its first and its last
read: the share of that time told absent, and how often an hour it is told gone by mistake. Lag is
the time from a tag's last read until it is told gone, the mean over all tags.

``chosen`` leaves out: for each label set and place in turn the rule is the one whose two measures
multiplied are least, among those whose mean lag is at most a fixed window's of 10 s, on the scans
that share neither; it is graded on the scans left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from benchmarks.accuracy.presence_rules import Read, smurf
from central.reconcile.zone.silence import KEPT, ONCE_IN_S, PRIOR_GAPS, PRIOR_S
from central.reconcile.zone.zone import MOST_MISTAKES, PARDONED, SHORTEST_S

Tag = tuple[float, ...]
"""When a tag was read."""
WINDOW_S = 10.0
WINDOWS_S = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 13.0, 16.0, 20.0, 25.0, 30.0, 45.0, 60.0)
CURVE_S = (2.0, 4.0, 8.0, 12.0, 18.0, ONCE_IN_S, 36.0, 60.0, 100.0, 200.0)
_FORGET_S = 60.0


class Rule(NamedTuple):
    """The numbers of ``silence``: see there."""

    once_in_s: float = ONCE_IN_S
    kept: float = KEPT
    prior_gaps: float = PRIOR_GAPS
    prior_s: float = PRIOR_S


RULES = tuple(
    Rule(once_in_s, 1 - 1 / remembered, gaps, gaps * mean_s)
    for once_in_s, remembered, gaps, mean_s in product(
        (12.0, 16.0, 20.0, 24.0, 30.0), (10, 30), (2.0, 6.0, 10.0), (3.0, 6.0, 10.0)
    )
)


class Point(NamedTuple):
    """What a rule comes to: the mean lag (s), the share absent, mistakes an hour."""

    lag_s: float
    absent: float
    mistakes_per_h: float


class _Sum(NamedTuple):
    absent_s: float
    mistakes: int
    lag_s: float


def by_rule(tags: Iterable[Tag], rule: Rule) -> Point:
    """Ours: every tag with its own patience."""
    return _point(tags, [_followed(tag, rule) for tag in tags])


def by_window(tags: Iterable[Tag], window_s: float) -> Point:
    """One patience for all."""
    sums = []
    for tag in tags:
        late = [gap - window_s for gap in _gaps(tag) if gap > window_s]
        sums.append(_Sum(sum(late), len(late), window_s))
    return _point(tags, sums)


def by_smurf(tags: Iterable[Tag]) -> Point:
    """SMURF's windows, which adapt to how often a tag is read."""
    sums = []
    for tag in tags:
        told = list(smurf([Read(t, 1, "", -60.0) for t in tag]))
        absent_s, since = 0.0, tag[0]
        for one in told[:-1]:
            if one.kind == "departed":
                since = one.t
            elif one.kind == "arrived":
                absent_s += max(0.0, min(one.t, tag[-1]) - since)
        mistakes = sum(one.kind == "departed" for one in told) - 1
        sums.append(_Sum(absent_s, mistakes, told[-1].t - tag[-1]))
    return _point(tags, sums)


class Chosen(NamedTuple):
    """What was chosen without a fold, and what that comes to on the fold."""

    fold: str
    rule: Rule
    ours: Point
    window: Point


def chosen(folds: dict[str, Sequence[Tag]]) -> list[Chosen]:
    """Leave out each fold (its name's parts, set and place, are joined by a dash) in turn."""
    sums = {
        fold: {rule: [_followed(tag, rule) for tag in tags] for rule in RULES}
        for fold, tags in folds.items()
    }
    found = []
    for fold, tags in folds.items():
        others = [name for name in folds if not {*name.split("-")} & {*fold.split("-")}]
        seen = [tag for name in others for tag in folds[name]]
        if not seen:
            continue
        tried = {
            rule: _point(seen, [one for name in others for one in sums[name][rule]])
            for rule in RULES
        }
        best = min(
            (rule for rule in RULES if tried[rule].lag_s <= WINDOW_S),
            key=lambda rule: (tried[rule].absent * tried[rule].mistakes_per_h, rule),
        )
        ours = _point(tags, sums[fold][best])
        found.append(Chosen(fold, best, ours, by_window(tags, WINDOW_S)))
    return found


def _followed(tag: Tag, rule: Rule) -> _Sum:
    number, seconds = rule.prior_gaps, rule.prior_s
    absent_s, mistakes, known = 0.0, 0, 0
    patience_s = _patience_s(number, seconds, rule.once_in_s)
    for gap in _gaps(tag):
        if gap > patience_s:
            absent_s += gap - patience_s
            mistakes += 1
            known = min(known + 1, MOST_MISTAKES) if gap < _FORGET_S else 0
        number, seconds = number * rule.kept + 1.0, seconds * rule.kept + gap
        patience_s = _patience_s(number, seconds, rule.once_in_s * max(1, known - PARDONED))
    return _Sum(absent_s, mistakes, patience_s)


def _patience_s(number: float, seconds: float, once_in_s: float) -> float:
    chance: float = (1.0 + once_in_s * number / seconds) ** (1.0 / number)
    return max(SHORTEST_S, seconds * (chance - 1.0))


def _gaps(tag: Tag) -> list[float]:
    return [later - earlier for earlier, later in pairwise(tag)]


def _point(tags: Iterable[Tag], sums: Sequence[_Sum]) -> Point:
    span_s = sum(tag[-1] - tag[0] for tag in tags) or math.inf
    return Point(
        sum(one.lag_s for one in sums) / len(sums),
        sum(one.absent_s for one in sums) / span_s,
        3600.0 * sum(one.mistakes for one in sums) / span_s,
    )
