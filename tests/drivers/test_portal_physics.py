from __future__ import annotations

import cmath
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from drivers.emulators.portal_physics import (
    BRISK,
    DENSE,
    FAST,
    Body,
    Path,
    PortalPhysics,
    Scene,
    Tag,
    Timing,
    dock_antennas,
    forklift,
    pallet,
    person,
    simulate,
)
from drivers.readings import TagRead


def crossing(seed: int, *, speed: float, cases: int, strays: int) -> Scene:
    rng = Random(seed)
    tags = pallet(
        [f"{n:024X}" for n in range(cases)], Path.through(1.0, speed=speed, inwards=True), rng
    )
    tags += pallet([f"{n + 1000:024X}" for n in range(strays)], Path.standing(-3.0, 2.5), rng)
    return Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed, epoch_us=10**15)


def before_antenna_1(metres: float, *, aside: float = 0.0, **tag: Any) -> Tag:
    """A tag on (or ``aside`` of, in radians) the way in which antenna 1 looks."""
    antenna = dock_antennas()[0]
    x, y, z = antenna.boresight()
    turned = (x * math.cos(aside) - y * math.sin(aside), x * math.sin(aside) + y * math.cos(aside))
    return Tag(
        epc=tag.pop("epc", "AA" * 12),
        path=tag.pop(
            "path",
            Path.standing(antenna.x_m + turned[0] * metres, antenna.y_m + turned[1] * metres),
        ),
        offset=(0.0, 0.0, antenna.z_m + z * metres),
        loss_db=0.0,
        **tag,
    )


def heard(tags: Iterable[Tag], seconds: float, **scene: Any) -> list[TagRead]:
    scene = {"antennas": dock_antennas()[:1], "tags": tuple(tags), "seed": 3} | scene
    return [read for _, read in simulate(Scene(**scene), 0.0, seconds)]


def levels(reads: Iterable[TagRead]) -> list[float]:
    return [read.peak_rssi_dbm or 0.0 for read in reads]


def by_channel(reads: Iterable[TagRead]) -> list[list[TagRead]]:
    found: dict[int, list[TagRead]] = defaultdict(list)
    for read in reads:
        found[read.channel or 0].append(read)
    return [group for group in found.values() if len(group) >= 8]


def phase_sd_deg(reads: Iterable[TagRead]) -> float:
    """Of the doubled angle, as a reader's phase may be off by half a turn."""
    turns = [cmath.exp(2j * (read.phase_rad or 0.0)) for read in reads]
    length = min(abs(sum(turns)) / len(turns), 1 - 1e-12)
    return math.degrees(math.sqrt(-2 * math.log(length))) / 2


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
    assert 100 <= reads.total() / 10.0 <= 500


def test_noise_is_what_was_measured_on_a_still_tag() -> None:
    """At many places before the antenna: RSSI of one channel 0.48 dB (0.25-0.52, and 1 dB steps);
    between channels 1.6 dB on average (0.95-1.9, up to 4); phase 2.1 degrees (1.2-4.2); Doppler
    7.5 Hz (6.7-16); 3 dB from place to place around a line of 18-30 dB a decade, both ways.
    """
    chance = Random(5)
    within, between, phases, dopplers, places = [], [], [], [], []
    for _ in range(16):
        metres = 10 ** chance.uniform(-0.3, 0.5)
        tag = before_antenna_1(metres, aside=chance.gauss(0.0, 0.25))
        reads = heard([tag], 10.0, timing=DENSE)
        groups = by_channel(reads)
        within += [statistics.pstdev(levels(group)) for group in groups]
        between.append(statistics.pstdev(statistics.mean(levels(group)) for group in groups))
        phases += [phase_sd_deg(group) for group in groups]
        dopplers.append(statistics.pstdev(read.doppler_hz or 0.0 for read in reads))
        places.append((math.log10(metres), statistics.mean(levels(reads))))
    assert 0.2 <= statistics.mean(within) <= 0.6
    assert 0.95 <= statistics.mean(between) <= 2.2
    assert max(between) <= 5.0
    assert 1.0 <= statistics.median(phases) <= 4.2
    assert 4.5 <= statistics.median(dopplers) <= 16.0
    slope, at_1m = statistics.linear_regression(*zip(*places, strict=True))
    assert -30.0 <= slope <= -18.0
    assert -38.0 <= at_1m <= -30.0
    off_line = statistics.pstdev(level - slope * x - at_1m for x, level in places)
    assert 1.2 <= off_line <= 3.6


@pytest.mark.parametrize(
    ("timing", "tags", "low", "high"),
    [
        (DENSE, 1, 60, 75),
        (DENSE, 12, 130, 195),
        (DENSE, 150, 150, 195),
        (FAST, 1, 200, 235),
        (BRISK, 1, 200, 235),
        (BRISK, 150, 150, 200),
    ],
)
def test_tags_share_the_reader_s_time(timing: Timing, tags: int, low: int, high: int) -> None:
    """An R420 read one tag 70 times a second and a dozen 195 times at most, Nedap's 150-410 tags
    160-175 times; an FX7500 one tag 222 times.
    """
    chance = Random(tags)
    field = [
        before_antenna_1(1.2, aside=chance.uniform(-0.3, 0.3), epc=f"{n:024X}") for n in range(tags)
    ]
    counts = Counter(read.epc for read in heard(field, 8.0, timing=timing))
    assert len(counts) == tags
    assert low <= counts.total() / 8.0 <= high


def test_weak_is_noisier_and_doppler_tells_the_way() -> None:
    near, far = (heard([before_antenna_1(metres)], 12.0) for metres in (1.0, 6.0))
    assert statistics.mean(levels(far)) < statistics.mean(levels(near)) - 15
    quiet, noisy = (statistics.pstdev(r.doppler_hz or 0.0 for r in reads) for reads in (near, far))
    assert noisy > 1.5 * quiet
    comes = Path(waypoints=((0.0, -5.0, 0.0, 0.0), (2.0, -2.0, 0.0, 0.0)))
    reads = heard([Tag(epc="BB" * 12, path=comes, loss_db=0.0)], 2.0)
    mean = statistics.mean(read.doppler_hz or 0.0 for read in reads)
    assert 4.0 <= mean <= 12.0  # 2 v / wavelength, by the cosine of the angle: up to 9 Hz


def test_echoes_fade_neighbours_together_and_distant_tags_apart() -> None:
    """A centimetre is a thirtieth of a wave, half a metre is one and a half."""

    def apart(metres: float) -> float:
        pairs = []
        for seed in range(25):
            where = -2.2 - 0.05 * seed
            tags = [
                Tag(epc=name * 12, path=Path.standing(x, 0.0), loss_db=0.0)
                for name, x in (("AA", where), ("BB", where + metres))
            ]
            reads = heard(tags, 0.2, seed=seed, echoes_db=12.0)
            means = [
                statistics.mean(levels(r for r in reads if r.epc == name * 12))
                for name in ("AA", "BB")
                if any(r.epc == name * 12 for r in reads)
            ]
            if len(means) == 2:
                pairs.append(means)
        assert len(pairs) >= 15
        return statistics.mean(abs(one - other) for one, other in pairs)

    assert 2 * apart(0.01) < apart(0.5)


def test_bodies_shadow_what_is_behind_them_and_goods_what_is_in_them() -> None:
    tag = before_antenna_1(2.0)
    free = statistics.mean(levels(heard([tag], 4.0)))
    for body, least_db in ((person, 8.0), (forklift, 15.0)):
        between = Body(
            path=Path.standing(*(body_at(1.2))),
            size=body(tag.path).size,
            loss_db_per_m=body(tag.path).loss_db_per_m,
            most_db=body(tag.path).most_db,
        )
        behind = heard([tag], 4.0, bodies=(between,))
        assert not behind or statistics.mean(levels(behind)) < free - least_db
    rates = []
    for goods_db_per_m in (4.0, 18.0):
        epcs = [f"{n:024X}" for n in range(40)]
        path = Path.through(0.5, speed=1.5, inwards=True)
        tags = pallet(epcs, path, Random(1), goods_db_per_m=goods_db_per_m)
        counts = Counter(read.epc for read in heard(tags, 9.0, antennas=dock_antennas()))
        rates.append(sorted(counts[epc] for epc in epcs))
    assert rates[0][0] >= 3
    assert rates[1][4] < rates[0][4] / 2  # those in the middle of water are hardly heard


def body_at(metres: float) -> tuple[float, float]:
    antenna = dock_antennas()[0]
    x, y, _ = antenna.boresight()
    return antenna.x_m + x * metres, antenna.y_m + y * metres


def test_sessions_decide_how_often_a_tag_answers() -> None:
    """To a reader that reads only those who have not answered: in S0 whenever the power comes back
    (here with every hop), every few seconds in S1 (its flag lasts 0.5-5 s), once in S2 while
    there is power.
    """
    tag = before_antenna_1(1.0)
    counts = [len(heard([tag], 20.0, session=s, target="single")) for s in (0, 1, 2)]
    assert 95 <= counts[0] <= 105
    assert 4 <= counts[1] <= 30
    assert counts[2] == 1
    assert len(heard([tag], 20.0, session=2, target="dual")) > 1_000


def test_power_antennas_and_region_are_the_client_s() -> None:
    epcs = [f"{n:024X}" for n in range(30)]
    tags = tuple(pallet(epcs, Path.standing(-2.5, 0.0), Random(2)))
    portal = PortalPhysics(Scene(antennas=dock_antennas(), tags=tags, region="etsi"))
    full = [read for _, read in portal.until(8.0)]
    assert {read.channel for read in full} <= {1, 2, 3, 4}
    assert {read.antenna for read in full} == {1, 2, 3, 4}
    portal.radio.powers_dbm = dict.fromkeys((1, 2, 3, 4), 15.0)
    portal.radio.silent = frozenset({3, 4})
    weak = [read for _, read in portal.until(16.0)]
    assert {read.antenna for read in weak} <= {1, 2}
    assert len({read.epc for read in weak}) < len({read.epc for read in full})


def test_nothing_is_told_below_what_a_reader_hears() -> None:
    """However deep the fades are into which goods are driven."""
    epcs = [f"{n:024X}" for n in range(30)]
    path = Path.through(0.5, speed=1.5, inwards=True)
    tags = pallet(epcs, path, Random(1), goods_db_per_m=18.0)
    reads = heard(tags, 8.0, antennas=dock_antennas(), echoes_db=6.0)
    assert len(reads) > 100
    assert -80.0 <= min(levels(reads)) <= -72.0


def test_unreadable_tags_stay_silent() -> None:
    tags = pallet(
        ["AA" * 12], Path.through(0.0, speed=1.0, inwards=True), Random(1), unreadable_share=1.0
    )
    assert not list(simulate(Scene(antennas=dock_antennas(), tags=tuple(tags)), 0.0, 12.0))
