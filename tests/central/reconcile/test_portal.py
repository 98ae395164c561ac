from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.database.moments import to_us
from central.reconcile.portal.state import Portal
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict, together
from drivers.emulators.portal_physics import (
    Path,
    Scene,
    dock_antennas,
    pallet,
    simulate,
)
from drivers.readings import TagRead
from gateway.contract import DeviceHealth, Observation, TagResident, TagSighting
from tests.fakes.portal_log import WHO, described, fold, logged, moment
from tests.fakes.portal_scenes import Dock, context, dock, epcs_of

END = 1_000.0


def log_of(reads: Iterable[tuple[float, TagRead]], **windows: float) -> list[Logged]:
    def observations() -> Iterator[Observation]:
        yield described(dock_antennas())
        yield from fold(reads, **windows)
        yield DeviceHealth(event_time=moment(END), state="running", **WHO)

    return logged(observations())


def moved(verdict: Verdict) -> list[tuple[str, str]]:
    return [
        (epc, str(movement.evidence["direction"]))
        for movement in verdict.movements
        for epc in movement.epcs
    ]


@pytest.mark.parametrize("seed", range(100, 112))
def test_pallets_move_whole_and_strays_stay(seed: int) -> None:
    """No wrong movement, none missed; of one case in fifty at most a person is asked.

    On these seeds no rule was tuned: 48 passes of 1,937 cases.
    """
    scene: Dock = dock(seed)
    verdict = Reconciler().judge(log_of(scene.reads), context(scene.placed))
    got = moved(verdict)
    assert len(got) == len(set(got))
    want = {(epc, truth.direction) for truth in scene.truths for epc in truth.epcs}
    asked = {
        (epc, str(movement.evidence["direction"]))
        for review in verdict.reviews
        for movement in review.hypotheses[0].movements
        for epc in movement.epcs
    }
    assert (set(got) - want, want - set(got)) == (set(), asked)
    assert len(scene.truths) == 4
    assert len(asked) <= 3


@pytest.mark.parametrize("ahead_s", [0.0, 1.3, 3.0])
def test_what_the_reader_says_of_itself_cuts_no_pallet_that_is_heard_later(ahead_s: float) -> None:
    """A busy edge tells at once that its reader runs, and only then what it has heard."""
    epcs = epcs_of(1, 20)
    tags = pallet(epcs, Path.through(1.0, speed=1.0, inwards=True), Random(1))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=1)
    reads = fold(simulate(scene, 0.0, 14.0), quiet_s=20.0, limit_s=60.0)
    told: list[Observation] = [described(dock_antennas())]
    for number, seen in enumerate(reads):
        if number % 10 == 0:
            said = seen.event_time + timedelta(seconds=ahead_s)
            told.append(DeviceHealth(event_time=said, state="running", **WHO))
        told.append(seen)
    told.append(DeviceHealth(event_time=moment(END), state="running", **WHO))
    verdict = Reconciler().judge(logged(told), context({}))
    assert sorted(moved(verdict)) == sorted((epc, "in") for epc in epcs)


@lru_cache(maxsize=1)
def small() -> tuple[list[Logged], Context, Verdict]:
    scene = dock(3, passes=2, cases=(6, 10), strays=6)
    log = log_of(scene.reads)
    verdict = Reconciler().judge(log, context(scene.placed))
    assert verdict.movements
    return log, context(scene.placed), verdict


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 2_000), max_size=6))
def test_batches_and_restarts_change_nothing(cuts: list[int]) -> None:
    log, known, whole = small()
    places = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    state: bytes | None = None
    parts: list[Verdict] = []
    for begin, end in pairwise(places):
        reconciler = Reconciler(state)
        parts.append(reconciler.judge(log[begin:end], known))
        state = reconciler.dump()
    assert together(parts) == whole


@pytest.mark.parametrize("limit_s", [3.0, 4.0, 5.0, 6.5])
def test_a_pallet_across_two_windows_moves_once(limit_s: float) -> None:
    epcs = epcs_of(1, 20)
    tags = pallet(epcs, Path.through(1.0, speed=1.0, inwards=True), Random(1))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=1)
    log = log_of(simulate(scene, 0.0, 14.0), quiet_s=20.0, limit_s=limit_s)
    verdict = Reconciler().judge(log, context({}))
    assert sorted(moved(verdict)) == sorted((epc, "in") for epc in epcs)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_pallets_that_meet_in_the_door_go_each_its_way(seed: int) -> None:
    out, back_in, rng = epcs_of(1, 24), epcs_of(101, 24), Random(seed)
    tags = pallet(out, Path.through(1.0, speed=0.7, inwards=False, y=-0.2), rng)
    tags += pallet(back_in, Path.through(3.6, speed=0.7, inwards=True, y=0.2), rng)
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed)
    log = log_of(simulate(scene, 0.0, 26.0))
    verdict = Reconciler().judge(log, context(dict.fromkeys(out, "hall")))
    assert dict(moved(verdict)) == dict.fromkeys(out, "out") | dict.fromkeys(back_in, "in")


def test_what_is_inside_cannot_come_in_again() -> None:
    epcs = epcs_of(1, 20)
    tags = pallet(epcs, Path.through(1.0, speed=1.0, inwards=True), Random(1))
    log = log_of(simulate(Scene(antennas=dock_antennas(), tags=tuple(tags)), 0.0, 14.0))
    verdict = Reconciler().judge(log, context(dict.fromkeys(epcs, "hall")))
    assert not verdict.movements
    assert {tag.reason for one in verdict.passes for tag in one.tags} == {"already inside"}
    assert [review.reason for review in verdict.reviews] == ["already inside"]


def test_goods_that_turn_back_do_not_move() -> None:
    tags = pallet(epcs_of(1, 20), Path.approach(1.0, speed=1.0, outside=True), Random(1))
    log = log_of(simulate(Scene(antennas=dock_antennas(), tags=tuple(tags)), 0.0, 14.0))
    assert not Reconciler().judge(log, context({})).movements


def test_unknown_items_are_asked_about() -> None:
    tags = pallet(epcs_of(1, 20), Path.through(1.0, speed=1.0, inwards=True), Random(1))
    log = log_of(simulate(Scene(antennas=dock_antennas(), tags=tuple(tags)), 0.0, 14.0))
    read_points = context({}).read_points
    verdict = Reconciler().judge(log, Context(read_points=read_points))
    assert not verdict.movements
    assert [review.reason for review in verdict.reviews] == ["unknown item"]


def test_an_unknown_read_point_is_said_and_residents_never_move() -> None:
    resident = TagResident(
        event_time=moment(1), until=moment(11), epc=epcs_of(1, 1)[0], antenna=1, count=90,
        mean_rssi_dbm=-50.0, **WHO,
    )  # fmt: skip
    log = logged([resident])
    assert Reconciler().judge(log, Context()).ignored[0].reason == "unknown read point"
    assert Reconciler().judge(log, context({})) == Verdict()


def sighting(t: float, epc: str, *, antenna: int = 1, dbm: float = -60.0) -> TagSighting:
    return TagSighting(
        event_time=moment(t), epc=epc, antenna=antenna, count=1, peak_rssi_dbm=dbm, **WHO
    )


def came_by(portal: Portal, t: float, epc: str) -> None:
    """Heard for four seconds, nearest after two."""
    for step in range(41):
        at, level = t + step / 10, -72.0 + 30.0 * math.exp(-((step / 10 - 2.0) ** 2))
        portal.sight(
            Logged(step, "edge-1", "epoch0001", step, sighting(at, epc)),
            sighting(at, epc, dbm=level),
        )


def test_a_clock_that_was_wrong_for_a_moment_does_not_end_judging() -> None:
    portal = Portal()
    assert portal.groups(4_000_000_000_000_000) == []  # the year 2096, for one tick
    came_by(portal, 0.0, "AA")
    (group,) = portal.groups(to_us(moment(7.0)))
    assert group.final
    assert [track.epc for track in group.tracks] == ["AA"]


def test_every_start_of_an_edge_is_remembered_only_while_a_track_rests_on_it() -> None:
    portal = Portal()
    for start in range(100):
        seen = sighting(100.0 * start, f"{start:02X}")
        portal.sight(Logged(start, "edge-1", f"epoch{start:04}", start + 1, seen), seen)
        if start % 10:
            del portal.live[seen.epc]  # judged
    (oldest, *_, newest) = portal.causes(one.track for one in portal.live.values())
    assert [(one.epoch, one.first_seq) for one in (oldest, newest)] == [
        ("epoch0000", 1), ("epoch0090", 91),
    ]  # fmt: skip
    assert len(portal.live) == 10
    assert len(portal.sources) < 20
