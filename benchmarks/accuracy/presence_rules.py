"""Simpler trackers of tags, and published ones, to compare with: which tags are there, where.

Each is given one recording's reads and answers what it would have told, and when. None looks
ahead. None of the others' code was taken.

* A fixed window: present from the first read on, absent when that many seconds went by without
  one; at the place that heard it best within the window.
* SMURF (Jeffery, Garofalakis, Franklin, VLDB 2006), our reading of the paper: epochs of half a
  second of five interrogations each. Of the epochs in a tag's window those with reads give the
  mean read rate p; the window that misses a present tag with probability 0.01 is
  ``ln(1 / 0.01) / p`` epochs. It grows by two epochs at a time, and is halved when fewer epochs
  hold reads than p makes probable (two standard deviations). Present while the window holds a
  read. It knows no places: here, the loudest of the window.
* EdgeX Foundry's RFID inventory, from its documentation: arrived with the first read. For each
  antenna the mean of a tag's last 20 levels; another antenna with at least 2 reads takes the tag
  over when its mean is above the present one's by an offset, 6 dB, that sinks by 8 dB a second
  once the present one was silent for half a second. Moved when that antenna's alias is another.
  Departed after ten minutes, looked at every 30 s.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_EPOCH_S, _CYCLES, _MISSED = 0.5, 5, 0.01
_EDGEX_GONE_S, _EDGEX_LOOKS_S, _EDGEX_KEPT, _EDGEX_READS = 600.0, 30.0, 20, 2
_EDGEX_DB, _EDGEX_DB_S, _EDGEX_HOLD_S = 6.0, -8.0, 0.5
_MOST_EPOCHS = 600


class Read(NamedTuple):
    """An antenna that watches a place read a tag, in seconds since the recording began."""

    t: float
    antenna: int
    place: str
    dbm: float


class Told(NamedTuple):
    """What a tracker told of a tag: ``arrived``, ``moved`` or ``departed``. True from ``t`` on,
    known at ``known_t``.
    """

    t: float
    known_t: float
    kind: str
    place: str


def fixed(reads: Sequence[Read], window_s: float) -> Iterator[Told]:
    """A fixed window, exactly in time."""
    recent: deque[Read] = deque()
    place = ""
    last_t = None
    for read in reads:
        if last_t is not None and read.t - last_t > window_s:
            yield Told(last_t + window_s, last_t + window_s, "departed", place)
            last_t = None
            recent.clear()
        recent.append(read)
        while recent[0].t < read.t - window_s:
            recent.popleft()
        loudest = _loudest(recent)
        if last_t is None:
            yield Told(read.t, read.t, "arrived", loudest)
        elif loudest != place:
            yield Told(read.t, read.t, "moved", loudest)
        place, last_t = loudest, read.t
    if last_t is not None:
        yield Told(last_t + window_s, last_t + window_s, "departed", place)


def smurf(reads: Sequence[Read]) -> Iterator[Told]:
    """Epoch by epoch until the window is empty after the last read."""
    epochs: dict[int, list[Read]] = {}
    for read in reads:
        epochs.setdefault(math.floor(read.t / _EPOCH_S), []).append(read)
    first, last = min(epochs), max(epochs)
    window, place, present = 1, "", False
    for number in range(first, last + _MOST_EPOCHS):
        seen = [one for one in range(number - window + 1, number + 1) if one in epochs]
        t = (number + 1) * _EPOCH_S
        if not seen:
            window = 1
            if present:
                present = False
                yield Told(t, t, "departed", place)
            if number > last:
                return
            continue
        loudest = _loudest([read for one in seen for read in epochs[one]])
        if not present or loudest != place:
            yield Told(t, t, "moved" if present else "arrived", loudest)
        present, place = True, loudest
        window = _window(window, [len(epochs[one]) for one in seen])


def _window(window: int, counts: Sequence[int]) -> int:
    rate = sum(min(1.0, count / _CYCLES) for count in counts) / len(counts)
    wanted = math.ceil(math.log(1 / _MISSED) / rate)
    expected = window * rate
    if wanted > window:
        return min(window + 2, wanted)
    if expected - len(counts) > 2 * math.sqrt(window * rate * (1 - rate)):
        return max(1, min(window // 2, wanted))
    return window


def edgex(reads: Sequence[Read]) -> Iterator[Told]:
    """Recordings are shorter than its ten minutes: a tag departs once, after the end."""
    levels: dict[int, deque[float]] = {}
    last_t: dict[int, float] = {}
    antenna, place = reads[0].antenna, reads[0].place
    yield Told(reads[0].t, reads[0].t, "arrived", place)
    for read in reads:
        here = levels.setdefault(read.antenna, deque(maxlen=_EDGEX_KEPT))
        here.append(read.dbm)
        last_t[read.antenna] = read.t
        if read.antenna == antenna or len(here) < _EDGEX_READS:
            continue
        silent_s = read.t - last_t[antenna] - _EDGEX_HOLD_S
        offset_db = min(_EDGEX_DB, _EDGEX_DB + _EDGEX_DB_S * silent_s)
        if _mean(here) > _mean(levels[antenna]) + offset_db:
            antenna = read.antenna
            if read.place != place:
                place = read.place
                yield Told(read.t, read.t, "moved", place)
    gone_t = math.ceil((reads[-1].t + _EDGEX_GONE_S) / _EDGEX_LOOKS_S) * _EDGEX_LOOKS_S
    yield Told(gone_t, gone_t, "departed", place)


def _mean(levels: deque[float]) -> float:
    return sum(levels) / len(levels)


def _loudest(reads: Sequence[Read] | deque[Read]) -> str:
    sums: dict[str, tuple[float, int]] = {}
    for read in reads:
        total, number = sums.get(read.place, (0.0, 0))
        sums[read.place] = (total + read.dbm, number + 1)
    return max(sums, key=lambda place: (sums[place][0] / sums[place][1], place))
