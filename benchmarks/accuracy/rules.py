"""The ladder's lower rungs: what a portal does that thinks less. Pure.

Each answers once a tag, when the recording ends: which tags moved, and which way.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.recording import PortalHeader, Recording, TagHeard
from tallyport.evaluate.events import Event

STRONG_DBM = -50.0


def any_read(recording: Recording) -> Iterator[tuple[str, Event]]:
    """Every tag that was read at all, coming from the side that read it first."""
    return _first_sides(recording, at_least_dbm=float("-inf"))


def strong_read(recording: Recording) -> Iterator[tuple[str, Event]]:
    """Every tag that was once read above ``STRONG_DBM``."""
    return _first_sides(recording, at_least_dbm=STRONG_DBM)


def sides_of(recording: Recording) -> dict[int, str]:
    """Which side each antenna looks at; of some nothing is known."""
    assert isinstance(recording.header, PortalHeader)
    return {one.antenna: one.side for one in recording.header.antennas if one.side != "unknown"}


def reads_of(recording: Recording) -> dict[str, list[TagHeard]]:
    """Every tag's reads in time order."""
    reads: dict[str, list[TagHeard]] = {}
    for line in recording.heard:
        if isinstance(line, TagHeard):
            reads.setdefault(line.epc.upper(), []).append(line)
    return reads


def _first_sides(recording: Recording, at_least_dbm: float) -> Iterator[tuple[str, Event]]:
    sides = sides_of(recording)
    for epc, reads in reads_of(recording).items():
        levels = [-60.0 if one.peak_rssi_dbm is None else one.peak_rssi_dbm for one in reads]
        if max(levels) < at_least_dbm:
            continue
        first = next((sides[one.antenna] for one in reads if one.antenna in sides), "outside")
        way = 1 if first == "outside" else -1
        yield epc, Event(reads[-1].t, way, judged=True, known_t=reads[-1].t)
