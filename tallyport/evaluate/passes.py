"""Whole passes of a portal: was everything that one pallet carried told, and nothing else? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tallyport.evaluate.events import Happening

TOGETHER_S = 2.0
"""True crossings one way that follow each other so closely are one pass."""
BESIDE_S = 5.0
"""A tag told to have moved within this of a pass, and the same way, was told as part of it."""


class Passes(NamedTuple):
    """``exact`` of ``true`` passes; ``false`` ones never were (groups of tags told to move)."""

    exact: int
    true: int
    false: int


def passes(seen: Sequence[Happening]) -> Passes:
    """Group one recording's happenings by time and way.

    A pass is exact when each of its tags is told once and the right way, and no other tag is told
    with it: the quantities of any document would then be exact.
    """
    spare = [one for one in seen if not one.want and one.got]
    exact = true = 0
    for inwards in (True, False):
        members = [one for one in seen if one.want and (one.want > 0) == inwards]
        for group in _groups(members, TOGETHER_S):
            true += 1
            first, last = group[0].t - BESIDE_S, group[-1].t + BESIDE_S
            strangers = [o for o in spare if first <= o.t <= last and (o.got > 0) == inwards]
            spare = [one for one in spare if one not in strangers]
            exact += not strangers and all(one.want == one.got for one in group)
    return Passes(exact, true, len(_groups(spare, BESIDE_S)))


def _groups(seen: Sequence[Happening], gap_s: float) -> list[list[Happening]]:
    groups: list[list[Happening]] = []
    for one in sorted(seen, key=lambda one: one.t):
        if groups and one.t - groups[-1][-1].t <= gap_s:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups
