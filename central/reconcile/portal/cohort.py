"""Tags that were nearest at about the same time: what one pallet, trolley or person carried.

A pallet turns back or passes by as a whole, so whether anything went through at all is asked of
the group first, with what all its likely tags heard added up; whether a tag belongs to the group
is another question, and of a stray beside it the answer is no.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from central.reconcile.portal.curves import CONTRASTS, CURVES, EARS, Placed, curves, ears
from central.reconcile.portal.features import SHAPE, WAY, Seen, clip
from central.reconcile.portal.lean import Lean, lean
from central.reconcile.portal.track import Track

LIKELY = 0.12
"""A tag that crossed at least so probably by its own looks has a say in what its group did."""
APART_US = 1_200_000
"""Likely tags are parted into groups where none was nearest for so long."""
CLEAR = 1.5
FEW, SHARE = 3, 0.15
MEET_US = 800_000
"""Tags of clear log-odds for a way, this many and such a share for each, with their middle times
so far apart, are two groups and not one."""
MOST_VOICES = 60
"""So many of a group's likeliest tags speak for it: bounds the work of a crowded pass."""
_LEAST_SPREAD_S = 0.3
_USUAL_DBM = -45.0

VOTES = (
    "likely_10", "likely_25", "likely_50", "likely_75", "likely_90", "clear", "rather", "against",
    "said", "spread", "scattered", "many", "lasted", "came", "peak",
)  # fmt: skip
GROUP = (
    *SHAPE, "tags", "share", "scatter", "likely", "likeliest", "parted_z", "turned_z", "swap_z",
    "swap_db", "stay_z", "stay_db", "sway_z",
    "sway_db", "rather_stay", "rather_sway", "drift_group", "own_way", *VOTES, *EARS, *CURVES,
)  # fmt: skip
"""Weights that were fitted when there were fewer know the first of them: add new ones behind."""
GROUP_WAY = (
    "parted", "turned", "ends", "handed", "lay", "own", "parted_z", "turned_z", "swap_z",
    "drift_z", "own_z",
)  # fmt: skip
GROUP_CURVE = (*GROUP_WAY, *CONTRASTS)
FIT = (
    *SHAPE, "own", "off", "off2", "early", "late", "fainter", "wider", "with", "against", "tags",
    "alone",
)  # fmt: skip
FIT_WAY = ("own", "group")


class When(NamedTuple):
    """A tag's time, in microseconds: first heard, nearest, last heard; its spread in seconds."""

    first_us: int
    centre_us: int
    last_us: int
    spread_s: float


class Look(NamedTuple):
    """One tag of a pass by itself."""

    track: Track
    seen: Seen
    when: When


class Voice(NamedTuple):
    """One tag as the first stage saw it: its probability and its log-odds for inwards."""

    track: Track
    seen: Seen
    when: When
    crossed: float
    inwards: float


class Group(NamedTuple):
    """A group's sums, weighted with how probably its tags crossed."""

    voices: Sequence[Voice]
    weight: float
    centre_us: float
    scatter_s: float
    spread_s: float
    first_us: float
    last_us: float
    peak_dbm: float
    leaning: Lean


def groups(voices: Sequence[Voice]) -> tuple[list[Group], list[int | None]]:
    """The groups, and for each tag the place of its own: of one that is hardly likely, the one
    nearest in time (None without any).
    """
    likely = sorted(
        (one for one in voices if one.crossed >= LIKELY),
        key=lambda one: (one.when.centre_us, one.track.epc),
    )
    parts: list[list[Voice]] = []
    for one in likely:
        if parts and one.when.centre_us - parts[-1][-1].when.centre_us <= APART_US:
            parts[-1].append(one)
        else:
            parts.append([one])
    parts = [half for part in parts for half in _by_way(part)]
    found = [_group(part) for part in parts]
    own = {id(one): place for place, part in enumerate(parts) for one in part}
    return found, [own.get(id(one), _nearest(found, one)) for one in voices]


def _nearest(found: Sequence[Group], one: Voice) -> int | None:
    places = range(len(found))
    if not found:
        return None
    return min(places, key=lambda place: (abs(found[place].centre_us - one.when.centre_us), place))


def _by_way(part: Sequence[Voice]) -> list[list[Voice]]:
    """Two pallets that meet in the door have no gap between them, but each has a way and a
    middle time of its own.
    """
    clear: dict[bool, list[int]] = {True: [], False: []}
    for one in part:
        if abs(one.inwards) >= CLEAR:
            clear[one.inwards > 0.0].append(one.when.centre_us)
    if min(map(len, clear.values())) < max(FEW, SHARE * len(part)):
        return [list(part)]
    middles = {way: statistics.median(times) for way, times in clear.items()}
    if abs(middles[True] - middles[False]) < MEET_US:
        return [list(part)]
    halves: dict[bool, list[Voice]] = {True: [], False: []}
    for one in part:
        near = abs(one.when.centre_us - middles[True]) < abs(one.when.centre_us - middles[False])
        halves[one.inwards > 0.0 if abs(one.inwards) >= CLEAR else near].append(one)
    return sorted(halves.values(), key=lambda half: half[0].when.centre_us)


def _group(members: Sequence[Voice]) -> Group:
    voices = sorted(members, key=lambda one: (-one.crossed, one.track.epc))[:MOST_VOICES]
    weight = sum(one.crossed for one in voices)

    def mean(values: Sequence[float]) -> float:
        return sum(v * one.crossed for v, one in zip(values, voices, strict=True)) / weight

    origin_us = voices[0].when.centre_us
    centre_us = origin_us + mean([float(one.when.centre_us - origin_us) for one in voices])
    spread = mean([one.when.spread_s for one in voices])
    scatter = math.sqrt(mean([((o.when.centre_us - centre_us) / 1e6) ** 2 for o in voices]))
    return Group(
        voices,
        weight,
        centre_us,
        scatter,
        spread,
        origin_us + mean([float(one.when.first_us - origin_us) for one in voices]),
        origin_us + mean([float(one.when.last_us - origin_us) for one in voices]),
        mean([one.track.peak_dbm for one in voices]),
        lean([(one.track, one.crossed) for one in voices], round(centre_us), spread),
    )


def _summed(group: Group) -> tuple[list[float], list[float], list[float]]:
    """The means of the shapes, of the ways with the own log-odds, and the latter's z-scores."""
    weight = group.weight
    shape = [
        sum(one.seen.shape[place] * one.crossed for one in group.voices) / weight
        for place in range(len(SHAPE))
    ]
    ways = [(*one.seen.way, clip(one.inwards, -4.0, 4.0)) for one in group.voices]
    way, sure = [], []
    for place in range(len(WAY) + 1):
        values = [(row[place], o.crossed) for row, o in zip(ways, group.voices, strict=True)]
        mean = sum(value * p for value, p in values) / weight
        square = sum(p * (value - mean) ** 2 for value, p in values) / weight
        way.append(mean)
        sure.append(clip(mean * math.sqrt(weight / (square + 0.2)), -6.0, 6.0))
    return shape, way, sure


def of_group(group: Group, tags: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``GROUP`` and ``GROUP_CURVE`` of a group in a pass of so many tags."""
    shape, way, sure = _summed(group)
    leaning = group.leaning
    at = {name: place for place, name in enumerate((*WAY, "own"))}
    swap_z, drift_z = clip(leaning.swap_z, -6.0, 6.0), clip(leaning.drift_z, -6.0, 6.0)
    stay = clip(abs(leaning.stay_db) / 10.0, 0.0, 2.0)
    swap = clip(abs(leaning.swap_db) / 10.0, 0.0, 2.0)
    sway = clip(abs(leaning.sway_db) / 10.0, 0.0, 2.0)
    sway_z, stay_z = clip(abs(leaning.sway_z), 0.0, 6.0), clip(abs(leaning.stay_z), 0.0, 6.0)
    sums = (
        math.log2(1.0 + group.weight) / 4.0,
        group.weight / tags,
        math.log2(group.scatter_s + 0.1),
        sum(one.crossed * one.crossed for one in group.voices) / group.weight,
        max(one.crossed for one in group.voices),
        abs(sure[at["parted"]]) / 3.0,
        abs(sure[at["turned"]]) / 3.0,
        abs(swap_z) / 3.0,
        swap,
        stay_z / 3.0,
        stay,
        sway_z / 3.0,
        sway,
        (stay_z - abs(swap_z)) / 3.0 if stay_z > abs(swap_z) else 0.0,
        (sway_z - abs(swap_z)) / 3.0 if sway_z > abs(swap_z) else 0.0,
        abs(drift_z) / 3.0,
        abs(sure[at["own"]]) / 3.0,
    )
    ways = (
        *(way[at[name]] for name in ("parted", "turned", "ends", "handed", "lay", "own")),
        sure[at["parted"]] / 3.0,
        sure[at["turned"]] / 3.0,
        swap_z / 3.0,
        drift_z / 3.0,
        sure[at["own"]] / 3.0,
    )
    placed = [Placed(one.track, one.crossed, one.when.centre_us) for one in group.voices]
    heard = ears(placed, group.centre_us, group.spread_s)
    curve = curves(placed, group.centre_us, group.spread_s)
    whole = (*shape, *sums, *_votes(group, tags), *heard, *curve.shape)
    return whole, (*ways, *curve.contrast)


def _votes(group: Group, tags: int) -> tuple[float, ...]:
    """``VOTES``: how its tags differ in what they say of themselves, and how long it took."""
    ordered = sorted(one.crossed for one in group.voices)
    last = len(ordered) - 1
    leans = sum(one.crossed * clip(one.inwards, -4.0, 4.0) for one in group.voices)
    sign = 1.0 if leans >= 0.0 else -1.0

    def share(least: float) -> float:
        return sum(o.crossed for o in group.voices if o.inwards * sign > least) / group.weight

    return (
        *(ordered[round(part * last)] for part in (0.1, 0.25, 0.5, 0.75, 0.9)),
        share(CLEAR),
        share(CLEAR / 3.0),
        1.0 - share(-CLEAR),
        len(ordered) / tags,
        group.spread_s,
        group.scatter_s,
        math.log2(len(ordered)),
        (group.last_us - group.first_us) / 1e6,
        (group.centre_us - group.first_us) / 1e6,
        (group.peak_dbm - _USUAL_DBM) / 10.0,
    )


def of_member(voice: Voice, group: Group, group_way: float) -> tuple[float, ...]:
    """``FIT``: how well a tag fits a group that went the way of ``group_way`` (log-odds)."""
    when = voice.when
    width_s = max(group.scatter_s, _LEAST_SPREAD_S)
    off = abs(when.centre_us - group.centre_us) / 1e6 / width_s
    early_s = (group.first_us - when.first_us) / 1e6
    late_s = (when.last_us - group.last_us) / 1e6
    agree = clip(voice.inwards, -3.0, 3.0) * math.tanh(group_way / 2.0)
    return (
        *voice.seen.shape,
        clip(math.log(max(voice.crossed, 1e-4) / max(1.0 - voice.crossed, 1e-4)), -7.0, 7.0),
        min(off, 6.0),
        min(off * off, 20.0) / 4.0,
        clip(early_s, -1.0, 4.0),
        clip(late_s, -1.0, 4.0),
        clip((group.peak_dbm - voice.track.peak_dbm) / 10.0, -2.0, 3.0),
        clip(math.log2(when.spread_s / max(group.spread_s, 0.05)), -2.0, 2.0),
        max(agree, 0.0),
        max(-agree, 0.0),
        math.log2(1.0 + group.weight) / 4.0,
        1.0 / (1.0 + group.weight),
    )
