"""What was decided before and what is decided now: the difference, and nothing but it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from central.reconcile.amending import STANDS, amended
from central.reconcile.fusion import known_of
from central.reconcile.verdict import (
    Amendment,
    Context,
    Hypothesis,
    Logged,
    Pass,
    Review,
    Verdict,
)
from central.reconcile.witness import Known
from central.stock.model import Cause, Movement
from gateway.contract import DeviceHealth
from tests.fakes.portal_log import WHO, moment
from tests.fakes.portal_scenes import PACKS, epcs_of

LAST = Logged(9, "edge-late", "epoch0001", 7, DeviceHealth(event_time=moment(9), state="x", **WHO))
KNOWN = Context(packs=PACKS)
CAUSE = (Cause(edge="edge-1", epoch="epoch0001", first_seq=1, last_seq=2),)
ONES = [epc for epc in epcs_of(1, 30) if epc.endswith(("2", "5", "8", "B"))]
"""Some tags: SKU-3, three pieces each, among others."""


def move(name: str, epcs: list[str], quantity: int = 0, **other: Any) -> Movement:
    told: dict[str, Any] = {
        "sku": "SKU", "source": "supplier", "destination": "hall", "biz_step": "receiving",
        "event_time": moment(5), "origin": "portal", "causes": CAUSE,
        "evidence": {"pass": "p1", "read_point": "dock-1"},
    } | other  # fmt: skip
    pieces = quantity or pieces_of(epcs)
    return Movement(id=f"movement-{name}", quantity=pieces, epcs=tuple(epcs), **told)


def pieces_of(epcs: list[str]) -> int:
    return sum(1 + (serial_of(epc) % 3) for epc in epcs)


def serial_of(epc: str) -> int:
    return epcs_of(0, 200).index(epc)


def asked(name: str, epcs: list[str], *movements: Movement) -> Review:
    return Review(
        id=f"review-{name}", read_point="dock-1", reason="low confidence", event_time=moment(5),
        hypotheses=(
            Hypothesis(says="all of it", probability=0.7, movements=movements),
            Hypothesis(says="nothing", probability=0.3),
        ),
        causes=CAUSE, evidence={"pass": "p1", "tags": [{"epc": epc} for epc in epcs]},
    )  # fmt: skip


def changed(before: Verdict, after: Verdict, stands: dict[str, str] | None = None) -> Verdict:
    return amended(before, after, LAST, KNOWN, {} if stands is None else stands)


def only(verdict: Verdict) -> Amendment:
    (amendment,) = verdict.amendments
    return amendment


def told(movements: tuple[Movement, ...]) -> list[tuple[object, ...]]:
    return [
        (one.source, one.destination, one.quantity, one.epcs, one.corrects) for one in movements
    ]


def test_the_same_is_no_change_whatever_it_is_called_and_rests_on() -> None:
    before = Verdict(movements=(move("a", ONES[:3], confidence=0.7),))
    after = Verdict(movements=(move("b", ONES[:3], confidence=0.9),))
    assert changed(before, after) == Verdict()


def test_tags_that_went_along_are_added_and_named_with_what_they_belong_to() -> None:
    one = only(
        changed(
            Verdict(movements=(move("a", ONES[:2]),)), Verdict(movements=(move("b", ONES[:4]),))
        )
    )
    more = tuple(sorted(ONES[2:4]))
    assert told(one.movements) == [("supplier", "hall", pieces_of(ONES[2:4]), more, "movement-a")]
    assert one.originals == ("movement-a",)
    assert one.movements[0].evidence["late"] == "again"
    assert one.movements[0].event_time == moment(5)


def test_tags_that_did_not_go_come_back() -> None:
    one = only(
        changed(
            Verdict(movements=(move("a", ONES[:4]),)), Verdict(movements=(move("b", ONES[:3]),))
        )
    )
    gone = (ONES[3],)
    assert told(one.movements) == [("hall", "supplier", pieces_of([ONES[3]]), gone, "movement-a")]


def test_another_way_is_all_of_it_back_and_all_of_it_the_other_way() -> None:
    out = move("b", ONES[:2], source="hall", destination="customer", biz_step="shipping")
    one = only(changed(Verdict(movements=(move("a", ONES[:2]),)), Verdict(movements=(out,))))
    pieces, epcs = pieces_of(ONES[:2]), tuple(ONES[:2])
    assert told(one.movements) == [
        ("hall", "supplier", pieces, epcs, "movement-a"),
        ("hall", "customer", pieces, epcs, "movement-a"),
    ]


def test_a_quantity_that_its_tags_do_not_explain_changes_as_a_whole() -> None:
    one = only(
        changed(
            Verdict(movements=(move("a", ONES[:2], 99),)), Verdict(movements=(move("b", ONES[:3]),))
        )
    )
    assert [m.quantity for m in one.movements] == [99, pieces_of(ONES[:3])]


def test_what_has_no_tag_in_common_changes_by_itself() -> None:
    before = Verdict(movements=(move("a", ONES[:2]), move("b", ONES[2:4])))
    assert len(changed(before, Verdict()).amendments) == 2


def test_a_question_that_answers_itself_is_answered() -> None:
    before = Verdict(reviews=(asked("q", ONES[:2], move("p", ONES[:2])),))
    one = only(changed(before, Verdict(movements=(move("b", ONES[:2]),))))
    assert one.answers == ("review-q",)
    assert told(one.movements)[0][4] is None
    nothing = only(changed(before, Verdict()))
    assert (nothing.answers, nothing.movements) == (("review-q",), ())


def test_what_is_in_doubt_now_is_asked_and_every_answer_knows_what_is_posted() -> None:
    before = Verdict(movements=(move("a", ONES[:2]),))
    out = move("o", ONES[:2], source="hall", destination="customer")
    same = changed(before, Verdict(reviews=(asked("q", ONES[:2], move("p", ONES[:2])),)))
    assert not same.amendments
    (review,) = same.reviews
    assert review.evidence["posted"] == ["movement-a"]
    as_posted, nothing = review.hypotheses
    assert as_posted.movements == ()
    back = ("hall", "supplier", pieces_of(ONES[:2]), tuple(ONES[:2]), "movement-a")
    assert told(nothing.movements) == [back]
    (other,) = changed(before, Verdict(reviews=(asked("q", ONES[:2], out),))).reviews
    assert told(other.hypotheses[0].movements)[0] == back
    assert len(other.hypotheses[0].movements) == 2


def test_a_question_that_another_one_takes_the_place_of_is_closed() -> None:
    before = Verdict(reviews=(asked("q", ONES[:2], move("p", ONES[:2])),))
    found = changed(before, Verdict(reviews=(asked("r", ONES[:3], move("p", ONES[:3])),)))
    assert [one.id for one in found.reviews] == ["review-r"]
    assert (only(found).answers, only(found).movements) == (("review-q",), ())


def test_what_was_known_then_is_forgotten_so_only_what_nothing_speaks_against_is_posted() -> None:
    def alone(before: Verdict, context: Context = KNOWN) -> Verdict:
        after = Verdict(movements=(move("b", ONES[:3]),))
        return amended(before, after, LAST, context, {}, how="alone")

    (moved,) = only(alone(Verdict())).movements
    assert moved.evidence["late"] == "alone"
    posted = Verdict(movements=(move("a", ONES[:2]),))
    since = known_of(move("since", ONES[2:3], event_time=moment(500)))
    elsewhere = msgspec.structs.replace(KNOWN, recent=Lately([since]))
    for found in (alone(posted), alone(Verdict(), elsewhere)):
        assert not found.amendments
        (review,) = found.reviews
        assert "forgotten" in review.reason
        assert review.proposals


class Lately(NamedTuple):
    """A ledger on which these were sensed."""

    known: list[Known]

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> list[Known]:
        return [
            one
            for one in self.known
            if one.sku == sku and from_us <= one.event_us <= upto_us and one.origin != besides
        ]


def test_what_was_judged_again_stands_on_what_was_posted_first() -> None:
    stands: dict[str, str] = {}
    first = Verdict(movements=(move("a", ONES[:2]),))
    second = Verdict(movements=(move("b", ONES[:3]),))
    third = Verdict(movements=(move("c", ONES[:2]),))
    changed(first, second, stands)
    again = only(changed(second, third, stands))
    assert told(again.movements) == [
        ("hall", "supplier", pieces_of([ONES[2]]), (ONES[2],), "movement-a")
    ]
    assert len(set(stands.values())) == 1
    for n in range(STANDS + 10):
        changed(first, Verdict(movements=(move(f"n{n}", ONES[:3]),)), stands)
    assert len(stands) <= STANDS


def test_names_depend_on_what_came_and_on_nothing_else() -> None:
    before, after = Verdict(), Verdict(movements=(move("b", ONES[:2]),))
    assert changed(before, after) == changed(before, after)
    other = LAST._replace(seq=8)
    assert only(amended(before, after, other, KNOWN, {})).id != only(changed(before, after)).id


def test_passes_that_changed_have_names_of_their_own() -> None:
    def passing(direction: str) -> Pass:
        return Pass(
            id="p1", read_point="dock-1", opened_at=moment(1), closed_at=moment(2),
            direction=direction, decision="posted",
        )  # fmt: skip

    before = Verdict(passes=(passing("none"),))
    after = Verdict(passes=(passing("in"),), movements=(move("b", ONES[:2]),))
    found = changed(before, after)
    (one,) = found.passes
    assert one.id != "p1"
    (movement,) = only(found).movements
    assert (movement.evidence["pass"], movement.evidence["was"]) == (one.id, "p1")
    assert changed(before, before).passes == ()
