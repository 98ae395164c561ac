"""A review is decided once, by one person, in one transaction; and becomes labels."""

from __future__ import annotations

import io
import json

import pytest
from sqlalchemy import Connection, text

from central.database.moments import to_us
from central.database.store import Database
from central.reconcile.verdict import Hypothesis
from central.reviews import effects, learnt, store
from central.reviews.model import (
    AlreadyDecided,
    Choice,
    Line,
    NoSuchReview,
    StaleReview,
    WrongChoice,
)
from central.reviews.store import Ageing
from central.stock import chain, ledger, projection, queries
from central.stock.model import ConflictingRepeat
from tests.central.reviews.asking import CAUSE, EPCS, OPENED_US, ask, pallet
from tests.central.shop import NOON, moving

LATER_US = to_us(NOON) + 60_000_000


def anna(hypothesis: int | None = None, **more: object) -> Choice:
    fields: dict[str, object] = {"id": "anna-0001", "by": "anna", "hypothesis": hypothesis}
    return Choice(**fields | more)  # type: ignore[arg-type]


def say(conn: Connection, choice: Choice, review: str = "review-pallet-1") -> store.Resolved:
    return store.resolve(conn, review, choice, at_us=LATER_US)


def ledger_of(conn: Connection) -> list[tuple[str, int, str, str, str]]:
    return [
        (m.sku, m.quantity, m.source, m.destination, m.origin)
        for m in (posted.movement for posted in queries.movements(conn, after_seq=1))
    ]


def labelled(conn: Connection) -> list[tuple[str, str, str]]:
    return [
        (str(one["subject"]), str(one["truth"]), str(one["said"])) for one in learnt.lines(conn)
    ]


async def test_a_hypothesis_is_posted_with_its_evidence_and_labels_every_tag(
    database: Database,
) -> None:
    await database.write(ask)
    done, repeated = await database.write(lambda c: say(c, anna(1)))
    assert (done.says, repeated) == ("2 tags came in (without ...34AA03)", False)
    assert await database.read(ledger_of) == [("NUT", 2, "supplier", "hall", "review")]
    posted = await database.read(lambda c: queries.movement_by_id(c, done.movements[0]))
    assert posted is not None
    moved = posted.movement
    assert (moved.epcs, moved.causes, moved.reason) == (EPCS[:2], (CAUSE,), "low confidence")
    assert moved.evidence["review"] == "review-pallet-1"
    assert moved.evidence["decided_by"] == "anna"
    assert await database.read(labelled) == [
        (EPCS[0], "in", "in"), (EPCS[1], "in", "in"), (EPCS[2], "none", "in"),
        ("3034AA09", "none", "none"),
    ]  # fmt: skip
    audited = text("SELECT actor, action, subject FROM audit")
    ((actor, *rest),) = await database.read(lambda c: c.execute(audited).all())
    assert (actor.split()[0], rest) == ("anna", ["resolve review", "review review-pallet-1"])
    assert await database.read(chain.verify) == []
    assert await database.read(projection.check_balances) == []  # every item sums to zero


async def test_the_same_answer_again_is_the_first_result_and_another_persons_is_told(
    database: Database,
) -> None:
    await database.write(ask)
    first, _ = await database.write(lambda c: say(c, anna(0)))
    again, repeated = await database.write(lambda c: say(c, anna(0)))
    assert (again, repeated) == (first, True)
    with pytest.raises(ConflictingRepeat, match="use a fresh id"):
        await database.write(lambda c: say(c, anna(3)))
    with pytest.raises(AlreadyDecided, match=r"anna decided .*all 3 tags came in"):
        await database.write(lambda c: say(c, Choice(id="bert-0001", by="bert", hypothesis=3)))
    assert len(await database.read(ledger_of)) == 1
    assert len(await database.read(labelled)) == 4


async def test_nothing_crossed_and_a_dismissal_post_nothing_but_teach_differently(
    database: Database,
) -> None:
    other = pallet(id="review-pallet-2")
    await database.write(lambda c: ask(c, pallet(), other))
    await database.write(lambda c: say(c, anna(3)))
    await database.write(lambda c: say(c, anna(id="anna-0002"), "review-pallet-2"))
    assert await database.read(ledger_of) == []
    told = await database.read(labelled)
    assert told[:2] == [(EPCS[0], "none", "in"), (EPCS[1], "none", "in")]
    assert told[4:] == [("review-pallet-2", "dismissed", "all 3 tags came in")]
    statuses = [(await database.read(lambda c, n=n: store.get(c, n))).status for n in (  # type: ignore[misc]
        "review-pallet-1", "review-pallet-2")]  # fmt: skip
    assert statuses == ["resolved", "dismissed"]


@pytest.mark.parametrize("epcs", [(), EPCS[:1]])
async def test_quantities_of_ones_own_teach_of_tags_only_where_tags_are_named(
    database: Database, epcs: tuple[str, ...]
) -> None:
    await database.write(ask)
    line = Line(sku="NUT", quantity=1, source="supplier", destination="hall", epcs=epcs)
    done, _ = await database.write(lambda c: say(c, anna(lines=(line,))))
    assert (done.how, done.says) == ("quantities", "1 of NUT to hall")
    told = await database.read(labelled)
    if epcs:
        assert told[:2] == [(EPCS[0], "in", "in"), (EPCS[1], "none", "in")]
    else:
        assert told == [("review-pallet-1", "unknown", "all 3 tags came in")]


async def test_what_cannot_be_posted_any_more_is_refused_and_leaves_the_review_open(
    database: Database,
) -> None:
    await database.write(ask)
    here = moving(2, "supplier", "dock", epcs=EPCS[2:])
    await database.write(lambda c: ledger.post(c, [here], record_us=LATER_US))
    with pytest.raises(StaleReview, match=r"1 of the tags .* at dock by now, not at supplier"):
        await database.write(lambda c: say(c, anna(0)))
    emptied = moving(3, "hall", "shelf", 9)
    await database.write(lambda c: ledger.post(c, [emptied], record_us=LATER_US))
    line = Line(sku="NUT", quantity=2, source="hall", destination="customer")
    with pytest.raises(StaleReview, match="hall holds 1 of NUT"):
        await database.write(lambda c: say(c, anna(lines=(line,))))
    assert (await database.read(lambda c: store.get(c, "review-pallet-1"))).status == "open"
    assert await database.read(labelled) == []
    told = await database.read(lambda c: effects.weighed(c, store.get(c, "review-pallet-1")))
    assert [bool(one.refused) for one in told] == [True, False, True, False]
    (effect,) = told[1].effect
    assert (effect.at_opening, effect.now, effect.change, effect.after) == (10, 1, 2, 3)
    await database.write(lambda c: say(c, anna(1)))  # what is still possible


async def test_a_choice_that_is_not_there_is_refused(database: Database) -> None:
    await database.write(ask)
    line = Line(sku="NUT", quantity=1, source="hall", destination="shelf")
    for choice in (anna(4), anna(-1), anna(0, lines=(line,))):
        with pytest.raises(WrongChoice):
            await database.write(lambda c, said=choice: say(c, said))  # type: ignore[misc]
    with pytest.raises(NoSuchReview):
        await database.write(lambda c: say(c, anna(0), "review-unknown"))
    assert await database.read(ledger_of) == []


async def test_reviews_grow_old_without_posting_anything(database: Database) -> None:
    await database.write(lambda c: ask(c, pallet(), pallet(id="review-pallet-2")))
    rules = Ageing(escalate_us=10_000_000, expire_us=50_000_000)
    early = OPENED_US + 10_000_000
    assert await database.write(lambda c: store.age(c, rules, now_us=early - 1)) == (0, 0)
    assert await database.write(lambda c: store.age(c, rules, now_us=early)) == (2, 0)
    assert await database.write(lambda c: store.age(c, rules, now_us=early + 1)) == (0, 0)
    await database.write(lambda c: say(c, anna(0)))
    late = OPENED_US + 50_000_000
    assert await database.write(lambda c: store.age(c, rules, now_us=late)) == (0, 1)
    assert await database.write(lambda c: store.age(c, Ageing(), now_us=late * 2)) == (0, 0)
    with pytest.raises(AlreadyDecided, match="nobody decided in time"):
        await database.write(lambda c: say(c, anna(0, id="anna-0009"), "review-pallet-2"))
    assert len(await database.read(ledger_of)) == 1


async def test_a_plates_label_is_in_pieces_and_the_file_has_every_label(
    database: Database,
) -> None:
    taken = moving(21, "shelf", "customer", 2, biz_step="picking")
    guesses = (
        Hypothesis(says="2 of NUT taken", probability=0.6, movements=(taken,)),
        Hypothesis(says="nothing was put on or taken", probability=0.4),
    )
    plate = pallet(id="review-plate-1", hypotheses=guesses, evidence={"plate": 3, "before_mg": 9})
    await database.write(lambda c: ask(c, plate))
    await database.write(
        lambda c: ledger.post(c, [moving(2, "supplier", "shelf", 5)], record_us=LATER_US)
    )
    line = Line(sku="NUT", quantity=3, source="shelf", destination="customer")
    await database.write(lambda c: say(c, anna(lines=(line,)), "review-plate-1"))
    file = io.BytesIO()
    assert await database.read(lambda c: learnt.export(c, file)) == 1
    head, one = (json.loads(row) for row in file.getvalue().splitlines())
    assert head["tallyport_labels"] == 1
    assert (one["kind"], one["subject"], one["truth"], one["said"]) == ("plate", "3", "-3", "-2")
    assert one["features"]["before_mg"] == 9
