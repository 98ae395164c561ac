"""Questions about goods that are on no line, and what follows from their answers.

The goods are where they were put, received or not; a person says what is to become of them. Where
they are taken after all, the answer ticks them off a line as well, in the same transaction.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, update

from central import schema
from central.catalogue.changes import Told
from central.database.moments import from_us, to_us
from central.judging import findings
from central.judging.effective import judged_upto
from central.receiving import orders, receipts
from central.receiving.model import Order, OrderLine, Ruled, Session
from central.reconcile.hypotheses import ranked
from central.reconcile.identity import derived_id
from central.reconcile.verdict import Hypothesis, Review
from central.reviews.model import RECEIVED, Resolution, StaleReview, Stored
from central.stock.model import AVAILABLE, LocationKind, Movement, Status

__all__ = ["ASKED", "Goods", "answered", "ask", "ask_of"]

ASKED = ("unexpected", "wrong_lot", "foreign")
"""The verdicts that somebody is asked about."""
OTHER_ORDER, EXTRA_LINE, SENT_BACK, KEPT = 4.0, 2.0, 2.0, 1.0
"""How likely each answer is beside the others: choices, not fits."""
_MOST_ORDERS = 3
_FOLLOWS = "receiving"
_take = schema.receipt_take.c


class Goods(NamedTuple):
    """Units that are on no line. They lie at ``place`` as ``status``, or (``None``) are not
    received yet and wait at ``door``; ``no`` of ``receipt`` is where they are written down.
    """

    sku: str
    lot: str
    quantity: int
    kind: str
    receipt: str
    no: int
    door: str
    place: str | None
    status: Status
    damaged: bool = False
    serials: tuple[str, ...] = ()
    epcs: tuple[str, ...] = ()


class _Answer(NamedTuple):
    """What a hypothesis means for orders: the line of one that takes the goods (an empty line: one
    more of it), or none.
    """

    hypothesis: Hypothesis
    order: str = ""
    line: str = ""


def ask(
    conn: Connection,
    order: Order,
    session: Session,
    take: tuple[str, int],
    one: Ruled,
    *,
    told: Told,
) -> str:
    """Open a review of what a person has in hand; its id, empty where nothing is to be asked.
    ``take`` is where it is written down.
    """
    seen, ruling = one.seen, one.ruling
    if ruling.verdict not in ASKED:
        return ""
    damaged = seen.condition == "damaged"
    goods = Goods(
        sku=seen.sku,
        lot=seen.lot,
        quantity=ruling.aside,
        kind=ruling.verdict,
        receipt=take[0],
        no=take[1],
        door=session.location,
        place=session.aside,
        status="damaged" if damaged else "quarantined",
        damaged=damaged,
        serials=seen.serials,
        epcs=seen.fresh,
    )
    return ask_of(conn, order, goods, one.says, told)


def ask_of(conn: Connection, order: Order, goods: Goods, says: str, told: Told) -> str:
    """Open a review of some goods; its id. ``says`` why."""
    answers = sorted(
        _answers(conn, order, goods, told), key=lambda one: -one.hypothesis.probability
    )
    whole = sum(one.hypothesis.probability for one in answers)
    hypotheses = ranked(
        msgspec.structs.replace(one.hypothesis, probability=one.hypothesis.probability / whole)
        for one in answers
    )
    review = Review(
        id=f"{RECEIVED}{derived_id('unexpected', goods.receipt, goods.no)}",
        read_point=goods.door,
        reason=says,
        event_time=from_us(told.at_us),
        hypotheses=hypotheses,
        evidence={
            _FOLLOWS: {
                "receipt": goods.receipt,
                "no": goods.no,
                "kind": "damaged" if goods.damaged else "good",
                "answers": [{"order": one.order, "line": one.line} for one in answers],
            },
            "order": order.id,
            "sku": goods.sku,
            "lot": goods.lot,
            "quantity": goods.quantity,
            "serials": goods.serials,
            "kind": goods.kind,
        },
    )
    findings.keep_reviews(conn, [review], told.at_us, judged_upto(conn))
    return review.id


def answered(conn: Connection, review: Stored, done: Resolution) -> None:
    """Tick off what a review's answer says was taken for a line. Does nothing for other reviews.

    Raises ``StaleReview`` where the order takes nothing any more, and what reach forbids.
    """
    follows: dict[str, Any] | None = review.evidence.get(_FOLLOWS)
    if follows is None or done.choice is None:
        return
    answer = follows["answers"][done.choice]
    if not answer["order"]:
        return
    order = orders.get_order(conn, answer["order"])
    if order.status != "open":
        raise StaleReview(f"order {order.id} is {order.status} by now: choose another answer")
    said = review.evidence
    line = answer["line"] or _extra(conn, order, said["sku"], said["quantity"], said["lot"])
    where = (_take.receipt == follows["receipt"]) & (_take.no == follows["no"])
    values = {
        "order_id": order.id, "line": line, "kind": follows["kind"], "posted": _take.aside,
        "aside": 0,
    }  # fmt: skip
    conn.execute(update(schema.receipt_take).where(where).values(values))
    receipts.tell(conn, orders.get_order(conn, order.id), at_us=to_us(done.at))


def _extra(conn: Connection, order: Order, sku: str, quantity: int, lot: str) -> str:
    """One more line of an order, for goods that came; its name."""
    there = {one.line for one in order.lines}
    number = len(there) + 1
    while str(number) in there:
        number += 1
    line = OrderLine(line=str(number), sku=sku, quantity=quantity, lot=lot)
    orders.keep(conn, msgspec.structs.replace(order, lines=(*order.lines, line)))
    return line.line


# ---- what may be true ----------------------------------------------------------------------
def _answers(conn: Connection, order: Order, goods: Goods, told: Told) -> list[_Answer]:
    what = f"{goods.quantity} of {goods.sku}"
    named = f" ({', '.join(goods.serials)})" if goods.serials else ""
    found = []
    for other, line in _waiting(conn, order, goods):
        says = f"{what}{named} taken for line {line} of {other.reference}"
        move = _moved(other, goods, other.location, told, status=other.taken_as)
        found.append(_Answer(_guess(says, OTHER_ORDER, move), other.id, line))
    move = _moved(order, goods, goods.door, told, status=order.taken_as)
    says = f"{what}{named} taken as one more line of {order.reference}"
    found.append(_Answer(_guess(says, EXTRA_LINE, move), order.id))
    back = [] if goods.place is None else _moved(order, goods, order.source, told)
    found.append(_Answer(_guess(f"{what} sent back", SENT_BACK, back)))
    held = _moved(order, goods, goods.place or goods.door, told, status="quarantined")
    found.append(_Answer(_guess(f"{what} kept in quarantine", KEPT, held)))
    return found


def _guess(says: str, weight: float, movements: list[Movement]) -> Hypothesis:
    return Hypothesis(says=says, probability=weight, movements=tuple(movements))


def _waiting(conn: Connection, order: Order, goods: Goods) -> list[tuple[Order, str]]:
    """Lines that lack as many: of the order itself for a piece that is not of it, else of others of
    its supplier.
    """
    if goods.kind == "foreign":
        others = [order]
    else:
        listed = orders.list_orders(
            conn, status="open", supplier=order.supplier, source=order.source, limit=1_000
        )
        others = [one for one in listed if one.id != order.id]
    found: list[tuple[Order, str]] = []
    for other in others:
        listing = [
            one
            for one in other.lines
            if one.sku == goods.sku and not (one.lot and goods.lot and one.lot != goods.lot)
        ]
        if not listing or len(found) == _MOST_ORDERS:
            continue
        counts = orders.counts_of(conn, other)
        lacking = [
            one.line
            for one in listing
            if one.quantity - counts[one.line].received >= goods.quantity
        ]
        found += [(other, line) for line in lacking[:1]]
    return found


def _moved(
    order: Order, goods: Goods, to: str, told: Told, *, status: Status = AVAILABLE
) -> list[Movement]:
    """The goods there, from where they lie; nothing where they lie there so already. What is
    damaged stays that.
    """
    ends_outside = to in set(LocationKind)
    after: Status = AVAILABLE if ends_outside else "damaged" if goods.damaged else status
    before: Status = AVAILABLE if goods.place is None else goods.status
    source = goods.place or order.source
    if (source, before) == (to, after):
        return []
    return [
        Movement(
            id=derived_id("unexpected", goods.receipt, goods.no, to, after),
            sku=goods.sku,
            lot=goods.lot,
            quantity=goods.quantity,
            source=source,
            destination=to,
            source_status=before,
            destination_status=after,
            biz_step="shipping" if ends_outside else "receiving",
            disposition="returned" if ends_outside or order.is_return else "in_progress",
            event_time=from_us(told.at_us),
            epcs=goods.epcs,
            serials=goods.serials,
            evidence={"order": order.id, "receipt": goods.receipt},
            reference=order.reference,
        )
    ]
