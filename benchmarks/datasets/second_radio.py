"""Portals emulated a second time, by a radio that shares nothing with the first but the units.

Who learns from one emulator alone learns its habits by heart. Here the channel is a coherent sum
(the direct path, its images in floor and ceiling, scatterers about the hall) between patch antennas
and dipoles, with limits forwards and backwards, and a dwell of 50 ms an antenna; loads cross in
straight lines. What happens comes in scenes of 12 s: through the door, two behind each other,
nearly through, through and back, past it, nothing.

``python -m benchmarks.datasets.second_radio SUITE SPLIT FIRST COUNT DST``: suite ``apart``
(antennas 0.3 to 0.5 m either side, turned outwards, cartons) or ``flat`` (0.1 to 0.25 m, hardly
turned, liquids, more strays, faster), split ``train`` or ``test``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.command import make_numbers, numbered, written_once
from benchmarks.datasets.docks import FROM
from drivers.recording import AntennaPlace, PassTruth, PortalHeader, Recording, TagHeard

Numbers = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

SUITES = ("apart", "flat")
SCENES = ("in", "out", "in", "out", "double", "nearly", "back", "past", "nothing", "double")
SCENE_S = 12.0
_DWELL_S = 0.05
_TIMES_S: Numbers = np.arange(0.0, SCENE_S, _DWELL_S)
_WAVE_M = 0.326
_POWER_DBM, _DIPOLE_DB, _BACKSCATTER_DB = 30.0, 2.15, -6.0
_PATCH_DB, _BACK = 8.5, 0.079
_CHANNELS, _HOP_S = 50, 0.2
_DEAF_DBM = -80.0
_WRONG_SHARE = 0.15
"""Of the slots that a reader tells nothing of although one tag alone answered."""
_FLOOR, _CEILING, _CEILING_M = -0.45, -0.25, 4.0


class Antenna(NamedTuple):
    """Where one hangs, and which way it looks (a unit vector)."""

    at: Numbers
    looks: Numbers


class Hall(NamedTuple):
    """A door with its antennas, what scatters about it, and how the reader reads."""

    antennas: tuple[Antenna, ...]
    scatterers: Numbers
    strengths: Numbers
    half_m: float
    slot_s: float
    hop_db: float


class Tag(NamedTuple):
    """One tag in a scene: where it is at each dwell (or once, if it stays), how deep it sits in
    its goods, and how sensitive it is.
    """

    epc: str
    path: Numbers
    loss_db: float
    sensitivity_dbm: float


def _hall(rng: np.random.Generator, suite: str) -> Hall:
    flat = suite == "flat"
    split_m = rng.uniform(0.1, 0.25) if flat else rng.uniform(0.3, 0.5)
    turned = math.radians(rng.uniform(0.0, 10.0) if flat else rng.uniform(15.0, 30.0))
    half_m, high_m = rng.uniform(1.1, 1.7), rng.choice([1.2, 2.0, 2.2])
    antennas = []
    for side in (-1, 1):
        for across in (1, -1):
            looks = np.array([side * math.sin(turned), -across * math.cos(turned), -0.2])
            at = np.array([side * split_m, across * half_m, high_m + rng.normal(0.0, 0.05)])
            antennas.append(Antenna(at, looks / np.linalg.norm(looks)))
    count = int(rng.integers(4, 20))
    return Hall(
        tuple(antennas),
        rng.uniform([-6.0, -6.0, 0.0], [6.0, 6.0, 3.0], size=(count, 3)),
        rng.uniform(0.05, rng.uniform(0.2, 0.6), count),
        half_m,
        rng.uniform(0.004, 0.008),
        rng.uniform(0.8, 1.8),
    )


def _channel(hall: Hall, path: Numbers) -> Complex:
    """The one-way field at each place of a path, for each antenna: ``(antennas, places)``."""
    return np.array([_field(hall, antenna, path) for antenna in hall.antennas])


def _field(hall: Hall, antenna: Antenna, path: Numbers) -> Complex:
    up = np.array([1.0, 1.0, -1.0])
    ceiling = np.array([antenna.at[0], antenna.at[1], 2 * _CEILING_M - antenna.at[2]])
    images = (
        (antenna.at, antenna.looks, 1.0),
        (antenna.at * up, antenna.looks * up, _FLOOR),
        (ceiling, antenna.looks * up, _CEILING),
    )
    field: Complex = np.zeros(len(path), dtype=np.complex128)
    for at, looks, share in images:
        way = path - at
        far = np.linalg.norm(way, axis=1) + 0.05
        field += share * _patch(way / far[:, None], looks) * _wave(far)
    for at, strength in zip(hall.scatterers, hall.strengths, strict=True):
        first = float(np.linalg.norm(at - antenna.at))
        second = np.linalg.norm(path - at, axis=1) + 0.1
        lit = _patch(((at - antenna.at) / first)[None], antenna.looks)
        spread = _WAVE_M / (4 * math.pi * first * second)
        field += strength * lit * spread * np.exp(-2j * math.pi * (first + second) / _WAVE_M)
    return field


def _wave(far_m: Numbers) -> Complex:
    turned = np.exp(-2j * math.pi * far_m / _WAVE_M)
    return np.asarray(_WAVE_M / (4 * math.pi * far_m) * turned, dtype=np.complex128)


def _patch(way: Numbers, looks: Numbers) -> Numbers:
    """The amplitude of a patch antenna's gain: a lobe of some 70 degrees, a little backwards."""
    ahead = np.maximum(way @ looks, 0.0)
    gain: Numbers = 10.0 ** (_PATCH_DB / 20.0) * (ahead**1.2 + _BACK)
    return gain


class _Maker:
    """One recording in the making."""

    def __init__(self, suite: str, split: str, number: int) -> None:
        self._suite = suite
        seed = [SUITES.index(suite), ("train", "test").index(split), number]
        self._rng = np.random.default_rng(seed)
        self._name = f"{suite}-{split}-{number:04d}"
        self._at = FROM + timedelta(hours=number)
        self._hall = _hall(self._rng, suite)
        self._epc = (1 + 2 * number + SUITES.index(suite)) << 12
        self._strays = [self._stray() for _ in range(self._many())]
        self._heard: list[TagHeard] = []
        self._truths: list[PassTruth] = []

    def made(self, scenes: Sequence[str]) -> Recording:
        rng = self._rng
        for nth, scene in enumerate(rng.permutation(scenes)):
            loads = list(self._loads(str(scene)))
            self._play(nth * SCENE_S, [tag for load in loads for tag in load])
        places = [
            AntennaPlace(
                antenna=port,
                side="outside" if one.at[0] < 0 else "inside",
                x_m=round(float(one.at[0]), 3),
                y_m=round(float(one.at[1]), 3),
                z_m=round(float(one.at[2]), 3),
            )
            for port, one in enumerate(self._hall.antennas, 1)
        ]
        header = PortalHeader(read_point=self._name, started_at=self._at, antennas=places)
        return Recording(header=header, heard=tuple(self._heard), truths=tuple(self._truths))

    # ---- what is there, and what happens ---------------------------------------------------
    def _many(self) -> int:
        low, high = (40, 180) if self._suite == "flat" else (5, 90)
        return int(self._rng.integers(low, high))

    def _tag(self, path: Numbers, loss_db: float) -> Tag:
        self._epc += 1
        worn_db = -min(self._rng.normal(-3.0, 2.0), 0.0)
        sensitivity = self._rng.normal(-19.5, 1.2)
        return Tag(f"3034257BF7194E40{self._epc:08X}", path, loss_db + worn_db, sensitivity)

    def _stray(self) -> Tag:
        rng = self._rng
        if rng.random() < 0.15:  # it leans at a pillar
            across = rng.choice([-1, 1]) * (self._hall.half_m + rng.uniform(-0.1, 0.4))
            at = [rng.uniform(-0.6, 0.6), across, rng.uniform(0.2, 1.6)]
        else:
            away = rng.choice([-1, 1]) * rng.uniform(1.5, 6.0)
            at = [away, rng.uniform(-5.0, 5.0), rng.uniform(0.1, 2.0)]
        return self._tag(np.array([at]), 0.0)

    def _loads(self, scene: str) -> Iterator[list[Tag]]:
        rng = self._rng
        speed = rng.uniform(1.0, 3.2) if self._suite == "flat" else rng.uniform(0.6, 2.6)
        way, at_s = int(rng.choice([-1, 1])), rng.uniform(4.5, 7.0)
        along = np.zeros_like(_TIMES_S)
        if scene in ("in", "out"):
            along = (1 if scene == "in" else -1) * speed * (_TIMES_S - at_s)
        elif scene == "double":
            later_s = rng.uniform(2.2, 3.5)
            yield self._load(way * speed * (_TIMES_S - 4.0))
            way = int(rng.choice([-1, 1]))
            along = way * speed * (_TIMES_S - 4.0 - later_s)
        elif scene == "nearly":
            stands_s = np.maximum(np.abs(_TIMES_S - at_s) - rng.uniform(0.2, 1.0), 0.0)
            along = way * (rng.uniform(-1.3, 0.2) - speed * stands_s)
        elif scene == "back":
            along = way * (rng.uniform(1.5, 3.0) - speed * np.abs(_TIMES_S - at_s))
        elif scene == "past":
            beside, across = way * rng.uniform(1.2, 2.6), speed * (_TIMES_S - at_s)
            yield self._load(np.full_like(_TIMES_S, beside), across)
            return
        else:
            return
        yield self._load(along)

    def _load(self, along_m: Numbers, across_m: Numbers | None = None) -> list[Tag]:
        """A pallet's tags on their way; the truth of each is when it passed the door's plane."""
        rng, tags = self._rng, []
        across = np.full_like(along_m, rng.uniform(-0.3, 0.3)) if across_m is None else across_m
        deep_db = rng.choice([9.0, 18.0] if self._suite == "flat" else [2.0, 4.0, 9.0])
        for _ in range(int(rng.integers(1, 8)) if rng.random() < 0.2 else int(rng.integers(8, 60))):
            x_m, y_m, z_m = rng.uniform([-0.6, -0.4, 0.15], [0.6, 0.4, 1.6])
            high = np.full_like(along_m, z_m)
            path = np.stack([np.clip(along_m, -9, 9) + x_m, np.clip(across, -9, 9) + y_m, high], 1)
            tags.append(self._tag(path, float(deep_db * 0.36 * rng.random())))
        return tags

    # ---- how it is heard -----------------------------------------------------------------
    def _play(self, began_s: float, loads: Sequence[Tag]) -> None:
        for tag in loads:
            side = np.sign(tag.path[:, 0])
            for place in np.flatnonzero(np.diff(side)):
                t = round(began_s + float(_TIMES_S[place]), 3)
                way = "in" if side[place] < 0 else "out"
                self._truths.append(PassTruth(t=t, epc=tag.epc, direction=way))  # type: ignore[arg-type]
        tags = [*loads, *self._strays]
        margins, levels, phases = self._radio(tags)
        hops: dict[tuple[int, int, int], float] = {}
        order, turned = self._rng.permutation(_CHANNELS), self._rng.uniform(0, 2 * math.pi, 50)
        for dwell, at_s in enumerate(_TIMES_S):
            port = dwell % len(self._hall.antennas)
            channel = int(order[int(at_s / _HOP_S) % _CHANNELS])
            for nth, late_s in self._answers(margins[:, port, dwell], levels[:, port, dwell]):
                level = float(levels[nth, port, dwell])
                hop_db = hops.setdefault(
                    (nth, port, channel), float(self._rng.normal(0.0, self._hall.hop_db))
                )
                turn = phases[nth, port, dwell] + turned[channel] + self._rng.choice([0, math.pi])
                noise = self._rng.normal(0.0, 0.04 * (1 + max(-level - 55.0, 0.0) / 10.0))
                self._heard.append(
                    TagHeard(
                        t=round(began_s + float(at_s) + late_s, 4),
                        epc=tags[nth].epc,
                        antenna=port + 1,
                        peak_rssi_dbm=float(round(level + hop_db + self._rng.normal(0.0, 0.45))),
                        phase_rad=round(float((turn + noise) % (2 * math.pi)), 4),
                        channel=channel,
                    )
                )

    def _radio(self, tags: Sequence[Tag]) -> tuple[Numbers, Numbers, Numbers]:
        """What each tag has above its sensitivity, its level and its phase, each as
        ``(tags, antennas, dwells)``.
        """
        fields = np.array(
            [
                np.broadcast_to(
                    _channel(self._hall, tag.path), (len(self._hall.antennas), len(_TIMES_S))
                )
                for tag in tags
            ]
        )
        gain_db = 20.0 * np.log10(np.abs(fields) + 1e-9) + _DIPOLE_DB
        loss_db = np.array([tag.loss_db for tag in tags])[:, None, None]
        heard_dbm = _POWER_DBM + gain_db - loss_db
        needs_dbm = np.array([tag.sensitivity_dbm for tag in tags])[:, None, None]
        levels = heard_dbm + gain_db - loss_db + _BACKSCATTER_DB
        return heard_dbm - needs_dbm, levels, 2.0 * np.angle(fields)

    def _answers(self, margin_db: Numbers, level_dbm: Numbers) -> Iterator[tuple[int, float]]:
        """Who answers in a dwell, and when."""
        awake = margin_db + self._rng.normal(0.0, 0.5, len(margin_db)) > 0.0
        answering = np.flatnonzero(awake & (level_dbm > _DEAF_DBM))
        self._rng.shuffle(answering)
        late_s = 0.0
        for nth in answering:
            late_s += 0.4 * self._hall.slot_s + self._rng.exponential(0.6 * self._hall.slot_s)
            if late_s > _DWELL_S:
                return
            if self._rng.random() > _WRONG_SHARE:
                yield int(nth), late_s


def second(suite: str, split: str, number: int, scenes: Sequence[str] = SCENES) -> Recording:
    """Number so much of a suite's split: another hall, and the scenes there in any order."""
    return _Maker(suite, split, number).made(scenes)


def write(suite: str, split: str, destination: Path, number: int) -> Path:
    """One as ``SUITE-SPLIT-NNNN.jsonl.gz``, unless it is there already."""
    name = f"{suite}-{split}-{number:04d}"
    return written_once(destination, name, lambda: second(suite, split, number))


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    options = numbered("second_radio", __doc__, SUITES).parse_args(arguments)
    make = partial(write, options.suite, options.split, options.destination)
    return make_numbers(options, make)


if __name__ == "__main__":
    raise SystemExit(main())
