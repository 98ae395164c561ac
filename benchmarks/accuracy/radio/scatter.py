"""How the reads of a tag that stands still scatter at one antenna, as one would measure it."""

from __future__ import annotations

import cmath
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean, linear_regression, median, pstdev
from typing import NamedTuple

from drivers.recording import TagHeard

ENOUGH_READS, ENOUGH_CHANNELS = 5, 4
"""Fewer say nothing of a channel, or of what changes from one to the next."""


class Scatter(NamedTuple):
    """One place before one antenna: the mean level (dBm), its standard deviation within a channel,
    between the channels' means and of all reads (dB); of the phase within a channel, the doubled
    angle being taken since a reader may be off by half a turn (degrees), and of Doppler (Hz).
    """

    level_dbm: float
    within_db: float
    between_db: float
    over_hops_db: float
    phase_deg: float
    doppler_hz: float


class Line(NamedTuple):
    """A straight line through levels over the logarithm of distance."""

    slope_n: float
    """dB a decade, a tenth of it: free space would be 4, there and back."""
    at_1m_dbm: float
    residual_db: float


def scatter(reads: Iterable[TagHeard]) -> Scatter | None:
    """Of one tag's reads at one antenna; ``None`` where they are too few."""
    channels: dict[int, list[TagHeard]] = defaultdict(list)
    for read in reads:
        channels[read.channel or 0].append(read)
    groups = [group for group in channels.values() if len(group) >= ENOUGH_READS]
    if len(groups) < ENOUGH_CHANNELS:
        return None
    every = levels(read for group in groups for read in group)
    return Scatter(
        fmean(every),
        fmean(pstdev(levels(group)) for group in groups),
        pstdev(fmean(levels(group)) for group in groups),
        pstdev(every),
        median(_phase_sd_deg(group) for group in groups),
        median(pstdev(read.doppler_hz or 0.0 for read in group) for group in groups),
    )


def levels(reads: Iterable[TagHeard]) -> list[float]:
    """In dBm, of those reads that tell one."""
    return [read.peak_rssi_dbm for read in reads if read.peak_rssi_dbm is not None]


def line(places: Sequence[tuple[float, float]]) -> Line:
    """Least squares through (metres, dBm)."""
    decades = [math.log10(metres) for metres, _ in places]
    slope, at_1m = linear_regression(decades, [dbm for _, dbm in places])
    off = [dbm - slope * x - at_1m for x, (_, dbm) in zip(decades, places, strict=True)]
    return Line(-slope / 10.0, at_1m, pstdev(off))


def rate(reads: Sequence[TagHeard]) -> float:
    """Reads per second."""
    return (len(reads) - 1) / max(reads[-1].t - reads[0].t, 1e-9)


def unseen(times: Sequence[float], end_s: float, longer_than_s: float) -> float:
    """The share of the time from a tag's first read to ``end_s`` in which its last read was longer
    ago than that.
    """
    whole = max(end_s - times[0], 1e-9)
    gaps = (later - sooner for sooner, later in pairwise([*times, end_s]))
    return sum(max(gap - longer_than_s, 0.0) for gap in gaps) / whole


def _phase_sd_deg(group: Sequence[TagHeard]) -> float:
    length = abs(sum(cmath.exp(2j * (read.phase_rad or 0.0)) for read in group)) / len(group)
    return math.degrees(math.sqrt(-2.0 * math.log(min(length, 1.0 - 1e-12)))) / 2.0
