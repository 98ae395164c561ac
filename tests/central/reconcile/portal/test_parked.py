"""A pallet that is left in the doorway for a while and goes on, or back, or stays."""

from __future__ import annotations

from random import Random

import pytest

from central.reconcile.ordering import told_us
from central.reconcile.portal import pulse
from central.reconcile.portal.live import Live, pass_time
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import begin
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Logged, Verdict
from drivers.emulators.portal_physics import (
    Path,
    Scene,
    Tag,
    dock_antennas,
    pallet,
    simulate,
)
from gateway.contract import DeviceHealth, TagResident, TagSighting
from tests.fakes.portal_log import WHO, described, fold, logged, moment
from tests.fakes.portal_scenes import context, epcs_of

EPCS = epcs_of(1, 20)
STRAYS = epcs_of(101, 20)


def left_at(x_m: float, wait_s: float, end_m: float) -> Path:
    """It comes from outside within five seconds, stands at ``x_m``, and goes to ``end_m``."""
    back = abs(end_m - x_m)
    return Path(
        waypoints=(
            (2.0, -6.0, 0.0, 0.0),
            (7.0, x_m, 0.0, 0.0),
            (7.0 + wait_s, x_m, 0.0, 0.0),
            (7.0 + wait_s + back, end_m, 0.0, 0.0),
        )
    )


def log_of(path: Path, until_s: float, *, seed: int = 1) -> list[Logged]:
    rng = Random(seed)
    tags: list[Tag] = pallet(EPCS, path, rng)
    tags += pallet(STRAYS, Path.standing(3.0, 2.5), rng)
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed)
    end = DeviceHealth(event_time=moment(until_s + 40.0), state="running", **WHO)
    return logged([described(dock_antennas()), *fold(simulate(scene, 0.0, until_s)), end])


def moved(verdict: Verdict) -> dict[str, str]:
    return {
        epc: str(movement.evidence["direction"])
        for movement in verdict.movements
        for epc in movement.epcs
    }


@pytest.mark.parametrize("wait_s", [25.0, 60.0])
def test_who_goes_on_crossed_when_it_went(wait_s: float) -> None:
    verdict = Reconciler().judge(log_of(left_at(-0.01, wait_s, 6.0), 25.0 + wait_s), context({}))
    assert moved(verdict) == dict.fromkeys(EPCS, "in")
    for movement in verdict.movements:
        assert abs((movement.event_time - moment(7.0 + wait_s)).total_seconds()) < 4.0


def test_who_goes_back_moves_nothing_by_itself() -> None:
    verdict = Reconciler().judge(log_of(left_at(-0.8, 30.0, -6.0), 50.0), context({}))
    assert not verdict.movements


def summed_up(log: list[Logged], since_s: float, until_s: float) -> list[Logged]:
    """The same as by an edge that hears nothing change meanwhile: each is told at once
    and every 10 s."""
    seen = [
        one.observation
        for one in log
        if not (
            isinstance(one.observation, TagSighting)
            and one.observation.epc in EPCS
            and moment(since_s) < one.observation.event_time < moment(until_s)
        )
    ]
    for until in [since_s + 0.1, *(since_s + 10.0 * n for n in range(1, 5)), until_s]:
        seen += [
            TagResident(
                event_time=moment(max(until - 10.0, since_s)), until=moment(until), epc=epc,
                antenna=1, count=90, mean_rssi_dbm=-50.0, **WHO,
            )
            for epc in EPCS
        ]  # fmt: skip
    return logged(sorted(seen, key=told_us))


def test_its_edge_may_sum_it_up_while_it_stands_and_restarts_change_nothing() -> None:
    log = summed_up(log_of(left_at(-0.01, 60.0, 6.0), 85.0), 18.0, 66.0)
    whole = Reconciler().judge(log, context({}))
    assert moved(whole) == dict.fromkeys(EPCS, "in")
    state: bytes | None = None
    parts: list[Verdict] = []
    for first in range(0, len(log), 997):
        reconciler = Reconciler(state)
        parts.append(reconciler.judge(log[first : first + 997], context({})))
        state = reconciler.dump()
    assert [one.movements for one in parts if one.movements] == [whole.movements]


def test_who_stays_for_hours_lies_there_in_the_end() -> None:
    """Then it is a stray like others, and nothing of it is kept as under way."""
    portal = Portal()
    portal.describe(described(dock_antennas()))
    log = log_of(left_at(-0.01, 60.0, 6.0), 60.0)
    at_us = 0
    for one in log:
        seen = one.observation
        if seen.event_time > moment(55.0):
            break
        if isinstance(seen, TagSighting):
            portal.sight(one, seen)
        at_us = int(seen.event_time.timestamp() * 1e6)
        for group in portal.groups(at_us):
            if group.standing:
                portal.park(group)
            elif group.final:
                portal.take(group)
    assert {epc for epc, tag in portal.live.items() if tag.parked_us} >= set(EPCS[:15])
    for minutes in range(1, 70):
        for group in portal.groups(at_us + minutes * 60_000_000):
            portal.take(group)
    assert not portal.live


@pytest.mark.parametrize(("dbm", "stands"), [(-44.0, True), (-38.0, False), (-49.0, False)])
def test_goods_that_come_nearer_go_on_as_those_do_that_leave(dbm: float, *, stands: bool) -> None:
    """Who waited beside the door is loudest on his way through it: not a moment of that is cut."""
    ones = [Live(begin(epc, 0, source=0, seq=1), pulse.begin(0)) for epc in EPCS[:5]]
    for now_us in range(0, 8_000_000, 500_000):
        for one in ones:
            one.pulse.add(now_us, "reader/1", -44.0)
            one.hear(now_us)
    for one in ones:
        one.park(7_500_000)
        one.pulse.add(9_000_000, "reader/1", dbm)
        one.pulse.recent_dbm = dbm
    pass_time(ones, 9_000_000)
    assert {one.parked_us > 0 for one in ones} == {stands}
