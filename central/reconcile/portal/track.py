"""What judging keeps of one tag's activity at a portal: sums that fit in a few numbers.

Everything here is bounded (a few hundred bytes a tag), because the state of judging is written
with every commit. An ``Ear`` is what one antenna heard, a ``Side`` what all antennas that look
that way did; ``levels`` is a coarse picture of the whole activity in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gateway.contract import TagSighting

OUTSIDE, INSIDE, UNKNOWN = 0, 1, 2
SIDES = {"outside": OUTSIDE, "inside": INSIDE}
SIDE_NAMES = ("outside", "inside", "unknown")
UNHEARD_DBM = -90.0
"""Stands for the level of a side that heard nothing: below every reader's floor."""
SUPPOSED_DBM = -60.0
"""Stands for the level of a read whose reader tells none."""

BINS = 32
_FIRST_WIDTH_US = 250_000
_EARS = 8
"""More antennas than this (none known) share the last ear of their side."""
STEP_S = 0.6
"""Two phases on one channel within this are compared: later, an even walk has gone too far."""
_PER_BIN = 6
_ENDS = 4
_ZERO_DBM = -100.0
SHIFT_HZ = 0.25
"""What ``shifts`` counts Doppler in."""


class Side(msgspec.Struct, frozen=True):
    """What some antennas heard of a tag together. Times are seconds from the track's start,
    weighted with the amplitude
    (the square root of power): so a single loud moment says less than it does with power, which
    told more directions right on real walks (31 of 32 against 29).
    """

    count: int = 0
    peak_dbm: float = UNHEARD_DBM
    centre_s: float = 0.0
    spread_s: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0
    doppler_hz: float = 0.0
    doppler_spread_hz: float = 0.0
    dopplers: float = 0.0
    """Summed weight of the Doppler shifts; zero where the reader tells none."""


class Ear(msgspec.Struct, array_like=True):
    """What one antenna heard of a tag: sums over its sightings, weighted with the amplitude
    (in square roots of a nanowatt, times the reads). ``steps`` counts pairs of phases near in
    time on one channel, ``turns`` adds up how far each pair differs: 0 for none, 2 for a
    quarter turn (Impinj's phase is ambiguous by half a turn, so more cannot be told).
    """

    name: str
    side: int
    count: int = 0
    peak_dbm: float = UNHEARD_DBM
    weight: float = 0.0
    weight_time: float = 0.0
    weight_time2: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0
    dopplers: float = 0.0
    doppler: float = 0.0
    doppler2: float = 0.0
    doppler_time: float = 0.0
    phase_rad: float | None = None
    channel: int | None = None
    steps: int = 0
    turns: float = 0.0

    @property
    def centre_s(self) -> float:
        """When the antenna heard the tag best: the weighted mean time."""
        return self.weight_time / self.weight if self.weight else 0.0

    def add(self, t: float, seen: TagSighting, rssi_dbm: float) -> None:
        """Take one sighting in."""
        weight = seen.count * 10.0 ** (rssi_dbm / 20.0 + 3.0)
        if seen.phase_rad is not None:
            self._step(t, seen.phase_rad, seen.channel)
        self.first_s = min(self.first_s, t) if self.count else t
        self.last_s = max(self.last_s, t)
        self.count += seen.count
        self.peak_dbm = max(self.peak_dbm, rssi_dbm)
        self.weight += weight
        self.weight_time += weight * t
        self.weight_time2 += weight * t * t
        if seen.doppler_hz is not None:
            self.dopplers += weight
            self.doppler += weight * seen.doppler_hz
            self.doppler2 += weight * seen.doppler_hz**2
            self.doppler_time += weight * seen.doppler_hz * t

    def _step(self, t: float, phase_rad: float, channel: int | None) -> None:
        before = self.phase_rad
        if before is not None and channel == self.channel and 0.0 < t - self.last_s <= STEP_S:
            self.steps += 1
            self.turns += 1.0 - math.cos(2.0 * (phase_rad - before))
        self.phase_rad, self.channel = phase_rad, channel


def together(ears: Iterable[Ear]) -> Side:
    """What these antennas heard, as one."""
    heard = [ear for ear in ears if ear.count]
    if not heard:
        return Side()
    weight = sum(ear.weight for ear in heard)
    centre_s = sum(ear.weight_time for ear in heard) / weight
    variance = sum(ear.weight_time2 for ear in heard) / weight - centre_s**2
    dopplers = sum(ear.dopplers for ear in heard)
    doppler = sum(ear.doppler for ear in heard) / dopplers if dopplers else 0.0
    doppler2 = sum(ear.doppler2 for ear in heard) / dopplers if dopplers else 0.0
    return Side(
        sum(ear.count for ear in heard),
        max(ear.peak_dbm for ear in heard),
        centre_s,
        math.sqrt(max(variance, 0.0)),
        min(ear.first_s for ear in heard),
        max(ear.last_s for ear in heard),
        doppler,
        math.sqrt(max(doppler2 - doppler**2, 0.0)),
        dopplers,
    )


class Bin(NamedTuple):
    """Mean levels in one stretch of time; ``None`` where a side heard nothing."""

    outside_dbm: float | None
    inside_dbm: float | None
    best_dbm: float | None

    @property
    def contrast_db(self) -> float | None:
        """How much louder the inside heard it, where both did."""
        if self.outside_dbm is None or self.inside_dbm is None:
            return None
        return self.inside_dbm - self.outside_dbm


class Track(msgspec.Struct, array_like=True):
    """One tag's activity, from the first sighting after a silence to the last.

    ``levels`` holds, for each stretch of ``width_us`` and each side (outside, inside,
    unknown), the number of sightings and the sum of their levels above -100 dBm; stretches
    start at 250 ms and double whenever there would be more than 32. ``shifts`` holds of the same
    stretches and sides the number of sightings with a Doppler shift, and their sum in quarters of
    a hertz.
    ``source`` indexes the portal's table of (edge, epoch); the seqs are of that epoch. ``supposed``
    says that its reader told no level of it: how often it was read stands in (``stand_in``).
    """

    epc: str
    first_us: int
    last_us: int
    source: int
    first_seq: int
    last_seq: int
    ears: list[Ear] = []
    levels: list[int] = []
    width_us: int = _FIRST_WIDTH_US
    shifts: list[int] = []
    supposed: bool = False

    @property
    def sides(self) -> tuple[Side, Side, Side]:
        """What each side heard: outside, inside, unknown."""
        return self._side(OUTSIDE), self._side(INSIDE), self._side(UNKNOWN)

    def _side(self, side: int) -> Side:
        return together(ear for ear in self.ears if ear.side == side)

    @property
    def reads(self) -> int:
        """Reads behind it."""
        return sum(ear.count for ear in self.ears)

    @property
    def peak_dbm(self) -> float:
        """The loudest level on any antenna."""
        return max((ear.peak_dbm for ear in self.ears), default=UNHEARD_DBM)

    def peak_of(self, side: int) -> float:
        """The loudest level on a side's antennas."""
        return max((e.peak_dbm for e in self.ears if e.side == side), default=UNHEARD_DBM)

    @property
    def rose_db(self) -> float:
        """How much louder it was at last than at first: the means of ``_ENDS`` stretches each."""
        best = [one.best_dbm for one in self.bins() if one.best_dbm is not None]
        ends = min(_ENDS, len(best) // 2)
        return (sum(best[-ends:]) - sum(best[:ends])) / ends if ends else 0.0

    def ending(self, at_us: int) -> Track:
        """The same track as if it had been so much later that it ended then; a copy."""
        return msgspec.structs.replace(
            self,
            first_us=self.first_us + at_us - self.last_us,
            last_us=at_us,
            ears=[msgspec.structs.replace(ear) for ear in self.ears],
            levels=self.levels.copy(),
            shifts=self.shifts.copy(),
        )

    def add(self, at_us: int, side: int, seen: TagSighting) -> None:
        """Take one sighting in (a little disorder in time is harmless)."""
        level = seen.peak_rssi_dbm if seen.peak_rssi_dbm is not None else seen.mean_rssi_dbm
        rssi_dbm = SUPPOSED_DBM if level is None else level
        offset_us = max(at_us - self.first_us, 0)
        self.last_us = max(self.last_us, at_us)
        self._ear(f"{seen.device}/{seen.antenna}", side).add(offset_us / 1e6, seen, rssi_dbm)
        while offset_us // self.width_us >= BINS:
            self._halve()
        place = offset_us // self.width_us * _PER_BIN + 2 * side
        _count(self.levels, place, max(round(rssi_dbm - _ZERO_DBM), 0))
        if seen.doppler_hz is not None:
            _count(self.shifts, place, round(seen.doppler_hz / SHIFT_HZ))

    def _ear(self, name: str, side: int) -> Ear:
        for ear in self.ears:
            if ear.name == name and ear.side == side:
                return ear
        if len(self.ears) >= _EARS:
            return next((ear for ear in reversed(self.ears) if ear.side == side), self.ears[-1])
        ear = Ear(name, side)
        self.ears.append(ear)
        return ear

    def _halve(self) -> None:
        self.width_us *= 2
        self.levels, self.shifts = _halved(self.levels), _halved(self.shifts)

    def counted(self) -> Iterator[list[tuple[int, int, float]]]:
        """For each stretch of ``levels``: (side, sightings, mean level) of who heard it."""
        for start in range(0, len(self.levels), _PER_BIN):
            yield [
                (side, count, _ZERO_DBM + self.levels[start + 2 * side + 1] / count)
                for side in (OUTSIDE, INSIDE, UNKNOWN)
                if (count := self.levels[start + 2 * side])
            ]

    def bins(self) -> list[Bin]:
        """The stretches of ``levels`` from the start on."""
        levels = self.levels
        return [_bin(levels[start : start + _PER_BIN]) for start in range(0, len(levels), _PER_BIN)]


def _count(sums: list[int], place: int, value: int) -> None:
    """One more at ``place``, whose sum is beside it."""
    if place >= len(sums):
        sums += [0] * ((place // _PER_BIN + 1) * _PER_BIN - len(sums))
    sums[place] += 1
    sums[place + 1] += value


def _halved(sums: list[int]) -> list[int]:
    old = sums + [0] * (len(sums) % (2 * _PER_BIN))
    return [
        old[start + place] + old[start + _PER_BIN + place]
        for start in range(0, len(old), 2 * _PER_BIN)
        for place in range(_PER_BIN)
    ]


def _bin(levels: Sequence[int]) -> Bin:
    outside, inside, unknown = (
        _ZERO_DBM + total / count if count else None
        for count, total in zip(levels[::2], levels[1::2], strict=True)
    )
    heard = [level for level in (outside, inside, unknown) if level is not None]
    return Bin(outside, inside, max(heard) if heard else None)


def begin(epc: str, at_us: int, *, source: int, seq: int) -> Track:
    """An empty track."""
    return Track(epc, at_us, at_us, source, seq, seq)
