"""A classifier of levels and times, as published for dock doors and gates, read as a portal.

What Keller, Thiesse and Fleisch (2010, 2014) and Alfian et al. (2019) feed to theirs: statistics
of a tag's levels and of when and how often it was read, by antenna side. No phase, no Doppler, no
neighbours, no memory. The model is the plainest of those they compare, a logistic regression: one
for "crossed", one for the direction of what crossed. Written anew from their descriptions.

A tag's reads are cut where it was silent for ``SILENCE_S``: each piece is judged by itself. The
weights lie in ``rssi_weights.json``, with the command that fitted them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean, pstdev

import msgspec

from benchmarks.accuracy.rules import reads_of, sides_of
from drivers.recording import Recording, TagHeard
from tallyport.evaluate.events import Event

WEIGHTS = Path(__file__).with_name("rssi_weights.json")
SILENCE_S = 5.0
UNHEARD_DBM = -85.0
"""The level of a side that did not hear the tag: just below any reader's floor."""
NO_LEVEL_DBM = -60.0
FEATURES = (
    "strongest", "mean", "weakest", "spread", "log_reads", "log_seconds", "reads_per_s",
    "outside_strongest", "inside_strongest", "both", "rise", "fall",
)  # fmt: skip
WAYS = ("mean_lag", "peak_lag", "first_lag", "last_lag", "level_lag")


class Model(msgspec.Struct, frozen=True):
    """A logistic regression over features that are first made zero mean and unit spread."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def probability(self, values: Sequence[float]) -> float:
        """Of yes."""
        parts = zip(values, self.means, self.spreads, self.weights, strict=True)
        score = self.bias + sum(w * (v - m) / s for v, m, s, w in parts)
        return 1.0 / (1.0 + math.exp(-min(max(score, -60.0), 60.0)))


class Weights(msgspec.Struct, frozen=True):
    """Both models and where they come from."""

    made_by: str
    recordings: int
    tags: int
    crossed: Model
    inwards: Model


@cache
def weights() -> Weights:
    """Those that are kept."""
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=Weights)


def classifier(recording: Recording) -> Iterator[tuple[str, Event]]:
    """Every piece of a tag's reads that looks like a crossing, told once it fell silent."""
    fitted = weights()
    for epc, reads, sides in pieces(recording):
        crossed = fitted.crossed.probability(levels(reads, sides))
        if crossed < 0.5:
            continue
        inwards = fitted.inwards.probability(lags(reads, sides))
        at_s = max(reads, key=level).t
        way, sure = (1, inwards) if inwards >= 0.5 else (-1, 1.0 - inwards)
        yield epc, Event(at_s, way, True, reads[-1].t + SILENCE_S, crossed * sure)


def pieces(
    recording: Recording,
) -> Iterator[tuple[str, list[TagHeard], Mapping[int, str]]]:
    """Each tag's reads, cut where it was silent."""
    sides = sides_of(recording)
    for epc, reads in reads_of(recording).items():
        piece: list[TagHeard] = []
        for read in reads:
            if piece and read.t - piece[-1].t > SILENCE_S:
                yield epc, piece, sides
                piece = []
            piece.append(read)
        yield epc, piece, sides


def level(read: TagHeard) -> float:
    """In dBm; some readers tell none."""
    return NO_LEVEL_DBM if read.peak_rssi_dbm is None else read.peak_rssi_dbm


def levels(reads: Sequence[TagHeard], sides: Mapping[int, str]) -> list[float]:
    """``FEATURES`` of one piece."""
    heard = [level(one) for one in reads]
    seconds = reads[-1].t - reads[0].t
    strongest = {
        side: max((level(o) for o in reads if sides.get(o.antenna) == side), default=UNHEARD_DBM)
        for side in ("outside", "inside")
    }
    return [
        max(heard),
        fmean(heard),
        min(heard),
        pstdev(heard),
        math.log1p(len(reads)),
        math.log1p(seconds),
        len(reads) / (seconds + 0.5),
        strongest["outside"],
        strongest["inside"],
        min(strongest.values()),
        max(heard) - heard[0],
        max(heard) - heard[-1],
    ]


def lags(reads: Sequence[TagHeard], sides: Mapping[int, str]) -> list[float]:
    """``WAYS`` of one piece: how much later, and how much louder, the inside had it; 0 where a
    side had nothing.
    """
    outside = [one for one in reads if sides.get(one.antenna) == "outside"]
    inside = [one for one in reads if sides.get(one.antenna) == "inside"]
    if not outside or not inside:
        return [0.0] * (len(WAYS) - 1) + [float(len(inside) - len(outside) > 0) * 10.0 - 5.0]
    loudest_in, loudest_out = max(inside, key=level), max(outside, key=level)
    return [
        _limited(fmean(o.t for o in inside) - fmean(o.t for o in outside)),
        _limited(loudest_in.t - loudest_out.t),
        _limited(inside[0].t - outside[0].t),
        _limited(inside[-1].t - outside[-1].t),
        _limited(level(loudest_in) - level(loudest_out), 15.0),
    ]


def _limited(value: float, most: float = 3.0) -> float:
    return min(max(value, -most), most)
