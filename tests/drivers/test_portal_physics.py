from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from random import Random

import pytest

from drivers.emulators.portal_physics import (
    Path,
    PortalPhysics,
    Scene,
    Tag,
    dock_antennas,
    pallet,
    simulate,
)


def crossing(seed: int, *, speed: float, cases: int, strays: int) -> Scene:
    rng = Random(seed)
    tags = pallet(
        [f"{n:024X}" for n in range(cases)], Path.through(1.0, speed=speed, inwards=True), rng
    )
    tags += pallet([f"{n + 1000:024X}" for n in range(strays)], Path.standing(-3.0, 2.5), rng)
    return Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed, epoch_us=10**15)


def test_the_same_seed_gives_the_same_reads_however_time_is_cut() -> None:
    scene = crossing(1, speed=1.2, cases=20, strays=10)
    whole = list(simulate(scene, 0.0, 12.0))
    portal = PortalPhysics(scene)
    parts = [read for end in (0.01, 3.33, 7.0, 12.0) for read in portal.until(end)]
    assert [one for one in parts if one[0] < 12.0] == whole
    assert [t for t, _ in whole] == sorted(t for t, _ in whole)
    t, read = whole[0]
    assert read.first_seen_us == 10**15 + round(t * 1e6)


@pytest.mark.parametrize("seed", range(8))
def test_every_case_that_crosses_is_read_a_handful_of_times(seed: int) -> None:
    scene = crossing(seed, speed=1.5, cases=60, strays=40)
    reads = Counter(read.epc for _, read in simulate(scene, 0.0, 10.0))
    assert min(reads[f"{n:024X}"] for n in range(60)) >= 3
    assert 100 <= reads.total() / 10.0 <= 220


def test_noise_is_what_was_measured() -> None:
    """One still tag: 70-125 reads/s, 0.3-0.8 dB on a channel (1 dB steps), phase of 2 degrees
    once its ambiguity of pi is taken out by doubling, Doppler around zero.
    """
    still = Tag(epc="AA" * 12, path=Path.standing(-0.9, 0.0), loss_db=0.0)
    scene = Scene(antennas=dock_antennas()[:1], tags=(still,), seed=3)
    reads = [read for _, read in simulate(scene, 0.0, 20.0)]
    assert 70 <= len(reads) / 20.0 <= 125
    levels, phases = defaultdict(list), defaultdict(list)
    for read in reads:
        levels[read.channel].append(read.peak_rssi_dbm or 0.0)
        phases[read.channel].append((2 * (read.phase_rad or 0.0)) % 6.283185)
    sds = [statistics.pstdev(level) for level in levels.values()]
    assert 0.2 <= statistics.mean(sds) <= 0.8
    means = [statistics.mean(level) for level in levels.values()]
    assert 0.5 <= statistics.pstdev(means) <= 3.0
    spreads = [statistics.pstdev(phase) for phase in phases.values()]
    assert statistics.median(spreads) < 0.2
    assert abs(statistics.mean(read.doppler_hz or 0.0 for read in reads)) < 1.0


def test_unreadable_tags_stay_silent() -> None:
    tags = pallet(
        ["AA" * 12], Path.through(0.0, speed=1.0, inwards=True), Random(1), unreadable_share=1.0
    )
    assert not list(simulate(Scene(antennas=dock_antennas(), tags=tuple(tags)), 0.0, 12.0))
