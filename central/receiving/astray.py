"""Pieces that no line can take, whatever it lacks: apart from the others in one's hand. Pure.

An item that is tracked by serial numbers has each piece in one place at a time. One that lies
elsewhere in the house by the books cannot come in at the door as well; and of what comes back from
a customer, only what was sent to him is his.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from central.receiving.model import Order, Piece, Seen
from central.stock.model import LocationKind

__all__ = ["parted"]


def parted(order: Order, places: Collection[str], seen: Seen) -> list[Seen]:
    """The pieces that lines may take, and those that they may not; ``places`` are those where the
    order's goods are taken in.
    """
    if not seen.serials:
        return [seen]
    apart: defaultdict[tuple[str, str], list[Piece]] = defaultdict(list)
    for one in seen.pieces:
        apart[_astray(order, places, seen.sku, one), seen.lot or one.lot].append(one)
    return [
        seen._replace(quantity=len(pieces), pieces=tuple(pieces), lot=lot, astray=why)
        for (why, lot), pieces in sorted(apart.items())
    ]


def _astray(order: Order, places: Collection[str], sku: str, piece: Piece) -> str:
    if piece.here:
        return "" if piece.lies in places else "in_stock"
    named = [one.serials for one in order.lines if one.sku == sku and one.serials]
    if named:
        return "" if any(piece.serial in one for one in named) else "foreign"
    strange = order.is_return and piece.lies != LocationKind.CUSTOMER
    return "foreign" if strange else ""
