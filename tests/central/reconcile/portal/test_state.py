"""Promises of a portal's memory, whatever is heard."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.database.moments import to_us
from central.reconcile.portal import state, weighing
from central.reconcile.portal.ahead import ahead_of
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.features import Seen
from central.reconcile.portal.gathering import Group
from central.reconcile.portal.residents import MEMORY_TAGS, Residents
from central.reconcile.portal.state import Portal
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Logged
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth, TagSighting
from gateway.gs1 import decode_epc
from tests.fakes.portal_log import WHO, described, fold, logged, moment
from tests.fakes.portal_scenes import context, epcs_of

Heard = tuple[float, str, float]


def sighting(t: float, epc: str, dbm: float) -> TagSighting:
    return TagSighting(event_time=moment(t), epc=epc, antenna=1, count=1, peak_rssi_dbm=dbm, **WHO)


def hear(portal: Portal, heard: list[Heard], until_s: float) -> list[Group]:
    """All of it, every group that is over taken as soon as it is."""
    taken: list[Group] = []

    def look(t: float, *, ended: bool = False) -> None:
        for group in portal.groups(to_us(moment(t)), ended=ended):
            if group.final:
                portal.take(group)
                taken.append(group)

    for number, (t, epc, dbm) in enumerate(sorted(heard), 1):
        seen = sighting(t, epc, dbm)
        portal.sight(Logged(number, "edge-1", "epoch0001", number, seen), seen)
        look(t)
    look(until_s)
    look(until_s + 1.5, ended=True)
    return taken


def hump(epc: str, at: float, width: float, *, top: float = -42.0) -> list[Heard]:
    steps = [at + step / 5 for step in range(-25, 26)]
    levels = [(t, top - 30.0 * (1 - math.exp(-(((t - at) / width) ** 2)))) for t in steps]
    return [(t, epc, level) for t, level in levels if t >= 0.0]


def sighted_portal() -> Portal:
    portal = Portal()
    portal.describe(described(dock_antennas()))
    return portal


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.floats(5.0, 40.0), st.floats(0.5, 2.0)),
        min_size=1,
        max_size=10,
    )
)
def test_no_sighting_is_in_two_passes(humps: list[tuple[int, float, float]]) -> None:
    heard = [one for tag, at, width in humps for one in hump(f"{tag:02X}", at, width)]
    taken = hear(sighted_portal(), heard, 60.0)
    spans: dict[str, list[tuple[int, int]]] = {}
    for group in taken:
        epcs = [track.epc for track in group.tracks]
        assert len(epcs) == len(set(epcs))
        for track in group.tracks:
            spans.setdefault(track.epc, []).append((track.first_seq, track.last_seq))
    for its in spans.values():
        assert all(before[1] < after[0] for before, after in pairwise(sorted(its)))


def test_a_resident_makes_no_group_until_it_shows_change() -> None:
    rng = Random(1)
    lying = [(step / 4, "AA", -55.0 + rng.choice((-1.5, 0.0, 1.5))) for step in range(240)]
    portal = sighted_portal()
    assert hear(portal, lying, 61.0) == []
    assert portal.is_known(portal.live["AA"].track)
    rises = [(t + 100.0, epc, dbm) for t, epc, dbm in hump("AA", 5.0, 1.0)]
    assert [group.makers for group in hear(portal, rises, 120.0)] == [frozenset({"AA"})]


def test_two_pallets_close_behind_each_other_are_two_passes() -> None:
    rng = Random(3)
    first = [f"A{n:01X}" for n in range(12)]
    second = [f"B{n:01X}" for n in range(12)]
    heard = [
        one
        for epcs, at in ((first, 10.0), (second, 12.8))
        for epc in epcs
        for one in hump(epc, at + rng.gauss(0.0, 0.2), 0.9)
    ]
    heard += [(step / 3, f"C{step % 5}", -63.0 + rng.choice((-1.0, 1.0))) for step in range(90)]
    taken = [group for group in hear(sighted_portal(), heard, 30.0) if len(group.makers) > 2]
    assert [sorted(group.makers) for group in taken] == [first, second]


def sound(portal: Portal, heard: list[Heard]) -> None:
    """All of it, and nobody looks."""
    for number, (t, epc, dbm) in enumerate(sorted(heard), 1):
        seen = sighting(t, epc, dbm)
        portal.sight(Logged(number, "edge-1", "epoch0001", number, seen), seen)


def test_who_comes_behind_a_group_that_was_judged_is_looked_at_with_it() -> None:
    portal, pallet = sighted_portal(), [f"A{n:01X}" for n in range(8)]
    sound(portal, [one for epc in pallet for one in hump(epc, 5.0, 0.9)])
    (group,) = portal.groups(to_us(moment(10.0)))
    portal.ahead += [ahead_of(track, None) for track in group.tracks]
    portal.take(group)
    sound(portal, hump("B0", 6.0, 0.9, top=-55.0))
    (behind,) = portal.groups(to_us(moment(40.0)))
    assert behind.makers == {"B0"}
    assert [one.track.epc for one in behind.ahead] == pallet


def test_one_tag_that_is_loud_again_alone_has_not_come_back() -> None:
    pallet = [f"A{n:01X}" for n in range(8)]

    def again(back: list[str]) -> list[frozenset[str]]:
        portal = sighted_portal()
        sound(portal, [one for epc in pallet for one in hump(epc, 5.0, 0.9)])
        (group,) = portal.groups(to_us(moment(10.0)))
        portal.take(group)
        portal.groups(to_us(moment(12.0)))
        sound(portal, [one for epc in back for one in hump(epc, 15.2, 0.9) if one[0] < 18.0])
        return [group.makers for group in portal.groups(to_us(moment(19.0)))]

    assert again(pallet[:1]) == []
    assert again(pallet) == [frozenset(pallet)]


def test_who_is_hardly_heard_on_the_way_back_comes_back_with_the_others() -> None:
    pallet, faint = [f"A{n:01X}" for n in range(6)], ["B0", "B1"]
    portal = sighted_portal()
    sound(portal, [one for epc in (*pallet, *faint) for one in hump(epc, 5.0, 0.9)])
    (group,) = portal.groups(to_us(moment(7.0)))
    portal.take(group)
    portal.groups(to_us(moment(7.5)))
    sound(portal, [one for epc in pallet for one in hump(epc, 12.6, 0.9) if one[0] < 15.0])
    sound(portal, [one for epc in faint for one in hump(epc, 12.6, 0.9, top=-55.0)])
    (back,) = portal.groups(to_us(moment(15.0)))
    assert back.makers == {*pallet, *faint}
    assert all(track.first_us >= to_us(moment(7.0)) for track in back.tracks)


def test_who_is_still_to_be_judged_is_so_when_the_others_come_back() -> None:
    """Two ways in one track say nothing: it ends where the others turned."""
    pallet = [f"A{n:01X}" for n in range(8)]
    portal = sighted_portal()
    sound(portal, [one for epc in (*pallet, "B0") for one in hump(epc, 5.0, 0.9) if one[0] <= 7.0])
    (group,) = portal.groups(to_us(moment(7.0)))
    gone = [track for track in group.tracks if track.epc != "B0"]
    portal.ahead += [ahead_of(track, None) for track in gone]
    portal.take(group._replace(tracks=gone))
    sound(portal, [(t, "B0", dbm) for t, _, dbm in hump("B0", 5.0, 0.9) if 7.0 < t < 9.3])
    (rest,) = portal.groups(to_us(moment(8.5)))
    assert (rest.makers, rest.final) == ({"B0"}, False)
    sound(portal, [one for epc in pallet for one in hump(epc, 9.5, 0.9) if 8.5 < one[0] < 9.4])
    (rest,) = [one for one in portal.groups(to_us(moment(9.4))) if "B0" in one.makers]
    assert rest.final
    portal.take(rest)
    assert not portal.live["B0"].is_tail


def test_a_pallet_that_went_for_good_leaves_nothing_behind() -> None:
    pallet = [f"A{n:01X}" for n in range(8)]
    portal = sighted_portal()
    sound(portal, [one for epc in pallet for one in hump(epc, 5.0, 0.9)])
    (group,) = portal.groups(to_us(moment(10.0)))
    portal.take(group)
    for t in (11.0, 15.0, 21.0, 33.0):
        assert portal.groups(to_us(moment(t))) == []
    assert not portal.live
    assert not portal.residents.tags


def lying(epc: str, since: float, until: float, dbm: float = -62.0) -> list[Heard]:
    """Heard every 0.4 s, with nothing changing."""
    return [(since + 0.4 * n, epc, dbm) for n in range(int((until - since) / 0.4))]


@pytest.mark.parametrize("in_doubt", [True, False])
def test_of_whom_his_group_was_in_doubt_he_is_judged_though_he_stands_still(
    in_doubt: bool,
) -> None:
    pallet = [f"A{n:01X}" for n in range(8)]
    portal = sighted_portal()
    sound(portal, [one for epc in pallet for one in hump(epc, 5.0, 0.9)])
    sound(portal, lying("B0", 4.6, 7.0))
    (group,) = portal.groups(to_us(moment(7.0)))
    gone = [track for track in group.tracks if track.epc != "B0"]
    assert len(gone) == len(group.tracks) - 1
    portal.ahead += [ahead_of(track, None) for track in gone]
    portal.take(group._replace(tracks=gone))
    if in_doubt:
        portal.leave_behind(["B0"])
    rest = [group for t in range(8, 20) for group in portal.groups(to_us(moment(t)))]
    judged = {group.makers for group in rest if group.final}
    assert judged == ({frozenset({"B0"})} if in_doubt else set())
    assert all(len(group.ahead) == len(pallet) for group in rest)


def test_who_came_with_goods_that_stand_is_asked_when_they_go() -> None:
    """One case of the pallet is heard unchanged, and never was near when the others were."""
    pallet = [f"A{n:01X}" for n in range(8)]
    portal = sighted_portal()
    heard = [(t, epc, dbm) for epc in pallet for t, _, dbm in hump(epc, 8.0, 0.9) if t <= 8.0]
    heard += [one for epc in pallet for one in lying(epc, 8.2, 22.0, -44.0)]
    heard += [*lying("B0", 6.0, 22.0), *lying("C0", 0.2, 22.0), *lying("D0", 14.0, 22.0)]
    for number, (t, epc, dbm) in enumerate(sorted(heard), 1):
        seen = sighting(t, epc, dbm)
        portal.sight(Logged(number, "edge-1", "epoch0001", number, seen), seen)
        for group in portal.groups(to_us(moment(t))):
            if group.standing:
                assert "B0" not in group.makers
                portal.park(group)
    parked = {epc for epc, one in portal.live.items() if one.parked_us}
    assert parked == {*pallet, "B0"}


def test_a_tag_is_sure_when_it_was_so_at_the_look_before_too() -> None:
    portal = sighted_portal()
    sound(portal, [(1.0, "A0", -50.0), (1.0, "A1", -50.0)])
    assert portal.sure_again(["A0", "A1"], {"A0": "in", "A1": "in"}) == set()
    assert portal.sure_again(["A0", "A1"], {"A0": "in", "A1": "out"}) == {"A0"}
    assert portal.sure_again(["A0", "A1"], {"A1": "out"}) == {"A1"}


def test_whoever_crosses_and_comes_back_moves_nothing_in_all() -> None:
    epcs = epcs_of(1, 12)
    there = Path.through(1.0, speed=1.2, inwards=True)
    back = Path.through(20.0, speed=1.2, inwards=False)
    reads = [
        *simulate(
            Scene(antennas=dock_antennas(), tags=tuple(pallet(epcs, there, Random(1)))), 0, 15
        ),
        *simulate(
            Scene(antennas=dock_antennas(), tags=tuple(pallet(epcs, back, Random(1)))), 18, 34
        ),
    ]
    end = DeviceHealth(event_time=moment(100.0), state="running", **WHO)
    log = logged([described(dock_antennas()), *fold(sorted(reads, key=lambda one: one[0])), end])
    reconciler, places = Reconciler(), dict.fromkeys(epcs, "elsewhere")
    moved: dict[str, int] = dict.fromkeys(epcs, 0)
    for one in log:
        for movement in reconciler.judge([one], context(places)).movements:
            way = 1 if movement.evidence["direction"] == "in" else -1
            for epc in movement.epcs:
                moved[epc] += way
                places[epc] = movement.destination
    assert set(moved.values()) == {0}


def test_memory_is_bounded_whoever_comes_by() -> None:
    """A storm of ghosts under way, and 100,000 tags that lay about: 60 bytes for each kept."""
    portal = sighted_portal()
    for number in range(state.LIVE_TAGS + 500):
        seen = sighting(number / 5_000, f"{number:024X}", -60.0)
        portal.sight(Logged(number, "edge-1", "epoch0001", number + 1, seen), seen)
    assert len(portal.live) == state.LIVE_TAGS
    residents = portal.residents
    for number in range(100_000):
        residents.rest(f"{number:024X}", number * 1_000_000, number % 3, -60.0)
    assert len(residents.tags) == MEMORY_TAGS
    kept = msgspec.msgpack.encode(residents)
    assert len(kept) < 60 * MEMORY_TAGS
    assert msgspec.msgpack.decode(kept, type=Residents) == residents


def weighed(portal: Portal, odds: dict[str, float]) -> list[weighing.Crossing]:
    """Each tag under way as if it had been weighed: it went out, if it did."""
    return [
        weighing.Crossing(
            one.track,
            decode_epc(epc),
            Seen((), ()),
            Judged(odds[epc], 0.001, to_us(moment(10.0)), 0, 0.999, 0.001),
            known=False,
            pack=None,
        )
        for epc, one in portal.live.items()
    ]


def test_who_comes_close_behind_does_not_go_along() -> None:
    """The pallet behind is nearest just when the first is told: it would have gone its way."""
    first = [f"A{n:01X}" for n in range(8)]
    second = [f"B{n:01X}" for n in range(4)]
    portal = sighted_portal()
    for number, epc in enumerate([*first, *second], 1):
        at = 10.0 if epc in first else 12.4
        for t in (at - 1.0, at):
            seen = sighting(t, epc, -44.0 if t == at else -60.0)
            portal.sight(Logged(number, "edge-1", "epoch0001", number, seen), seen)
    portal.now_us = to_us(moment(12.6))
    ones = weighed(portal, dict.fromkeys([*first, *second], 0.999))
    tracks = [one.track for one in ones]
    group = Group(tracks, frozenset([*first, *second]), 0, portal.now_us, final=False)
    ripe = weighing.ripe(group, ones, portal)
    assert ripe is not None
    assert sorted(track.epc for track in ripe.group.tracks) == first
    whole = weighing.ripe(group._replace(final=True), ones, portal)
    assert whole is not None
    assert len(whole.crossings) == len(ones)


def test_a_group_that_goes_leaves_behind_of_whom_it_is_in_doubt() -> None:
    odds = dict.fromkeys([f"A{n:01X}" for n in range(8)], 0.999) | {"B0": 0.3, "C0": 0.05}
    portal = sighted_portal()
    sound(portal, [one for epc in odds for one in lying(epc, 9.0, 10.1)])
    portal.now_us = to_us(moment(11.0))
    ones = weighed(portal, odds)
    group = Group([one.track for one in ones], frozenset(odds), 0, portal.now_us, final=False)
    ripe = weighing.ripe(group, ones, portal)
    assert ripe is not None
    assert len(ripe.crossings) == 8
    assert [epc for epc, one in portal.live.items() if one.left_behind] == ["B0"]


@pytest.mark.parametrize(("went", "is_asked"), [(0.9, True), (0.6, False)])
def test_goods_that_stand_behind_the_door_are_asked_about_while_they_do(
    went: float, is_asked: bool
) -> None:
    """Others are parked, and asked about when they go."""
    odds = {f"A{n:01X}": went for n in range(4)} | {"B0": 0.001, "B1": 0.001}
    portal = sighted_portal()
    sound(portal, [one for epc in odds for one in lying(epc, 9.0, 10.1)])
    portal.now_us = to_us(moment(20.0))
    ones = weighed(portal, odds)
    for one in portal.live.values():
        one.came = one.track
    tracks = [one.track for one in ones]
    group = Group(tracks, frozenset(odds), 0, 0, final=False, standing=True)
    ripe = weighing.ripe(group, ones, portal)
    assert (ripe is not None and ripe.group.final and len(ripe.crossings) == 6) == is_asked
    assert {one.parked_us > 0 for one in portal.live.values()} == {not is_asked}
