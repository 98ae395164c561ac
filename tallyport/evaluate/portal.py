"""A portal's recording, judged as in production and held against its truth.

What was on stock a recording does not tell: see ``central.reconcile.rehearsal``. Recordings of one
read point that follow each other in time are one log to judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from central.reconcile.holdings import NOTHING_HELD, Holdings
from central.reconcile.rehearsal import Names, Rehearsal
from drivers.recording import PassTruth, PortalHeader, Recording, TagHeard
from edge.replaying import replay_recording
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation
from tallyport.evaluate.events import Event, Happening, happenings

RETURNS_WITHIN_S = 15.0
ALONE_S = 30.0
"""A tag's truth and answer that both stand alone are the same happening within this: whoever
scans a box for half a minute, or notes a pass afterwards, notes no exact moment.
"""
_AFTERWARDS_US = 60_000_000
_READER = "reader"


Judge = Callable[[Recording], Iterable[tuple[str, Event]]]
"""Each tag that is said to have moved (EPC in upper case), with what, when and how surely."""


class TagHappening(NamedTuple):
    """What one tag did, once, and what was made of it."""

    epc: str
    seen: Happening


Stock = Callable[[Recording], Mapping[str, str | None]]
"""Where a ledger has the tags of a recording before it, by EPC in upper case: ``rehearsal.INSIDE``,
or ``None`` for nowhere; of others nothing is known.
"""


class Production:
    """The judging that runs in production: a ``Judge`` that remembers every read point. ``stock``
    is a ledger for it to look into, ``held`` what that holds without knowing its tags.
    """

    def __init__(self, stock: Stock | None = None, held: Holdings = NOTHING_HELD) -> None:
        self._places: dict[str, _Place] = {}
        self._stock = stock
        self._held = held

    def __call__(self, recording: Recording) -> Iterator[tuple[str, Event]]:
        """What is made of each tag; give recordings in the order in which they were made."""
        header = recording.header
        assert isinstance(header, PortalHeader)
        place = self._places.get(header.read_point)
        if place is None or not place.goes_on_with(header):
            place = self._places[header.read_point] = _Place(header, self._held)
        return place.judged(recording, header, self._stock(recording) if self._stock else {})


class _Place:
    """One read point's judging from recording to recording."""

    def __init__(self, first: PortalHeader, held: Holdings) -> None:
        self._antennas = first.antennas
        self._held = held
        self._names = Names()
        self._rehearsal = Rehearsal(first.read_point)
        self._ended_us = self._logged_us = 0

    def goes_on_with(self, header: PortalHeader) -> bool:
        """Whether this is the same place later. One that began before the last ended is not:
        somebody gave two places one name.
        """
        return header.antennas == self._antennas and _us(header.started_at) >= self._ended_us

    def judged(
        self, recording: Recording, header: PortalHeader, stock: Mapping[str, str | None]
    ) -> Iterator[tuple[str, Event]]:
        """What is made of each tag. One minute of silence is added after each recording; where
        the next began sooner, its log begins that much later.
        """
        late_us = max(self._logged_us - _us(header.started_at), 0)
        header = replace(header, started_at=header.started_at + timedelta(microseconds=late_us))
        self._ended_us = _us(header.started_at) - late_us + round(recording.duration_s * 1e6)
        log = self._counted(_log(_renamed(recording, header, self._names), header))
        before = {self._names.ours(epc): place for epc, place in stock.items()}
        for told in self._rehearsal.judged(log, header.started_at, before, self._held):
            event = Event(told.t, told.way, True, told.known_t, told.confidence, told.asked)
            yield self._names.theirs(told.epc), event

    def _counted(self, log: Iterable[tuple[int, Observation]]) -> Iterator[tuple[int, Observation]]:
        for at_us, observation in log:
            self._logged_us = max(self._logged_us, at_us)
            yield at_us, observation


def judged(recording: Recording) -> Iterator[tuple[str, Event]]:
    """What the judging that runs in production makes of one recording alone."""
    return Production()(recording)


def grade(recording: Recording, judge: Judge = judged) -> list[TagHappening]:
    """Everything that a tag did or was judged to do, by time; ``judge`` may be another's rule."""
    events: dict[str, list[Event]] = {}
    for line in recording.truths:
        if isinstance(line, PassTruth):
            event = Event(line.t, 1 if line.direction == "in" else -1, judged=False)
            events.setdefault(line.epc.upper(), []).append(event)
    for epc, event in judge(recording):
        events.setdefault(epc, []).append(event)
    found = [
        TagHappening(epc, one)
        for epc, its in events.items()
        for one in happenings(its, RETURNS_WITHIN_S, alone_s=ALONE_S)
    ]
    return sorted(found, key=lambda one: (one.seen.t, one.epc))


def tags(recording: Recording) -> frozenset[str]:
    """Which tags it heard."""
    return frozenset(line.epc.upper() for line in recording.heard if isinstance(line, TagHeard))


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _renamed(recording: Recording, header: PortalHeader, names: Names) -> Recording:
    heard = tuple(
        _with_epc(line, names) if isinstance(line, TagHeard) else line for line in recording.heard
    )
    return Recording(header=header, heard=heard, truths=())


def _with_epc(line: TagHeard, names: Names) -> TagHeard:
    return TagHeard(
        t=line.t,
        epc=names.ours(line.epc.upper()),
        antenna=line.antenna,
        peak_rssi_dbm=line.peak_rssi_dbm,
        phase_rad=line.phase_rad,
        doppler_hz=line.doppler_hz,
        channel=line.channel,
    )


def _log(recording: Recording, header: PortalHeader) -> Iterator[tuple[int, Observation]]:
    """As the edge would keep it: the reader described first, and a word from it long after."""
    at_us = _us(header.started_at)
    yield (
        at_us,
        DeviceDescribed(
            device=_READER,
            read_point=header.read_point,
            event_time=header.started_at,
            driver="llrp",
            antennas=[Antenna(antenna=one.antenna, side=one.side) for one in header.antennas],
        ),
    )
    for at_us, observation in replay_recording(recording):
        yield at_us, observation
    at_us += _AFTERWARDS_US
    last = datetime.fromtimestamp(at_us / 1e6, header.started_at.tzinfo)
    said = DeviceHealth(
        device=_READER, read_point=header.read_point, event_time=last, state="running"
    )
    yield at_us, said
