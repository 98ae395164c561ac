"""Receiving sessions: what people have in hand, ruled upon, posted, and written down once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from central import schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.enclosures import path_now
from central.catalogue.errors import AlreadyExists, NotFound
from central.catalogue.places import list_read_points
from central.catalogue.tree import get_location
from central.database.bulk import BulkLookup
from central.events import log as events
from central.receiving import asking, orders, posting, receipts, unpacking
from central.receiving.astray import parted
from central.receiving.lots import keep_expiries
from central.receiving.model import (
    Count,
    InboundError,
    Order,
    Ruled,
    Ruling,
    Seen,
    Session,
    rule,
    state,
)
from central.receiving.scanning import Asked, seen_of, unit_of
from central.receiving.telling import GRAVEST, said
from central.stock.model import ConflictingRepeat

__all__ = ["close", "get_session", "list_sessions", "open_session", "receive"]

_session = schema.receiving_session.c
_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(dict[str, Any]).decode
_asked = msgspec.json.Decoder(tuple[str, Asked]).decode
_KNOWN = BulkLookup(
    "SELECT p.name FROM {keys} JOIN receipt_piece p ON p.order_id = k.order_id AND p.name = k.name",
    (("order_id", "text"), ("name", "text")),
)


def open_session(conn: Connection, session: Session, told: Told) -> tuple[Session, bool]:
    """Begin to receive; the session, and whether it was known. Raises ``NotFound``,
    ``AlreadyExists`` for another one of the same id, ``InboundError`` for an order that ended.
    """
    there = _find(conn, session.id)
    if there is not None:
        same = (there.order_id, there.location, there.aside)
        if same != (session.order_id, session.location, session.aside):
            raise AlreadyExists(f"session {session.id} was opened for something else before")
        return there, True
    _check_open(orders.get_order(conn, session.order_id))
    for code in (session.location, session.aside):
        if code is not None:
            get_location(conn, code)
    made = msgspec.structs.replace(session, opened_us=told.at_us, opened_by=told.by)
    conn.execute(insert(schema.receiving_session).values(msgspec.structs.asdict(made)))
    return made, False


def get_session(conn: Connection, name: str) -> Session:
    """The session of this id; raises ``NotFound``."""
    found = _find(conn, name)
    if found is None:
        raise NotFound(f"there is no receiving session {name}")
    reach.check(conn, [found.location])
    return found


def list_sessions(conn: Connection, order: str) -> list[Session]:
    """An order's sessions, oldest first."""
    query = select(schema.receiving_session).where(_session.order_id == order)
    rows = conn.execute(query.order_by(_session.opened_us, _session.id)).mappings()
    return [Session(**row) for row in rows]


def close(conn: Connection, name: str, told: Told) -> Session:
    """Nothing more is taken in by it; closing again changes nothing."""
    session = get_session(conn, name)
    if session.status == "closed":
        return session
    closed = msgspec.structs.replace(session, status="closed", closed_us=told.at_us)
    values = {"status": "closed", "closed_us": told.at_us}
    conn.execute(update(schema.receiving_session).where(_session.id == name).values(values))
    order = orders.get_order(conn, session.order_id)
    body = {
        "id": name,
        "order": order.id,
        "location": session.location,
        "state": state(
            order, orders.counts_of(conn, order), sessions=orders.sessions_of(conn, order.id)
        ),
    }
    events.record(conn, "ReceivingClosed", order.id, body, at_us=told.at_us)
    return closed


def receive(
    conn: Connection, session_id: str, receipt: str, asked: Asked, told: Told
) -> tuple[dict[str, Any], bool]:
    """Take in what a person has in hand; what to do next, and whether this was answered before.

    Raises ``ConflictingRepeat`` for an id that was used otherwise, ``InboundError`` when session
    or order have ended, ``ExpiryDiffers``, and what reading a code and posting raise.
    """
    table = schema.receipt.c
    before = conn.execute(
        select(table.asked, table.answer).where(table.id == receipt)
    ).one_or_none()
    if before is not None:
        if _asked(before.asked) != (session_id, asked):
            raise ConflictingRepeat(f"{receipt} was received before with other content: use a "
                                    "fresh id for other goods")  # fmt: skip
        return _answer(before.answer), True
    session = get_session(conn, session_id)
    order = orders.get_order(conn, session.order_id)
    _check_open(order)
    if session.status != "open":
        raise InboundError(f"session {session_id} is closed: open another one")
    counts = orders.counts_of(conn, order)
    goods = seen_of(conn, order, asked)
    places = {order.location, session.location, *_doors(conn, order, goods)}
    ruled = [
        _rule(conn, order, counts, part, session)
        for seen in goods
        for part in parted(order, places, seen)
    ]
    keep_expiries(conn, ruled, asked.expiry, told)
    at_us = min(asked.event_us or told.at_us, told.at_us)  # a phone's clock may run ahead
    moved = posting.post(conn, order, session, receipt, ruled, told=told, event_us=at_us)
    if (unit := unit_of(asked)) is not None:
        unpacking.tell(conn, unit, order, session, ruled, told.at_us)
    numbers = _keep(conn, order.id, receipt, ruled)
    reviews = [
        (one, asking.ask(conn, order, session, (receipt, no), one, told=told))
        for no, one in zip(numbers, ruled, strict=True)
    ]
    answer = _told(order, counts, reviews, receipt, moved)
    values = {
        "id": receipt, "session": session_id, "order_id": order.id,
        "asked": _encode((session_id, asked)).decode(),
        "answer": _encode(answer).decode(), "at_us": told.at_us, "by": told.by,
    }  # fmt: skip
    conn.execute(insert(schema.receipt).values(values))
    receipts.tell(conn, order, at_us=told.at_us)
    return answer, False


def _doors(conn: Connection, order: Order, goods: Sequence[Seen]) -> set[str]:
    """Where pieces lie that portals within the order's place have let in."""
    lie = {piece.lies for seen in goods for piece in seen.pieces if piece.here and piece.lies}
    if not lie - {order.location}:
        return set()
    led = {one.location for one in list_read_points(conn) if one.kind == "portal"}
    return {place for place in lie & led if order.location in path_now(conn, place)}


def _rule(
    conn: Connection, order: Order, counts: dict[str, Count], seen: Seen, session: Session
) -> Ruled:
    """Rule upon some goods, and let ``counts`` be those after them."""
    names = [(order.id, piece.shared) for piece in seen.pieces]
    known = {row[0] for row in _KNOWN.run(conn, names)}
    left = seen.without(known)
    ruling = rule(order, counts, left) if left.quantity else Ruling("already")
    if ruling.verdict == "expected" and not (ruling.takes or ruling.aside):
        # A piece that is here, and that no sensor told of for this order.
        ruling = Ruling("in_stock" if left.serials else "already")
    for take in ruling.takes:
        count = counts[take.line]
        counts[take.line] = count._replace(
            confirmed=count.confirmed + take.confirmed, posted=count.posted + take.posted
        )
    return Ruled(left, ruling, said(order, counts, seen, ruling, session.aside))


def _told(
    order: Order,
    counts: dict[str, Count],
    ruled: Sequence[tuple[Ruled, str]],
    receipt: str,
    moved: Sequence[str],
) -> dict[str, Any]:
    """What a person is told of goods, each with the review that they opened."""
    gravest = max((one for one, _ in ruled), key=lambda one: GRAVEST.index(one.ruling.verdict))
    return {
        "id": receipt,
        "verdict": gravest.ruling.verdict,
        "says": gravest.says,
        "goods": [
            {
                "sku": one.seen.sku,
                "lot": one.seen.lot,
                "quantity": one.seen.quantity,
                "condition": one.seen.condition,
                "expiry": one.seen.expiry,
                "serials": one.seen.serials,
                "verdict": one.ruling.verdict,
                "says": one.says,
                "aside": one.ruling.aside,
                "review": review,
                "lines": [
                    {
                        **take._asdict(),
                        "received": counts[take.line].received,
                        "expected": order.line(take.line).quantity,
                    }
                    for take in one.ruling.takes
                ],
            }
            for one, review in ruled
        ],
        "movements": list(moved),
    }


def _keep(conn: Connection, order_id: str, receipt: str, ruled: Sequence[Ruled]) -> list[int]:
    """Write down what became of the goods; for each, the number of its units that were set aside
    (0 where none were).
    """
    takes: list[dict[str, object]] = []
    numbers = []
    for one in ruled:
        goods: dict[str, object] = {
            "receipt": receipt, "order_id": order_id, "sku": one.seen.sku, "lot": one.seen.lot,
        }  # fmt: skip
        told = {"kind": one.seen.condition, "aside": 0}
        takes += [goods | take._asdict() | told for take in one.ruling.takes]
        numbers.append(len(takes))
        if one.ruling.aside:
            kind = "over" if one.ruling.takes else one.ruling.verdict
            units = {"line": "", "confirmed": 0, "posted": 0, "aside": one.ruling.aside}
            takes.append(goods | units | {"kind": kind})
    for no, take in enumerate(takes):
        conn.execute(insert(schema.receipt_take).values(take | {"no": no}))
    taken = [one.seen for one in ruled if one.ruling.verdict != "in_stock"]
    for name in sorted({piece.shared for seen in taken for piece in seen.pieces}):
        piece = {"order_id": order_id, "name": name, "receipt": receipt}
        conn.execute(insert(schema.receipt_piece).values(piece))
    return numbers


def _check_open(order: Order) -> None:
    if order.status != "open":
        raise InboundError(f"order {order.id} is {order.status}: nothing more is received for it")


def _find(conn: Connection, name: str) -> Session | None:
    query = select(schema.receiving_session).where(_session.id == name)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else Session(**row)
