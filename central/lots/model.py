"""What is known of a lot, and what becomes of it when its day is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from central.database.moments import from_us
from central.reconcile.identity import derived_id
from central.stock.model import AVAILABLE, Balance, Movement, Status

__all__ = ["EXPIRY", "Lot", "LotStatus", "held_back"]

LotStatus = Literal["active", "recalled"]
EXPIRY = "expiry"
"""Who moves what is past its day."""


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot of an item. ``expires_on`` is the last day on which it may be sold; ``supplier_lot``
    is what the maker calls it. A ``recalled`` lot is sold no more.
    """

    sku: str
    lot: str
    expires_on: date | None = None
    made_on: date | None = None
    supplier_lot: str = ""
    status: LotStatus = "active"
    created_us: int = 0


def held_back(
    lying: Iterable[Balance], to: Status, *, actor: str, reason: str, at_us: int
) -> list[Movement]:
    """The movements that take what can be sold of some balances to another status, where it lies.

    Their ids follow from the balance as it is: whoever asks twice moves nothing twice.
    """
    return [
        Movement(
            id=derived_id("held back", to, one.sku, one.lot, one.location, one.last_seq),
            sku=one.sku,
            lot=one.lot,
            quantity=one.on_hand,
            source=one.location,
            destination=one.location,
            destination_status=to,
            biz_step="inspecting",
            disposition="expired" if to == "expired" else "recalled",
            event_time=from_us(at_us),
            origin="rule",
            actor=actor,
            reason=reason,
        )
        for one in lying
        if one.status == AVAILABLE and one.on_hand > 0
    ]
