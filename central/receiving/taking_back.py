"""A receipt that was a mistake: its goods go back where they came from, its lines lack them again.

Nothing is deleted from the ledger: each movement gets one that corrects it. What was learnt of a
lot's day from the label stays known.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from central import schema
from central.catalogue.changes import Told
from central.catalogue.errors import NotFound
from central.database.moments import from_us
from central.receiving import orders, receipts, sessions
from central.receiving.model import InboundError
from central.reconcile.identity import derived_id
from central.reviews import store as reviews
from central.reviews.model import Choice
from central.stock import ledger, queries
from central.stock.model import Movement

__all__ = ["take_back"]

_receipt, _take, _piece = schema.receipt.c, schema.receipt_take.c, schema.receipt_piece.c
_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(dict[str, Any]).decode


def take_back(
    conn: Connection, session_id: str, name: str, told: Told
) -> tuple[dict[str, Any], bool]:
    """What the receipt had answered, with ``taken_back``; and whether it was taken back before.

    Raises ``NotFound``; ``InboundError`` where the order ended or somebody has decided about its
    goods; and what posting raises, where the goods lie there no more.
    """
    session = sessions.get_session(conn, session_id)
    query = select(_receipt.answer).where(_receipt.id == name, _receipt.session == session_id)
    row = conn.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound(f"session {session_id} has no receipt {name}")
    answer = _answer(row)
    if answer.get("taken_back"):
        return answer, True
    order = orders.get_order(conn, session.order_id)
    if order.status != "open":
        raise InboundError(f"order {order.id} is {order.status}: correct the stock by a movement")
    for goods in answer["goods"]:
        if goods["review"]:
            _withdraw(conn, goods["review"], name, told)
    movements = [_reversed(conn, one, told) for one in reversed(answer["movements"])]
    ledger.post(conn, movements, record_us=told.at_us)
    conn.execute(delete(schema.receipt_take).where(_take.receipt == name))
    conn.execute(delete(schema.receipt_piece).where(_piece.receipt == name))
    answer |= {"taken_back": {"by": told.by, "at": from_us(told.at_us)}}
    kept = _encode(answer).decode()
    conn.execute(update(schema.receipt).where(_receipt.id == name).values(answer=kept))
    receipts.tell(conn, order, at_us=told.at_us)
    return _answer(kept), False


def _withdraw(conn: Connection, review: str, receipt: str, told: Told) -> None:
    """Nobody needs to decide any more what becomes of the goods."""
    found = reviews.get(conn, review)
    if found.status != "open":
        raise InboundError(
            f"review {review} about these goods is {found.status}: correct the stock by a movement"
        )
    choice = Choice(id=derived_id("taken-back", receipt, review), by=told.by, note="taken back")
    reviews.resolve(conn, review, choice, at_us=told.at_us)


def _reversed(conn: Connection, name: str, told: Told) -> Movement:
    posted = queries.movement_by_id(conn, name)
    assert posted is not None, "the session's place is within reach, and so are its movements"
    was = posted.movement
    return msgspec.structs.replace(
        was,
        id=derived_id("taken-back", was.id),
        source=was.destination,
        destination=was.source,
        source_status=was.destination_status,
        destination_status=was.source_status,
        event_time=from_us(told.at_us),
        reason="receipt taken back",
        corrects=was.id,
        actor=told.by,
        evidence={},
    )
