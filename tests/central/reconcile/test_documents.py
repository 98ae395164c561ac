"""Documents settle doubts and never make a quantity; units tell what was not heard."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.database.moments import to_us
from central.reconcile import containment
from central.reconcile.containment import Carried
from central.reconcile.documents import Moved, Open, open_at, prior, tally
from central.reconcile.expected import Content, Document, Line, Unit
from central.reconcile.portal.desk import Decided, decide
from central.reconcile.portal.on_stock import Books
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import UNKNOWN, begin
from central.reconcile.portal.weighing import Crossing, weigh
from central.reconcile.reconciler import Reconciler
from central.reconcile.serials import of_unit, serial_of
from central.reconcile.verdict import Context, Verdict
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from drivers.readings import TagRead
from gateway.contract import CodeScanned, DeviceHealth, GateWindow, Observation, TagSighting
from gateway.gs1 import decode_epc, sscc96_hex
from tests.central.reconcile.test_fusion import DESK, labels
from tests.fakes.paper_ledger import PaperLedger
from tests.fakes.portal_log import described, fold, logged, moment
from tests.fakes.portal_scenes import DOCK, GTINS, PACKS, epcs_of

SSCC = "340123450000000017"
PALLET = sscc96_hex(SSCC, 7)
CASES = epcs_of(1, 12)
CLOSING = DeviceHealth(
    device="reader-1", read_point="dock-1", event_time=moment(25.0), state="running"
)


def asn(*, units: tuple[Unit, ...] = (), **more: object) -> Document:
    """The twelve cases, named and by lines."""
    lines = tuple(
        Line(line=str(n), sku=pack.sku, quantity=4 * pack.quantity, epcs=tuple(CASES[n - 1 :: 3]))
        for n, pack in enumerate((PACKS[GTINS[1]], PACKS[GTINS[2]], PACKS[GTINS[0]]), 1)
    )
    values: dict[str, object] = {
        "id": "asn-00001", "kind": "asn", "source": "supplier", "destination": "hall",
        "lines": lines, "units": units,
    }  # fmt: skip
    return Document(**values | more)  # type: ignore[arg-type]


def knowing(*documents: Document, inferred: str = "review") -> Context:
    dock = msgspec.structs.replace(DOCK, inferred=inferred)
    desk = msgspec.structs.replace(DESK, inferred=inferred)
    return Context(
        read_points={"dock-1": dock, "desk": desk}, packs=PACKS, documents={"hall": documents}
    )


def crossing(epc: str, crossed: float, inwards: float, *, known: bool = False) -> Crossing:
    """One tag of a pass, with made-up odds."""
    seen = TagSighting(
        device="reader-1", read_point="dock-1", event_time=moment(0.0), epc=epc, antenna=1, count=1,
        peak_rssi_dbm=-60.0,
    )  # fmt: skip
    track = begin(epc, 0, source=0, seq=1)
    track.add(0, UNKNOWN, seen)
    (made,) = weigh([track], Portal(), knowing())
    odds = made.odds._replace(crossed=crossed, inwards=inwards, centre_us=0)
    return made._replace(odds=odds, known=known)


def with_prior(
    *ones: Crossing, document: Document | None = None, way: str = "in"
) -> list[Crossing]:
    return prior(ones, [Open(document or asn(), way)])


SURE = [crossing(epc, 0.99, 0.95) for epc in CASES[:6]]
STRANGER = epcs_of(100, 1)[0]


def test_a_doubt_is_settled_by_who_was_announced() -> None:
    announced = with_prior(*SURE, crossing(CASES[7], 0.3, 0.9))[-1]
    assert announced.odds.crossed > 0.5
    stranger = with_prior(*SURE, crossing("3034AA" + STRANGER[6:], 0.3, 0.9))[-1]
    assert stranger.odds.crossed == pytest.approx(0.3), "nobody knows what that is"
    other = crossing(STRANGER, 0.6, 0.9)
    assert other.pack is not None
    others = tuple(line for line in asn().lines if line.sku != other.pack.sku)
    fitting = [one for one in SURE if one.pack != other.pack]
    assert with_prior(*fitting, other, document=asn(lines=others))[-1].odds.crossed < 0.5


@pytest.mark.parametrize(
    "one",
    [
        crossing(CASES[7], 0.05, 0.5),
        crossing(CASES[7], 0.4, 0.5, known=True),
    ],
)
def test_a_pallet_that_waits_at_the_door_gets_nothing_from_being_announced(one: Crossing) -> None:
    assert with_prior(*SURE, one)[-1] == one
    alone = crossing(CASES[7], 0.45, 0.5)
    assert with_prior(alone) == [alone], "nothing announced crossed by itself"


def test_a_line_that_earlier_passes_fulfilled_announces_nothing_more() -> None:
    first = Open(asn(), "in")
    doubted = crossing(CASES[7], 0.3, 0.9)
    assert prior([*SURE, doubted], [first])[-1].odds.crossed > 0.5
    assert doubted.pack is not None
    sku = doubted.pack.sku
    fulfilled = first._replace(brought={sku: first.left()[sku]})
    assert prior([*SURE, doubted], [fulfilled])[-1].odds.crossed < 0.5
    partly = first._replace(brought={sku: first.left()[sku] - doubted.pack.quantity})
    assert prior([*SURE, doubted], [partly])[-1].odds.crossed > 0.5
    all_of_it = first._replace(brought=first.left())
    blind = [crossing(epc, 0.99, 0.5) for epc in CASES]
    assert prior(blind, [all_of_it]) == blind, "nor does it give a direction"


def test_what_a_pass_brought_is_known_to_the_next() -> None:
    _, ledger = judged(knowing(asn()), passing(CASES[:9]))
    assert ledger.told.of("asn-00001") == {"SKU-1": 3, "SKU-2": 6, "SKU-3": 9}
    assert ledger.told.of("asn-00002") == {}
    scanned = [
        CodeScanned(
            device="s", read_point="desk", event_time=moment(60.0 + n), data=code, symbology="]C1"
        )
        for n, code in enumerate(labels(1, 9))
    ]
    again = ledger.judge(logged([*scanned]), knowing(asn()))
    assert again.witnesses
    assert not again.movements
    assert sum(ledger.told.of("asn-00001").values()) == 18, "seen twice, brought once"


def test_paper_gives_a_portal_without_sides_a_direction_and_never_beats_the_antennas() -> None:
    blind = [crossing(epc, 0.99, 0.5) for epc in CASES]
    assert {one.direction for one in with_prior(*blind, way="out")} == {"out"}
    settled = with_prior(*blind)
    assert all(one.odds.inwards > 0.95 and one.expected == "in" for one in settled)
    seen = [crossing(epc, 0.99, 0.05) for epc in CASES]
    assert {(one.direction, one.expected) for one in with_prior(*seen)} == {("out", "")}
    strangers = [crossing(epc, 0.99, 0.5) for epc in epcs_of(200, 12)]
    few = asn(lines=asn().lines[:1])
    assert all(one.expected == "" for one in with_prior(*strangers, *blind[:1], document=few))


def test_an_item_is_expected_no_more_often_than_it_is_listed() -> None:
    line = Line(line="1", sku="SKU-2", quantity=4)
    ones = [crossing(epc, p, 0.9) for epc, p in zip(CASES[0::3], (0.9, 0.4, 0.3, 0.2), strict=True)]
    after = with_prior(*ones, document=asn(lines=(line,)))
    raised = [a.odds.crossed > b.odds.crossed for a, b in zip(after, ones, strict=True)]
    assert raised == [True, True, False, False]


def test_lines_are_ticked_off_and_what_is_beyond_them_is_said() -> None:
    order = asn(
        lines=(
            Line(line="a", sku="SKU-1", quantity=3),
            Line(line="b", sku="SKU-2", quantity=4),
            Line(line="c", sku="SKU-3", quantity=9),
        )
    )
    moved = [
        *(Moved(f"1{n}", "SKU-1", 1, "in") for n in range(3)),
        *(Moved(f"2{n}", "SKU-2", 2, "in") for n in range(3)),
        Moved("9", "SKU-9", 7, "in"),
        Moved("3", "SKU-3", 3, "out"),
    ]
    (told,) = tally([Open(order, "in")], moved)
    assert [(line.line, line.state, line.read_qty) for line in told.lines] == [
        ("a", "matched", 3), ("b", "over", 6), ("c", "expected", 0),
    ]  # fmt: skip
    assert told.unexpected == {"SKU-9": 7}
    assert told.wrong_direction == {"SKU-3": 3}
    assert tally([Open(order, "in")], [Moved("9", "SKU-9", 7, "in")]) == []


# ---- by the portal -------------------------------------------------------------------------
def passing(heard: list[str]) -> list[Observation]:
    """A pallet with these tags into the dock."""
    return list(_passing(tuple(heard)))


@cache
def _passing(heard: tuple[str, ...], *, inwards: bool = True) -> list[Observation]:
    tags = pallet(list(heard), Path.through(1.0, speed=1.0, inwards=inwards), Random(1))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=1)
    return [described(dock_antennas()), *fold(simulate(scene, 0.0, 14.0)), CLOSING]


@cache
def everything(inwards: bool) -> list[tuple[float, TagRead]]:
    """All tags of this file through the dock at once."""
    epcs = [PALLET, *CASES, *epcs_of(50, 4)]
    tags = pallet(epcs, Path.through(1.0, speed=1.0, inwards=inwards), Random(1))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=1)
    return list(simulate(scene, 0.0, 14.0))


def judged(context: Context, seen: list[Observation]) -> tuple[Verdict, PaperLedger]:
    ledger = PaperLedger()
    return ledger.judge(logged(seen), context), ledger


def quantities(verdict: Verdict) -> dict[str, tuple[object, object, object]]:
    names = ("read_qty", "inferred_qty", "expected_qty")
    return {
        m.sku: tuple(m.evidence.get(name) for name in names)  # type: ignore[misc]
        for m in verdict.movements
    }


def test_a_pass_ticks_the_lines_off_and_makes_nothing_of_what_it_did_not_read() -> None:
    verdict, ledger = judged(knowing(asn()), passing(CASES[:9]))
    assert not verdict.reviews
    (note,) = verdict.notes
    assert note.of in {one.id for one in verdict.passes}
    assert [(line.state, line.read_qty, line.expected_qty) for line in note.lines] == [
        ("short", 6, 8), ("short", 9, 12), ("short", 3, 4),
    ]  # fmt: skip
    assert quantities(verdict)["SKU-2"] == (6, 0, 8)
    assert ledger.stock()["SKU-2", "hall"] == 6


def test_the_case_that_was_not_heard_on_a_pallet_that_came_is_inferred_and_asked_about() -> None:
    unit = Unit(name=of_unit(SSCC), epcs=tuple(CASES))
    verdict, ledger = judged(knowing(asn(units=(unit,))), passing([PALLET, *CASES[:11]]))
    assert PALLET not in {epc for m in verdict.movements for epc in m.epcs}
    (review,) = verdict.reviews
    assert (review.evidence["inferred_qty"], review.evidence["read_qty"]) == (1, 23)
    (movement,) = review.hypotheses[0].movements
    assert movement.epcs == (CASES[11],)
    assert review.hypotheses[1].movements == ()
    assert sum(q for (_, place), q in ledger.stock().items() if place == "hall") == 23


def test_a_site_may_have_the_inferred_posted_apart() -> None:
    unit = Unit(name=of_unit(SSCC), epcs=tuple(CASES))
    context = knowing(asn(units=(unit,)), inferred="auto")
    verdict, ledger = judged(context, passing([PALLET, *CASES[:11]]))
    assert not verdict.reviews
    told = [(m.evidence["read_qty"], m.evidence["inferred_qty"]) for m in verdict.movements]
    assert sorted(told) == [(0, 1), (3, 0), (8, 0), (12, 0)]
    assert sum(q for (_, place), q in ledger.stock().items() if place == "hall") == 24
    states = {
        line.line: (line.state, line.read_qty, line.inferred_qty) for line in verdict.notes[0].lines
    }
    assert states["3"] == ("matched", 3, 1)


def test_without_its_pallet_a_case_that_was_not_heard_is_only_short() -> None:
    unit = Unit(name=of_unit(SSCC), epcs=tuple(CASES))
    verdict, _ = judged(knowing(asn(units=(unit,)), inferred="auto"), passing(CASES[:11]))
    assert not verdict.reviews
    assert sum(m.quantity for m in verdict.movements) == 23


def test_a_portal_without_sides_asks_unless_a_document_says_the_way() -> None:
    blind = [crossing(epc, 0.995, 0.5) for epc in CASES]
    portal, books = Portal(sources=[("edge-1", "epoch0001")]), Books(DOCK, Context(), {})

    def decided(ones: list[Crossing]) -> Decided:
        return decide(ones, portal=portal, point=DOCK, books=books, pass_id="pass-1")

    asked = decided(blind)
    assert (asked.movements, [one.reason for one in asked.reviews]) == (
        [],
        ["antenna sides unknown"],
    )
    told = decided(with_prior(*blind))
    assert not told.reviews
    assert {(one.source, one.destination) for one in told.movements} == {("supplier", "hall")}
    assert sum(one.quantity for one in told.movements) == 24


# ---- at which door -------------------------------------------------------------------------
PATHS = {place: ("site", place) for place in ("hall", "bin", "yard")}
INTO_SITE, OUT_OF_A_BIN = ("supplier", "site"), ("bin", "customer")
PUT_AWAY, TO_ANOTHER = ("hall", "bin"), ("elsewhere", "other")


@pytest.mark.parametrize(
    ("ends", "at_dock", "at_desk"),
    [
        (("supplier", "hall"), "in", "in"), (("hall", "customer"), "out", "out"),
        (INTO_SITE, "in", ""), (OUT_OF_A_BIN, "out", ""), (PUT_AWAY, "", "out"),
        (TO_ANOTHER, "", ""), (("site", "elsewhere"), "out", ""),
    ],
)  # fmt: skip
def test_a_document_is_due_at_the_doors_of_the_place_that_it_names(
    ends: tuple[str, str], at_dock: str, at_desk: str
) -> None:
    """A warehouse orders and ships; its portals stand at docks, and goods lie in bins. At a desk
    goods are scanned again when they are put away: there only its own place counts.
    """
    source, destination = ends
    one = asn(source=source, destination=destination)
    known = msgspec.structs.replace(
        knowing(),
        documents={source: (one,), destination: (one,)},
        enclosing=lambda place: PATHS.get(place, (place,)),
    )
    desk = msgspec.structs.replace(DESK, location="hall")
    for point, way in ((DOCK, at_dock), (desk, at_desk)):
        assert [opened.way for opened in open_at(point, known, 0)] == ([way] if way else [])


# ---- by the scanner ------------------------------------------------------------------------
def sscc_scan(t: float) -> CodeScanned:
    return CodeScanned(
        device="s", read_point="desk", event_time=moment(t), data=f"00{SSCC}", symbology="]C1"
    )


@pytest.mark.parametrize("inferred", ["review", "auto"])
def test_a_pallets_label_receives_what_is_announced_as_the_site_says(inferred: str) -> None:
    unit = Unit(name=of_unit(SSCC), epcs=tuple(CASES), contents=(Content(sku="SKU-1", quantity=5),))
    context = knowing(asn(units=(unit,)), inferred=inferred)
    verdict, ledger = judged(context, [sscc_scan(0.0)])
    posted = sum(q for (_, place), q in ledger.stock().items() if place == "hall")
    assert posted == (29 if inferred == "auto" else 0)
    proposed = sum(m.quantity for one in verdict.reviews for m in one.hypotheses[0].movements)
    assert posted + proposed == 29
    assert all(m.evidence["read_qty"] == 0 for m in verdict.movements)
    (first,) = logged([sscc_scan(9.0)])
    again = ledger.judge([first._replace(seq=2)], context)
    assert not again.movements
    assert bool(again.ignored) == (inferred == "auto"), "what came by its label came once"


def test_the_label_of_a_pallet_that_was_driven_through_bears_witness() -> None:
    unit = Unit(name=of_unit(SSCC), epcs=tuple(CASES))
    context = knowing(asn(units=(unit,)), inferred="auto")
    verdict, ledger = judged(context, [*passing([PALLET, *CASES]), sscc_scan(30.0)])
    assert not verdict.reviews
    assert {one.origin for one in ledger.movements} == {"portal"}
    assert sum(one.quantity for one in verdict.witnesses) == 24


# ---- units that nobody announced -----------------------------------------------------------
def test_what_came_with_a_pallet_is_missed_when_it_goes_without_it() -> None:
    carried = Carried()
    carried.learn(serial_of(PALLET), CASES)
    parent = crossing(PALLET, 0.99, 0.02)
    goods = [crossing(epc, 0.99, 0.02) for epc in CASES[:9]]
    (unit,) = containment.confirmed([parent, *goods])
    assert (unit.way, len(unit.along)) == ("out", 9)
    heard = {serial_of(one.track.epc): 1 for one in goods}
    absent = containment.absent_of(unit, [], carried, knowing(), heard)
    assert sorted(epc for one in absent for epc in one.epcs) == sorted(CASES[9:])
    assert not any(one.declared for one in absent)
    few = {serial_of(one.track.epc): 1 for one in goods[:3]}
    (lighter,) = containment.confirmed([parent, *goods[:3]])
    assert containment.absent_of(lighter, [], carried, knowing(), few) == []


def test_a_pallet_that_came_with_its_cases_and_leaves_with_most_is_asked_about() -> None:
    leaving = [
        msgspec.structs.replace(one, event_time=one.event_time + (moment(300.0) - moment(0.0)))
        for one in [*_passing((PALLET, *CASES[:9]), inwards=False)[1:], CLOSING]
    ]
    leaving = [
        msgspec.structs.replace(one, closed_at=one.closed_at + (moment(300.0) - moment(0.0)))
        if isinstance(one, GateWindow)
        else one
        for one in leaving
    ]
    verdict, ledger = judged(knowing(), [*passing([PALLET, *CASES]), CLOSING, *leaving])
    (review,) = [one for one in verdict.reviews if "were not read" in one.reason][:1]
    assert "what came together before" in review.hypotheses[0].says
    named = {epc for one in verdict.reviews for m in one.hypotheses[0].movements for epc in m.epcs}
    assert named == set(CASES[9:])
    assert sum(q for (_, place), q in ledger.stock().items() if place == "hall") == 6


def test_what_is_remembered_of_units_is_bounded() -> None:
    carried = Carried()
    for number in range(100):
        carried.learn(f"unit-{number}", epcs_of(1, 300))
    assert len(carried.loads) == containment.MOST_UNITS
    assert all(len(load) <= containment.MOST_CHILDREN for load in carried.loads.values())


# ---- the property --------------------------------------------------------------------------
class Drawn(NamedTuple):
    """A pass and what had been announced of it."""

    heard: set[str]
    pallet_heard: bool
    lines: list[tuple[str, int]]
    inside: set[str]
    inferred: str
    way: str
    inwards: bool


@given(
    st.builds(
        Drawn,
        heard=st.sets(st.sampled_from([*CASES, *epcs_of(50, 4)]), min_size=1),
        pallet_heard=st.booleans(),
        lines=st.lists(
            st.tuples(st.sampled_from(("SKU-1", "SKU-2", "SKU-3")), st.integers(1, 60)), max_size=4
        ),
        inside=st.sets(st.sampled_from(CASES), max_size=5),
        inferred=st.sampled_from(("review", "auto")),
        way=st.sampled_from(("in", "out")),
        inwards=st.booleans(),
    )
)
@example(  # the pallet's own tag and its case are two passes that are judged at the same moment
    Drawn(
        heard={CASES[2]}, pallet_heard=True, lines=[], inside={CASES[2]}, inferred="auto",
        way="out", inwards=False,
    )
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_whatever_is_announced_no_more_is_posted_than_was_read_or_openly_inferred(
    drawn: Drawn,
) -> None:
    heard, pallet_heard, lines, inside, inferred, way, inwards = drawn
    ends = ("supplier", "hall") if way == "in" else ("hall", "customer")
    document = Document(
        id="document-1", kind="transfer", source=ends[0], destination=ends[1],
        lines=tuple(Line(line=str(n), sku=s, quantity=q) for n, (s, q) in enumerate(lines)),
        units=(Unit(name=of_unit(SSCC), epcs=tuple(CASES)),),
    )  # fmt: skip
    tags = {*heard, PALLET} if pallet_heard else heard
    heard_reads = [(t, read) for t, read in everything(inwards) if read.epc in tags]
    context = msgspec.structs.replace(
        knowing(document, inferred=inferred), placed=dict.fromkeys(inside, "hall")
    )
    log = logged([described(dock_antennas()), *fold(heard_reads), CLOSING])
    verdict = Reconciler().judge(log, context)
    for movement in verdict.movements:
        named = sum(PACKS[decode_epc(epc).gtin or ""].quantity for epc in movement.epcs)
        assert movement.quantity == named
        apart = movement.evidence.get("inferred_qty", 0)
        assert apart in (0, movement.quantity)
        assert apart or {*movement.epcs} <= heard
        assert not apart or inferred == "auto"
    posted = [epc for movement in verdict.movements for epc in movement.epcs]
    assert len(posted) == len(set(posted))


def test_a_document_holds_in_its_time_and_at_its_door() -> None:
    noon = to_us(moment(0.0))
    one = asn(read_point="dock-1", from_us=noon, until_us=noon + 10)
    assert one.is_due("dock-1", noon + 5)
    assert one.is_due(None, noon + 5)
    assert not one.is_due("dock-2", noon + 5)
    assert not one.is_due("dock-1", noon + 11)
    assert not one.is_due("dock-1", noon - 1)
