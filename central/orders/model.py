"""What an outbound order is, and the states that it goes through. Pure.

    new -> allocated -> released -> picking -> packed -> shipped -> delivered

``new`` waits for stock; ``allocated`` has all of it set aside; ``released`` is on a wave. Goods
that lie where they leave from need no picking. What a portal saw leave counts as shipped, from
whichever state. With all that is picked gone, an order goes back to ``new`` for its rest. It can be
cancelled until something of it has left.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.stock.model import StockError

__all__ = [
    "OPEN", "STATES", "Line", "NoSuchOrder", "NotPickedYet", "Order", "OrderError", "WrongState",
    "after", "shipped_state",
]  # fmt: skip

STATES = (
    "new", "allocated", "released", "picking", "packed", "shipped", "partly-delivered",
    "delivered", "cancelled",
)  # fmt: skip
OPEN = ("new", "allocated", "released", "picking", "packed")
"""Something of it is still to leave."""
_IN_THE_HOUSE = ("released", "picking", "packed")
_MOVES = {
    ("new", "allocate"): "allocated",
    ("allocated", "lose"): "new",
    ("new", "release"): "released",
    ("allocated", "release"): "released",
    ("released", "pick"): "picking",
    ("picking", "pick"): "picking",
    ("packed", "pick"): "picking",
    ("released", "pack"): "packed",
    ("picking", "pack"): "packed",
    ("shipped", "deliver part"): "partly-delivered",
    ("partly-delivered", "deliver part"): "partly-delivered",
    ("shipped", "deliver"): "delivered",
    ("partly-delivered", "deliver"): "delivered",
    **{(state, "ship"): "shipped" for state in OPEN},
    **{(state, "ship part"): "new" for state in _IN_THE_HOUSE},
    **{(state, "cancel"): "cancelled" for state in OPEN},
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of an item, of one ``lot`` if that is told. ``picked`` are at the place
    that the order ships from, ``packed`` in cartons, ``shipped`` gone, ``seen`` of these told by
    a portal or a scanner itself.

    Where ``substitution`` allows it (``none``, ``allowed``; empty: as its order says), other items
    are given for what lacks of this one: ``quantity`` is less by ``substituted`` units then, which
    are on lines of their own that name this one in ``substituted_for``.
    """

    line: str
    sku: str
    quantity: int
    lot: str = ""
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    seen: int = 0
    substitution: str = ""
    substituted: int = 0
    substituted_for: str = ""

    def asked(self) -> tuple[str, str, int, str, str]:
        """What the customer asked for."""
        quantity = self.quantity + self.substituted
        return self.line, self.sku, quantity, self.lot, self.substitution


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a customer. Goods come from ``warehouse`` (a location and all within it), are
    brought to ``ship_from`` and leave from there. Times are in microseconds since 1970; the
    greatest ``priority`` is served first; ``partial``: what is there may leave before the rest.
    """

    id: str
    customer: str
    warehouse: str
    ship_from: str
    lines: tuple[Line, ...]
    ship_to: dict[str, str] = {}
    priority: int = 0
    due_us: int | None = None
    partial: bool = False
    reference: str = ""
    state: str = "new"
    wave: str = ""
    actor: str = ""
    substitution: str = "none"
    created_us: int = 0
    changed_us: int = 0

    def line(self, name: str) -> Line:
        """The line of this name, which is there."""
        return next(one for one in self.lines if one.line == name)

    def may_substitute(self, line: Line) -> bool:
        """Whether other items may be given for what lacks of a line. Who asks for a lot asks for
        nothing else.
        """
        allowed = (line.substitution or self.substitution) == "allowed"
        return allowed and not line.lot and not line.substituted_for

    def stands_in_for(self, line: Line) -> str:
        """The SKU that a line's item stands in for; empty where it was asked for itself."""
        return self.line(line.substituted_for).sku if line.substituted_for else ""

    def asked(self) -> tuple[object, ...]:
        """What makes two requests the same."""
        lines = sorted(line.asked() for line in self.lines if not line.substituted_for)
        places = (self.warehouse, self.ship_from)
        rest = (self.priority, self.due_us, self.partial, self.reference, self.substitution)
        return (self.customer, sorted(self.ship_to.items()), *places, *lines, *rest)


class OrderError(StockError):
    """Nothing was done with the order."""


class NoSuchOrder(OrderError):
    """No order, task or shipment has this id."""

    status = 404


class WrongState(OrderError):
    """The order is not in a state for that."""


class NotPickedYet(OrderError):
    """What is not picked cannot be packed, and what is not there cannot be shipped."""


def after(state: str, event: str) -> str:
    """The state that follows. Raises ``WrongState``."""
    follows = _MOVES.get((state, event))
    if follows is None:
        may = sorted(before for before, one in _MOVES if one == event)
        raise WrongState(f"the order is {state}: to {event} it, it must be {', '.join(may)}")
    return follows


def shipped_state(state: str, lines: Sequence[Line]) -> str:
    """The state of an order of which something has left just now."""
    if state not in OPEN:
        return state
    if all(line.shipped >= line.quantity for line in lines):
        return after(state, "ship")
    more = any(line.picked > line.shipped for line in lines)
    return after(state, "ship part") if state in _IN_THE_HOUSE and not more else state
