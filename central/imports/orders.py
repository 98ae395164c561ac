"""Orders with their lines as rows of a file: one row for each line.

Rows with the same order belong together, wherever they stand. What is said of the order as a whole
may stand in each of its rows or in one; two that say otherwise are a mistake. An order is taken or
refused as a whole, so a mistake in one of its rows refuses them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from central.api.orders.bodies import BulkOrderBody as LeavingBody
from central.api.orders.bodies import asked_of as left_asked_of
from central.api.receiving.bodies import InboundOrderBody as ComingBody
from central.api.receiving.bodies import asked_of as came_asked_of
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.catalogue.items import MICROS
from central.database.bulk import BulkLookup
from central.database.moments import from_us
from central.imports.model import Column, Fault, Row
from central.orders import changing as changing_leaving
from central.orders import ordering
from central.orders import store as leaving
from central.orders.model import OPEN, Order
from central.receiving import changing as changing_coming
from central.receiving import orders as coming
from central.stock.model import StockError

__all__ = ["INBOUND", "OUTBOUND", "apply_inbound", "apply_outbound", "tell_inbound",
           "tell_outbound"]  # fmt: skip

Came = Literal["created", "changed", "unchanged"]
Result = Came | list[Fault]
_PAGE = 500
_SKUS = BulkLookup(
    "SELECT i.sku FROM {keys} JOIN item i ON i.sku = k.sku WHERE NOT i.family", (("sku", "text"),)
)
_NUMBERS = ("order number", "order no", "order id")
_MOMENT = "a moment with its zone, as 2026-02-02T08:00:00+01:00"
_LINES = (
    Column("sku", "an item of the catalogue", ("article", "item", "product"), needed=True),
    Column("quantity", "a whole number of the item's smallest unit, 1 or more", ("qty", "ordered"),
           needed=True, numeric=True),
    Column("line", "a name within its order; else its number", ("line number", "pos")),
    Column("lot", "up to 64 characters; empty: any", ("batch",)),
)  # fmt: skip
INBOUND = (
    Column("reference", "1 to 100 characters: what the supplier knows it by", (
        *_NUMBERS, "order", "po", "po number", "purchase order"), needed=True),
    Column("supplier", "1 to 200 characters", ("vendor",), needed=True),
    Column("location", "the place where it is to come", ("warehouse", "ship to"), needed=True),
    *_LINES,
    Column("id", "8 to 64 characters; else it follows from supplier and reference"),
    Column("expected_date", _MOMENT, ("expected", "expected at", "delivery date")),
    Column("currency", "three capital letters (ISO 4217)"),
    Column("over_percent", "0 to 100: so much more than ordered is taken", numeric=True),
    Column("unit_price", "0 to 1,000,000,000, six decimals at most", ("price",), numeric=True),
)  # fmt: skip
_ADDRESS = ("name", "street", "city", "postcode", "region", "country", "phone", "email")
OUTBOUND = (
    Column("id", "8 to 64 characters, by which it is known", (*_NUMBERS, "order"), needed=True),
    Column("customer", "1 to 200 characters", ("client",), needed=True),
    Column("warehouse", "the place that goods come from, or from within", ("location",),
           needed=True),
    *_LINES,
    Column("due_at", _MOMENT, ("due", "due date", "promised")),
    Column("ship_from", "a place: where goods are brought to leave"),
    Column("priority", "0 to 9, 9 is served first", numeric=True),
    Column("partial", "true or false: what is there may leave before the rest"),
    Column("reference", "up to 100 characters", ("customer reference",)),
    *(Column(f"ship_to.{name}", "up to 500 characters", (f"ship to {name}",))
      for name in _ADDRESS),
)  # fmt: skip
_OF_LINES = frozenset({*(one.name for one in _LINES), "unit_price"})


class Refused(NamedTuple):
    """An order of which nothing was taken, and why."""

    why: str


class _Book(NamedTuple):
    """Rows of one order, in their order, and what they say of it as a whole."""

    rows: list[Row]
    body: dict[str, Any]
    faults: list[Fault]


def apply_inbound(conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool) -> list[Result]:
    """Expect the goods of each order, of one that is known as it says now; for each row what came
    of its order.
    """
    del dry  # what is written is rolled back

    def take(asked: Sequence[ComingBody]) -> Iterator[Came | Refused]:
        for one in asked:
            try:
                yield _expected(conn, one, told)
            except (CatalogueError, StockError) as refused:
                yield Refused(str(refused))

    return _apply(conn, rows, INBOUND, ComingBody, take)


def apply_outbound(conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool) -> list[Result]:
    """Take each order and set stock aside for it, of one that is known as it says now; for each
    row what came of its order.
    """
    del dry  # as above

    def take(asked: Sequence[LeavingBody]) -> Iterator[Came | Refused]:
        there = leaving.find(conn, (one.id for one in asked))
        fresh = [one.order(one.id, told.by) for one in asked if one.id not in there]
        verdicts = iter(ordering.take_each(conn, fresh, at_us=told.at_us))
        for one in asked:
            if one.id in there:
                yield _wanted(conn, there[one.id], one, told)
                continue
            came = next(verdicts)
            if isinstance(came, StockError):
                yield Refused(str(came))
            else:
                yield "unchanged" if came.repeated else "created"

    return _apply(conn, rows, OUTBOUND, LeavingBody, take)


def _apply(
    conn: Connection,
    rows: Sequence[Row],
    columns: Sequence[Column],
    body: type[Any],
    take: Callable[[Sequence[Any]], Iterable[Came | Refused]],
) -> list[Result]:
    """``take`` tells what came of each order, or why it is refused."""
    books = _together(rows, columns)
    known = {row[0] for row in _SKUS.run(conn, sorted({(r.values.get("sku", ""),) for r in rows}))}
    asked = []
    for one in books:
        one.faults.extend(_strangers(one.rows, known))
        made = _read(one, body, columns)
        if made is not None and not one.faults:
            asked.append((one, made))
    results: dict[int, Result] = {}
    for (one, _made), came in zip(asked, take([made for _, made in asked]), strict=True):
        if isinstance(came, Refused):
            one.faults.append(Fault(one.rows[0].number, "", came.why))
        else:
            results |= dict.fromkeys((r.number for r in one.rows), came)
    for one in books:
        if one.faults:
            results |= {
                row.number: [fault for fault in one.faults if fault.row == row.number]
                for row in one.rows
            }
    return [results[row.number] for row in rows]


def _expected(conn: Connection, said: ComingBody, told: Told) -> Came:
    wanted = said.order(None)
    there = coming.find_order(conn, wanted.id)
    if there is None:
        coming.add_order(conn, wanted, told)
        return "created"
    body = ComingBody.model_validate(_laid_over(came_asked_of(there), said))
    now = msgspec.structs.replace(body.order(None), id=there.id)
    return "changed" if changing_coming.change_order(conn, now, told)[1] else "unchanged"


def _wanted(conn: Connection, there: Order, said: LeavingBody, told: Told) -> Came | Refused:
    body = LeavingBody.model_validate(_laid_over(left_asked_of(there), said))
    wanted = body.order(there.id, told.by)
    if wanted.asked() == there.asked():
        return "unchanged"
    try:
        changing_leaving.change_order(conn, wanted, told)
    except StockError as refused:
        return Refused(str(refused))
    return "changed"


def _laid_over(there: dict[str, Any], said: BaseModel) -> dict[str, Any]:
    """What a file says over what stands: what it has no column for stays."""
    now = said.model_dump(exclude_unset=True)
    lines = {line["line"]: line for line in there["lines"]}
    named = [one | {"line": one.get("line") or str(no)} for no, one in enumerate(now["lines"], 1)]
    body = there | now | {"lines": [lines.get(one["line"], {}) | one for one in named]}
    if "ship_to" in there:
        body["ship_to"] = {**there["ship_to"], **now.get("ship_to", {})}
    return body


def _together(rows: Sequence[Row], columns: Sequence[Column]) -> list[_Book]:
    """Each order with its rows. One that has neither name is by itself, and lacks it."""
    names = [one.name for one in columns if one.needed and one.name not in _OF_LINES]
    books: dict[object, _Book] = {}
    for row in rows:
        key = row.values.get(names[0]) or row.values.get("id") or row.number
        book = books.setdefault(key, _Book([], {}, []))
        book.rows.append(row)
        line = {}
        for name, value in row.values.items():
            if name in _OF_LINES:
                line[name] = value
            elif book.body.setdefault(name, value) != value:
                first = book.rows[0].number
                what = (
                    f"{value[:60]!r}, and row {first} says {book.body[name][:60]!r} of this order"
                )
                book.faults.append(Fault(row.number, name, what))
        book.body.setdefault("lines", []).append(line)
    return list(books.values())


def _strangers(rows: Iterable[Row], known: Collection[str]) -> Iterator[Fault]:
    for row in rows:
        sku = row.values.get("sku", "")
        if sku and sku not in known:
            yield Fault(row.number, "sku", f"there is no item {sku[:64]} that has stock")


def _read(book: _Book, body: type[Any], columns: Sequence[Column]) -> Any:  # noqa: ANN401 (a body)
    """The order that rows describe; ``None``, with all that is wrong with it."""
    said = {name: value for name, value in book.body.items() if not name.startswith("ship_to.")}
    if any(one.name.startswith("ship_to.") for one in columns):
        said["ship_to"] = {
            name.removeprefix("ship_to."): value
            for name, value in book.body.items()
            if name.startswith("ship_to.")
        }
    try:
        return body.model_validate(said)
    except ValidationError as error:
        takes = {one.name: one.takes for one in columns}
        for found in error.errors(include_url=False):
            where = found["loc"]
            row, column = book.rows[0], str(where[0]) if where else ""
            if column == "lines" and len(where) > 1:
                row = book.rows[int(where[1])]
                column = str(where[2]) if len(where) > 2 else ""
            elif column == "ship_to" and len(where) > 1:
                column = f"ship_to.{where[1]}"
            value = row.values.get(column)
            what = str(found["msg"]) if value is None else f"{found['msg']}: {value[:60]!r}"
            book.faults.append(Fault(row.number, column, what, takes.get(column, "")))
        return None


def tell_inbound(conn: Connection) -> Iterator[dict[str, object]]:
    """The lines of all inbound orders that are open."""
    after = ""
    while found := coming.list_orders(conn, status="open", after=after, limit=_PAGE):
        for one in found:
            for line in one.lines:
                price = None if line.price_micros is None else line.price_micros / MICROS
                yield {
                    "reference": one.reference, "supplier": one.supplier,
                    "location": one.location, "sku": line.sku, "quantity": line.quantity,
                    "line": line.line, "lot": line.lot, "id": one.id,
                    "expected_date": _moment(one.expected_us), "currency": one.currency,
                    "over_percent": one.over_percent, "unit_price": price,
                }  # fmt: skip
        after = found[-1].id


def tell_outbound(conn: Connection) -> Iterator[dict[str, object]]:
    """The lines of all outbound orders of which something is still to leave."""
    after = ""
    while found := leaving.page(conn, states=OPEN, after=after, limit=_PAGE):
        for one in found:
            address = {f"ship_to.{name}": value for name, value in one.ship_to.items()}
            for line in one.lines:
                if line.substituted_for:
                    continue  # nobody asked for it, and it comes by itself
                yield {
                    "id": one.id, "customer": one.customer, "warehouse": one.warehouse,
                    "sku": line.sku, "quantity": line.quantity + line.substituted,
                    "line": line.line, "lot": line.lot, "due_at": _moment(one.due_us),
                    "ship_from": one.ship_from,
                    "priority": one.priority, "partial": str(one.partial).lower(),
                    "reference": one.reference, **address,
                }  # fmt: skip
        after = found[-1].id


def _moment(at_us: int | None) -> str | None:
    told: datetime | None = None if at_us is None else from_us(at_us)
    return None if told is None else told.isoformat()
