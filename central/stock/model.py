"""What stock is made of: movements with two ends, and what follows from them.

A movement takes ``quantity`` units of one item (and lot) from one account to another: a location,
and the status in which the goods lie there. What is damaged, held back or past its date stays
where it is and moves to another status, so that what can be sold is a matter of where it stands.
Supplier, customer, adjustment, scrap, transit and unknown are locations too (virtual ones,
which may go negative), so every item sums to zero over all locations. Movements are never
edited: a mistake is corrected by a further movement that names the first in ``corrects``.
Quantities are integers of the item's smallest unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, get_args

import msgspec

from central.stock.rules import Full

Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Status = Literal["available", "quarantined", "damaged", "expired"]
AVAILABLE: Status = "available"
STATUSES: tuple[Status, ...] = get_args(Status)
"""In this order goods are taken whose status nobody told: the sellable ones first."""


class LocationKind(StrEnum):
    """Internal locations hold stock and never go negative; the others close the system."""

    INTERNAL = "internal"
    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    ADJUSTMENT = "adjustment"
    SCRAP = "scrap"
    TRANSIT = "transit"
    UNKNOWN = "unknown"


VIRTUAL_LOCATIONS: tuple[LocationKind, ...] = tuple(
    kind for kind in LocationKind if kind is not LocationKind.INTERNAL
)
"""Each of these exists once, under its kind's name as code, from the first migration on."""


class Cause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which observations led here: ``first_seq`` to ``last_seq`` of one edge's epoch."""

    edge: str
    epoch: str
    first_seq: int
    last_seq: int


class Movement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision to be posted, or one that was.

    ``id`` is made by whoever decides (client, or derived from the causes) and makes the
    posting idempotent. ``origin`` is ``portal``, ``shelf``, ``scan``, ``review`` (a
    person decided what a sensor asked), ``api`` or ``user``.
    ``biz_step`` and ``disposition`` are GS1 CBV 2.0 words. ``confidence`` is in [0, 1].
    ``evidence`` is what a person needs to see why; ``epcs`` the tags that moved, if any, and
    ``serials`` the pieces of an item that is tracked by serial numbers. ``reference`` is the
    order or paper that it goes by, ``actor`` who commanded it.

    What sensors saw does not tell in which status it lay: the ledger does, when it is posted.
    """

    id: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    source: str
    destination: str
    biz_step: str
    event_time: Moment
    disposition: str = "in_progress"
    lot: str = ""
    origin: str = "api"
    confidence: float = 1.0
    causes: tuple[Cause, ...] = ()
    epcs: tuple[str, ...] = ()
    evidence: dict[str, object] = {}
    corrects: str | None = None
    reason: str = ""
    source_status: Status = AVAILABLE
    destination_status: Status = AVAILABLE
    serials: tuple[str, ...] = ()
    reference: str = ""
    actor: str = ""


class Posted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A movement on the ledger. ``repeated`` is true when its id had been posted before;
    ``broken`` names the rules of places that it broke when it was posted.
    """

    seq: int
    movement: Movement
    record_time: Moment
    repeated: bool = False
    broken: tuple[str, ...] = ()


class Balance(msgspec.Struct, frozen=True, gc=False):
    """How much of an item (and lot) is at a location in a status; a projection of the ledger."""

    sku: str
    lot: str
    location: str
    status: Status
    on_hand: int
    last_seq: int


class StockError(Exception):
    """A rule of stock was broken; nothing was posted. ``more`` is what programs are told beside
    the sentence.
    """

    status = 409
    more: Mapping[str, object] = MappingProxyType({})


class InsufficientStock(StockError):
    """An internal location would go negative; ``there`` is what it holds."""

    def __init__(self, said: str, *, there: int = 0) -> None:
        super().__init__(said)
        self.there = there


class RuleBroken(StockError):
    """A place does not take these goods: its capacity, what it is for, or that it is retired.

    ``said`` is a sentence for each rule; of these goods ``fits`` units would be taken, and
    ``full`` are the capacities that are exceeded.
    """

    def __init__(self, said: Sequence[str], *, full: Sequence[Full] = (), fits: int = 0) -> None:
        some = f"{fits} would fit; for the rest " if fits else ""
        super().__init__(f"{'; '.join(said)}: {some}choose another place, or change its rules")
        self.more = {"full": [one._asdict() for one in full], "fits": fits}


class UnknownItem(StockError):
    """No such SKU in the catalogue."""

    status = 404


class NotReceived(StockError):
    """The item is retired, or a family that only its variants have stock of."""


class UnknownLocation(StockError):
    """No such location."""

    status = 404


class OutOfReach(StockError):
    """A place that whoever asks was not granted this for."""

    status = 403


class ConflictingRepeat(StockError):
    """An id that was posted before came back with other content."""
