"""What the captures say of the portal itself, before anything is judged. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from drivers.recording import AntennaPlace, PortalHeader, Recording, TagHeard
from tallyport.certify.plan import Direction
from tallyport.evaluate.measures import quantile

_FLOOR = 0.01
"""So few reads are weaker than what is called the floor: single reads of noise do not count."""
_NEPER_PER_DB = math.log(10.0) / 20.0
_TURN_S = 0.05
"""Antennas that hear a walk this much before or after its middle look to a side."""


class Captured(NamedTuple):
    """One capture: ``direction`` is None of a quiet stretch; ``carried`` are its own tags."""

    file: str
    recording: Recording
    seconds: float
    direction: Direction | None
    carried: frozenset[str]

    @property
    def header(self) -> PortalHeader:
        """Of a portal's recording."""
        assert isinstance(self.recording.header, PortalHeader)
        return self.recording.header

    def reads(self, *, carried: bool) -> Iterator[TagHeard]:
        """What was heard of the walk's own tags, or of all others."""
        for line in self.recording.heard:
            if isinstance(line, TagHeard) and (line.epc.upper() in self.carried) == carried:
                yield line


class AntennaSeen(NamedTuple):
    """One antenna: reads a second in quiet and on walks, its strongest of carried and of other
    tags, and when it hears a walk inwards, before (-) or after (+) the walk's middle.
    """

    place: AntennaPlace
    idle_per_s: float
    walk_per_s: float
    carried_dbm: float | None
    others_dbm: float | None
    lag_s: float | None

    @property
    def side_seen(self) -> str:
        """The side it looks at by what it heard."""
        if self.lag_s is None or abs(self.lag_s) < _TURN_S:
            return "unknown"
        return "outside" if self.lag_s < 0 else "inside"


class Survey(NamedTuple):
    """The portal as measured. Levels are the strongest of each tag in each capture, in dBm.

    ``partings`` are by how much of a walk's length the inside heard it after the outside.
    """

    antennas: tuple[AntennaSeen, ...]
    movers_dbm: tuple[float, ...]
    strays_dbm: tuple[float, ...]
    floor_dbm: float | None
    strays: int
    unheard: int
    pauses_s: tuple[float, ...]
    passes_s: tuple[float, ...]
    idle_gaps_s: tuple[float, ...]
    partings: tuple[float, ...]


def survey(captured: Sequence[Captured]) -> Survey:
    """Measure the portal over all captures."""
    through = [one for one in captured if one.direction in {"in", "out"}]
    levels = [r.peak_rssi_dbm for one in captured for r in _all(one) if r.peak_rssi_dbm is not None]
    strays = {r.epc.upper() for one in captured for r in one.reads(carried=False)}
    return Survey(
        antennas=tuple(_antenna(place, captured) for place in _places(captured)),
        movers_dbm=tuple(v for one in through for v in _strongest(one, carried=True)),
        strays_dbm=tuple(v for one in captured for v in _strongest(one, carried=False)),
        floor_dbm=quantile(levels, _FLOOR),
        strays=len(strays),
        unheard=sum(
            len(o.carried - {r.epc.upper() for r in o.reads(carried=True)}) for o in through
        ),
        pauses_s=tuple(p for one in through for p in _pauses(one)),
        passes_s=tuple(_length(one) for one in through if any(one.reads(carried=True))),
        idle_gaps_s=tuple(g for one in captured if one.direction is None for g in _gaps(one)),
        partings=tuple(lag for one in through if (lag := _parting(one)) is not None),
    )


def _all(one: Captured) -> Iterator[TagHeard]:
    return (line for line in one.recording.heard if isinstance(line, TagHeard))


def _places(captured: Sequence[Captured]) -> list[AntennaPlace]:
    known = {place.antenna: place for one in captured for place in one.header.antennas}
    heard = {read.antenna for one in captured for read in _all(one)}
    return [known.get(n) or AntennaPlace(antenna=n) for n in sorted(heard | known.keys())]


def _antenna(place: AntennaPlace, captured: Sequence[Captured]) -> AntennaSeen:
    number = place.antenna
    idle = [one for one in captured if one.direction is None]
    walked = [one for one in captured if one.direction is not None]
    lags = [lag for one in captured if (lag := _lag(one, number)) is not None]
    return AntennaSeen(
        place,
        idle_per_s=_rate(idle, number),
        walk_per_s=_rate(walked, number),
        carried_dbm=_loudest(captured, number, carried=True),
        others_dbm=_loudest(captured, number, carried=False),
        lag_s=median(lags) if lags else None,
    )


def _rate(captured: Sequence[Captured], antenna: int) -> float:
    seconds = sum(one.seconds for one in captured)
    reads = sum(read.antenna == antenna for one in captured for read in _all(one))
    return reads / seconds if seconds else 0.0


def _loudest(captured: Sequence[Captured], antenna: int, *, carried: bool) -> float | None:
    return max(
        (
            read.peak_rssi_dbm
            for one in captured
            for read in one.reads(carried=carried)
            if read.antenna == antenna and read.peak_rssi_dbm is not None
        ),
        default=None,
    )


def _strongest(one: Captured, *, carried: bool) -> list[float]:
    best: dict[str, float] = {}
    for read in one.reads(carried=carried):
        if read.peak_rssi_dbm is not None:
            epc = read.epc.upper()
            best[epc] = max(best.get(epc, read.peak_rssi_dbm), read.peak_rssi_dbm)
    return list(best.values())


def _centre(reads: Sequence[TagHeard]) -> float | None:
    """When the reads were, each by the amplitude that it had."""
    if not reads:
        return None
    total = weight = 0.0
    for read in reads:
        level = -60.0 if read.peak_rssi_dbm is None else read.peak_rssi_dbm
        amplitude = math.exp(level * _NEPER_PER_DB)
        total += amplitude * read.t
        weight += amplitude
    return total / weight


def _lag(one: Captured, antenna: int) -> float | None:
    """How long after the walk's middle this antenna heard it, as if it had gone inwards."""
    if one.direction not in {"in", "out"}:
        return None
    reads = list(one.reads(carried=True))
    here, middle = _centre([r for r in reads if r.antenna == antenna]), _centre(reads)
    if here is None or middle is None:
        return None
    return (here - middle) * (1.0 if one.direction == "in" else -1.0)


def _parting(one: Captured) -> float | None:
    """From the outside antennas' hearing to the inside ones', as if inwards, by its length."""
    sides = {place.antenna: place.side for place in one.header.antennas}
    centres = []
    for side in ("outside", "inside"):
        reads = [read for read in one.reads(carried=True) if sides.get(read.antenna) == side]
        centres.append(_centre(reads))
    outside, inside = centres
    if outside is None or inside is None:
        return None
    return (inside - outside) / (_length(one) or 1.0) * (1.0 if one.direction == "in" else -1.0)


def _pauses(one: Captured) -> list[float]:
    """How long none of the walk's tags was heard, in the middle of it."""
    times = [read.t for read in one.reads(carried=True)]
    return [after - before for before, after in pairwise(times)]


def _length(one: Captured) -> float:
    times = [read.t for read in one.reads(carried=True)]
    return times[-1] - times[0]


def _gaps(one: Captured) -> list[float]:
    """How long each tag that stands about was silent, in quiet."""
    last: dict[str, float] = {}
    gaps = []
    for read in one.reads(carried=False):
        before = last.get(read.epc)
        if before is not None:
            gaps.append(read.t - before)
        last[read.epc] = read.t
    return gaps
