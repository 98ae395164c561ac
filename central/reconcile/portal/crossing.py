"""Did this tag cross, and which way? Numbers in, probabilities out.

Two stages, as published portal work suggests (see the record of Keller, Thiesse and Fleisch
on dock doors: rules and regressions do as well as trees, what counts is what they see):

1. Each tag by itself: features that are ratios to the pass's strong tags or to the tag's own
   history, never absolute levels, so that they travel from site to site; a logistic for
   "crossed at all" and one for the direction.
2. The cohort: whoever was nearest at about the same time rode on the same pallet, so
   neighbours in time vote on both questions.

The weights are data (``CROSSED``, ``INWARDS``). They were fitted by logistic regression on
300 emulated passes (seeds apart from those of the tests: pallets of 1 to 60 cases at 0.6 to
2 m/s, approaches that turned back, pallets standing 1.2 to 4 m away, tags leaning at the
pillars, far tags seldom read), and rounded. Three are not from the fit: ``often`` (in real
scans of a box among hundreds of tags the relative read count told most; emulated strays are
read too often), ``known`` (the fit had no history) and ``fits``, raised from 1.75 to 3.5,
since a stranger that was heard only while the pallet was is on it, once the neighbours are
known: on emulated docks this halved the reviews and added no wrong movement. The goods of
the emulated pallets were then made drier (3 dB/m) without a new fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from central.reconcile.identity import derived_id
from central.reconcile.portal.track import INSIDE, OUTSIDE, Bin, Track

FAINT_DBM = -80.0
"""A side that heard nothing in a bin counts as just below a usual reader's floor."""
PRIOR_SPREAD_S = 1.5
"""A spread from few sightings is worth little: it is shrunk towards this."""
NEIGHBOUR_S = 0.5
MOST_COMPANY = 100
"""So many neighbours on either side in time have a vote: bounds the work of a crowded pass."""
RISE_DB = 6.0
"""A known stray shows change when it is louder than ever by this much (reconciling facts:
channel to channel 2.1 dB, so about 3 sigma)."""


class Features(NamedTuple):
    """What one tag looks like in its pass; signed ones are positive for inwards."""

    both: float
    compact: float
    swing: float
    parted: float
    turned: float
    loud: float
    often: float
    balance: float
    known: float


class Judged(NamedTuple):
    """One tag's probabilities: that it crossed, and that it went inwards if it did."""

    crossed: float
    inwards: float
    centre_us: int


CROSSED: Mapping[str, float] = {
    "bias": -3.2,
    "both": 0.0,
    "compact": 1.4,
    "swing": 0.85,
    "parted": 2.1,
    "turned": 1.8,
    "loud": 0.85,
    "often": 0.3,
    "balance": 1.95,
    "known": -4.0,
    "cohort": 1.3,
    "fits": 3.5,
}
INWARDS: Mapping[str, float] = {"parted": 1.8, "turned": 1.5, "cohort": 2.8}


def weights() -> dict[str, dict[str, float]]:
    """What features and company weigh, in log-odds."""
    return {"crossed": dict(CROSSED), "inwards": dict(INWARDS)}


@contextmanager
def using(others: Mapping[str, Mapping[str, float]]) -> Iterator[None]:
    """Judge with other weights for a while, in the form of ``weights``: a replay tries them on
    what was heard. Raises ``ValueError`` unless every weight is named, and no other.
    """
    global CROSSED, INWARDS
    kept = CROSSED, INWARDS
    for name, known in weights().items():
        if others.get(name, {}).keys() != known.keys():
            raise ValueError(f"the weights under {name!r} must be {', '.join(sorted(known))}")
    CROSSED, INWARDS = others["crossed"], others["inwards"]
    try:
        yield
    finally:
        CROSSED, INWARDS = kept


def model() -> str:
    """A short name of the weights that is another as soon as any of them is."""
    return derived_id("weights", sorted(CROSSED.items()), sorted(INWARDS.items()))[:12]


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def _clip(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def centre_s(track: Track) -> float:
    """When the tag was nearest, in seconds from the track's start: the mean of the sides'
    power-weighted centres, or the one there is.
    """
    heard = [side.centre_s for side in track.sides if side.count]
    return sum(heard) / len(heard)


def _spread_s(track: Track) -> float:
    """The typical spread of one side's power in time, shrunk when there are few reads."""
    variance, count = 2.0 * PRIOR_SPREAD_S**2, 2.0
    for side in track.sides:
        variance += side.count * side.spread_s**2
        count += side.count
    return math.sqrt(variance / count)


def _parted(track: Track) -> float:
    """How far apart in time the two sides heard the tag best, in spreads."""
    outside, inside = track.sides[OUTSIDE], track.sides[INSIDE]
    if not (outside.count and inside.count):
        return 0.0
    return _clip((inside.centre_s - outside.centre_s) / (2.0 * _spread_s(track)), -2.0, 2.0)


def _turned(track: Track) -> float:
    """Whether the louder side changed from before the centre to after it, per 20 dB."""
    middle = int(centre_s(track) * 1e6 // track.width_us)
    bins = track.bins()
    before, after = _louder_inside(bins[: middle + 1]), _louder_inside(bins[middle:])
    if before is None or after is None:
        return 0.0
    return _clip((after - before) / 20.0, -1.5, 1.5)


def _louder_inside(bins: Sequence[Bin]) -> float | None:
    heard = [
        max(one.inside_dbm or FAINT_DBM, FAINT_DBM) - max(one.outside_dbm or FAINT_DBM, FAINT_DBM)
        for one in bins
        if one.inside_dbm is not None or one.outside_dbm is not None
    ]
    return sum(heard) / len(heard) if heard else None


def _swing_db(track: Track) -> float:
    """How much louder the best moment is than the ends."""
    heard = [one.best_dbm for one in track.bins() if one.best_dbm is not None]
    if len(heard) < 3:
        return 0.0
    return max(heard) - max(heard[0], heard[-1])


def strong(values: Sequence[float]) -> float:
    """The pass's yardstick: the level that a quarter of its tags reach."""
    ordered = sorted(values)
    return ordered[(3 * len(ordered)) // 4]


def features(track: Track, *, strong_dbm: float, strong_reads: float, known: bool) -> Features:
    """Describe one track in the light of its pass."""
    outside, inside = track.sides[OUTSIDE], track.sides[INSIDE]
    weaker = max(min(outside.peak_dbm, inside.peak_dbm), FAINT_DBM)
    return Features(
        both=float(bool(outside.count and inside.count)),
        compact=_clip(-math.log2(_spread_s(track) / PRIOR_SPREAD_S), -1.5, 1.5),
        swing=_clip(_swing_db(track) / 10.0, -0.5, 2.5),
        parted=_parted(track),
        turned=_turned(track),
        loud=_clip((track.peak_dbm - strong_dbm) / 10.0, -2.5, 0.5),
        often=_clip(math.log2((track.reads + 1) / (strong_reads + 1)), -3.0, 0.5),
        balance=_clip((weaker - track.peak_dbm) / 10.0, -3.0, 0.0),
        known=float(known),
    )


def parts(seen: Features) -> dict[str, float]:
    """What each feature adds to the tag's own log-odds of having crossed, the bias first."""
    named = zip(Features._fields, seen, strict=True)
    told = {name: CROSSED[name] * (abs(x) if name in INWARDS else x) for name, x in named}
    return {"bias": CROSSED["bias"], **told}


def _own(seen: Features) -> tuple[float, float]:
    """The tag's own log-odds: crossed, inwards."""
    crossed = 0.0
    for part in parts(seen).values():  # one by one: sum() rounds otherwise from Python 3.12 on
        crossed += part
    inwards = INWARDS["parted"] * seen.parted + INWARDS["turned"] * seen.turned
    return crossed, inwards


class When(NamedTuple):
    """A tag's time in the pass, in microseconds: first heard, nearest, last heard."""

    first_us: int
    centre_us: int
    last_us: int


def when(track: Track) -> When:
    """The times of a track."""
    nearest_us = track.first_us + round(centre_s(track) * 1e6)
    return When(track.first_us, nearest_us, track.last_us)


def judge(seen: Sequence[Features], times: Sequence[When]) -> list[Judged]:
    """Both stages for all tags of a pass, in the order given."""
    own = [_own(one) for one in seen]
    first = [(logistic(crossed), 2.0 * logistic(inwards) - 1.0) for crossed, inwards in own]
    order = sorted(range(len(times)), key=lambda place: (times[place].centre_us, place))
    rank = {place: position for position, place in enumerate(order)}
    answer = []
    for place, (crossed, inwards) in enumerate(own):
        near = order[max(0, rank[place] - MOST_COMPANY) : rank[place] + MOST_COMPANY + 1]
        support, fits, vote = _company(place, near, first, times)
        company = support * (CROSSED["cohort"] + CROSSED["fits"] * fits)
        answer.append(
            Judged(
                logistic(crossed + company),
                logistic(inwards + INWARDS["cohort"] * vote),
                times[place].centre_us,
            )
        )
    return answer


def _company(
    place: int,
    near: Sequence[int],
    first: Sequence[tuple[float, float]],
    times: Sequence[When],
) -> tuple[float, float, float]:
    """(how much company the tag had, whether it came and went with it, which way that went).

    The tag itself has no vote. ``fits`` is 1 for a tag heard only while its company was, and
    sinks by 1 for every two seconds that it was heard before or after, down to -1.
    """
    mine = times[place]
    company = vote = begins = ends = 0.0
    for other in near:
        (p, way), theirs = first[other], times[other]
        apart = (theirs.centre_us - mine.centre_us) / 1e6 / NEIGHBOUR_S
        if other == place or abs(apart) >= 4.0:
            continue
        weight = p * math.exp(-0.5 * apart * apart)
        company += weight
        vote += weight * way
        begins += weight * (theirs.first_us - mine.first_us)
        ends += weight * (mine.last_us - theirs.last_us)
    if company <= 0.0:
        return 0.0, 0.0, 0.0
    early_s, late_s = begins / company / 1e6, ends / company / 1e6
    fits = _clip(1.0 - max(early_s - 1.0, 0.0) / 2.0 - max(late_s - 1.0, 0.0) / 2.0, -1.0, 1.0)
    return company / (company + 2.0), fits, vote / (company + 0.5)
