"""A dock portal as a reader hears it: tags on pallets in, believable tag reads out.

What is modelled: an LLRP reader that visits its antennas in turn, hops over its region's
channels, and inventories whoever has enough power (``gen2_rounds``); the way of the waves, with
patterns, path loss, echoes of the hall, and bodies of people, forklifts and goods as shadows and
as mirrors (``radio_field``); the noise of RSSI, phase with Impinj's ambiguity of pi and a slow
drift, and Doppler. What is not: coupling between tags that lie on each other.

Where the numbers come from (measured on an R420 and an FX7500 in rooms unless said otherwise):
RSSI near -34 dBm at 1 m; about 3 dB from place to place; 1-2 dB between channels; 0.3-0.5 dB
noise on one channel, phase noise 1.7 degrees and Doppler noise 7 Hz when strong, a multiple of
that when weak; 70 (R420) or 220 (FX7500) reads/s for one tag, up to 195 for many. A chip wakes at
-19.5 dBm, some 1.2 dB more or less from tag to tag (data sheets). ``tallyport bench radio`` holds
what comes of them against what was measured.

Axes and times are those of ``drivers.emulators.portal_scene``, whose names are all importable
from here too. Time is the scene's own: nothing here looks at a clock. All chance comes from the
scene's seed: the same scene gives the same reads, however ``until`` cuts them.
"""

from __future__ import annotations

import math
from cmath import phase as turn_of
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from drivers.emulators.gen2_rounds import Flag, Inventory
from drivers.emulators.portal_scene import (
    BRISK,
    DENSE,
    FAST,
    Antenna,
    Body,
    Path,
    Place,
    Scene,
    Tag,
    Target,
    Timing,
    dock_antennas,
    forklift,
    pallet,
    person,
)
from drivers.emulators.radio_field import REGIONS, Bodies, Hall, Spot, View, buried_db
from drivers.readings import TagRead

__all__ = [
    "BRISK",
    "DENSE",
    "FAST",
    "Antenna",
    "Body",
    "Path",
    "Place",
    "PortalPhysics",
    "Radio",
    "Scene",
    "Tag",
    "Timing",
    "dock_antennas",
    "forklift",
    "pallet",
    "person",
    "simulate",
]

TX_DBM = 30.0
RSSI_AT_1M_DBM = -34.0
WAKE_MARGIN_AT_1M_DB = 21.0
"""30 dBm - 2 dB (cable) + 8.5 dBic - 3 dB (circular to linear) - 31.7 dB (1 m) + 19.5 dBm is
21.3 dB, on a tag of 0 dBi. So a tag falls silent at about -76 dBm, where an R420's reads end.
"""
WAKE_SPREAD_DB = 1.2
FLOOR_DBM, FLOOR_EDGE_DB = -80.0, 3.0
"""Nothing weaker is ever told; half of what is so far above it is lost."""
RSSI_NOISE_DB = 0.25
PHASE_NOISE_DEG, PHASE_DRIFT_DEG, PHASE_DRIFT_S = 1.7, 3.0, 160.0
DOPPLER_NOISE_HZ = 7.0
"""What is left of the noise at WEAK_DBM and above; below it grows with the amplitude's fall."""
WEAK_DBM, NOISIER_AT_MOST = -48.0, 15.0
_LOOK_AHEAD_S = 0.001
_HOPELESS_DB = -10.0


@dataclass(slots=True, kw_only=True)
class Radio:
    """What a client of the reader sets, and may change while the portal runs.

    ``powers_dbm`` has an antenna's transmit power; without it the antenna sends at 30 dBm.
    ``silent`` antennas are not visited.
    """

    session: int = 1
    target: Target = "dual"
    powers_dbm: dict[int, float] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()


class _Link:
    """One tag's radio life: what it has of its own, and how it hears just now."""

    __slots__ = (
        "echo_part", "flag", "lost", "own", "rssi_dbm", "spots", "still", "tag", "turn", "wake_db",
        "wave",
    )  # fmt: skip

    def __init__(self, tag: Tag, rng: Random) -> None:
        self.tag = tag
        self.flag = Flag(rng)
        self.still = tag.path.still
        self.own = id(tag.within)
        self.spots: dict[int, Spot] = {}
        self.turn = rng.uniform(0, math.tau)
        self.wake_db = rng.gauss(0.0, WAKE_SPREAD_DB) - tag.loss_db
        self.echo_part = 10 ** (-buried_db(tag) / 20)
        self.rssi_dbm = self.lost = 0.0
        self.wave = 0j


class _Stay(NamedTuple):
    """One visit of the reader to an antenna, number ``mast`` of the hall; ``below_db`` is how far
    it sends below 30 dBm.
    """

    view: View
    below_db: float
    channel: int
    antenna: int
    mast: int


class PortalPhysics:
    """A running portal. Tags may be added and taken away between two calls of ``until``."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._rng = Random(scene.seed)  # noqa: S311 (chance, not secrets)
        self._antennas = _alternating(scene.antennas)
        room = scene.seed if scene.room is None else scene.room
        self._hall = Hall(self._antennas, scene.echoes_db, f"hall {room}")
        self._channels = REGIONS[scene.region]
        self._hops = list(range(1, self._channels.number + 1))
        self._rng.shuffle(self._hops)
        self._links: dict[str, _Link] = {}
        self._bodies = Bodies(())
        self._more_bodies = list(scene.bodies)
        self._inventory: Inventory[_Link] = Inventory(scene.timing, self._rng)
        self._before: tuple[int, int] | None = None
        self._dwell = 0
        self.radio = Radio(session=scene.session, target=scene.target)
        self.add(scene.tags)

    def add(self, tags: Iterable[Tag], bodies: Iterable[Body] = ()) -> None:
        """Put tags into the world, with what they sit in, and other bodies (an EPC that is there
        already gets its new path).
        """
        for tag in tags:
            rng = Random(f"{self._scene.seed}/{tag.epc}")  # noqa: S311
            self._links[tag.epc] = _Link(tag, rng)
        self._more_bodies += bodies
        self._count_bodies()

    def remove(self, epcs: Iterable[str]) -> None:
        """Take tags out of the world, with what nobody sits in any more."""
        for epc in epcs:
            self._links.pop(epc, None)
        self._count_bodies()

    def _count_bodies(self) -> None:
        now = self._dwell * self._scene.dwell_s
        self._more_bodies = [b for b in self._more_bodies if b.path.waypoints[-1][0] >= now]
        carried = (link.tag.within for link in self._links.values())
        every = (*self._more_bodies, *(body for body in carried if body is not None))
        self._bodies = Bodies({id(body): body for body in every}.values())
        for link in self._links.values():
            link.spots.clear()

    def skip_to(self, t: float) -> None:
        """Let time pass without reading."""
        self._dwell = max(self._dwell, math.floor(t / self._scene.dwell_s))

    def until(self, t: float) -> Iterator[tuple[float, TagRead]]:
        """Reads of all antenna dwells that begin before ``t``, in the order of time."""
        dwell_s = self._scene.dwell_s
        while self._dwell * dwell_s < t:
            start = self._dwell * dwell_s
            heard = [n for n, a in enumerate(self._antennas) if a.antenna not in self.radio.silent]
            if heard:
                hop = int((start + 1e-9) / self._channels.stay_s) % len(self._hops)
                index = heard[self._dwell % len(heard)]
                yield from self._visit(index, self._hops[hop], start)
            self._dwell += 1

    def _visit(self, index: int, channel: int, start: float) -> Iterator[tuple[float, TagRead]]:
        """One antenna's dwell."""
        self._bodies.move_to(start)
        view = self._hall.view(index, self._channels.hertz(channel), start, self._bodies)
        antenna = self._antennas[index].antenna
        below_db = TX_DBM - self.radio.powers_dbm.get(antenna, TX_DBM)
        stay = _Stay(view, below_db, channel, antenna, index)
        powered = self._powered(stay, start)
        dark, self._before = (index, channel) != self._before, (index, channel)
        span = (start, start + self._scene.dwell_s)
        radio = self.radio
        for t, link in self._inventory.dwell(powered, radio.session, radio.target, span, dark=dark):
            read = self._read(link, stay, t)
            if read is not None:
                yield t, read

    def _powered(self, stay: _Stay, t: float) -> list[_Link]:
        powered = []
        chance = self._rng.random
        for link in self._links.values():
            place = link.tag.path.at(t)
            if place is None:
                continue
            base_db = WAKE_MARGIN_AT_1M_DB + link.wake_db - stay.below_db
            spot = self._spot(link, stay.mast, place)
            if base_db + _decibels(stay.view.most(spot)) < _HOPELESS_DB:
                continue
            link.wave = stay.view.field(spot, link.own)
            field_db = _decibels(abs(link.wave))
            margin_db = base_db + field_db
            link.rssi_dbm = RSSI_AT_1M_DBM + 2 * (field_db - link.tag.loss_db) - stay.below_db
            if margin_db < _HOPELESS_DB or link.rssi_dbm < FLOOR_DBM:
                continue
            if chance() < 1.0 / (1.0 + math.exp(-margin_db / 1.5)):
                above_db = link.rssi_dbm - FLOOR_DBM - FLOOR_EDGE_DB
                link.lost = 1.0 / (1.0 + math.exp(above_db))
                powered.append(link)
        return powered

    def _spot(self, link: _Link, index: int, place: Place) -> Spot:
        """Where it is before that antenna; of one that stands this is worked out once."""
        found = link.spots.get(index)
        if found is None:
            fixed = self._bodies.fixed
            found = self._hall.spot(index, place, link.tag, link.echo_part, fixed)
            if link.still:
                link.spots[index] = found
        return found

    def _wave(self, link: _Link, stay: _Stay, place: Place) -> complex:
        # one that stands has the wave with which the stay began
        if link.still:
            return link.wave
        return stay.view.field(self._spot(link, stay.mast, place), link.own)

    def _read(self, link: _Link, stay: _Stay, t: float) -> TagRead | None:
        """What the reader tells of an answer; ``None`` where nothing is left of it: the tag went
        into a fade or out of the world since the dwell began.
        """
        tag, channel, antenna = link.tag, stay.channel, stay.antenna
        place = tag.path.at(t)
        if place is None:
            return None
        rng, step = self._rng, self._scene.rssi_step_db
        wave = self._wave(link, stay, place)
        field_db = _decibels(abs(wave))
        rssi = RSSI_AT_1M_DBM + 2 * (field_db - tag.loss_db) - stay.below_db
        weakness = min(10 ** (max(WEAK_DBM - rssi, 0.0) / 20), NOISIER_AT_MOST)
        told_dbm = round((rssi + rng.gauss(0.0, RSSI_NOISE_DB * weakness**0.5)) / step) * step
        margin_db = WAKE_MARGIN_AT_1M_DB + link.wake_db - stay.below_db + field_db
        if told_dbm < FLOOR_DBM or margin_db < _HOPELESS_DB:
            return None
        phase = link.turn + 0.7 * channel - 2 * turn_of(wave) + self._drift(t, antenna)
        phase += rng.gauss(0.0, math.radians(PHASE_NOISE_DEG) * weakness)
        phase += rng.choice((0.0, math.pi))
        doppler = self._doppler(link, stay, place, wave)
        doppler += rng.gauss(0.0, DOPPLER_NOISE_HZ * weakness)
        at_us = self._scene.epoch_us + round(t * 1e6)
        return TagRead(
            epc=tag.epc,
            epc_bits=len(tag.epc) * 4,
            antenna=antenna,
            peak_rssi_dbm=told_dbm,
            first_seen_us=at_us,
            last_seen_us=at_us,
            phase_rad=math.floor(phase % math.tau * 4096 / math.tau) * math.tau / 4096,
            doppler_hz=round(doppler * 16) / 16,
            channel=channel,
        )

    def _drift(self, t: float, antenna: int) -> float:
        """What cables and oscillators add to the phase within minutes."""
        return math.radians(PHASE_DRIFT_DEG) * math.sin(math.tau * t / PHASE_DRIFT_S + antenna)

    def _doppler(self, link: _Link, stay: _Stay, place: Place, wave: complex) -> float:
        """How fast the phase turns, in Hz, positive when the tag comes nearer."""
        if link.still:
            return 0.0
        x, y, z, vx, vy, vz = place
        later = Place(x + vx * _LOOK_AHEAD_S, y + vy * _LOOK_AHEAD_S, z + vz * _LOOK_AHEAD_S)
        turned = self._wave(link, stay, later) / wave
        return 2 * turn_of(turned) / math.tau / _LOOK_AHEAD_S


def _decibels(amplitude: float) -> float:
    return 20.0 * math.log10(max(amplitude, 1e-9))


def _alternating(antennas: tuple[Antenna, ...]) -> list[Antenna]:
    """Outside and inside by turns, so that neither side is blind for long."""
    outside = [a for a in antennas if a.side == "outside"]
    inside = [a for a in antennas if a.side == "inside"]
    rest = [a for a in antennas if a.side not in ("outside", "inside")]
    paired = [a for pair in zip(outside, inside, strict=False) for a in pair]
    return paired + outside[len(inside) :] + inside[len(outside) :] + rest


def simulate(scene: Scene, t0: float, t1: float) -> Iterator[tuple[float, TagRead]]:
    """All reads of ``scene`` from ``t0`` up to ``t1`` seconds, in the order of time."""
    portal = PortalPhysics(scene)
    portal.skip_to(t0)
    return ((t, read) for t, read in portal.until(t1) if t0 <= t < t1)
