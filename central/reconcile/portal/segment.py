"""Which tags went by together: the moments when each was nearest, clustered. Pure.

Gaps alone do not part two pallets that follow each other within three seconds, nor hold one
together that is read seldom. So the moments are smoothed to a density, and that is cut in its
valleys; a photo-eye's beam that was free in between cuts as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

KERNEL_S = 0.35
"""Tags of one pallet are nearest within about a second of each other (reconciling facts, 5c)."""
VALLEY = 0.35
"""A valley this deep, beside the lower of its two hills, parts them."""
APART_US = 1_200_000
"""Hills nearer than this are one: nothing drives through a door more closely behind."""
_HILL = 0.12
_FEW = 1.5
"""A hill reaches this share of the highest, and about two tags where there are many."""
_STEP_US = 100_000
WINDOW_US = 750_000
_SLOT_US = 250_000

Curve = tuple[int, int, Sequence[float]]
"""When it begins, how wide each of its stretches is, and the amplitude heard in each."""
_REACH = 3.0


def cuts(moments_us: Sequence[int], beams_us: Sequence[int] = ()) -> list[int]:
    """Where to cut: times, in order, that part the groups; ``beams_us`` are the middles of the
    times at which a photo-eye was dark.
    """
    found = [*_valleys(sorted(moments_us)), *_between(sorted(beams_us))]
    kept: list[int] = []
    for cut in sorted(found):
        if kept and cut - kept[-1] < APART_US:
            continue
        kept.append(cut)
    return kept


class Fall(NamedTuple):
    """How much is heard now of what was heard at best, and how little it has been since then."""

    now: float
    least: float


def fall(curves: Iterable[Curve], now_us: int) -> Fall:
    """How the tags' summed amplitudes in the last ``WINDOW_US`` compare with the most in any such
    window, and the least since that; 1 for nothing heard.
    """
    heard: dict[int, float] = {}
    for first_us, width_us, amplitudes in curves:
        for place, amplitude in enumerate(amplitudes):
            if amplitude:
                middle_us = first_us + place * width_us + width_us // 2
                slot = (middle_us - now_us) // _SLOT_US
                heard[slot] = heard.get(slot, 0.0) + amplitude
    if not heard:
        return Fall(1.0, 1.0)
    slots = WINDOW_US // _SLOT_US
    windows = {
        first: sum(heard.get(first + more, 0.0) for more in range(slots))
        for first in range(min(heard), 0)
    }
    top = max(windows, key=windows.__getitem__)
    best = windows[top]
    now = sum(heard.get(slot, 0.0) for slot in range(-slots, 1))
    least = min((total for first, total in windows.items() if top < first <= -slots), default=best)
    return Fall(now / best, least / best)


def _between(beams_us: Sequence[int]) -> list[int]:
    return [
        (before + after) // 2
        for before, after in itertools.pairwise(beams_us)
        if after - before >= APART_US
    ]


def _valleys(moments_us: Sequence[int]) -> list[int]:
    """Cuts of one stretch after the other; where nobody was for long, the middle is one."""
    found: list[int] = []
    reach_us = round(2 * _REACH * KERNEL_S * 1e6)
    start = 0
    for place in range(1, len(moments_us) + 1):
        if place == len(moments_us) or moments_us[place] - moments_us[place - 1] > reach_us:
            found += _within(moments_us[start:place])
            if place < len(moments_us):
                found.append((moments_us[place - 1] + moments_us[place]) // 2)
            start = place
    return found


def _within(moments_us: Sequence[int]) -> list[int]:
    density = _density(moments_us)
    found: list[int] = []
    hill: int | None = None
    for place in _hills(density):
        if hill is not None:
            valley = min(range(hill, place), key=density.__getitem__)
            lower = min(density[hill], density[place])
            if (place - hill) * _STEP_US < APART_US or density[valley] > VALLEY * lower:
                hill = max(hill, place, key=density.__getitem__)
                continue
            found.append(moments_us[0] + valley * _STEP_US)
        hill = place
    return found


def _hills(density: Sequence[float]) -> list[int]:
    """The tops that are worth a group: a few stragglers beside a pallet are none."""
    highest = max(density)
    worth = max(_HILL * highest, min(_FEW, highest / 2.0))
    return [
        place
        for place, here in enumerate(density)
        if here >= worth
        and (place == 0 or density[place - 1] <= here)
        and (place == len(density) - 1 or density[place + 1] < here)
    ]


def _density(moments_us: Sequence[int]) -> list[float]:
    origin = moments_us[0]
    density = [0.0] * ((moments_us[-1] - origin) // _STEP_US + 1)
    for at_us in moments_us:
        middle = (at_us - origin) / _STEP_US
        width = KERNEL_S * 1e6 / _STEP_US
        first = max(math.ceil(middle - _REACH * width), 0)
        last = min(math.floor(middle + _REACH * width), len(density) - 1)
        for place in range(first, last + 1):
            density[place] += math.exp(-0.5 * ((place - middle) / width) ** 2)
    return density
