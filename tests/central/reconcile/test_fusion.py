"""One physical event, one movement: whoever is first posts, whoever comes later bears witness."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.database.moments import from_us
from central.reconcile import fusion, serials
from central.reconcile.fusion import Fused, fuse, known_of, overdue
from central.reconcile.verdict import Context, Pack, PlatePlan, ReadPoint
from central.reconcile.witness import Known
from central.stock.model import Cause, Movement
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import CodeScanned, DeviceHealth, Observation, WeightSettled
from gateway.gs1 import sgtin96_hex
from tests.fakes.paper_ledger import PaperLedger
from tests.fakes.portal_log import described, fold, logged, moment
from tests.fakes.portal_scenes import GTINS, PACKS, epcs_of

DOCK = ReadPoint(code="dock-1", kind="portal", location="hall")
DESK = ReadPoint(code="desk", kind="scan", location="hall")
CONTEXT = Context(read_points={"dock-1": DOCK, "desk": DESK}, packs=PACKS)
CAUSE = Cause(edge="edge-1", epoch="epoch0001", first_seq=1, last_seq=1)
HOUR = 3_600.0


class Recently(list[Known]):
    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> list[Known]:
        found = [one for one in self if one.sku == sku and from_us <= one.event_us <= upto_us]
        return [one for one in found if one.origin != besides]


def moved(
    origin: str, quantity: int, at_s: float = 0.0, *, name: str = "", **more: object
) -> Movement:
    values: dict[str, object] = {
        "id": name or f"{origin}-{quantity}-{at_s}",
        "sku": "SKU-1", "quantity": quantity, "source": "supplier", "destination": "hall",
        "biz_step": "receiving", "event_time": moment(at_s), "origin": origin, "causes": (CAUSE,),
    }  # fmt: skip
    return Movement(**values | more)  # type: ignore[arg-type]


def counted(quantity: int, at_s: float = 0.0) -> Movement:
    """A label that tells how many there are."""
    return moved("scan", quantity, at_s, evidence={"counted": quantity})


def after(first: Movement | list[Movement], later: Movement, point: ReadPoint = DESK) -> Fused:
    ledger = Recently(known_of(one) for one in (first if isinstance(first, list) else [first]))
    return fuse(later, point, CONTEXT, ledger)


def test_the_same_count_by_another_sensor_is_a_witness_and_moves_nothing() -> None:
    fused = after(counted(20), moved("portal", 20, 60.0, epcs=("AA",)), DOCK)
    assert fused.movement is None
    assert fused.review is None
    (witness,) = fused.witnesses
    assert (witness.quantity, witness.origin, witness.epcs) == (20, "portal", ("AA",))
    assert witness.causes == (CAUSE,)


def test_a_count_beyond_the_first_is_a_question_with_both_readings() -> None:
    """The portal says 18, the scanner counts 20."""
    first = moved("portal", 18)
    fused = after(first, counted(20, 30.0))
    assert fused.movement is None
    assert [one.quantity for one in fused.witnesses] == [18]
    assert fused.review is not None
    more, nothing = fused.review.hypotheses
    assert [(m.quantity, m.corrects) for m in more.movements] == [(2, first.id)]
    assert nothing.movements == ()
    evidence = fused.review.evidence
    assert (evidence["counted_first"], evidence["counted_here"]) == (18, 20)


def test_a_count_below_the_first_is_asked_about_when_its_time_is_over() -> None:
    first = counted(20)
    fused = after(first, moved("portal", 18, 30.0), DOCK)
    assert (fused.movement, fused.review) == (None, None)
    assert fused.short is not None
    seen = known_of(first)._replace(attested={"portal": 18})
    review = overdue(fused.short, DOCK, Recently([seen]))
    assert review is not None
    back = review.hypotheses[0].movements
    assert [(m.quantity, m.source, m.destination, m.corrects) for m in back] == [
        (2, "hall", "supplier", first.id)
    ]
    whole = seen._replace(attested={"portal": 20})
    assert overdue(fused.short, DOCK, Recently([whole])) is None


def test_scans_of_single_packs_are_ticked_off_against_a_pass() -> None:
    first = known_of(moved("portal", 18))
    for number in range(4):
        seen = first._replace(attested={"scan": 6 * number})
        fused = fuse(moved("scan", 6, 10.0 * number), DESK, CONTEXT, Recently([seen]))
        assert fused.movement is None
        assert (fused.review is None) == (number < 3), "the fourth pack is one too many"
        assert fused.short is None, "who scans a sample does not count"


def test_a_pass_covers_single_scans_and_posts_the_rest() -> None:
    fused = after([moved("scan", 6, 1.0), moved("scan", 6, 2.0)], moved("portal", 18, 9.0), DOCK)
    assert fused.movement is not None
    assert fused.movement.quantity == 6
    assert sum(one.quantity for one in fused.witnesses) == 12
    assert fused.review is None


@pytest.mark.parametrize(
    "change",
    [
        {"sku": "SKU-2"},
        {"source": "backroom"},
        {"destination": "shop"},
        {"origin": "portal"},
        {"lot": "B"},
        {"event_time": moment(601.0)},
        {"corrects": "movement-1"},
    ],
)  # fmt: skip
def test_another_event_is_another_movement(change: dict[str, object]) -> None:
    later = msgspec.structs.replace(counted(20), **change)
    assert after(moved("portal", 20, lot="A"), later) == Fused(later)


def test_two_that_name_their_pieces_meet_over_the_names_alone() -> None:
    later = moved("portal", 6, epcs=(epcs_of(1, 1)[0],))
    assert after(moved("scan", 6, epcs=("https://id.gs1.org/01/1/21/2",)), later, DOCK).movement


def test_a_site_may_say_that_two_sensors_see_different_things() -> None:
    later = counted(20)
    apart = msgspec.structs.replace(DESK, fuse_s=0)
    assert after(moved("portal", 20), later, apart) == Fused(later)


def test_what_was_taken_back_explains_nothing() -> None:
    gone = known_of(moved("portal", 20))._replace(quantity=0)
    assert fuse(counted(20), DESK, CONTEXT, Recently([gone])).movement is not None


@given(
    st.lists(
        st.tuples(st.sampled_from(("portal", "scan", "shelf")), st.integers(1, 30), st.booleans()),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_order_of_sensors_posts_more_than_the_greatest_of_them_saw(
    told: list[tuple[str, int, bool]],
) -> None:
    """Each kind sees the same goods; what is posted is never more than the kind that saw most."""
    ledger = PaperLedger()
    shelf = ReadPoint(code="shelf-1", kind="shelf", location="hall")
    points = {"portal": DOCK, "scan": DESK, "shelf": shelf}
    context = Context(read_points={one.code: one for one in points.values()}, packs=PACKS)
    seen = dict.fromkeys(points, 0)
    for number, (origin, quantity, is_count) in enumerate(told):
        evidence = {"counted": quantity} if is_count else {}
        movement = moved(origin, quantity, number, name=f"movement-{number}", evidence=evidence)
        recent = fusion.Recently(ledger)
        part = fusion.Verdict(movements=(movement,))
        ledger.post(fusion.fuse_all(part, points[origin], context, recent).verdict)
        seen[origin] += quantity
    posted = sum(one.quantity for one in ledger.movements)
    assert posted <= sum(seen.values())
    for one in ledger.of("SKU-1", 0, 2**62):
        assert all(quantity <= one.quantity for quantity in one.attested.values())
        assert one.origin not in one.attested


# ---- by read points ------------------------------------------------------------------------
def scan(t: float, data: str) -> CodeScanned:
    return CodeScanned(
        device="s", read_point="desk", event_time=moment(t), data=data, symbology="]C1"
    )


def passing(t: float, epcs: list[str], *, inwards: bool = True, seed: int = 1) -> list[Observation]:
    """A pallet through the dock that begins ``t`` seconds on."""
    tags = pallet(epcs, Path.through(1.0, speed=1.0, inwards=inwards), Random(seed))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed)
    seen = list(fold(simulate(scene, 0.0, 14.0)))
    health = DeviceHealth(
        device="reader-1", read_point="dock-1", event_time=moment(25.0), state="running"
    )
    return [_shifted(one, t) for one in (*seen, health)]


def _shifted(seen: Observation, t: float) -> Observation:
    shift = moment(t) - moment(0)
    names = [n for n in ("event_time", "closed_at") if getattr(seen, n, None) is not None]
    return msgspec.structs.replace(seen, **{n: getattr(seen, n) + shift for n in names})


def sides() -> list[Observation]:
    return [described(dock_antennas())]


def labels(first: int, count: int) -> list[str]:
    """The bar codes beside the tags of ``epcs_of``."""
    return [f"01{GTINS[n % 3]}21{n}" for n in range(first, first + count)]


@pytest.mark.parametrize("portal_first", [True, False])
def test_cases_that_are_scanned_and_driven_through_are_received_once(portal_first: bool) -> None:
    pass_ = passing(0.0 if portal_first else 60.0, epcs_of(1, 20))
    scans: list[Observation] = [scan(40.0 + n, code) for n, code in enumerate(labels(1, 20))]
    seen = sides() + (pass_ + scans if portal_first else scans + pass_)
    ledger = PaperLedger()
    verdict = ledger.judge(logged(seen), CONTEXT)
    assert not verdict.reviews
    assert sum(one.quantity for one in ledger.movements) == sum(n % 3 + 1 for n in range(1, 21))
    first, second = ("portal", "scan") if portal_first else ("scan", "portal")
    assert {one.origin for one in ledger.movements} == {first}
    assert {one.origin for one in ledger.witnesses} == {second}
    assert sum(one.quantity for one in ledger.witnesses) == sum(n % 3 + 1 for n in range(1, 21))
    assert {ledger.placed.get(epc) for epc in epcs_of(1, 20)} == {"hall"}
    again = ledger.judge(logged([scan(500.0, labels(1, 1)[0])]), CONTEXT)
    assert (again.movements, again.witnesses == (), again.reviews) == ((), not portal_first, ())


def test_who_scans_elsewhere_behind_the_portal_received_the_same_cases() -> None:
    """The clerk's desk stands in another place of the same building than the dock."""
    desk = msgspec.structs.replace(DESK, location="receiving")
    site = msgspec.structs.replace(
        CONTEXT,
        read_points={"dock-1": DOCK, "desk": desk},
        enclosing=lambda place: ("site", place) if place in {"hall", "receiving"} else (place,),
    )
    scans: list[Observation] = [scan(n, code) for n, code in enumerate(labels(1, 20))]
    ledger = PaperLedger()
    verdict = ledger.judge(logged(sides() + scans + passing(60.0, epcs_of(1, 20))), site)
    assert not verdict.reviews
    units = sum(n % 3 + 1 for n in range(1, 21))
    assert {place: q for (_, place), q in ledger.stock().items() if place == "hall"} == {}
    assert sum(q for (_, place), q in ledger.stock().items() if place == "receiving") == units
    assert sum(one.quantity for one in ledger.witnesses if one.origin == "portal") == units


def test_a_case_that_was_scanned_long_ago_goes_out_by_its_tag_and_comes_back_once() -> None:
    codes, epcs = labels(1, 6), epcs_of(1, 6)
    ledger = PaperLedger()
    seen = sides() + [scan(n, code) for n, code in enumerate(codes)]
    seen += passing(2 * HOUR, epcs, inwards=False) + passing(4 * HOUR, epcs, seed=2)
    ledger.judge(logged([*seen, scan(4 * HOUR + 60.0, codes[0])]), CONTEXT)
    assert [one.origin for one in ledger.movements].count("scan") == 6
    assert sum(q for (_, place), q in ledger.stock().items() if place == "hall") == 12
    assert [one.origin for one in ledger.witnesses] == ["scan"]


def test_pieces_taken_out_of_the_back_room_arrive_on_the_plate_once() -> None:
    shelf = ReadPoint(code="shelf-1", kind="shelf", location="shop", inbound_from="backroom")
    desk = ReadPoint(code="desk", kind="scan", location="shop", inbound_from="backroom")
    plan = PlatePlan(read_point="shelf-1", plate=1, sku="SKU-1", unit_mg=20_000)
    context = Context(
        read_points={"shelf-1": shelf, "desk": desk}, plates={("shelf-1", 1): plan}, packs=PACKS
    )

    def level(t: float, pieces: int) -> WeightSettled:
        return WeightSettled(
            device="p", read_point="shelf-1", event_time=moment(t), plate=1,
            gross_mg=pieces * 20_000, std_mg=200, disturbed_at=moment(t - 1),
        )  # fmt: skip

    ledger = PaperLedger()
    took = scan(10.0, f"01{GTINS[0]}306")
    ledger.judge(logged([level(0, 30), took, level(70.0, 36), level(200.0, 34)]), context)
    assert [(m.origin, m.quantity) for m in ledger.movements] == [("scan", 6), ("shelf", 2)]
    assert [(w.origin, w.quantity) for w in ledger.witnesses] == [("shelf", 6)]


def test_a_count_that_stays_short_is_asked_about_by_the_read_point_that_counted() -> None:
    ledger = PaperLedger()
    packs = {GTINS[0]: Pack(gtin=GTINS[0], sku="SKU-1", quantity=1)}
    context = msgspec.structs.replace(CONTEXT, packs=packs)
    epcs = [sgtin96_hex(GTINS[0], 7, n) for n in range(1, 19)]
    log = [*sides(), scan(0.0, f"01{GTINS[0]}3020"), *passing(10.0, epcs)]
    late = DeviceHealth(
        device="reader-1", read_point="dock-1", event_time=moment(700.0), state="running"
    )
    verdict = ledger.judge(logged([*log, late, late]), context)
    assert ledger.stock() == {("SKU-1", "supplier"): -20, ("SKU-1", "hall"): 20}
    (review,) = verdict.reviews
    assert review.reason == "the portal tells of 2 fewer than the scan did"
    assert {ledger.placed.get(epc) for epc in epcs} == {"hall"}


# ---- names ---------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [6, 7, 9, 12])
@pytest.mark.parametrize("tag_filter", [0, 1, 7])
def test_a_label_names_every_tag_that_it_may_stand_beside(length: int, tag_filter: int) -> None:
    epc = sgtin96_hex(GTINS[0], length, 4711, filter=tag_filter)
    assert epc in serials.names_of_label(GTINS[0], "4711")
    assert serials.serial_of(epc) == serials.of_label(GTINS[0], "4711")
    assert serials.serial_of(serials.serial_of(epc)) == serials.serial_of(epc)


def test_a_serial_with_letters_or_a_leading_zero_is_no_number() -> None:
    for serial in ("A/7", "007"):
        names = serials.names_of_label(GTINS[0], serial)
        assert serials.serial_of(names[0]) == names[-1] == serials.of_label(GTINS[0], serial)
    assert serials.of_label(GTINS[0], "007") != serials.of_label(GTINS[0], "7")
    assert serials.names_of_label(GTINS[0], "\x01")[-1].endswith("/21/%01")


def test_the_moment_of_a_known_movement_is_its_event() -> None:
    assert from_us(known_of(moved("scan", 1, 5.0)).event_us) == moment(5.0)
