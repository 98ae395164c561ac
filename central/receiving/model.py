"""What inbound orders are made of, and what the rules of receiving say. Pure.

Units of a line come in two ways: **sensed** (portal passes and scans at read points, which judging
has posted already) and **by hand** in a receiving session. What a person confirms was there, of
what was sensed, moves nothing: only what goes beyond it is posted. So

    received = sensed + posted by hand,    confirmed <= sensed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from central.reconcile.serials import serial_of
from central.stock.model import LocationKind, Status, StockError

__all__ = [
    "CONDITIONS", "REASONS", "Arrived", "Count", "Discrepancy", "ExpiryDiffers", "InboundError",
    "Order", "OrderLine", "Piece", "Ruled", "Ruling", "Seen", "Session", "Take", "allowed",
    "discrepancies", "rule", "state",
]  # fmt: skip

CONDITIONS = ("good", "damaged")
REASONS = (
    "short_shipped", "over_shipped", "damaged_in_transit", "wrong_item", "wrong_lot", "refused",
    "lost", "miscounted", "other",
)  # fmt: skip
"""Why an order and what came of it differ."""


class InboundError(StockError):
    """An order or a session does not take what is asked of it; nothing was posted."""


class ExpiryDiffers(InboundError):
    """A label tells another day than is known of its lot: somebody must say which one holds."""


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units that were ordered at ``price_micros`` each (millionths of the order's
    currency). Two lines may be of one item: another lot, or another price. ``serials`` are the
    pieces that may come, where these are known.
    """

    line: str
    sku: str
    quantity: int
    lot: str = ""
    price_micros: int | None = None
    serials: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An order's goods taken in at ``location``; what no line takes goes to ``aside``, if any."""

    id: str
    order_id: str
    location: str
    aside: str | None = None
    status: str = "open"
    opened_us: int = 0
    opened_by: str = ""
    closed_us: int | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered from a supplier, to come to ``location`` at ``expected_us``.

    ``over_percent`` more than ordered is taken; beyond that goods are set aside. ``asns`` are the
    documents in which the supplier announced parts of it. What comes back from a customer is taken
    in likewise: then ``source`` is ``customer``, and the goods wait for their inspection.
    """

    id: str
    reference: str
    supplier: str
    location: str
    lines: tuple[OrderLine, ...]
    currency: str = ""
    expected_us: int | None = None
    over_percent: int = 0
    status: str = "open"
    created_us: int = 0
    created_by: str = ""
    closed_us: int | None = None
    asns: tuple[str, ...] = ()
    source: str = LocationKind.SUPPLIER.value

    def line(self, name: str) -> OrderLine:
        """The line of this name, which is there."""
        return next(one for one in self.lines if one.line == name)

    @property
    def is_return(self) -> bool:
        """Whether its goods come back."""
        return self.source == LocationKind.CUSTOMER

    @property
    def taken_as(self) -> Status:
        """The status in which its goods are taken in."""
        return "quarantined" if self.is_return else "available"


class Count(NamedTuple):
    """Units of a line: see the module. ``damaged`` are those of them that are."""

    sensed: int = 0
    confirmed: int = 0
    posted: int = 0
    damaged: int = 0

    @property
    def received(self) -> int:
        """All that came."""
        return self.sensed + self.posted


class Piece(NamedTuple):
    """Units that have a name of their own; ``here``: they are on the ledger already.

    Of an item that is tracked by serial numbers it is one unit with its ``serial``, which lies at
    ``lies`` by the books and is of a ``lot`` (empty: it was never heard of). Its ``name`` is empty
    where neither a tag nor a GTIN is known; ``key`` is what its tag, label and bare serial share.
    """

    name: str
    units: int
    here: bool
    serial: str = ""
    lies: str = ""
    lot: str = ""
    key: str = ""

    @property
    def shared(self) -> str:
        """The name that its tag and its label have in common."""
        return self.key or serial_of(self.name)


class Seen(NamedTuple):
    """What a person has in hand: units of an item. ``expiry`` is the lot's, an ISO date.
    ``astray`` says why no line can take them, whatever it lacks: ``in_stock``, ``foreign``.
    """

    sku: str
    quantity: int
    lot: str = ""
    condition: str = "good"
    pieces: tuple[Piece, ...] = ()
    expiry: str | None = None
    astray: str = ""

    @property
    def here(self) -> int:
        """Units that are on the ledger already, by name."""
        return sum(one.units for one in self.pieces if one.here)

    @property
    def fresh(self) -> tuple[str, ...]:
        """The names of pieces that are not."""
        return tuple(one.name for one in self.pieces if one.name and not one.here)

    @property
    def serials(self) -> tuple[str, ...]:
        """The serial numbers of its pieces."""
        return tuple(one.serial for one in self.pieces if one.serial)

    def without(self, known: Collection[str]) -> Seen:
        """Less the pieces of these (shared) names."""
        left = tuple(one for one in self.pieces if one.shared not in known)
        gone = sum(one.units for one in self.pieces) - sum(one.units for one in left)
        return self._replace(pieces=left, quantity=self.quantity - gone)


class Take(NamedTuple):
    """Units that a line takes: ``confirmed`` were sensed before, ``posted`` move now."""

    line: str
    confirmed: int
    posted: int


class Ruling(NamedTuple):
    """``verdict`` is expected, over, damaged, unexpected, wrong_lot, already, in_stock or foreign;
    ``aside`` units are not taken for any line.
    """

    verdict: str
    takes: tuple[Take, ...] = ()
    aside: int = 0


class Ruled(NamedTuple):
    """What a person had in hand, what was ruled upon it, and what he is told."""

    seen: Seen
    ruling: Ruling
    says: str


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """How an order and what came differ. ``kind`` is short, over, damaged, unexpected or
    wrong_lot; ``line`` is empty for what was on no line.
    """

    line: str
    sku: str
    kind: str
    quantity: int
    reason: str = ""


class Arrived(NamedTuple):
    """Units that were set aside, by item and why."""

    sku: str
    kind: str
    quantity: int


def allowed(line: OrderLine, over_percent: int) -> int:
    """Units of a line that are taken at most."""
    return line.quantity + line.quantity * over_percent // 100


def rule(order: Order, counts: Mapping[str, Count], seen: Seen) -> Ruling:
    """Which lines take what a person has in hand, and what is set aside."""
    if seen.astray:
        return Ruling(seen.astray, aside=0 if seen.astray == "in_stock" else seen.quantity)
    listed = [one for one in order.lines if one.sku == seen.sku]
    if not listed:
        return Ruling("unexpected", aside=seen.quantity)
    fitting = [one for one in listed if not (one.lot and seen.lot and one.lot != seen.lot)]
    if not fitting:
        return Ruling("wrong_lot", aside=seen.quantity)
    # The lot that was asked for first, then lines that take any.
    fitting.sort(key=lambda one: one.lot != seen.lot)
    takes = {one.line: Take(one.line, 0, 0) for one in fitting}
    left = _confirm(fitting, counts, seen, takes)
    for limit in (0, order.over_percent):
        for one in fitting:
            room = allowed(one, limit) - counts[one.line].received - takes[one.line].posted
            units = max(0, min(left, room))
            takes[one.line] = takes[one.line]._replace(posted=takes[one.line].posted + units)
            left -= units
    taken = tuple(one for one in takes.values() if one.confirmed or one.posted)
    beyond = any(
        one.posted and counts[one.line].received + one.posted > order.line(one.line).quantity
        for one in taken
    )
    verdict = "over" if left or beyond else "expected"
    if seen.condition == "damaged" and taken:
        verdict = "damaged"
    return Ruling(verdict, taken, left)


def _confirm(
    fitting: Sequence[OrderLine],
    counts: Mapping[str, Count],
    seen: Seen,
    takes: dict[str, Take],
) -> int:
    """Let what was sensed answer for what is seen; the units that are left.

    Pieces with names of their own answer for themselves: one that nothing has sensed is another
    one, however many were sensed.
    """
    left = seen.quantity
    open_units = seen.here if seen.pieces else seen.quantity
    for one in fitting:
        count = counts[one.line]
        units = min(open_units, count.sensed - count.confirmed)
        takes[one.line] = Take(one.line, units, 0)
        open_units -= units
        left -= units
    # A named piece that is here is here, whichever line it was told to.
    return left - open_units if seen.pieces else left


def state(order: Order, counts: Mapping[str, Count], *, sessions: Iterable[str]) -> str:
    """How an order stands. ``sessions`` are the statuses of its receiving sessions.

    While one is open, or none ever was and something is still to come, it is ``receiving``;
    then ``received``, ``short`` (a line lacks units) or ``over``.
    """
    if order.status != "open":
        return order.status
    statuses = set(sessions)
    came = any(counts[one.line].received for one in order.lines)
    if "open" in statuses or (came and not statuses and _short(order, counts)):
        return "receiving"
    if not came and not statuses:
        return "expected"
    if _short(order, counts):
        return "short"
    over = any(counts[one.line].received > one.quantity for one in order.lines)
    return "over" if over else "received"


def _short(order: Order, counts: Mapping[str, Count]) -> bool:
    return any(counts[one.line].received < one.quantity for one in order.lines)


def discrepancies(
    order: Order, counts: Mapping[str, Count], aside: Iterable[Arrived]
) -> list[Discrepancy]:
    """How what came differs from what was ordered, line by line, then what was on none."""
    found = []
    for one in order.lines:
        count = counts[one.line]
        more = count.received - one.quantity
        for kind, units in (("short", -more), ("over", more), ("damaged", count.damaged)):
            if units > 0:
                found.append(Discrepancy(line=one.line, sku=one.sku, kind=kind, quantity=units))
    found += [
        Discrepancy(line="", sku=one.sku, kind=one.kind, quantity=one.quantity) for one in aside
    ]
    return found
