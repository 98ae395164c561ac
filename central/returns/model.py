"""What a return is, and the states that it goes through. Pure.

    announced -> authorised -> (receiving -> received -> inspected) -> closed

Once it is authorised its goods are expected as those of an inbound order are, and taken in by the
same sessions; the states in brackets follow from what came and what was inspected of it. It can be
refused or cancelled until something of it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from central.stock.model import Status, StockError

__all__ = [
    "DISPOSITIONS", "REASONS", "Inspection", "Line", "NoSuchReturn", "Return", "ReturnError",
    "WrongState", "after", "left_of", "stands",
]  # fmt: skip

REASONS = (
    "damaged", "defective", "wrong_item", "not_wanted", "too_late", "undeliverable", "recalled",
    "warranty", "other",
)  # fmt: skip
"""Why goods come back."""
DISPOSITIONS: dict[str, Status | None] = {
    "restock": "available",
    "quarantine": "quarantined",
    "damaged": "damaged",
    "scrap": None,
}
"""What becomes of goods that were inspected, and the status in which they lie then."""
_MOVES = {
    ("announced", "authorise"): "authorised",
    ("announced", "refuse"): "refused",
    ("announced", "cancel"): "cancelled",
    ("authorised", "refuse"): "refused",
    ("authorised", "cancel"): "cancelled",
    ("authorised", "close"): "closed",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units that come back, for a ``reason``; of line ``order_line`` of the order that
    they were shipped with. ``serials`` are the pieces that may come: empty for any.
    """

    line: str
    sku: str
    quantity: int
    reason: str
    lot: str = ""
    order_line: str = ""
    serials: tuple[str, ...] = ()


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """Goods that a ``customer`` sends back to ``location``: of order ``order_id``, or of none that
    we know, for which there is a ``reason``. ``why`` tells why it was refused. Times are in
    microseconds since 1970.
    """

    id: str
    customer: str
    location: str
    lines: tuple[Line, ...]
    order_id: str = ""
    reference: str = ""
    reason: str = ""
    status: str = "announced"
    why: str = ""
    created_us: int = 0
    created_by: str = ""
    changed_us: int = 0
    changed_by: str = ""

    def line(self, name: str) -> Line | None:
        """The line of this name."""
        return next((one for one in self.lines if one.line == name), None)


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of a line were looked at, where they lay at ``location`` as ``status``,
    and are dealt with by ``disposition``: there, or at place ``to``.
    """

    id: str
    line: str
    quantity: int
    disposition: str
    location: str
    status: Status = "quarantined"
    to: str = ""
    lot: str = ""
    serials: tuple[str, ...] = ()
    note: str = ""


class ReturnError(StockError):
    """Nothing was done with the return."""


class NoSuchReturn(ReturnError):
    """No return has this id."""

    status = 404


class WrongState(ReturnError):
    """The return is not in a state for that."""


def after(status: str, event: str) -> str:
    """The status that follows. Raises ``WrongState``."""
    follows = _MOVES.get((status, event))
    if follows is None:
        may = " or ".join(sorted(before for before, one in _MOVES if one == event))
        raise WrongState(f"the return is {status}: to {event} it, it must be {may}")
    return follows


def stands(status: str, inbound: str, received: int, inspected: int) -> str:
    """How a return stands: ``inbound`` is the state of what is expected of it."""
    if status != "authorised" or inbound == "expected":
        return status
    if inbound == "receiving":
        return "receiving"
    return "inspected" if received and inspected == received else "received"


class Came(NamedTuple):
    """A return of an order, and the units that came of its lines."""

    of: Return
    received: Mapping[str, int]


def left_of(shipped: Mapping[str, int], returns: Iterable[Came]) -> dict[str, int]:
    """Units of an order's lines that may still come back: those that were shipped, less those that
    came back or are announced.
    """
    left = dict(shipped)
    for one in returns:
        for line in one.of.lines:
            came = one.received.get(line.line, 0)
            units = came if one.of.status == "closed" else max(came, line.quantity)
            if one.of.status not in {"refused", "cancelled"}:
                left[line.order_line] = left.get(line.order_line, 0) - units
    return left
