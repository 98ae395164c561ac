"""The turns of observations that several edges tell of one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from central.reconcile import ordering
from central.reconcile.ordering import LATENESS_US, STEADY_US, Order, Released, Way, merged
from central.reconcile.verdict import Logged
from gateway.contract import DeviceHealth, GateWindow, Observation, TagResident
from tests.fakes.portal_log import WHO, moment

HOUR = 3_600.0


def health(t: float) -> DeviceHealth:
    return DeviceHealth(event_time=moment(t), state="running", **WHO)


def log_of(told: Iterable[tuple[str, float]]) -> list[Logged]:
    """Edges and times, in the order in which they arrive."""
    counts: dict[str, int] = {}
    log: list[Logged] = []
    for edge, t in told:
        counts[edge] = counts.get(edge, 0) + 1
        log.append(Logged(len(log) + 1, edge, "epoch0001", counts[edge], health(t)))
    return log


def run(log: Sequence[Logged], order: Order | None = None) -> list[Released]:
    order = order or Order()
    out = [released for one in log for released in order.take(one)]
    return out + order.settle(log[-1].log_id)


def turns(released: Iterable[Released]) -> list[tuple[str, int]]:
    return [(one.logged.edge, one.logged.seq) for one in released]


def test_one_edge_alone_waits_for_nobody_and_is_never_late() -> None:
    order = Order()
    for one in log_of([("a", 1), ("a", 9), ("a", 2), ("a", 30 * HOUR), ("a", 3)]):
        assert [(r.logged, r.way) for r in order.take(one)] == [(one, Way.IN_ORDER)]
    assert not order.holds


def test_the_order_is_that_of_what_was_complete_when() -> None:
    stay = TagResident(event_time=moment(1), until=moment(11), epc="AA", antenna=1, count=9, **WHO)
    window = GateWindow(event_time=moment(2), closed_at=moment(7), closed_by="quiet", **WHO)
    seen: list[Observation] = [stay, window, health(5)]
    assert [ordering.told_us(one) for one in seen] == [
        round(moment(t).timestamp() * 1e6) for t in (11, 7, 5)
    ]


def test_who_is_silent_is_waited_for_by_the_lateness_and_no_longer() -> None:
    order = Order()
    log = log_of([("a", 0), ("b", 0.1), ("a", 1.0), ("a", 1.39), ("a", 1.41), ("b", 1.2)])
    out = [turns(order.take(one)) for one in log]
    assert out == [[("a", 1)], [], [("b", 1)], [], [("a", 2)], [("b", 2)]]
    assert order.holds
    assert turns(order.settle(4)) == [("a", 3)]
    assert turns(order.settle(6)) == [("a", 4)]
    assert not order.holds


def test_what_comes_after_its_turn_is_late_and_who_catches_up_is_in_order_again() -> None:
    log = log_of([("a", 0), ("b", 0), ("a", 10), ("a", 11), ("b", 5), ("b", 10.8), ("b", 11.5)])
    released = run(log)
    assert [one.way for one in released if one.logged.edge == "b"] == [
        Way.IN_ORDER, Way.LATE, Way.IN_ORDER, Way.IN_ORDER,
    ]  # fmt: skip
    in_order = [one.at_us for one in released if one.way is Way.IN_ORDER]
    assert in_order == sorted(in_order)


def test_a_clock_days_ahead_holds_nobody_up_and_the_others_are_judged_apart() -> None:
    days = 9 * 24 * HOUR
    told = [("a", 0.0), ("b", 0.0)]
    told += [(edge, t + (days if edge == "b" else 0.0)) for t in range(1, 40) for edge in "ba"]
    log = log_of(told)
    order = Order()
    released = [r for one in log for r in order.take(one)]
    assert {r.way for r in released if r.logged.edge == "a" and r.logged.seq > 2} == {Way.APART}
    assert len(released) >= len(log) - 2
    # The clock is put right: all are together again.
    t = [41.0, 41.1, 42.0, 42.1, 43.0]
    right = log_of(list(zip("babab", t, strict=True)))
    again = [r for one in right for r in order.take(one)]
    assert {r.way for r in again[2:]} == {Way.IN_ORDER}


def test_a_clock_that_stays_behind_is_a_clock_and_a_backlog_is_late() -> None:
    def ways(b_per_a: float, behind_s: float = 600.0) -> list[Way]:
        """Edge b is ten minutes behind, and tells so many seconds in one of a's."""
        told = [("a", 0.0), ("b", 0.0), ("a", behind_s), ("a", behind_s + 0.5)]
        for second in range(1, 60):
            told += [("b", second * b_per_a), ("a", behind_s + second)]
        return [one.way for one in run(log_of(told)) if one.logged.edge == "b"][1:]

    assert set(ways(1.0, behind_s=30.0)) == {Way.LATE}  # this may be a line
    assert ways(1.0)[: STEADY_US // 1_000_000] == [Way.LATE] * (STEADY_US // 1_000_000)
    assert set(ways(1.0)[21:]) == {Way.APART}
    assert set(ways(8.0)) == {Way.LATE}
    caught_up = ways(60.0)
    assert set(caught_up[:9]) == {Way.LATE}
    assert set(caught_up[12:]) == {Way.IN_ORDER}


def test_memory_is_bounded_by_edges_and_by_what_waits() -> None:
    order = Order()
    for one in log_of((f"edge-{n}", float(n)) for n in range(50)):
        order.take(one)
    assert len(order.sources) <= ordering.SOURCES
    log = log_of([("a", 0.0), ("b", 0.0), *(("a", 1.0) for _ in range(ordering.HELD + 100))])
    order = Order()
    for one in log:
        order.take(one)
    assert len(order.sources["a"].held) <= ordering.HELD + 1


times = st.lists(st.integers(0, 3_000), max_size=25).map(sorted)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """What three edges tell, by time, and as it arrives: each in order, within the lateness."""
    told = [
        (at, edge, number)
        for edge in "abc"
        for number, at in enumerate(draw(times))
    ]  # fmt: skip
    delay = draw(
        st.lists(st.integers(0, LATENESS_US // 1_000 - 1), min_size=len(told), max_size=len(told))
    )
    latest: dict[str, int] = {}
    arriving = []
    for (at, edge, number), late in zip(told, delay, strict=True):
        latest[edge] = max(latest.get(edge, 0), at + late)
        arriving.append((latest[edge], edge, number, at))
    start = [(edge, -1.0) for edge in "abc"]
    return (
        start + [(edge, at / 1e3) for at, edge, _ in sorted(told)],
        start + [(edge, at / 1e3) for _, edge, _, at in sorted(arriving)],
    )


@given(arrivals(), st.lists(st.integers(0, 80), max_size=4))
@example((tied := [("a", -1.0), ("b", -1.0), ("c", -1.0), ("b", 0.0), ("a", 0.0)], tied), [])
def test_however_it_arrives_within_the_lateness_the_order_is_the_same(
    told: tuple[list[tuple[str, float]], list[tuple[str, float]]], cuts: list[int]
) -> None:
    by_time, as_it_arrives = told
    want = turns(run(log_of(by_time)))[3:]
    log = log_of(as_it_arrives)
    order = Order()
    out: list[Released] = []
    for place, one in enumerate(log):
        out += order.take(one)
        if place in cuts:
            order = msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=Order)
    out += order.settle(log[-1].log_id)
    assert turns(out)[3:] == want
    assert {one.way for one in out} == {Way.IN_ORDER}
    again = [(one.edge, one.seq) for _, one in merged(log[3:], {})]
    assert again == want
