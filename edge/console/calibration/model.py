"""Formulas of a scale's calibration. Pure.

Sources: OIML R 76-1:2006, *Non-automatic weighing instruments* ("R 76" below, with the clause);
JCGM 100:2008 (GUM) for uncertainties; for counting, the rule of three sigma written out at
``countable``. A *division* is R 76's verification interval ``e``: what errors are counted in.
We use R 76's limits as a yardstick; a certificate of ours is no legal verification.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

PIECE_SIGMAS = 10.0
"""A piece should weigh this many standard deviations of a second's mean, or it drowns in noise."""
ENOUGH_SIGMAS = 200.0
"""A span load moves the reading by this many deviations, or the factor is worse than 0.5 %."""
LEAST_SHARE = 0.05
"""Of the capacity: with less on the plate a small error of zero turns the whole line."""
LIFTS = 3
R76_CREEP_S = 1_800.0
CREEP_LIMIT = 0.5
"""Divisions that the reading of a load that lies may move in 30 minutes (R 76 3.9.4.1); a shorter
watch is held to the same half."""
MOST_DIVISIONS = 10_000
_MOST_COUNTED = 100_000


class Trend(NamedTuple):
    """A straight line through samples: its slope a second, and the deviation from it."""

    slope_per_s: float
    sigma: float


class Noise(NamedTuple):
    """How a plate trembles while nothing happens. ``sigma`` is of single samples, ``second_sigma``
    of means over a second, ``peak`` the difference of the highest and the lowest sample.
    """

    samples: int
    seconds: float
    mean: float
    sigma: float
    second_sigma: float
    peak: float
    drift_per_min: float


class Countable(NamedTuple):
    """How many pieces can be counted for sure by weight alone, and how far one piece stands out
    of the noise.
    """

    most: int
    piece_sigmas: float


def trend(times_s: Sequence[float], values: Sequence[float]) -> Trend:
    """Least squares. Under three samples there is no deviation to speak of."""
    if len(values) < 2:
        return Trend(0.0, 0.0)
    middle, level = fmean(times_s), fmean(values)
    square = sum((at - middle) ** 2 for at in times_s)
    along = sum((at - middle) * (value - level) for at, value in zip(times_s, values, strict=True))
    slope = along / square if square else 0.0
    left = [
        value - level - slope * (at - middle) for at, value in zip(times_s, values, strict=True)
    ]
    freedom = len(values) - 2
    sigma = math.sqrt(sum(one * one for one in left) / freedom) if freedom > 0 else 0.0
    return Trend(slope, sigma)


def noise(times_s: Sequence[float], values: Sequence[float]) -> Noise:
    """What samples of an untouched plate tell. ``ValueError`` for fewer than five."""
    if len(values) < 5:
        raise ValueError("too few samples to know the noise")
    seconds: dict[int, list[float]] = {}
    for at, value in zip(times_s, values, strict=True):
        seconds.setdefault(int(at - times_s[0]), []).append(value)
    means = [fmean(lot) for lot in seconds.values() if len(lot) > 1]
    sigma = stdev(values)
    usual = len(values) / max(len(seconds), 1)
    by_chance = sigma / math.sqrt(max(usual, 1.0))
    return Noise(
        samples=len(values),
        seconds=times_s[-1] - times_s[0],
        mean=fmean(values),
        sigma=sigma,
        # slow wandering makes it more than chance alone would
        second_sigma=max(stdev(means), by_chance) if len(means) > 2 else by_chance,
        peak=max(values) - min(values),
        drift_per_min=60.0 * trend(times_s, values).slope_per_s,
    )


def smallest_piece_g(second_sigma_g: float) -> float:
    """The lightest piece that this plate tells from its own noise, where it stands."""
    return PIECE_SIGMAS * second_sigma_g


def division_for(sigma_g: float, most_g: float = 0.0) -> float:
    """A division that suits a plate: of 1, 2, 5 times a power of ten (R 76 4.2.2.1), three
    deviations of its noise at least, and so that ``most_g`` is at most 10,000 of them, as class III
    has (R 76 3.2, table 3).
    """
    wanted = max(3.0 * sigma_g, most_g / MOST_DIVISIONS, 1e-6)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(one for one in (1, 2, 5, 10) if one * power >= wanted * (1 - 1e-9))
    return float(f"{step * power:.3g}")


def limit_divisions(load_g: float, division_g: float, *, in_service: bool = False) -> float:
    """The most a reading may be wrong at this load, in divisions, for an instrument of class III
    (R 76 3.5.1, table 6). ``in_service``: twice that (3.5.2).
    """
    loaded = abs(load_g) / division_g
    most = 0.5 if loaded <= 500 else 1.0 if loaded <= 2_000 else 1.5
    return 2 * most if in_service else most


def error_divisions(shown_g: float, load_g: float, division_g: float) -> float:
    """How wrong a reading is, in divisions, with its sign."""
    return (shown_g - load_g) / division_g


def factor_uncertainty(
    *, mass_g: float, mass_uncertainty_g: float, change: float, change_sigma: float
) -> float:
    """Relative standard uncertainty of counts per gram: that of the mass (given for k = 2, as
    certificates of weights do; GUM 4.3.3) and that of the two levels of which it is the change.
    """
    of_mass = mass_uncertainty_g / 2 / mass_g
    of_change = math.sqrt(2) * change_sigma / abs(change)
    return math.hypot(of_mass, of_change)


def countable(
    unit_g: float, sigma_g: float, *, pieces_weighed: int, unit_cv: float = 0.01
) -> Countable:
    """The most pieces N for which ``3 * sqrt(N c^2 + N^2 c^2 / n + (s/w)^2 (1 + (N/n)^2)) < 1/2``.

    ``c`` is how much pieces differ (``unit_cv``), ``n`` the ``pieces_weighed`` together to learn
    the weight ``w`` of one, ``s`` the deviation of a second's mean. Pieces differ by chance, the
    learnt weight errs by that of the n, and both weighings tremble; three sigma stay below half
    a piece.
    """
    assert unit_g > 0
    assert pieces_weighed > 0
    ratio, n = sigma_g / unit_g, pieces_weighed

    def sure(count: int) -> bool:
        variance = count * unit_cv**2 + (count * unit_cv) ** 2 / n
        variance += ratio**2 * (1 + (count / n) ** 2)
        return 3.0 * math.sqrt(variance) < 0.5

    low, high = 0, 1
    while high < _MOST_COUNTED and sure(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sure(middle) else (low, middle)
    return Countable(most=low, piece_sigmas=1 / ratio if ratio else math.inf)
