"""Zones: which tags are there, at which place, and when they are gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, PresenceEvent, ReadPoint, Verdict
from central.reconcile.zone import zone as zone_module
from gateway.contract import (
    Antenna,
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    Observation,
    TagResident,
    TagSighting,
)
from tests.fakes.portal_log import EPOCH, logged, moment

CONTEXT = Context(read_points={"aisle": ReadPoint(code="aisle", kind="zone", location="hall")})
WHO: dict[str, Any] = {"device": "reader-1", "read_point": "aisle"}
PALLET = "3034257BF7194E4000001A85"
GHOST = "E28011700000020EC250705D"


def read(t: float, epc: str = PALLET, *, antenna: int = 1, dbm: float = -55.0) -> TagSighting:
    return TagSighting(
        event_time=moment(t), epc=epc, antenna=antenna, count=1, peak_rssi_dbm=dbm,
        mean_rssi_dbm=dbm, **WHO,
    )  # fmt: skip


def lies(t: float, until: float, *, count: int, epc: str = PALLET) -> TagResident:
    return TagResident(
        event_time=moment(t), until=moment(until), epc=epc, antenna=1, count=count,
        mean_rssi_dbm=-55.0, **WHO,
    )  # fmt: skip


def says(t: float, state: str = "running") -> DeviceHealth:
    return DeviceHealth(event_time=moment(t), state=state, **WHO)


def of_reader_2(one: Observation) -> Observation:
    assert isinstance(one, TagSighting)
    return msgspec.structs.replace(one, device="reader-2")


def two_places() -> DeviceDescribed:
    antennas = [Antenna(antenna=1, alias="left"), Antenna(antenna=2, alias="right")]
    return DeviceDescribed(event_time=EPOCH, driver="llrp", antennas=antennas, **WHO)


def judge(observations: Sequence[Observation]) -> Verdict:
    return Reconciler().judge(logged(observations), CONTEXT)


def told(observations: Sequence[Observation]) -> list[tuple[str, str]]:
    return [(one.kind, one.place) for one in judge(observations).presence]


def seconds(event: PresenceEvent) -> float:
    return (event.event_time - EPOCH).total_seconds()


def steadily(begin: float, end: float, every: float = 0.3, **how: Any) -> list[Observation]:
    return [read(begin + n * every, **how) for n in range(round((end - begin) / every))]


def test_a_tag_arrives_with_its_first_read_and_departs_without_any() -> None:
    verdict = judge([*steadily(0, 20), says(22), says(80)])
    arrived, departed = verdict.presence
    assert (arrived.kind, arrived.place, arrived.reads) == ("arrived", "hall", 1)
    assert (arrived.event_time, arrived.decided_at) == (moment(0), moment(0))
    assert (departed.kind, departed.place) == ("departed", "hall")
    assert departed.heard_at == moment(19.8)
    assert seconds(departed) == pytest.approx(19.8 + 1.96, abs=0.3), "its gaps are short"
    assert departed.decided_at >= departed.event_time
    assert departed.confidence >= 0.97
    assert [(c.first_seq, c.last_seq) for c in arrived.causes] == [(1, 1)]
    assert verdict.movements == verdict.reviews == (), "absence never moves stock, nor presence"


def test_a_departure_is_true_at_the_same_time_whenever_it_is_known() -> None:
    at = {
        judge([*steadily(0, 20), says(later)]).presence[-1].event_time for later in (23, 60, 9_000)
    }
    assert len(at) == 1


def test_one_read_of_what_gs1_does_not_define_is_no_arrival_and_is_forgotten() -> None:
    ghost = [read(0, GHOST), says(20), says(200), read(300, GHOST), says(400)]
    assert told(ghost) == []
    assert told([read(0, GHOST), read(3, GHOST), says(90)]) == [
        ("arrived", "hall"),
        ("departed", "hall"),
    ]


def test_among_several_places_each_antenna_has_its_turn_before_a_tag_is_told() -> None:
    (arrived,) = judge([two_places(), read(0), read(0.1, antenna=2, dbm=-40.0)]).presence
    assert (arrived.place, arrived.event_time) == ("right", moment(0))
    alone = judge([two_places(), read(0), says(0.5), says(1.5), says(5)]).presence
    assert [(one.kind, one.place, seconds(one)) for one in alone] == [("arrived", "left", 0)]
    assert alone[0].decided_at == moment(1.5)


def test_a_tag_that_is_seldom_heard_is_given_time() -> None:
    rare = [read(t) for t in (0, 8, 14, 25, 31, 40, 51, 58, 66, 77)]
    verdict = judge([*rare, says(130), says(150)])
    assert [one.kind for one in verdict.presence] == ["arrived", "departed"]
    assert 77 + 10 < seconds(verdict.presence[-1]) < 77 + 20


def test_who_was_told_gone_by_mistake_is_known_when_it_is_back_and_given_more_time() -> None:
    """Heard once in 20 s: told gone, and back; each time its silence means less."""
    seldom = [read(20.0 * n) for n in range(20)]
    events = judge([two_places(), *seldom]).presence
    gone = [
        seconds(one) - (one.heard_at - EPOCH).total_seconds()
        for one in events
        if one.kind == "departed"
    ]
    assert gone == sorted(gone), "patience only grows"
    back = [one for one in events if one.kind == "arrived"]
    assert len(gone) <= 4
    assert all(one.reads == 1 for one in back[1:]), "of a tag one knows one read is enough"


def test_a_zone_that_allows_more_silence_is_steadier() -> None:
    seldom = [*(read(20.0 * n) for n in range(20)), says(4_000)]

    def story(gone_after_s: float) -> list[str]:
        point = ReadPoint(code="aisle", kind="zone", location="hall", gone_after_s=gone_after_s)
        context = Context(read_points={"aisle": point})
        return [one.kind for one in Reconciler().judge(logged(seldom), context).presence]

    assert story(600) == ["arrived", "departed"]
    assert len(story(60)) > 2


def test_a_zone_may_allow_less_silence() -> None:
    hasty = ReadPoint(code="aisle", kind="zone", location="hall", gone_after_s=10.0)
    seldom = [*(read(8.0 * n) for n in range(6)), says(200)]
    verdict = Reconciler().judge(logged(seldom), Context(read_points={"aisle": hasty}))
    assert [seconds(one) for one in verdict.presence] == [0.0, 50.0]


def test_summaries_keep_a_tag_present() -> None:
    lying: list[Observation] = [lies(3 + n, 3.9 + n, count=5) for n in range(200)]
    assert told([*steadily(0, 3), *lying]) == [("arrived", "hall")]
    departed = judge([*steadily(0, 3), *lying, says(300)]).presence[-1]
    assert 1.0 < seconds(departed) - 202.9 <= 2.0


def test_slow_summaries_are_learnt() -> None:
    """An edge that summarises every 10 s: at most the first pause looks like a departure."""
    lying: list[Observation] = []
    for n in range(30):
        lying += [lies(10.0 * n + 3, 10.0 * n + 12.8, count=50), says(10.0 * n + 12.9)]
        lying += [read(10.0 * n + 12.9 + k, "E2") for k in range(10)]
    kinds = [one.kind for one in judge([*steadily(0, 3), *lying]).presence if one.epc == PALLET]
    assert kinds in (["arrived"], ["arrived", "departed", "arrived"])


def test_a_reader_that_does_not_read_lets_nothing_depart() -> None:
    blind = [*steadily(0, 20), says(20.1, "retrying"), says(500, "retrying"), says(3_600)]
    assert told(blind) == [("arrived", "hall")]
    assert told([*blind, read(3_600.5)]) == [("arrived", "hall")]
    departed = judge([*blind, says(3_700)]).presence[-1]
    assert 3_601 <= seconds(departed) < 3_603, "its silence counts from when the reader is back"


def test_a_read_says_that_the_reader_reads() -> None:
    lost = [*steadily(0, 20), says(20.1, "retrying")]
    events = judge([*lost, *steadily(90, 95, epc="E2"), says(200)]).presence
    gone = {one.epc: seconds(one) for one in events if one.kind == "departed"}
    assert 91 <= gone[PALLET] < 93


def test_a_reader_that_hangs_lets_nothing_depart_whatever_others_of_its_zone_hear() -> None:
    """It says nothing any more, not even that it fails."""
    other = [of_reader_2(one) for one in steadily(0, 300, epc="E2")]
    both = [*steadily(0, 20), *other]
    both.sort(key=lambda one: one.event_time)
    assert [one.epc for one in judge(both).presence if one.kind == "departed"] == []


def test_the_time_that_an_edge_was_off_is_nobodys_silence() -> None:
    """Power cut: nobody said that the reader stops; another start of the edge says it runs."""
    before = logged(steadily(0, 20))
    after = [one._replace(epoch="later") for one in logged([says(900), says(901), says(960)])]
    reconciler = Reconciler()
    reconciler.judge(before, CONTEXT)
    first = reconciler.judge(after[:2], CONTEXT).presence
    (departed,) = reconciler.judge(after[2:], CONTEXT).presence
    assert first == ()
    assert 901 < seconds(departed) < 903


def test_two_edges_may_call_their_readers_alike() -> None:
    """One hears a tag all the time, the other lost its own: that one alone departs."""
    here = steadily(0, 60)
    there = [one._replace(edge="other") for one in logged(steadily(0.1, 20, epc="E2"))]
    beats = [one._replace(edge="other") for one in logged([says(float(t)) for t in range(21, 60)])]
    mixed = sorted([*logged(here), *there, *beats], key=lambda one: one.observation.event_time)
    events = Reconciler().judge(mixed, CONTEXT).presence
    assert [one.epc for one in events if one.kind == "departed"] == ["E2"]


def test_what_comes_late_is_told_as_of_then_and_departs_as_of_then() -> None:
    """A backlog's tag, long gone: both events name its own time, and who is here stays."""
    events = judge([*steadily(0, 100), read(40, "E2"), read(40.2, "E2"), *steadily(100, 110)])
    story = [(one.epc, one.kind, round(seconds(one))) for one in events.presence]
    assert story[0] == (PALLET, "arrived", 0)
    assert story[1] == ("E2", "arrived", 40)
    assert story[2][:2] == ("E2", "departed")
    assert 40 < story[2][2] < 60
    assert len(story) == 3
    assert events.presence[1].decided_at >= moment(99)


def test_what_comes_twice_changes_no_story() -> None:
    once = [two_places(), *steadily(0, 10), *steadily(10, 20, antenna=2), says(60)]
    assert told([one for one in once for _ in range(2)]) == told(once)


def test_a_tag_that_walks_moves_once() -> None:
    walk: list[Observation] = [two_places()]
    for n in range(200):
        t, across = n * 0.1, min(1.0, max(0.0, (n - 80) / 40))
        walk.append(
            read(t, antenna=1 + n % 2, dbm=-50 - 20 * (across if n % 2 == 0 else 1 - across))
        )
    verdict = judge(walk)
    assert [(e.kind, e.was, e.place) for e in verdict.presence] == [
        ("arrived", "", "left"),
        ("moved", "left", "right"),
    ]
    moved = verdict.presence[1]
    assert 10.0 < seconds(moved) < 12.0
    assert moved.confidence > 0.6


def test_noise_moves_hardly_anything() -> None:
    """Between two places that hear it alike, with the scatter of real levels: 1.5 hours, and about
    one false move in six.
    """
    moves = 0
    for seed in range(3):
        random = Random(seed)
        still = [
            read(0.2 * n, antenna=random.randint(1, 2), dbm=random.gauss(-60, 2.1))
            for n in range(9_000)
        ]
        arrived, *others = judge([two_places(), *still]).presence
        assert arrived.kind == "arrived"
        moves += len(others)
    assert moves <= 1


def test_antennas_of_one_place_do_not_move_a_tag() -> None:
    same = [Antenna(antenna=1, alias="shelf"), Antenna(antenna=2, alias="shelf")]
    described = DeviceDescribed(event_time=EPOCH, driver="llrp", antennas=same, **WHO)
    there = [*steadily(0, 9), *steadily(9, 20, antenna=2, dbm=-40.0)]
    assert told([described, *there]) == [("arrived", "shelf")]


def test_a_zone_remembers_so_many_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_module, "MOST_TAGS", 50)
    many = [read(0.001 * n + k * 0.0001, f"E{n:05d}") for n in range(80) for k in range(2)]
    reconciler = Reconciler()
    events = reconciler.judge(logged(many), CONTEXT).presence
    gone = [one.epc for one in events if one.kind == "departed"]
    assert gone == [f"E{n:05d}" for n in range(30)]
    assert len(reconciler.dump()) < 50 * 250


def test_what_is_no_tag_is_ignored_and_a_window_is_time() -> None:
    window = GateWindow(
        event_time=moment(90), closed_at=moment(91), closed_by="quiet", reads=0, tags=0, **WHO
    )
    assert told([*steadily(0, 3), window]) == [("arrived", "hall"), ("departed", "hall")]


@st.composite
def visits(draw: st.DrawFn) -> list[Observation]:
    """Tags that come and go, some lying, with a reader that fails now and then."""
    random = Random(draw(st.integers(0, 10**6)))
    log: list[tuple[float, Observation]] = [(0.0, two_places())]
    for tag in range(draw(st.integers(1, 4))):
        t, epc = random.uniform(0, 5), f"E{tag}"
        while t < 60:
            if random.random() < 0.15:
                until = t + random.uniform(0, 1)
                log.append((until, lies(t, until, count=random.randint(1, 6), epc=epc)))
                t = until
            dbm = random.uniform(-70, -45)
            log.append((t, read(t, epc, antenna=random.randint(1, 2), dbm=dbm)))
            t += random.choice([0.05, 0.2, 0.4, 1.0, 7.0, 40.0])
    for _ in range(draw(st.integers(0, 3))):
        t = random.uniform(0, 60)
        log += [(t, says(t, "retrying")), (t + 5, says(t + 5))]
    log.append((200.0, says(200.0)))
    return [one for _, one in sorted(log, key=lambda timed: timed[0])]


@given(log=visits())
def test_no_tag_arrives_twice_without_departing(log: list[Observation]) -> None:
    present: dict[str, str] = {}
    for event in judge(log).presence:
        if event.kind == "arrived":
            assert event.epc not in present
            present[event.epc] = event.place
        elif event.kind == "moved":
            assert (present[event.epc], event.was) == (event.was, present[event.epc])
            assert event.place != event.was
            present[event.epc] = event.place
        else:
            assert present.pop(event.epc) == event.place
            assert event.heard_at < event.event_time
        assert event.event_time <= event.decided_at
    assert not present, "everything is gone in the end"


@given(log=visits(), cuts=st.sets(st.integers(1, 400), max_size=6))
def test_where_the_log_is_cut_changes_nothing(log: list[Observation], cuts: set[int]) -> None:
    whole = Reconciler()
    expected = whole.judge(logged(log), CONTEXT)
    events: list[PresenceEvent] = []
    pieces = Reconciler()
    entries = logged(log)
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(entries)], strict=True):
        events += pieces.judge(entries[begin:end], CONTEXT).presence
        pieces = Reconciler(pieces.dump())
    assert tuple(events) == expected.presence
    assert pieces.dump() == whole.dump()


@given(log=visits(), seed=st.integers(0, 10**6))
def test_a_little_disorder_changes_no_story(log: list[Observation], seed: int) -> None:
    """What an edge tells up to 50 ms late: the same tags arrive and depart, nearly then."""
    random = Random(seed)
    hurried = [
        (one.event_time + timedelta(milliseconds=random.uniform(0, 50)), n, one)
        for n, one in enumerate(log)
        if isinstance(one, TagSighting) and one.antenna == 1
    ]
    shaken = [one for _, _, one in sorted(hurried, key=lambda timed: timed[:2])]
    straight = [one for one in log if isinstance(one, TagSighting) and one.antenna == 1]

    def story(observations: list[Observation]) -> list[tuple[str, str, int]]:
        events = judge([*observations, says(500.0)]).presence
        return [(e.epc, e.kind, round(seconds(e) / 1.5)) for e in events]

    ours, theirs = story(list(straight)), story(list(shaken))
    assert sorted(one[:2] for one in ours) == sorted(one[:2] for one in theirs)
