"""Two edges at one dock: whatever happens on the way, the same comes of it; what is late is
put right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.reconcile import late, rewind
from central.reconcile.fusion import known_of
from central.reconcile.late import Past
from central.reconcile.layout import layout_of
from central.reconcile.mind import ForeignState, Mind
from central.reconcile.ordering import LATENESS_US, Order
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict, together
from central.reconcile.witness import Known
from central.stock.model import Movement
from gateway.contract import DeviceHealth
from tests.fakes.portal_log import moment
from tests.fakes.portal_scenes import context
from tests.fakes.two_edges import Scene, Told, away, in_time, log_of, scene, us


class Ledger:
    """What was posted, and where it put tags."""

    def __init__(self, placed: dict[str, str]) -> None:
        self.placed = dict(placed)
        self.movements: list[Movement] = []

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> Sequence[Known]:
        """As ``Recent.of``, of what portals moved and nothing corrected."""
        void = {one.corrects for one in self.movements}
        stands = [one for one in self.movements if one.corrects is None and one.id not in void]
        every = [known_of(one) for one in stands if one.origin == "portal"]
        within = [one for one in every if from_us <= one.event_us <= upto_us]
        return [one for one in within if one.sku == sku and one.origin != besides]

    def post(self, verdict: Verdict) -> None:
        amended = [one for a in verdict.amendments for one in a.movements]
        for movement in (*verdict.movements, *amended):
            for epc in movement.epcs:
                assert self.placed.get(epc, movement.source) == movement.source
                self.placed[epc] = movement.destination
            self.movements.append(movement)

    def net(self) -> dict[tuple[str, str], int]:
        stock: dict[tuple[str, str], int] = {}
        for one in self.movements:
            for place, change in ((one.source, -one.quantity), (one.destination, one.quantity)):
                stock[one.sku, place] = stock.get((one.sku, place), 0) + change
        return {key: quantity for key, quantity in stock.items() if quantity}


def judge(
    log: Sequence[Logged],
    placed: dict[str, str],
    cuts: Iterable[int] = (),
    *,
    upto: int = 0,
    known: Context | None = None,
    before: Sequence[Movement] = (),
) -> tuple[Verdict, Ledger]:
    """Everything that a log comes to, with a new mind at each cut, and then time passing."""
    ledger = Ledger(placed)
    ledger.post(Verdict(movements=tuple(before)))

    def heard(point: str, first: int, last: int) -> Iterator[Logged]:
        return (one for one in log if first <= one.log_id <= last)

    known = known or context(ledger.placed)
    known = msgspec.structs.replace(known, placed=ledger.placed, heard=heard, recent=ledger)
    mind, parts = Mind(), []
    for one in log:
        parts.append(mind.judge(one, known))
        ledger.post(parts[-1])
        if one.log_id in cuts:
            mind = Mind(mind.dump())
    last = upto or log[-1].log_id
    while mind.waiting is not None and mind.waiting <= last:
        parts.append(mind.settle(last, known))
        ledger.post(parts[-1])
    return together(parts), ledger


def test_one_edge_is_judged_as_without_any_of_this() -> None:
    made = scene(3)
    log = log_of(one for one in made.told if one.edge == "edge-in")
    verdict, _ = judge(log, made.placed)
    assert verdict == Reconciler().judge(log, context(made.placed))
    assert verdict.passes


@lru_cache(maxsize=1)
def whole() -> Verdict:
    made = scene(3)
    verdict, _ = judge(log_of(in_time(made.told)), made.placed)
    assert verdict.movements
    assert not verdict.amendments
    return verdict


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(1, 900), max_size=5))
def test_any_delay_within_the_lateness_and_any_crash_give_the_same(
    seed: int, cuts: set[int]
) -> None:
    chance = Random(seed)
    made = scene(3)
    latest: dict[str, float] = {}
    arrivals = []
    for one in in_time(made.told):
        delay_us = 0.0 if one.seq == 1 else chance.uniform(0.0, LATENESS_US - 1.0)
        latest[one.edge] = max(latest.get(one.edge, 0.0), one.at_us + delay_us)
        arrivals.append((one.seq > 1, latest[one.edge], one.edge, one.seq, one))
    log = log_of(one for *_, one in sorted(arrivals, key=lambda a: a[:4]))
    verdict, _ = judge(log, made.placed, cuts)
    assert verdict == whole()


def net_of(verdict: Verdict, placed: dict[str, str]) -> dict[tuple[str, str], int]:
    ledger = Ledger(placed)
    ledger.post(verdict)
    return ledger.net()


@pytest.mark.parametrize("edge", ["edge-out", "edge-in"])
@pytest.mark.parametrize("span", [(4.0, 900.0), (10.5, 20.0), (11.2, 12.0), (29.0, 900.0)])
def test_what_comes_late_puts_right_what_was_decided_without_it(
    edge: str, span: tuple[float, float]
) -> None:
    made = scene(3)
    verdict, ledger = judge(away(made, edge, *span), made.placed)
    assert ledger.net() == net_of(whole(), made.placed)
    late = [movement for one in verdict.amendments for movement in one.movements]
    assert {movement.evidence["late"] for movement in late} <= {"again"}
    names = {one.id for one in verdict.passes}
    assert all(movement.evidence["pass"] in names for movement in late)
    known = {movement.id for movement in ledger.movements}
    assert all(movement.corrects in known for movement in late if movement.corrects)


def lagging(made: Scene, edge: str, lag_s: float) -> list[Logged]:
    """All that an edge tells, how its reader is set up included, comes so much later."""
    lag_us = {edge: round(lag_s * 1e6)}
    arriving = sorted(
        in_time(made.told),
        key=lambda one: (one.at_us + lag_us.get(one.edge, 0), one.edge, one.seq),
    )
    return log_of(arriving)


@pytest.mark.parametrize(
    ("edge", "lag_s"), [("edge-out", 0.6), ("edge-in", 15.0), ("edge-out", 100_000.0)]
)
def test_an_edge_on_a_slow_line_or_long_away_is_late_and_its_clock_is_not_doubted(
    edge: str, lag_s: float
) -> None:
    made = scene(3)
    verdict, ledger = judge(lagging(made, edge, lag_s), made.placed)
    assert ledger.net() == net_of(whole(), made.placed)
    answered = {name for one in verdict.amendments for name in one.answers}
    assert {one.id for one in verdict.reviews} <= answered
    assert {one.evidence.get("late") for one in ledger.movements} <= {None, "again"}


def test_who_is_late_all_day_is_judged_now_and_then_and_from_where_it_got_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It never rests, so that what came late would wait, and more be folded again, for ever."""
    monkeypatch.setattr("central.reconcile.late.PATIENCE_US", 2_000_000)
    monkeypatch.setattr("central.reconcile.late.EVERY_US", 2_000_000)
    bases: list[int] = []
    stretch = rewind._stretch

    def spied(past: Past, *rest: Any) -> Any:
        found = stretch(past, *rest)
        bases.append(found.base.passed_us)
        return found

    monkeypatch.setattr("central.reconcile.rewind._stretch", spied)
    made = scene(3)
    _, ledger = judge(lagging(made, "edge-out", 1.0), made.placed)
    assert ledger.net() == net_of(whole(), made.placed)
    assert len({*bases}) > 3
    assert bases == sorted(bases)


def test_what_is_remembered_is_bounded_and_reaches_far_back() -> None:
    past, order = Past(), Order()
    for minute in range(3_000):
        order.passed = (minute * 60_000_000, "edge-1")
        past.taken = minute
        past.keep(order, bytes(40_000))
    assert len(past.snapshots) <= late.SNAPSHOTS
    assert sum(len(one.state) for one in past.snapshots) <= late.BYTES
    minutes = [one.passed_us // 60_000_000 for one in past.snapshots]
    assert minutes[0] == 0
    assert minutes[-8:] == [*range(2_992, 3_000)]
    assert not past.snapshots[0].state
    past.late_us = 1_500 * 60_000_000
    base = past.go_back()
    assert base is not None
    assert 0 <= past.late_us - base.passed_us <= 1_500 * 60_000_000


def test_judging_goes_on_as_if_it_had_come_in_time() -> None:
    """Of two pallets the second is judged after the first was judged again."""
    made = scene(3)
    late, _ = judge(away(made, "edge-out", 10.5, 20.0), made.placed)
    assert late.amendments
    second = [one.id for one in late.movements if one.event_time > moment(20.0)]
    assert second == [one.id for one in whole().movements if one.event_time > moment(20.0)]


def test_cuts_and_crashes_change_nothing_of_what_is_late() -> None:
    made = scene(3)
    log = away(made, "edge-out", 10.5, 20.0)
    assert judge(log, made.placed, range(1, len(log), 97))[0] == judge(log, made.placed)[0]


@pytest.fixture
def all_late(monkeypatch: pytest.MonkeyPatch) -> list[Logged]:
    """Pallets that only the late edge heard: both sides of the dock are its own."""
    made = scene(3)
    monkeypatch.setattr("central.reconcile.late.AGAIN", 10)
    both = [one._replace(edge="edge-late") for one in in_time(made.told) if one.seq > 1]
    numbered = [one._replace(seq=n) for n, one in enumerate(both, 2)]
    starts = [
        Told(0, edge, 1, msgspec.structs.replace(made.told[0].seen, device=f"reader-{device}"))
        for edge, device in (("edge-late", "edge-in"), ("edge-late", "edge-out"), ("other", "x"))
    ]
    health = DeviceHealth(device="x", read_point="dock-1", event_time=moment(990), state="running")
    early = msgspec.structs.replace(health, event_time=moment(-300))
    before = [Told(us(-300), "other", n, early) for n in range(5, 30)]
    others = [*before, *(Told(us(990), "other", n, health) for n in (2, 3))]
    later = msgspec.structs.replace(health, event_time=moment(991))
    return log_of([*starts, *others, Told(us(991), "other", 4, later), *numbered])


def test_what_comes_later_than_anything_remembered_is_judged_on_its_own(
    all_late: list[Logged],
) -> None:
    made = scene(3)
    verdict, ledger = judge(all_late, made.placed)
    assert ledger.net() == net_of(whole(), made.placed)
    late = [one for amendment in verdict.amendments for one in amendment.movements]
    assert {one.evidence["late"] for one in late} == {"alone"}
    assert {one.event_time for one in late} == {one.event_time for one in whole().movements}


@pytest.mark.parametrize(
    ("at_s", "source", "asked"), [(1.0, "yard", False), (20.0, "street", True)]
)
def test_who_is_judged_on_his_own_comes_from_where_another_portal_had_put_him(
    all_late: list[Logged], at_s: float, source: str, asked: bool
) -> None:
    """What it moved since says where he was then, and as he is not there now, a person is asked."""
    first = whole().movements[0]
    placed = {epc: place for epc, place in scene(3).placed.items() if epc not in first.epcs}
    through_gate = msgspec.structs.replace(
        first, id="gate", source="street", destination="yard", event_time=moment(at_s),
        evidence={"read_point": "gate"},
    )  # fmt: skip
    verdict, _ = judge(all_late, placed, before=[through_gate])
    posted = [one for amendment in verdict.amendments for one in amendment.movements]
    proposed = [one for review in verdict.reviews for one in review.proposals]
    (told,) = [one for one in (*posted, *proposed) if one.epcs == first.epcs]
    assert (told.source, told.destination) == (source, "customer")
    assert (told in proposed) == asked


def test_an_edge_whose_clock_is_days_off_is_judged_apart_and_nobody_waits() -> None:
    made = scene(3)
    days = timedelta(days=40)

    def shifted(one: Told) -> Told:
        if one.edge != "edge-out":
            return one
        change = {
            name: getattr(one.seen, name) - days
            for name in ("event_time", "closed_at")
            if hasattr(one.seen, name)
        }
        return one._replace(seen=msgspec.structs.replace(one.seen, **change))

    alone, _ = judge(log_of(one for one in made.told if one.edge == "edge-in"), made.placed)
    verdict, ledger = judge(log_of(shifted(one) for one in in_time(made.told)), made.placed)
    with_us = [one for one in verdict.passes if one.opened_at > moment(0)]
    assert [one.opened_at for one in with_us] == [one.opened_at for one in alone.passes]
    apart = [one for one in verdict.passes if one.opened_at < moment(0)]
    assert len(apart) >= 2
    assert not verdict.amendments
    assert all(movement.corrects is None for movement in ledger.movements)


def test_a_memory_of_another_layout_is_refused() -> None:
    mind = Mind()
    kept = msgspec.msgpack.decode(mind.dump())
    for wrong in (b"", b"\x80", msgspec.msgpack.encode(kept | {"layout": "another"})):
        with pytest.raises(ForeignState):
            Mind(wrong)
    assert Mind(mind.dump()).dump() == mind.dump()


def test_the_layout_changes_with_any_field_inside() -> None:
    def layout(**fields: object) -> str:
        inner = msgspec.defstruct("Inner", list(fields.items()))
        outer = msgspec.defstruct("Outer", [("inner", dict[str, inner])])  # type: ignore[valid-type]
        return layout_of(outer)

    assert layout(a=int) == layout(a=int)
    assert len({layout(a=int), layout(b=int), layout(a=float), layout(a=int, b=int)}) == 4
