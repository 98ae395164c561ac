"""EdgeX Foundry's RFID inventory, from its description: a tracker of places, read as a portal.

Of app-rfid-llrp-inventory's documentation and defaults: a tag has a location (an alias of
antennas), and for each location the mean of its last 20 levels. It has arrived with its first
read. It moves to another location when that has at least 2 reads and its mean is above that of
the present one by more than an offset, which begins at 6 dB and sinks by 8 dB a second once the
present location has not read the tag for 500 ms. Written anew from that; no code was taken.

The portal's two sides are its two locations here: a tag that moved from the outside to the
inside came in. It knows no strays: where no side is known, every tag that arrived came in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from benchmarks.accuracy.rules import reads_of, sides_of
from drivers.recording import Recording, TagHeard
from tallyport.evaluate.events import Event

_REMEMBERED = 20
_ENOUGH_READS = 2
_THRESHOLD_DB, _SLOPE_DB_S, _HOLD_S = 6.0, -8.0, 0.5


class _Place:
    """One location's view of one tag."""

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
            yield from ((epc, event) for event in _moves(reads, sides))
        else:
            yield epc, Event(reads[-1].t, 1, judged=True, known_t=reads[0].t)


def _moves(reads: Sequence[TagHeard], sides: dict[int, str]) -> Iterator[Event]:
    places: dict[str, _Place] = {}
    present = ""
    for read in reads:
        side = sides.get(read.antenna)
        if side is None:
            continue
        place = places.setdefault(side, _Place())
        place.levels.append(-60.0 if read.peak_rssi_dbm is None else read.peak_rssi_dbm)
        place.last_s = read.t
        if not present:
            present = side
        elif side != present and len(place.levels) >= _ENOUGH_READS:
            old = places[present]
            if place.mean > old.mean + _offset_db(read.t - old.last_s):
                present = side
                yield Event(read.t, 1 if side == "inside" else -1, judged=True, known_t=read.t)


def _offset_db(silent_s: float) -> float:
    return min(_THRESHOLD_DB, _THRESHOLD_DB + _SLOPE_DB_S * (silent_s - _HOLD_S))
