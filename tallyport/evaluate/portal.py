"""A portal's recording, judged as in production and held against its truth.

The ledger has no say here, as a recording does not tell what was on stock: every tag stands for
one piece of one item that is known and could go either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from central.reconcile.verdict import Context, Pack, ReadPoint, Review, Verdict
from central.stock.model import Movement
from drivers.recording import PassTruth, PortalHeader, Recording, TagHeard
from edge.replaying import replay_recording
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation
from gateway.gs1 import sgtin96_hex
from tallyport.evaluate.events import Event, Happening, happenings
from tallyport.evaluate.judging import verdicts

RETURNS_WITHIN_S = 15.0
_GTIN, _COMPANY_DIGITS = "09521234000013", 7
_AFTERWARDS_US = 60_000_000
_ELSEWHERE = "elsewhere"
_READER = "reader"


Judge = Callable[[Recording], Iterable[tuple[str, Event]]]
"""Each tag that is said to have moved (EPC in upper case), with what, when and how surely."""


class TagHappening(NamedTuple):
    """What one tag did, once, and what was made of it."""

    epc: str
    seen: Happening


class Names:
    """Each EPC of a recording as one that the catalogue knows: a serial of one item."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}

    def ours(self, epc: str) -> str:
        """What judging sees."""
        made = self._ours.get(epc)
        if made is None:
            made = sgtin96_hex(_GTIN, _COMPANY_DIGITS, len(self._ours) + 1)
            self._ours[epc], self._theirs[made] = made, epc
        return made

    def theirs(self, epc: str) -> str:
        """What the recording says."""
        return self._theirs[epc]


class _Anywhere(Mapping[str, str]):
    """A ledger on which every tag lies where it may come in and go out."""

    def __getitem__(self, epc: str) -> str:
        return _ELSEWHERE

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def judged(recording: Recording) -> Iterator[tuple[str, Event]]:
    """What the judging that runs in production makes of each tag."""
    assert isinstance(recording.header, PortalHeader)
    return _judged(recording, recording.header, Names())


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
        for one in happenings(its, RETURNS_WITHIN_S)
    ]
    return sorted(found, key=lambda one: (one.seen.t, one.epc))


def tags(recording: Recording) -> int:
    """How many tags it heard."""
    return len({line.epc.upper() for line in recording.heard if isinstance(line, TagHeard)})


def _judged(
    recording: Recording, header: PortalHeader, names: Names
) -> Iterator[tuple[str, Event]]:
    began = header.started_at
    point = ReadPoint(code=header.read_point, kind="portal", location="inside")
    context = Context(
        read_points={header.read_point: point},
        packs={_GTIN: Pack(gtin=_GTIN, sku="ITEM")},
        placed=_Anywhere(),
    )
    log = _log(_renamed(recording, names), header)
    for verdict, known_t in verdicts(log, context, began):
        for epc, event in _answers(verdict, began, known_t):
            yield names.theirs(epc), event


def _renamed(recording: Recording, names: Names) -> Recording:
    heard = tuple(
        _with_epc(line, names) if isinstance(line, TagHeard) else line for line in recording.heard
    )
    return Recording(header=recording.header, heard=heard, truths=())


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
    at_us = round(header.started_at.timestamp() * 1e6)
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


def _answers(verdict: Verdict, began: datetime, known_t: float) -> Iterator[tuple[str, Event]]:
    """Movements, and what was proposed to a person: each tag one event."""
    asked: list[tuple[Movement, str]] = [(movement, "") for movement in verdict.movements]
    asked += [(movement, one.reason) for one in verdict.reviews for movement in one.proposals]
    for movement, why in asked:
        quantity = 1 if movement.evidence["direction"] == "in" else -1
        t = (movement.event_time - began).total_seconds()
        for epc in movement.epcs:
            yield epc, Event(t, quantity, True, known_t, movement.confidence, why)
    for one in verdict.reviews:
        if not one.proposals:
            yield from _undecided(one, began, known_t)


def _undecided(review: Review, began: datetime, known_t: float) -> Iterator[tuple[str, Event]]:
    t = (review.event_time - began).total_seconds()
    told = review.evidence["tags"]
    assert isinstance(told, list)
    for tag in told:
        yield tag["epc"], Event(t, 0, True, known_t, tag["confidence"], review.reason)
