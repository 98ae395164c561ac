"""What is heard later answers what was asked before.

A case of a pallet that came in was in doubt, and a person was asked. Before anybody answers, its
tag surely leaves, and stock has never had it: that would be a second question. But it can only have
left if it had come in. So the first question is answered by what is still possible of it, as far as
that is sure enough to post (``SURE``), and the goods leave from where that puts them. Questions of
goods that were booked by hand, or counted twice, say nothing of whether they came in.

Answers are as a person's would be: posted with origin ``review``, undone in the same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.reconcile.identity import derived_id
from central.reconcile.portal.desk import SURE_TAG
from central.reconcile.portal.on_stock import NOT_ON_STOCK
from central.reconcile.verdict import Hypothesis, Review
from central.reviews import store
from central.reviews.model import Choice, ReviewError, Stored
from central.stock import ledger
from central.stock.model import LocationKind, Movement, StockError

__all__ = ["Settled", "settled", "what_is_left"]

SURE = SURE_TAG
"""What is posted unasked is as sure as a tag that moves by itself."""
_MOST = 8
"""So many earlier questions are looked at for one: a pallet's cases are few questions."""
_SAYS = "its tags were heard leaving later, so they had come in"
_BY = "central"
_review = schema.review.c


class Settled(NamedTuple):
    """How many questions were answered, and how many movements that posted."""

    reviews: int = 0
    movements: int = 0


class _Answer(NamedTuple):
    """A question and which of its hypotheses is left."""

    review: Stored
    place: int

    @property
    def came(self) -> dict[str, str]:
        """Where its tags are then."""
        movements = self.review.hypotheses[self.place].movements
        return {epc: one.destination for one in movements for epc in one.epcs}


def settled(conn: Connection, asked: Iterable[Review], *, record_us: int, log_id: int) -> Settled:
    """Answer what was asked just now, about goods that left and were never on stock, where earlier
    questions tell that they may have come in; and these.
    """
    found = Settled()
    for review in asked:
        left = _left(review) if review.reason == NOT_ON_STOCK else ()
        answers = _answers(conn, {epc for one in left for epc in one.epcs}) if left else []
        if not answers:
            continue
        try:
            with conn.begin_nested():
                movements = _post(conn, review, left, answers, (record_us, log_id))
        except StockError:  # stock has changed since: a person sees both questions
            continue
        found = Settled(found.reviews + len(answers) + 1, found.movements + movements)
    return found


def _left(review: Review) -> Sequence[Movement]:
    """The movements of the goods that surely left, as of goods that were never on stock."""
    leaving = [one for one in review.hypotheses if one.movements and _is_outward(one)]
    if sum(one.probability for one in leaving) < SURE:
        return ()
    from_nowhere = (one.movements for one in leaving if _is_from_nowhere(one.movements))
    return next(from_nowhere, ())


def _is_outward(one: Hypothesis) -> bool:
    return all(m.evidence.get("direction") == "out" for m in one.movements)


def _is_from_nowhere(movements: Sequence[Movement]) -> bool:
    return all(one.source == LocationKind.UNKNOWN for one in movements)


def _answers(conn: Connection, epcs: set[str]) -> list[_Answer]:
    """The open questions that between them tell of all these tags that they came in; none if any
    of the tags is left over, or any of the questions open.
    """
    found: list[_Answer] = []
    missing = set(epcs)
    while missing and len(found) < _MOST:
        earlier = _asked_about(conn, min(missing))
        place = None if earlier is None else what_is_left(earlier.hypotheses, epcs)
        if earlier is None or place is None:
            return []
        found.append(_Answer(earlier, place))
        missing -= found[-1].came.keys()
    return [] if missing else found


def _asked_about(conn: Connection, epc: str) -> Stored | None:
    """The last open question in which a tag may have come in."""
    query = (
        select(_review.id)
        .where(_review.status == "open", _review.reason != NOT_ON_STOCK)
        .where(_review.hypotheses.contains(epc, autoescape=True))
        .order_by(_review.opened_us.desc(), _review.id)
        .limit(_MOST)
    )
    for name in conn.execute(query).scalars().all():
        review = store.get(conn, name)
        if "booked" not in review.evidence and any(epc in _inward(h) for h in review.hypotheses):
            return review
    return None


def _inward(one: Hypothesis) -> set[str]:
    """The tags of a hypothesis that says nothing but that they came in."""
    if any(m.corrects or m.evidence.get("direction") != "in" for m in one.movements):
        return set()
    return {epc for movement in one.movements for epc in movement.epcs}


def what_is_left(hypotheses: Sequence[Hypothesis], left: Collection[str]) -> int | None:
    """The hypothesis that is left, surely enough, when all of the tags that it is about and that
    left later had come in.
    """
    about = {epc for one in hypotheses for m in one.movements for epc in m.epcs}.intersection(left)
    possible = {n: one for n, one in enumerate(hypotheses) if about <= _inward(one)}
    whole = sum(one.probability for one in possible.values())
    best = max(possible, key=lambda n: possible[n].probability, default=None)
    if best is None or possible[best].probability < SURE * whole:
        return None
    return best


def _post(
    conn: Connection,
    review: Review,
    left: Sequence[Movement],
    answers: Sequence[_Answer],
    told: tuple[int, int],
) -> int:
    """The earlier questions' answers, and then what left. Raises ``StockError``."""
    record_us, log_id = told
    count = 0
    for one in answers:
        choice = Choice(id=f"later-{one.review.id}"[:64], by=_BY, hypothesis=one.place, note=_SAYS)
        done = store.resolve(conn, one.review.id, choice, at_us=record_us, log_id=log_id)
        count += len(done.resolution.movements)
    came = {epc: place for one in answers for epc, place in one.came.items()}
    movements = tuple(_leaving(review, left, came))
    ledger.post(conn, movements, record_us=record_us, log_id=log_id)
    said = tuple(one.id for one in movements)
    store.answer(
        conn, [review.id], name="later", says="they had come in, as was asked before, and left",
        movements=said, now_us=record_us,
    )  # fmt: skip
    return count + len(movements)


def _leaving(review: Review, left: Sequence[Movement], came: dict[str, str]) -> Iterator[Movement]:
    """What left, from where it had come to. Raises ``ReviewError`` where that is several places."""
    for one in left:
        places = {came[epc] for epc in one.epcs}
        if len(places) != 1:
            raise ReviewError("the goods of one movement had come to several places")
        evidence = one.evidence | {"review": review.id, "read_point": review.read_point}
        yield msgspec.structs.replace(
            one,
            id=derived_id("later", review.id, one.id),
            source=places.pop(),
            origin="review",
            causes=one.causes or review.causes,
            evidence=evidence,
            reason=_SAYS,
        )
