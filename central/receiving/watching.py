"""What sensors saw come in: the days of lots, goods that nobody expects, and returned ones.

It follows the ledger with those who wait for goods (``central.reservations.following``), so that
returned goods are held back before anybody is given them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import Connection, insert, select

from central import schema
from central.catalogue.changes import Told
from central.catalogue.enclosures import path_now
from central.documents import books
from central.receiving import asking, orders
from central.receiving.asking import Goods
from central.receiving.lots import keep_sensed
from central.reconcile.identity import derived_id
from central.reservations.following import Watcher
from central.stock import ledger
from central.stock.model import AVAILABLE, LocationKind, Movement, Posted, StockError

__all__ = ["ReceivingWatcher"]

_log = structlog.get_logger("central.receiving")
_SENSED = ("portal", "scan", "zone")
_session = schema.receiving_session.c
_BY = "sensors"


class ReceivingWatcher(Watcher):
    """See the module. What is done for a movement is named after it, and done once."""

    def moved(self, conn: Connection, posted: Sequence[Posted], at_us: int) -> None:
        """Goods came in by themselves."""
        came = [
            one.movement
            for one in posted
            if one.movement.origin in _SENSED
            and one.movement.source in {LocationKind.SUPPLIER, LocationKind.CUSTOMER}
            and one.movement.destination not in set(LocationKind)
        ]
        if not came:
            return
        paths = {place: path_now(conn, place) for place in {one.destination for one in came}}
        expected = _expected(conn, set().union(*paths.values()))
        for one in came:
            keep_sensed(conn, one, Told(by=_BY, at_us=at_us))
            path = paths[one.destination]
            listed = [found for place in path for found in expected.get(place, {}).items()]
            awaited = {source for source, skus in listed if one.sku in skus}
            if not awaited:
                _ask(conn, one, path, at_us)
            elif one.source == LocationKind.CUSTOMER or awaited == {LocationKind.CUSTOMER.value}:
                _hold_back(conn, one, at_us)


def _expected(conn: Connection, places: set[str]) -> dict[str, dict[str, set[str]]]:
    """The items that open documents list, by place and where they come from."""
    found: dict[str, dict[str, set[str]]] = {}
    for document in books.open_to(conn, places):
        listed = found.setdefault(document.destination, {}).setdefault(document.source, set())
        listed.update(line.sku for line in document.lines)
        listed.update(one.sku for unit in document.units for one in unit.contents)
    return found


def _ask(conn: Connection, one: Movement, path: Sequence[str], at_us: int) -> None:
    """What is on no line belongs to the newest open session at its place, or next around it."""
    query = select(_session.location, _session.order_id).where(
        _session.location.in_(path), _session.status == "open"
    )
    newest_last = conn.execute(query.order_by(_session.opened_us, _session.id.desc()))
    sessions = {row.location: row.order_id for row in newest_last}
    nearest = next((sessions[place] for place in reversed(path) if place in sessions), None)
    if nearest is None:
        return
    order = orders.get_order(conn, nearest)
    take = {
        "receipt": one.id, "no": 0, "order_id": order.id, "line": "", "sku": one.sku,
        "lot": one.lot, "kind": "unexpected", "confirmed": 0, "posted": 0, "aside": one.quantity,
    }  # fmt: skip
    conn.execute(insert(schema.receipt_take).values(take))
    goods = Goods(
        sku=one.sku,
        lot=one.lot,
        quantity=one.quantity,
        kind="unexpected",
        receipt=one.id,
        no=0,
        door=one.destination,
        place=one.destination,
        status=one.destination_status,
        serials=one.serials,
        epcs=one.epcs,
    )
    says = (
        f"{one.quantity} of {one.sku} came to {one.destination} while {order.reference} is taken "
        "in, and are on no line of what is expected there"
    )
    asking.ask_of(conn, order, goods, says, Told(by=_BY, at_us=at_us))


def _hold_back(conn: Connection, one: Movement, at_us: int) -> None:
    """What came back is sold again when somebody has looked at it."""
    if one.destination_status != AVAILABLE:
        return
    held = msgspec.structs.replace(
        one,
        id=derived_id("returned", one.id),
        source=one.destination,
        destination_status="quarantined",
        biz_step="inspecting",
        disposition="returned",
        origin="rule",
        causes=(),
        evidence={"movement": one.id},
        reason="came back, and waits for its inspection",
        actor=_BY,
    )
    (done,) = ledger.post_each(conn, [held], record_us=at_us)
    if isinstance(done, StockError):  # somebody was faster, and moved it on
        _log.warning("return_not_held_back", movement=one.id, why=str(done))
