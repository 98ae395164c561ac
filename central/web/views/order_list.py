"""Orders of either way as a manager looks for them: what is open or late, whose, of what."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from central import schema
from central.access import reach
from central.orders.model import OPEN
from central.receiving import model as receiving
from central.receiving import orders as inbound
from central.returns import store as returns

__all__ = ["CHOICES", "ROWS", "Choice", "Key", "Row", "Wanted", "Way", "listed"]

ROWS = 50
Way = Literal["out", "in", "back"]
Choice = Literal["open", "late", "waiting", "ready", "picking", "receiving", "done", "all"]
CHOICES: dict[Way, dict[Choice, str]] = {
    "out": {
        "open": "Open", "late": "Late", "waiting": "Waits for goods", "ready": "Ready to pick",
        "picking": "Picking", "done": "Done", "all": "All",
    },
    "in": {
        "open": "Expected", "late": "Late", "receiving": "Receiving", "done": "Done", "all": "All",
    },
    "back": {"open": "Open", "done": "Done", "all": "All"},
}  # fmt: skip
_OUT_STATES: dict[Choice, tuple[str, ...]] = {
    "open": OPEN, "late": OPEN, "waiting": ("new",), "ready": ("allocated",),
    "picking": ("released", "picking", "packed"),
    "done": ("shipped", "partly-delivered", "delivered", "cancelled"),
}  # fmt: skip
_IN_STATES: dict[Choice, tuple[str, ...]] = {
    "open": ("open",), "late": ("open",), "receiving": ("open",), "done": ("closed", "cancelled"),
}  # fmt: skip
_BACK_STATES: dict[Choice, tuple[str, ...]] = {
    "open": ("announced", "authorised"), "done": ("closed", "refused", "cancelled"),
}  # fmt: skip
Key = tuple[int, str]
_NEVER = 2**62
"""When an order without a promise is due: behind all others."""
_out, _line = schema.outbound_order.c, schema.outbound_line.c
_in, _back, _session = schema.inbound_order.c, schema.customer_return.c, schema.receiving_session.c
_encode = msgspec.json.Encoder().encode
_of_body = msgspec.json.Decoder(receiving.Order).decode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of a way that stand so; ``search`` is in their id, reference or partner, or is an
    item of theirs; those behind ``after``.
    """

    way: Way = "out"
    choice: Choice = "open"
    search: str = ""
    after: Key | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An order: ``done`` of ``asked`` units left or came; ``missing`` is nowhere."""

    id: str
    who: str
    reference: str
    place: str
    state: str
    lines: int
    asked: int
    done: int
    missing: int
    due_us: int | None
    late: bool
    key: Key


def listed(conn: Connection, wanted: Wanted, *, now_us: int, limit: int) -> list[Row]:
    """What is due first comes first; of what is done, what changed last."""
    find = {"out": _outbound, "in": _inbound, "back": _returns}[wanted.way]
    return find(conn, wanted, now_us, limit)


def _outbound(conn: Connection, wanted: Wanted, now_us: int, limit: int) -> list[Row]:
    query: Select[Any] = select(schema.outbound_order)
    if states := _OUT_STATES.get(wanted.choice):
        query = query.where(_out.state.in_(states))
    if wanted.choice == "late":
        query = query.where(_out.due_us <= now_us)
    if wanted.search:
        of_item = select(_line.order_id).where(_line.sku == wanted.search)
        query = query.where(_like(wanted.search, _out.id, _out.customer, _out.reference)
                            | _out.id.in_(of_item))  # fmt: skip
    if wanted.choice in {"done", "all"}:
        order = _Order(-_out.changed_us, _out.id)
    else:
        order = _Order(func.coalesce(_out.due_us, literal(_NEVER)), _out.id)
    rows = conn.execute(order.page(query, _out.warehouse, wanted, limit)).mappings().all()
    sums = _sums(conn, [row["id"] for row in rows])
    return [
        Row(
            id=row["id"], who=row["customer"], reference=row["reference"], place=row["warehouse"],
            state=row["state"], lines=sums[row["id"]][0], asked=sums[row["id"]][1],
            done=sums[row["id"]][2], missing=sums[row["id"]][3], due_us=row["due_us"],
            late=row["state"] in OPEN and (row["due_us"] or _NEVER) <= now_us,
            key=(row["rank"], row["id"]),
        )
        for row in rows
    ]  # fmt: skip


def _sums(conn: Connection, ids: list[str]) -> dict[str, tuple[int, int, int, int]]:
    """Lines, units asked for, units gone and units that nobody has, by order."""
    query = select(
        _line.order_id, func.count(), func.sum(_line.quantity), func.sum(_line.shipped)
    ).where(_line.order_id.in_(ids))
    found = {row[0]: row for row in conn.execute(query.group_by(_line.order_id))}
    held = schema.reservation.c
    waiting = select(held.order_id, func.sum(held.missing)).where(
        held.order_id.in_(ids), held.status == "open"
    )
    missing = {row[0]: int(row[1]) for row in conn.execute(waiting.group_by(held.order_id))}
    return {
        one: (int(found[one][1]), int(found[one][2]), int(found[one][3]), missing.get(one, 0))
        if one in found else (0, 0, 0, 0)
        for one in ids
    }  # fmt: skip


def _inbound(conn: Connection, wanted: Wanted, now_us: int, limit: int) -> list[Row]:
    query: Select[Any] = select(_in.id, _in.body).where(_in.source == "supplier")
    if states := _IN_STATES.get(wanted.choice):
        query = query.where(_in.status.in_(states))
    if wanted.choice == "late":
        query = query.where(_in.expected_us <= now_us)
    if wanted.choice == "receiving":
        query = query.where(exists().where(_session.order_id == _in.id))
    if wanted.search:
        sku = f'"sku":{_encode(wanted.search).decode()}'
        query = query.where(_like(wanted.search, _in.id, _in.supplier, _in.reference)
                            | _in.body.contains(sku, autoescape=True))  # fmt: skip
    if wanted.choice in {"done", "all"}:
        order = _Order(-func.coalesce(_in.expected_us, literal(0)), _in.id)
    else:
        order = _Order(func.coalesce(_in.expected_us, literal(_NEVER)), _in.id)
    rows = conn.execute(order.page(query, _in.location, wanted, limit)).all()
    return [_arriving(conn, _of_body(row.body), int(row.rank), now_us) for row in rows]


def _arriving(conn: Connection, order: receiving.Order, rank: int, now_us: int) -> Row:
    counts = inbound.counts_of(conn, order)
    came = [min(counts[one.line].received, one.quantity) for one in order.lines]
    state = receiving.state(order, counts, sessions=inbound.sessions_of(conn, order.id))
    return Row(
        id=order.id, who=order.supplier, reference=order.reference, place=order.location,
        state=state, lines=len(order.lines), asked=sum(one.quantity for one in order.lines),
        done=sum(came), missing=0, due_us=order.expected_us,
        late=order.status == "open" and (order.expected_us or _NEVER) <= now_us,
        key=(rank, order.id),
    )  # fmt: skip


def _returns(conn: Connection, wanted: Wanted, now_us: int, limit: int) -> list[Row]:
    query: Select[Any] = select(_back.id)
    if states := _BACK_STATES.get(wanted.choice):
        query = query.where(_back.status.in_(states))
    if wanted.search:
        sku = f'"sku":{_encode(wanted.search).decode()}'
        query = query.where(_like(wanted.search, _back.id, _back.customer, _back.order_id)
                            | _back.body.contains(sku, autoescape=True))  # fmt: skip
    order = _Order(literal(0), _back.id)
    found = []
    for row in conn.execute(order.page(query, _back.location, wanted, limit)):
        one = returns.get(conn, row.id)
        came = returns.received_of(conn, one)
        found.append(Row(
            id=one.id, who=one.customer, reference=one.reference or one.order_id,
            place=one.location, state=returns.stands_as(conn, one), lines=len(one.lines),
            asked=sum(each.quantity for each in one.lines), done=sum(came.values()), missing=0,
            due_us=None, late=False, key=(0, one.id),
        ))  # fmt: skip
    return found


class _Order:
    """The order of a list, and how its next page is asked for."""

    def __init__(self, rank: ColumnElement[int], name: ColumnElement[str]) -> None:
        self._rank, self._name = rank, name

    def page(
        self, query: Select[Any], place: ColumnElement[str], wanted: Wanted, limit: int
    ) -> Select[Any]:
        """Rows of places within reach, with their ``rank``."""
        if (granted := reach.within(place)) is not None:
            query = query.where(granted)
        if wanted.after is not None:
            key = tuple_(self._rank, self._name)
            query = query.where(key > tuple_(literal(wanted.after[0]), literal(wanted.after[1])))
        query = query.add_columns(self._rank.label("rank"))
        return query.order_by(self._rank, self._name).limit(limit)


def _like(said: str, *columns: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(*(one.icontains(said, autoescape=True) for one in columns))
