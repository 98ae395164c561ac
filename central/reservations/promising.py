"""What of an item can be promised: what lies there and is nobody's yet."""

from __future__ import annotations

from sqlalchemy import Connection

from central.access import behalf, reach
from central.catalogue import items
from central.reservations import store
from central.reservations.holdings import cells_of

__all__ = ["available"]


def available(connection: Connection, sku: str) -> dict[str, object]:
    """On hand, reserved and available units, by lot and place, and how many are waited for; of the
    places within reach. Raises ``NotFound``.
    """
    items.get_item(connection, sku)
    every = cells_of(connection, [sku]).get(sku, [])
    waiting = store.waiting(connection, [sku])
    here = {one.location for one in every} | {one.within for one in waiting if one.within}
    shown = reach.among(connection, here)
    cells = [one for one in every if one.location in shown]
    # What is wanted from wherever it lies is nobody's who was granted some places.
    wished = [one for one in waiting if one.within in shown or behalf.roots() is None]
    on_hand = sum(one.on_hand for one in cells)
    reserved = sum(one.reserved for one in cells)
    return {
        "sku": sku,
        "on_hand": on_hand,
        "reserved": reserved,
        "available": on_hand - reserved,
        "backordered": sum(one.missing for one in wished),
        "places": [
            {name: getattr(one, name) for name in ("lot", "location", "on_hand", "reserved")}
            for one in sorted(cells, key=lambda one: (one.rank, one.location, one.lot))
        ],
    }
