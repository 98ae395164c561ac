"""What a carrier is told of a shipment, and what it tells back. Pure but for the ``Protocol``.

Whoever brings parcels by another way than files writes a class with the three methods of
``Carrier``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Protocol

import msgspec

__all__ = ["Carrier", "CarrierUnavailable", "Consignment", "Goods", "Notice", "Parcel", "Tracked"]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Event = Literal["in_transit", "delivered", "failed"]


class CarrierUnavailable(Exception):
    """The carrier cannot be told or asked now; the text says why."""


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of an item, for an order's line."""

    line: str
    sku: str
    quantity: int


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A carton by its number, and units by line."""

    sscc: str
    contents: tuple[tuple[str, int], ...]


class Consignment(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment as its carrier is told of it. The same shipment is always told in the same words,
    so that ``shipment`` tells a repeat.
    """

    shipment: str
    order: str
    reference: str
    carrier: str
    service: str
    customer: str
    ship_to: dict[str, str]
    shipped_at: str
    lines: tuple[Goods, ...]
    parcels: tuple[Parcel, ...] = ()


class Tracked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a carrier says of a shipment: its number there, and what happened ``at`` a time."""

    shipment: Text
    tracking: Text
    event: Event
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class Notice(NamedTuple):
    """Something a carrier said, and the ``key`` by which it is taken or refused."""

    key: str
    said: Tracked


class Carrier(Protocol):
    """Somebody who brings goods. All three may be repeated after a crash."""

    async def hand_over(self, consignment: Consignment) -> None:
        """Tell of a shipment; a repeat does nothing. Raises ``CarrierUnavailable``."""
        ...

    async def told(self) -> list[Notice]:
        """What it said and nobody has taken yet, oldest first. Raises ``CarrierUnavailable``."""
        ...

    async def settle(self, notice: Notice, refused: str = "") -> None:
        """It is taken, or ``refused`` for a reason: it is not told again.

        Raises ``CarrierUnavailable``.
        """
        ...
