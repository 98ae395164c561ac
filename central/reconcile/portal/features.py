"""What one tag looks like in its pass, in numbers that travel from site to site.

``SHAPE`` says how much it looks like something that went through, whichever way; ``WAY`` which
way that was: positive for inwards, and exactly the negative when the sides change places, so
that nothing learned on one way is unknown of the other. Most are ratios to the pass's strong
tags or to the tag's own history; ``level`` alone is absolute, for passes of a single tag.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from central.reconcile.portal.lean import Lean, lean
from central.reconcile.portal.track import INSIDE, OUTSIDE, UNHEARD_DBM, Bin, Side, Track

FAINT_DBM = -80.0
"""A side that heard nothing counts as just below a usual reader's floor."""
PRIOR_SPREAD_S, PRIOR_COUNT = 1.0, 2.0
"""A spread from few sightings is worth little: it is shrunk towards this."""
_USUAL_DBM = -45.0
_STILL_HZ = 5.0
_STEPS = 3.0

SHAPE = (
    "both", "ears", "compact", "before", "after", "reads", "dense", "rise", "fall", "loud",
    "level", "often", "balance", "even", "parted", "turned", "drift", "ends", "straddle", "swayed",
    "swap", "stay", "shifting", "has_doppler", "turning", "has_phase", "known", "met", "louder",
    "crowd",
)  # fmt: skip
WAY = ("parted", "turned", "swap", "swap_z", "drift", "ends", "handed", "lay")


class Seen(NamedTuple):
    """One tag's features, in the order of ``SHAPE`` and of ``WAY``."""

    shape: tuple[float, ...]
    way: tuple[float, ...]

    def named(self) -> dict[str, float]:
        """All of them by name, for whoever asks why; those of ``WAY`` begin with ``way_``."""
        ways = {f"way_{name}": value for name, value in zip(WAY, self.way, strict=True)}
        return dict(zip(SHAPE, self.shape, strict=True)) | ways


class Lain(NamedTuple):
    """What was known of a tag that lay here before: its loudest levels, and how often."""

    outside_dbm: float
    inside_dbm: float
    passes: int


class Yardstick(NamedTuple):
    """What a pass's tags are measured against."""

    strong_dbm: float
    strong_reads: float
    ears: frozenset[str]
    tags: int


def yardstick(tracks: Sequence[Track]) -> Yardstick:
    """The levels that a quarter of the tags reach, and the antennas that heard any of them."""
    return Yardstick(
        strong([track.peak_dbm for track in tracks]),
        strong([float(track.reads) for track in tracks]),
        frozenset(ear.name for track in tracks for ear in track.ears),
        len(tracks),
    )


def strong(values: Sequence[float]) -> float:
    """The level that a quarter of the values reach."""
    ordered = sorted(values)
    return ordered[(3 * len(ordered)) // 4]


def clip(x: float, low: float, high: float) -> float:
    """``x`` within its bounds."""
    return min(max(x, low), high)


def centre_s(sides: Sequence[Side]) -> float:
    """When the tag was nearest, in seconds from the track's start: the mean of the sides'
    weighted centres, or the one there is.
    """
    heard = [side.centre_s for side in sides[:2] if side.count]
    heard = heard or [side.centre_s for side in sides if side.count]
    return sum(heard) / len(heard)


def spread_s(sides: Sequence[Side]) -> float:
    """The typical spread of one side's power in time, shrunk when there are few reads."""
    variance, count = PRIOR_COUNT * PRIOR_SPREAD_S**2, PRIOR_COUNT
    for side in sides:
        variance += side.count * side.spread_s**2
        count += side.count
    return math.sqrt(variance / count)


class _Traces(NamedTuple):
    """What both the shape and the way are told from."""

    bins: Sequence[Bin]
    centre_s: float
    spread_s: float
    parted: float
    turned: float
    drift: float
    ends: float
    swap: float
    swayed: float
    straddle: float
    leaning: Lean


def describe(track: Track, stick: Yardstick, lain: Lain | None, *, known: bool) -> Seen:
    """One track's features in the light of its pass and of what was known of the tag."""
    traces = _traces(track)
    shape = (*_own_shape(track, stick, traces), *_remembered(track, lain, known=known))
    return Seen(
        (*shape, min(math.log2(stick.tags), 8.0) / 4.0),
        (
            traces.parted,
            traces.turned,
            traces.swap,
            clip(traces.leaning.swap_z / 2.0, -1.5, 1.5),
            traces.drift,
            traces.ends,
            _handed(traces.bins),
            _lay(lain),
        ),
    )


def _traces(track: Track) -> _Traces:
    outside, inside, _ = track.sides
    bins = [one for one in track.bins() if one.best_dbm is not None]
    centre, spread = centre_s(track.sides), spread_s(track.sides)
    before, after = _contrasts(track, centre)
    leaning = lean([(track, 1.0)], track.first_us + round(centre * 1e6), spread)
    first, middle, last = _thirds(bins)
    return _Traces(
        bins=bins,
        centre_s=centre,
        spread_s=spread,
        parted=_parted(outside, inside, spread),
        turned=clip((after - before) / 20.0, -1.5, 1.5),
        drift=clip(leaning.drift_z / 2.0, -1.5, 1.5),
        ends=clip((last - first) / 20.0, -1.5, 1.5),
        swap=clip(leaning.swap_db / 10.0, -1.5, 1.5),
        swayed=clip((middle - (first + last) / 2.0) / 20.0, -1.5, 1.5),
        straddle=clip((abs(after - before) - abs(after + before)) / 20.0, -1.5, 1.5),
        leaning=leaning,
    )


def _own_shape(track: Track, stick: Yardstick, traces: _Traces) -> tuple[float, ...]:
    """``SHAPE`` up to what was known of the tag before."""
    outside, inside, _ = track.sides
    centre, duration_s = traces.centre_s, (track.last_us - track.first_us) / 1e6
    peak, reads = track.peak_dbm, track.reads
    rise, fall = _swings(traces.bins)
    return (
        float(bool(outside.count and inside.count)),
        len(track.ears) / max(len(stick.ears), 1),
        clip(-math.log2(traces.spread_s / PRIOR_SPREAD_S), -3.0, 2.0),
        math.log2(1.0 + clip(centre, 0.0, 15.0)),
        math.log2(1.0 + clip(duration_s - centre, 0.0, 15.0)),
        min(math.log2(reads + 1.0), 8.0) / 4.0,
        clip(math.log2((reads + 1.0) / (4.0 * duration_s + 1.0)), -3.0, 4.0) / 2.0,
        clip(rise / 10.0, 0.0, 2.5),
        clip(fall / 10.0, 0.0, 2.5),
        clip((peak - stick.strong_dbm) / 10.0, -2.5, 1.0),
        clip((peak - _USUAL_DBM) / 10.0, -3.5, 2.0),
        clip(math.log2((reads + 1.0) / (stick.strong_reads + 1.0)), -4.0, 1.0),
        _balance(track),
        _even(track, stick),
        abs(traces.parted),
        abs(traces.turned),
        abs(traces.drift),
        abs(traces.ends),
        traces.straddle,
        abs(traces.swayed),
        abs(traces.swap),
        clip(abs(traces.leaning.stay_db) / 10.0, 0.0, 2.0),
        *_shifting(track.sides),
        *_turning(track),
    )


def _remembered(track: Track, lain: Lain | None, *, known: bool) -> tuple[float, float, float]:
    """``known``, ``met`` and ``louder``: what the portal knew of the tag before."""
    if lain is None:
        return float(known), 0.0, 0.0
    was_dbm = max(lain.outside_dbm, lain.inside_dbm)
    return (
        float(known),
        math.log2(1.0 + min(lain.passes, 7)) / 3.0,
        clip((track.peak_dbm - was_dbm) / 10.0, -1.0, 3.0),
    )


def _parted(outside: Side, inside: Side, spread: float) -> float:
    """How far apart in time the two sides heard the tag best, in spreads."""
    if not (outside.count and inside.count):
        return 0.0
    return clip((inside.centre_s - outside.centre_s) / (2.0 * spread), -2.0, 2.0)


def _louder_inside(bins: Sequence[Bin]) -> float:
    """By how many dB the inside is louder, on the mean over these stretches; 0 of none."""
    total = heard = 0.0
    for one in bins:
        outside, inside = one.outside_dbm, one.inside_dbm
        if outside is not None or inside is not None:
            total += _floored(inside) - _floored(outside)
            heard += 1.0
    return clip(total / heard, -30.0, 30.0) if heard else 0.0


def _floored(level_dbm: float | None) -> float:
    return FAINT_DBM if level_dbm is None else max(level_dbm, FAINT_DBM)


def _contrasts(track: Track, centre: float) -> tuple[float, float]:
    """How much louder the inside was before the tag was nearest, and after."""
    middle = int(centre * 1e6 // track.width_us)
    bins = track.bins()
    return _louder_inside(bins[: middle + 1]), _louder_inside(bins[middle:])


def _thirds(bins: Sequence[Bin]) -> tuple[float, float, float]:
    """How much louder the inside was in the first, middle and last third of what was heard."""
    third = max(len(bins) // 3, 1)
    middle = bins[third:-third] or bins
    return _louder_inside(bins[:third]), _louder_inside(middle), _louder_inside(bins[-third:])


def _handed(bins: Sequence[Bin]) -> float:
    """Whether another side heard it alone at the end than at the beginning."""
    alone = [
        float(one.outside_dbm is None) - float(one.inside_dbm is None)
        for one in bins
        if one.outside_dbm is not None or one.inside_dbm is not None
    ]
    return (alone[-1] - alone[0]) / 2.0 if alone else 0.0


def _swings(bins: Sequence[Bin]) -> tuple[float, float]:
    """How much louder the best moment is than the first, and than the last."""
    levels = [one.best_dbm for one in bins if one.best_dbm is not None]
    if len(levels) < 2:
        return 0.0, 0.0
    return max(levels) - levels[0], max(levels) - levels[-1]


def _balance(track: Track) -> float:
    """How far the weaker side's best stays behind the best, per 10 dB."""
    weaker = max(min(track.peak_of(OUTSIDE), track.peak_of(INSIDE)), FAINT_DBM)
    return clip((weaker - track.peak_dbm) / 10.0, -3.0, 0.0)


def _even(track: Track, stick: Yardstick) -> float:
    """How far the portal's antennas stay behind the one that heard it best, per 10 dB."""
    best = track.peak_dbm
    heard = sum(max(ear.peak_dbm, FAINT_DBM) - best for ear in track.ears)
    silent = max(len(stick.ears) - len(track.ears), 0) * (FAINT_DBM - best)
    return clip((heard + silent) / max(len(stick.ears), 1) / 10.0, -4.0, 0.0)


def _shifting(sides: Sequence[Side]) -> tuple[float, float]:
    """How strong its Doppler shifts are, and whether there are any."""
    told = [side for side in sides if side.dopplers]
    if not told:
        return 0.0, 0.0
    square = max(side.doppler_spread_hz**2 + side.doppler_hz**2 for side in told)
    return clip(math.log2((math.sqrt(square) + 0.5) / _STILL_HZ), -2.0, 4.0), 1.0


def _turning(track: Track) -> tuple[float, float]:
    """How much its phase changes from read to read: 0 at rest, 1 in motion; and how sure."""
    steps = sum(ear.steps for ear in track.ears)
    turns = sum(ear.turns for ear in track.ears)
    return (turns / (steps + _STEPS), steps / (steps + _STEPS)) if steps else (0.0, 0.0)


def _lay(lain: Lain | None) -> float:
    """On which side it lay before, if it did."""
    if lain is None:
        return 0.0
    inside, outside = max(lain.inside_dbm, UNHEARD_DBM), max(lain.outside_dbm, UNHEARD_DBM)
    return clip((outside - inside) / 20.0, -1.0, 1.0)
