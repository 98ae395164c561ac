"""EdgeX Foundry's RFID inventory, from its description: a tracker of places, read as a portal.

Of app-rfid-llrp-inventory's documentation and defaults: for each antenna the mean of a tag's last
20 levels is kept. A tag has arrived with its first read, at that antenna. It moves to another
antenna when that has at least 2 reads and its mean is above that of the present one by more than
an offset: 6 dB, sinking by 8 dB for every second that the present antenna has been silent beyond
500 ms. It has moved, to the outside, once the other antenna has another alias. After 600 s of
silence it has departed, and arrives anew. Written anew from that; no code was taken.

The portal's two sides are the two aliases here: a tag that moved from the outside to the inside
came in. It knows no strays: where no side is known, every tag that arrived came in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from benchmarks.accuracy.rules import reads_of, sides_of
from drivers.recording import Recording, TagHeard
from tallyport.evaluate.events import Event

_REMEMBERED = 20
_ENOUGH_READS = 2
_THRESHOLD_DB, _SLOPE_DB_S, _HOLD_S = 6.0, -8.0, 0.5
_DEPARTED_S = 600.0

P = TypeVar("P", str, int)


class Moved(NamedTuple, Generic[P]):
    """At ``t`` a tag was found at ``place``; ``arrived`` when it was nowhere before."""

    t: float
    place: P
    arrived: bool


class _Place:
    """One place's view of one tag."""

    def __init__(self) -> None:
        self.levels: deque[float] = deque(maxlen=_REMEMBERED)
        self.last_s = 0.0

    @property
    def mean(self) -> float:
        return sum(self.levels) / len(self.levels)


def mobility(recording: Recording) -> Iterator[tuple[str, Event]]:
    """Every tag that moved from one side to the other, each time it did."""
    sides = sides_of(recording)
    for epc, reads in reads_of(recording).items():
        if sides:
            yield from ((epc, event) for event in _crossings(reads, sides))
        else:
            yield epc, Event(reads[-1].t, 1, judged=True, known_t=reads[0].t)


def moves(reads: Iterable[tuple[float, P, float]]) -> Iterator[Moved[P]]:
    """Where a tag is found, each time that changes, of reads as (seconds, place, dBm)."""
    places: dict[P, _Place] = {}
    present: P | None = None
    heard_s = 0.0
    for t, here, dbm in reads:
        place = places.setdefault(here, _Place())
        place.levels.append(dbm)
        silent_s = 0.0 if present is None else t - places[present].last_s
        gone = present is None or t - heard_s > _DEPARTED_S
        place.last_s = heard_s = t
        if present is None or gone:
            present = here
            yield Moved(t, here, arrived=True)
        elif here != present and _is_louder(place, places[present], silent_s):
            present = here
            yield Moved(t, here, arrived=False)


def _crossings(reads: Sequence[TagHeard], sides: Mapping[int, str]) -> Iterator[Event]:
    told = (
        (one.t, one.antenna, -60.0 if one.peak_rssi_dbm is None else one.peak_rssi_dbm)
        for one in reads
    )
    side = ""
    for t, antenna, arrived in moves(told):
        new = sides.get(antenna, side)
        if side and new != side and not arrived:
            yield Event(t, 1 if new == "inside" else -1, judged=True, known_t=t)
        side = new


def _is_louder(new: _Place, old: _Place, silent_s: float) -> bool:
    return len(new.levels) >= _ENOUGH_READS and new.mean > old.mean + _offset_db(silent_s)


def _offset_db(silent_s: float) -> float:
    return min(_THRESHOLD_DB, _THRESHOLD_DB + _SLOPE_DB_S * (silent_s - _HOLD_S))
