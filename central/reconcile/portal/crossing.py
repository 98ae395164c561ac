"""Did this tag cross, and which way? Tracks in, probabilities out.

Three questions, each asked over features that travel from site to site; whether by small nets,
which way by logistic regressions without a bias and of a group by small odd nets (so that swapping
the sides swaps the answer):

1. Each tag by itself: does it look like one that crossed, and which way (``features``)?
2. The group of likely tags that were nearest at about the same time: did it go through at all,
   and which way? A pallet that turned back or passed by is told here, by what all its tags heard
   together (``cohort``, ``lean``).
3. Each tag in its group: does it belong to it? A stray beside a pallet does not.

A tag crossed if its group did and it belongs to it. The weights are data (``weights``), made by
``python -m benchmarks.accuracy.train``; published portal work (Keller, Thiesse and Fleisch on
dock doors) finds that regressions do as well as trees: what counts is what they see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, cast

import msgspec

from central.reconcile.identity import derived_id
from central.reconcile.portal import features
from central.reconcile.portal.cohort import (
    Group,
    Look,
    Voice,
    When,
    groups,
    of_group,
    of_member,
)
from central.reconcile.portal.features import Lain, Seen
from central.reconcile.portal.track import Track
from central.reconcile.portal.weights import WEIGHTS, Weights

HARDLY, SURELY = 0.5, 0.9
CLOSE_BY_US = 4_000_000
"""Tags of a group that hardly went through are asked whether they belong to a sure one close by:
a few of a pallet, heard badly, are a group of their own."""


class Judged(NamedTuple):
    """One tag's probabilities: that it crossed, and that it went inwards if it did; when it was
    nearest; the same two of its ``group`` as a whole, whose place in the pass that is
    (-1: none); that it crossed by its own looks, whatever its company says.
    """

    crossed: float
    inwards: float
    centre_us: int
    group: int = -1
    group_crossed: float = 0.0
    group_inwards: float = 0.5
    alone: float = 0.0


def weights() -> dict[str, object]:
    """What the judging weighs with, by stage."""
    return cast("dict[str, object]", msgspec.to_builtins(_in_use[-1]))


@contextmanager
def using(other: Mapping[str, object]) -> Iterator[None]:
    """Judge with other weights for a while: what ``weights`` gives, or an older file of them.

    Raises ``msgspec.ValidationError`` for what are no weights.
    """
    _in_use.append(msgspec.convert(other, Weights))
    try:
        yield
    finally:
        _in_use.pop()


def model() -> str:
    """A short name of the weights that is another as soon as any of them is."""
    return _named(_in_use[-1]) if len(_in_use) > 1 else _OURS


def _named(those: Weights) -> str:
    return derived_id("weights", msgspec.json.encode(those).decode())[:12]


_in_use: list[Weights] = [WEIGHTS]
_OURS = _named(WEIGHTS)


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def when(track: Track) -> When:
    """The times of a track."""
    sides = track.sides
    nearest_us = track.first_us + round(features.centre_s(sides) * 1e6)
    return When(track.first_us, nearest_us, track.last_us, features.spread_s(sides))


def looks(
    tracks: Sequence[Track], lain: Sequence[Lain | None], known: Sequence[bool]
) -> list[Look]:
    """Every tag of a pass by itself, in the order given."""
    stick = features.yardstick(tracks)
    return [
        Look(track, features.describe(track, stick, old, known=is_known), when(track))
        for track, old, is_known in zip(tracks, lain, known, strict=True)
    ]


def voices(seen: Sequence[Look]) -> list[Voice]:
    """The first stage: what each tag says of itself."""
    return [
        Voice(
            *look,
            logistic(_in_use[-1].tag.log_odds(look.seen.shape)),
            _in_use[-1].tag_way.log_odds(look.seen.way),
        )
        for look in seen
    ]


def parts(seen: Seen) -> dict[str, float]:
    """What adds up to the tag's own log-odds of having crossed: nets do not part it by feature."""
    return {"own": _in_use[-1].tag.log_odds(seen.shape)}


def judge(spoken: Sequence[Voice]) -> list[Judged]:
    """The second and third stage, in the order given."""
    found, nearest = groups(spoken)
    went = [_went(group, len(spoken)) for group in found]
    asked = [_group_of(one, place, found, went) for one, place in zip(spoken, nearest, strict=True)]
    return [_judged(one, place, found, went) for one, place in zip(spoken, asked, strict=True)]


def _group_of(
    one: Voice, place: int | None, found: Sequence[Group], went: Sequence[tuple[float, float]]
) -> int | None:
    """The group of which a tag is asked whether it belongs to it."""
    if place is None or went[place][0] >= HARDLY:
        return place

    def off_us(other: int) -> float:
        return abs(found[other].centre_us - one.when.centre_us)

    sure = [other for other, (crossed, _) in enumerate(went) if crossed >= SURELY]
    close = [other for other in sure if off_us(other) <= CLOSE_BY_US]
    return min(close, key=off_us, default=place)


def _went(group: Group, tags: int) -> tuple[float, float]:
    """That a group crossed (a probability), and its log-odds for inwards."""
    shape, way = of_group(group, tags)
    return logistic(_in_use[-1].group.log_odds(shape)), _in_use[-1].group_way.log_odds(way)


def _judged(
    one: Voice, place: int | None, found: Sequence[Group], went: Sequence[tuple[float, float]]
) -> Judged:
    if place is None:
        return Judged(one.crossed, logistic(one.inwards), one.when.centre_us)
    crossed, way = went[place]
    belongs = logistic(_in_use[-1].member.log_odds(of_member(one, found[place], way)))
    inwards = logistic(_in_use[-1].member_way.log_odds((one.inwards, way)))
    return Judged(
        crossed * belongs,
        inwards,
        one.when.centre_us,
        place,
        crossed,
        logistic(way),
        one.crossed,
    )
