"""Recordings through the judging that runs in production, tapped where tracks are weighed.

Every pass that the reconciler would judge is kept with the truth of its tags. Memory is led by
the truth meanwhile (a tag that really did not cross is remembered as a stray), so that what is
learned does not depend on the weights of yesterday.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import msgspec

from central.reconcile.portal import ripeness, weighing
from central.reconcile.portal.ahead import Ahead
from central.reconcile.portal.features import Lain
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import Track
from central.reconcile.portal.weighing import Crossing
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, ReadPoint
from drivers.recording import PassTruth, PortalHeader, Recording, read_recording
from edge.replaying import replay_recording
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation

NEAR_S = 1.5
"""A truth this long before or after a track may still be the track's: nobody's clock is perfect,
and a pallet's middle is not every case's."""
_EARLY = 5
_SOON_SHARE, _SOON_US = 0.75, 400_000
"""Looks are kept from so soon on, whenever judging takes its first."""
_LATER = timedelta(seconds=60)


class Tapped(NamedTuple):
    """One pass as it was judged: ``truths`` are 1 for in, -1 for out, 0 for neither. An ``early``
    one was not over when it was looked at, and is looked at again.
    """

    site: str
    tracks: list[Track]
    lain: list[Lain | None]
    known: list[bool]
    truths: list[int]
    early: bool = False


class _Truths:
    """Each crossing belongs to the track that was nearest to it in time."""

    def __init__(self, recording: Recording) -> None:
        began_s = recording.header.started_at.timestamp()
        self._crossings: dict[str, list[tuple[float, int]]] = {}
        for line in recording.truths:
            if isinstance(line, PassTruth):
                way = 1 if line.direction == "in" else -1
                self._crossings.setdefault(line.epc.upper(), []).append((began_s + line.t, way))

    def of(self, track: Track) -> int:
        """The net effect of the crossings until this track was heard last."""
        first_s, last_s = track.first_us / 1e6 - NEAR_S, track.last_us / 1e6
        crossings = self._crossings.get(track.epc, [])
        mine = [one for one in crossings if first_s <= one[0] <= last_s]
        return sum(way for _, way in mine)

    def settle(self, passes: Sequence[Tapped]) -> None:
        """Give each crossing that several tracks claim to the nearest alone."""
        tracks: dict[str, list[tuple[Tapped, int]]] = {}
        for one in passes:
            for place, track in enumerate(one.tracks):
                if track.epc in self._crossings:
                    tracks.setdefault(track.epc, []).append((one, place))
        for epc, claims in tracks.items():
            net = [0] * len(claims)
            for at_s, way in self._crossings[epc]:
                far = [_apart_s(one.tracks[place], at_s) for one, place in claims]
                nearest = min(range(len(far)), key=far.__getitem__)
                if far[nearest] <= NEAR_S:
                    net[nearest] += way
            for (one, place), sum_of in zip(claims, net, strict=True):
                one.truths[place] = (sum_of > 0) - (sum_of < 0)


def _apart_s(track: Track, at_s: float) -> float:
    """How far a moment is from a track: below 0 inside it, least in its middle."""
    first_s, last_s = track.first_us / 1e6, track.last_us / 1e6
    if first_s <= at_s <= last_s:
        half = (last_s - first_s) / 2.0 + 1e-6
        return abs(at_s - (first_s + last_s) / 2.0) / half - 1.0
    return max(first_s - at_s, at_s - last_s)


def tapped(path: Path) -> list[Tapped]:
    """All passes of one recording; raises RecordingError for a file that is none."""
    recording = read_recording(path)
    header = recording.header
    if not isinstance(header, PortalHeader):
        return []
    truths = _Truths(recording)
    point = ReadPoint(code=header.read_point, kind="portal", location="inside")
    context = Context(read_points={header.read_point: point})
    site = path.name.removesuffix(".gz").removesuffix(".jsonl")
    reconciler = Reconciler()
    with _listening(site, truths) as tap:
        for number, observation in enumerate(_log(recording, header), 1):
            logged = Logged(number, "edge", "recording", number, observation)
            reconciler.judge([logged], context)
    truths.settle(tap.taken)
    return [*tap.taken, *tap.early]


class _Tap:
    """Stands in for ``weighing``: keeps what is asked, and answers by the truth alone.

    Groups are taken when they are over. Of those that are not yet, every ``_EARLY``-th look is
    kept as well, with the truth so far: judging may answer then already.
    """

    def __init__(self, site: str, truths: _Truths) -> None:
        self.early: list[Tapped] = []
        self.taken: list[Tapped] = []
        self._site = site
        self._truths = truths
        self._looks = 0
        self._last: Tapped | None = None

    def weigh(
        self, tracks: Sequence[Track], portal: Portal, _: Context, ahead: Sequence[Ahead] = ()
    ) -> list[Crossing]:
        self._last = None
        if tracks:
            known = [portal.is_known(track) for track in tracks]
            lain = [weighing.lain_of(portal, track) for track in tracks]
            net = [self._truths.of(track) for track in tracks]
            self._last = Tapped(self._site, list(tracks), lain, known, net)
            self._looks += 1
            if self._looks % _EARLY == 0:
                copies = msgspec.msgpack.encode(tracks)
                kept = msgspec.msgpack.decode(copies, type=list[Track])
                self.early.append(self._last._replace(tracks=kept, early=True))
        return []

    def is_sure(self, *_: object) -> bool:
        return False

    def learn(self, _: Sequence[Crossing], portal: Portal) -> None:
        if self._last is None:
            return
        if self.early and self.early[-1].truths is self._last.truths:
            self.early.pop()  # it was the last look
        for track, way in zip(self._last.tracks, self._last.truths, strict=True):
            if way:
                portal.forget(track)
            else:
                portal.remember(track)
        self.taken.append(self._last)
        self._last = None


@contextmanager
def _listening(site: str, truths: _Truths) -> Iterator[_Tap]:
    tap = _Tap(site, truths)
    with (
        patch.object(weighing, "weigh", tap.weigh),
        patch.object(weighing, "is_sure", tap.is_sure),
        patch.object(weighing, "learn", tap.learn),
        patch.object(ripeness, "SOON_SHARE", _SOON_SHARE),
        patch.object(ripeness, "SOON_US", _SOON_US),
    ):
        yield tap


def _log(recording: Recording, header: PortalHeader) -> Iterator[Observation]:
    yield DeviceDescribed(
        device="reader",
        read_point=header.read_point,
        event_time=header.started_at,
        driver="llrp",
        antennas=[Antenna(antenna=one.antenna, side=one.side) for one in header.antennas],
    )
    last = header.started_at
    for _, observation in replay_recording(recording):
        last = max(last, observation.event_time)
        yield observation
    yield DeviceHealth(
        device="reader", read_point=header.read_point, event_time=last + _LATER, state="running"
    )
