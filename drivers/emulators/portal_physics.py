"""A dock portal as radio waves see it: tags on pallets in, believable tag reads out.

What is modelled: an LLRP reader that visits its antennas in turn, hops over the 50 FCC
channels, and inventories whoever has enough power in slotted rounds, every tag once per
round; a log-distance link with an antenna pattern, the goods' own losses, a multipath field
that changes from place to place and from channel to channel, noise, phase with Impinj's
ambiguity of pi, and Doppler. What is not: people and forklifts as obstacles, coupling
between neighbouring tags, product-specific detuning beyond one loss per tag.

Where the numbers come from (measured on an R420 and an FX7500 in rooms unless said
otherwise): RSSI near -33 dBm at 1 m; 24 dB per decade up to 2 m and free space's 40 beyond;
about 3 dB from place to place; 1.6 dB between channels; 0.5 dB noise on one channel; phase
noise 2 degrees and Doppler noise 6.5 Hz, both rising when weak; 100 reads/s for one tag, up
to 200 reads/s for many. Patch antenna of 8.5 dBic with 68 degrees of beam width; a chip wakes
at -19.5 dBm (data sheets). The law of the pattern is 3GPP TR 38.901's parabola in dB.

Axes and times are those of ``drivers.emulators.portal_scene``, whose names are all importable
from here too. All chance comes from the scene's seed: the same scene gives the same reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random

from drivers.emulators.portal_scene import (
    Antenna,
    Path,
    Place,
    Scene,
    Tag,
    dock_antennas,
    pallet,
)
from drivers.readings import TagRead

__all__ = [
    "Antenna",
    "Path",
    "Place",
    "PortalPhysics",
    "Scene",
    "Tag",
    "dock_antennas",
    "pallet",
    "simulate",
]

LIGHT_M_S = 299_792_458.0
TX_DBM = 30.0
RSSI_AT_1M_DBM = -33.0
WAKE_MARGIN_AT_1M_DB = 25.0
"""30 dBm + 8.5 dBic - 3 dB (circular to linear) + 2 dBi - 31.7 dB (1 m) + 19.5 dBm."""
BEAM_WIDTH_DEG = 68.0
BACK_LOBE_DB = 24.5
BREAK_M = 2.0
FLOOR_DBM = -80.0
CHANNELS = 50
HOP_S = 0.2
ROUND_S = 0.004
SWITCH_S = 0.002
FLAG_PERSISTS_S = 2.0
"""An S1 flag lasts 0.5 to 5 s (EPC Gen2), so a tag may be counted afresh after 2 s away."""


class _Link:
    """One tag's radio life: its multipath field, its session flag, and what can be cached."""

    __slots__ = ("_cache", "_ripples", "_still", "_turn", "flag", "heard_at", "tag")

    def __init__(self, tag: Tag, antennas: int, rng: Random) -> None:
        self.tag = tag
        self.flag = 0
        self.heard_at = -math.inf
        self._still = tag.path.still
        self._turn = rng.uniform(0, math.tau)
        self._cache: dict[tuple[int, int], tuple[float, float]] = {}
        # (amplitude dB, kx, ky, turn per channel) + phase per antenna: three ripples of the
        # place, 0.5-2 m long, and two of place and channel, half a wave long.
        self._ripples = [
            [_ripple(rng, 2.5, rng.uniform(0.5, 2.0), 0.0) for _ in range(3)]
            + [_ripple(rng, 1.6, 0.164, rng.uniform(0.3, 1.5)) for _ in range(2)]
            for _ in range(antennas)
        ]

    def at(self, index: int, look: _Look, channel: int, t: float) -> tuple[float, float] | None:
        """(RSSI in dBm, wake-up margin in dB) now; ``None`` when the tag is not in the world."""
        key = (index, channel)
        if self._still and key in self._cache:
            return self._cache[key] if self.tag.path.at(t) else None
        place = self.tag.path.at(t)
        if place is None:
            return None
        dx, dy, dz = self.tag.offset
        x, y, z = place.x + dx, place.y + dy, place.z + dz
        gain = look.gain_db(x, y, z) - self.tag.loss_db
        gain -= self.tag.left_db if look.left else self.tag.right_db
        fade = 0.0
        for amplitude, kx, ky, turn, start in self._ripples[index]:
            fade += amplitude * math.sin(kx * x + ky * y + turn * channel + start)
        link = (RSSI_AT_1M_DBM + 2 * gain + fade, WAKE_MARGIN_AT_1M_DB + gain + fade / 2)
        if self._still:
            self._cache[key] = link
        return link

    def phase_and_speed(self, look: _Look, channel: int, t: float) -> tuple[float, float]:
        """(phase in radians without noise, radial speed in m/s, positive when coming nearer)."""
        place = self.tag.path.at(t)
        if place is None:
            return 0.0, 0.0
        dx, dy, dz = self.tag.offset
        ax, ay, az = place.x + dx - look.x, place.y + dy - look.y, place.z + dz - look.z
        distance = max(math.sqrt(ax * ax + ay * ay + az * az), 0.05)
        nearing = -(ax * place.vx + ay * place.vy + az * place.vz) / distance
        return 2 * math.tau * distance / wave_m(channel) + self._turn + 0.7 * channel, nearing


def _ripple(
    rng: Random, amplitude_db: float, length_m: float, turn: float
) -> tuple[float, float, float, float, float]:
    heading, wave = rng.uniform(0, math.tau), math.tau / length_m
    return (
        amplitude_db,
        wave * math.cos(heading),
        wave * math.sin(heading),
        turn,
        rng.uniform(0, math.tau),
    )


def wave_m(channel: int) -> float:
    """Wavelength of FCC channel 1 to 50 (902.75 MHz + 0.5 MHz each)."""
    return LIGHT_M_S / (902.25e6 + 0.5e6 * channel)


class _Look:
    """An antenna with its direction worked out."""

    __slots__ = ("_bx", "_by", "_bz", "left", "number", "x", "y", "z")

    def __init__(self, antenna: Antenna) -> None:
        self.number = antenna.antenna
        self.x, self.y, self.z = antenna.x_m, antenna.y_m, antenna.z_m
        self.left = antenna.y_m > 0
        self._bx, self._by, self._bz = antenna.boresight()

    def gain_db(self, x: float, y: float, z: float) -> float:
        """One-way pattern and path loss against 1 m on boresight."""
        ax, ay, az = x - self.x, y - self.y, z - self.z
        distance = max(math.sqrt(ax * ax + ay * ay + az * az), 0.15)
        cosine = (ax * self._bx + ay * self._by + az * self._bz) / distance
        angle = math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))
        pattern = min(12.0 * (angle / BEAM_WIDTH_DEG) ** 2, BACK_LOBE_DB)
        loss = 12.0 * math.log10(distance)
        if distance > BREAK_M:
            loss += 8.0 * math.log10(distance / BREAK_M)
        return -pattern - loss


class PortalPhysics:
    """A running portal. Tags may be added and taken away between two calls of ``until``."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._rng = Random(scene.seed)  # noqa: S311 (chance, not secrets)
        self._looks = [_Look(antenna) for antenna in _alternating(scene.antennas)]
        self._hops = list(range(1, CHANNELS + 1))
        self._rng.shuffle(self._hops)
        self._links: dict[str, _Link] = {}
        self._target = 0
        self._dwell = 0
        self.add(scene.tags)

    def add(self, tags: Iterable[Tag]) -> None:
        """Put tags into the world (an EPC that is there already gets its new path)."""
        for tag in tags:
            seed = f"{self._scene.seed}/{tag.epc}"
            rng = Random(seed)  # noqa: S311
            self._links[tag.epc] = _Link(tag, len(self._looks), rng)

    def remove(self, epcs: Iterable[str]) -> None:
        """Take tags out of the world."""
        for epc in epcs:
            self._links.pop(epc, None)

    def skip_to(self, t: float) -> None:
        """Let time pass without reading."""
        self._dwell = max(self._dwell, math.floor(t / self._scene.dwell_s))

    def until(self, t: float) -> Iterator[tuple[float, TagRead]]:
        """Reads of all antenna dwells that begin before ``t``, in the order of time."""
        dwell_s = self._scene.dwell_s
        while self._dwell * dwell_s < t:
            start = self._dwell * dwell_s
            index = self._dwell % len(self._looks)
            channel = self._hops[int((start + 1e-9) / HOP_S) % CHANNELS]
            yield from self._inventory(index, channel, start, start + dwell_s)
            self._dwell += 1

    def _inventory(
        self, index: int, channel: int, start: float, end: float
    ) -> Iterator[tuple[float, TagRead]]:
        """One antenna's dwell: rounds over all that have power, alternating the target flag."""
        awake = self._awake(index, channel, start)
        t, barren, turns = start + SWITCH_S, 0, self._turns(awake)
        while barren < 2:
            if not turns:
                self._target ^= 1
                t, barren, turns = t + ROUND_S, barren + 1, self._turns(awake)
                continue
            link, rssi = turns.pop()
            t += self._scene.slot_s * self._rng.uniform(0.8, 1.2)
            if t >= end:
                return
            barren = 0
            link.flag ^= 1
            yield t, self._read(link, index, channel, rssi, t)

    def _awake(self, index: int, channel: int, t: float) -> list[tuple[_Link, float]]:
        awake = []
        chance = self._rng.random
        for link in self._links.values():
            found = link.at(index, self._looks[index], channel, t)
            if found is None or found[1] < -6.0 or found[0] < FLOOR_DBM:
                continue
            if chance() < 1.0 / (1.0 + math.exp(-found[1] / 1.5)):
                if t - link.heard_at > FLAG_PERSISTS_S:
                    link.flag = 0
                link.heard_at = t
                awake.append((link, found[0]))
        return awake

    def _turns(self, awake: list[tuple[_Link, float]]) -> list[tuple[_Link, float]]:
        turns = [entry for entry in awake if entry[0].flag == self._target]
        self._rng.shuffle(turns)
        return turns

    def _read(self, link: _Link, index: int, channel: int, rssi: float, t: float) -> TagRead:
        rng, step = self._rng, self._scene.rssi_step_db
        weakness = 10 ** (max(-55.0 - rssi, 0.0) / 20)
        phase, nearing = link.phase_and_speed(self._looks[index], channel, t)
        phase += rng.gauss(0.0, math.radians(2.0) * weakness) + rng.choice((0.0, math.pi))
        doppler = 2 * nearing / wave_m(channel) + rng.gauss(0.0, 6.5 * weakness)
        at_us = self._scene.epoch_us + round(t * 1e6)
        return TagRead(
            epc=link.tag.epc,
            epc_bits=len(link.tag.epc) * 4,
            antenna=self._looks[index].number,
            peak_rssi_dbm=round((rssi + rng.gauss(0.0, 0.5)) / step) * step,
            first_seen_us=at_us,
            last_seen_us=at_us,
            phase_rad=math.floor(phase % math.tau * 4096 / math.tau) * math.tau / 4096,
            doppler_hz=round(doppler * 16) / 16,
            channel=channel,
        )


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
