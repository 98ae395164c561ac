"""Pallets and boxes whose contents were taken in by their numbers: others hear of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from central.events import log as events
from central.receiving.model import Order, Ruled, Session
from central.reconcile.serials import names_pieces

__all__ = ["tell"]


def tell(  # noqa: PLR0917 (what was unpacked)
    conn: Connection, unit: str, order: Order, session: Session, ruled: Sequence[Ruled], at_us: int
) -> None:
    """Record what of a unit was taken in (``UnitUnpacked``), if something was."""
    taken = [one.seen for one in ruled if one.ruling.takes or one.ruling.aside]
    pieces = [piece for seen in taken for piece in seen.pieces if names_pieces([piece.name])]
    named = {piece.name: piece.units for piece in pieces}
    contents = []
    for seen in taken:
        loose = seen.quantity - sum(named.get(piece.name, 0) for piece in seen.pieces)
        if loose > 0:
            contents.append({"sku": seen.sku, "lot": seen.lot, "quantity": loose})
    if not taken:
        return
    body = {
        "unit": unit,
        "order": order.id,
        "reference": order.reference,
        "location": session.location,
        "contents": contents,
        "epcs": list(named),
    }
    events.record(conn, "UnitUnpacked", unit, body, at_us=at_us)
