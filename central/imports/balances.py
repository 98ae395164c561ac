"""Opening balances as rows of a file: what lay where when the books began."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection

from central.access import reach
from central.catalogue.changes import Told
from central.database.moments import from_us
from central.imports.model import Column, Fault, Row
from central.stock import ledger, queries
from central.stock.model import AVAILABLE, STATUSES, Movement, Posted, StockError

__all__ = ["COLUMNS", "apply", "tell"]

REASON = "opening balance"
_MOST = 2**53
_PAGE = 1_000
COLUMNS = (
    Column("sku", "an item of the catalogue", ("article", "item", "product"), needed=True),
    Column("location", "a place", ("bin", "place"), needed=True),
    Column("quantity", "a whole number of the item's smallest unit, 1 or more",
           ("on hand", "on_hand", "qty", "stock"), needed=True, numeric=True),
    Column("lot", "up to 64 characters", ("batch",)),
    Column("status", ", ".join(STATUSES)),
)  # fmt: skip
Came = Literal["created", "unchanged"]


def apply(
    conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool
) -> list[Came | list[Fault]]:
    """Post a movement for each row, out of ``adjustment``; for each what came of it.

    The same item, place, lot and status is one opening balance: again it is not posted twice, and
    with another quantity it is refused. Count the place to change it.
    """
    del dry  # what is written is rolled back
    read = [_movement(row, told) for row in rows]
    read = _within_reach(conn, rows, read)
    wanted = [one for one in read if isinstance(one, Movement)]
    posted = iter(ledger.post_each(conn, wanted, record_us=told.at_us))
    found: list[Came | list[Fault]] = []
    for row, one in zip(rows, read, strict=True):
        if isinstance(one, list):
            found.append(one)
            continue
        came = next(posted)
        if isinstance(came, StockError):
            found.append([Fault(row.number, "", str(came))])
        else:
            assert isinstance(came, Posted)
            found.append("unchanged" if came.repeated else "created")
    return found


def _within_reach(
    conn: Connection, rows: Sequence[Row], read: Sequence[Movement | list[Fault]]
) -> list[Movement | list[Fault]]:
    """A place of others is refused before anything is looked up: what was told of it before is
    not to be guessed.
    """
    places = {one.destination for one in read if isinstance(one, Movement)}
    outside = {code for code in places if not reach.inside(conn, code)}
    why = "this lies outside the places that you were granted it for"
    return [
        [Fault(row.number, "location", why)]
        if isinstance(one, Movement) and one.destination in outside
        else one
        for row, one in zip(rows, read, strict=True)
    ]


def _movement(row: Row, told: Told) -> Movement | list[Fault]:
    values = row.values
    sku, location, lot = values.get("sku", ""), values.get("location", ""), values.get("lot", "")
    status = values.get("status", AVAILABLE)
    faults = [
        Fault(row.number, one.name, "is missing", one.takes)
        for one in COLUMNS
        if one.needed and not values.get(one.name)
    ]
    said = values.get("quantity", "1")
    if not said.isdigit() or not 1 <= int(said) <= _MOST:
        faults.append(Fault(row.number, "quantity", f"not {said[:40]!r}", COLUMNS[2].takes))
    if status not in STATUSES:
        faults.append(Fault(row.number, "status", f"not {status[:40]!r}", COLUMNS[4].takes))
    if faults:
        return faults
    key = msgspec.json.encode([sku, location, lot, status])
    return Movement(
        id=f"opening-{hashlib.sha256(key).hexdigest()[:48]}",
        sku=sku,
        lot=lot,
        quantity=int(said),
        source="adjustment",
        destination=location,
        destination_status=status,  # type: ignore[arg-type]  # checked above
        biz_step="inventory_check",
        event_time=from_us(told.at_us),
        reason=REASON,
        actor=told.by,
    )


def tell(conn: Connection) -> Iterator[dict[str, object]]:
    """What is on hand, as opening balances of other books."""
    after = None
    while found := queries.on_hand(conn, after=after, limit=_PAGE):
        for one in found:
            yield {
                "sku": one.sku, "location": one.location, "quantity": one.on_hand, "lot": one.lot,
                "status": one.status,
            }  # fmt: skip
        last = found[-1]
        after = (last.sku, last.lot, last.location, last.status)
