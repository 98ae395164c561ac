"""The emulated reader against a real R420: what it says of itself, and how its reads scatter."""

from __future__ import annotations

import cmath
import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean, median, pstdev
from struct import unpack_from
from typing import NamedTuple

import pytest

from drivers.emulators.llrp_encode import ReaderFacts, capabilities, message, status
from drivers.emulators.portal_physics import (
    DENSE,
    Scene,
    Tag,
    dock_antennas,
    simulate,
)
from drivers.emulators.portal_physics import (
    Path as Way,
)
from drivers.llrp.events import parameters
from drivers.readings import TagRead

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CAPTURE = SHARED / "llrp" / "edgex_framed" / "GetReaderCapabilitiesResponse-000.bin"
ROOM = SHARED / "rfid_logs" / "r420_sllurp_room"
pytestmark = pytest.mark.skipif(
    not (CAPTURE.is_file() and ROOM.is_dir()), reason=f"no captures in {SHARED}"
)
_INNER = {143: 4, 144: 0, 146: 1, 328: 0}
"""Parameters that hold others, and where these begin in their bodies."""


def shape(data: bytes, start: int) -> list[object]:
    """Kinds and sizes of parameters, and of those inside them, in their order."""
    found: list[object] = []
    for kind, body in parameters(data, start):
        inner = 14 + unpack_from(">H", body, 12)[0] if kind == 137 else _INNER.get(kind)
        found.append((kind, len(body), [] if inner is None else shape(body, inner)))
    return found


def within(data: bytes, *kinds: int) -> Iterator[bytes]:
    """The bodies found by going down these kinds."""
    bodies = [(data, 10)]
    for kind in kinds:
        bodies = [
            (body, _INNER.get(kind, 0))
            for outer, start in bodies
            for found, body in parameters(outer, start)
            if found == kind
        ]
    return (body for body, _ in bodies)


def test_its_capabilities_are_built_like_a_real_one_s() -> None:
    real = CAPTURE.read_bytes()
    facts = ReaderFacts(antennas=4, firmware="5.14.0.240")
    ours = message(11, 1, status() + capabilities(facts))
    assert shape(ours, 10) == shape(real, 10)
    assert len(ours) == len(real)
    assert [*within(ours, 143, 144, 145)] == [*within(real, 143, 144, 145)]  # powers
    hops = [
        unpack_from(">50I", *[next(within(data, 143, 144, 146, 147)), 4]) for data in (ours, real)
    ]
    assert sorted(hops[0]) == sorted(hops[1])
    modes = [
        [unpack_from(">I", body)[0] for body in within(data, 143, 144, 328, 329)]
        for data in (ours, real)
    ]
    assert modes[0] == modes[1]


class Heard(NamedTuple):
    rssi: float
    phase: float
    channel: int
    doppler: float


class Scatter(NamedTuple):
    """A still tag before one antenna: RSSI within a channel, between channels and in all (dB),
    phase (degrees, on the doubled angle) and Doppler (Hz).
    """

    within: float
    between: float
    whole: float
    phase: float
    doppler: float


def scatter(reads: Iterable[Heard]) -> Scatter | None:
    channels: dict[int, list[Heard]] = defaultdict(list)
    for read in reads:
        channels[read.channel].append(read)
    groups = [group for group in channels.values() if len(group) >= 5]
    if len(groups) < 8:
        return None
    means = [fmean(read.rssi for read in group) for group in groups]
    every = [read for group in groups for read in group]
    return Scatter(
        fmean(pstdev([read.rssi for read in group]) for group in groups),
        pstdev(means),
        pstdev([read.rssi for read in every]),
        median(_phase_sd(group) for group in groups),
        median(pstdev([read.doppler for read in group]) for group in groups),
    )


def _phase_sd(group: list[Heard]) -> float:
    length = abs(sum(cmath.exp(2j * read.phase) for read in group)) / len(group)
    return math.degrees(math.sqrt(-2 * math.log(min(length, 1 - 1e-12)))) / 2


def recorded() -> list[Scatter]:
    """Still tags at several distances and angles before six antennas, 30 s each."""
    found = []
    for file in sorted((ROOM / "Test13").glob("*.csv.gz")):
        reads: dict[str, list[Heard]] = defaultdict(list)
        with gzip.open(file, "rt") as rows:
            for row in csv.DictReader(rows):
                phase = int(row["phase_angle"]) * math.tau / 4096
                doppler = int(row["doppler_frequency"]) / 16
                one = Heard(float(row["rssi"]), phase, int(row["channel_index"]), doppler)
                reads[row["antenna"]].append(one)
        found += [one for each in reads.values() if (one := scatter(each)) is not None]
    return found


def emulated() -> list[Scatter]:
    """Tags at the distances of that room, before a reader as slow."""
    chance, found = Random(8), []
    antenna = replace(dock_antennas()[0], tilt_deg=0.0, yaw_deg=0.0)
    for number in range(40):
        metres, aside = chance.choice((0.3, 0.9, 1.5, 2.1)), chance.uniform(-0.4, 0.4)
        place = Way.standing(
            antenna.x_m + metres * math.sin(aside), antenna.y_m - metres * math.cos(aside)
        )
        tag = Tag(epc=f"{number:024X}", path=place, offset=(0, 0, antenna.z_m))
        scene = Scene(antennas=(antenna,), tags=(tag,), seed=number, timing=DENSE)
        reads = [_heard(read) for _, read in simulate(scene, 0.0, 10.0)]
        if (one := scatter(reads)) is not None:
            found.append(one)
    return found


def _heard(read: TagRead) -> Heard:
    assert read.peak_rssi_dbm is not None
    assert read.phase_rad is not None
    assert read.channel is not None
    assert read.doppler_hz is not None
    return Heard(read.peak_rssi_dbm, read.phase_rad, read.channel, read.doppler_hz)


def test_its_reads_scatter_as_a_real_reader_s_do() -> None:
    """Medians over places; the real room is one room, so twice as much or half is alike."""
    real, ours = recorded(), emulated()
    assert len(real) > 40
    assert len(ours) > 25
    table = {
        name: (
            median(getattr(one, name) for one in real),
            median(getattr(one, name) for one in ours),
        )
        for name in Scatter._fields
    }
    for name, (theirs, mine) in table.items():
        assert 0.5 <= mine / theirs <= 2.0, (name, table)
