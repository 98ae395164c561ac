"""What clients send of inbound orders and of receiving."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from central.api.bodies import Body, Code, CommandId, Quantity, Said, Sku
from central.api.documents import DocumentLineBody as AnnouncedBody
from central.api.documents import UnitBody
from central.api.stock.bodies import MoveBody
from central.catalogue.items import MICROS
from central.database.moments import from_us, to_us
from central.receiving.model import REASONS, Order, OrderLine
from central.receiving.orders import AGAIN
from central.receiving.scanning import Asked
from central.reconcile.identity import derived_id

LineName = Annotated[
    Said, Field(min_length=1, max_length=32, pattern=rf"^[^{AGAIN}]+$", description="Its name.")
]
Lot = Annotated[Said, Field(max_length=64)]
Reason = Literal[
    "short_shipped", "over_shipped", "damaged_in_transit", "wrong_item", "wrong_lot", "refused",
    "lost", "miscounted", "other",
]  # fmt: skip
assert Reason.__args__ == REASONS  # type: ignore[attr-defined]


class InboundLineBody(Body):
    """Units that were ordered. Without a name a line is called by its number."""

    line: LineName | None = None
    sku: Sku
    quantity: Quantity
    lot: Lot = ""
    unit_price: Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=6)] | None = None


class InboundOrderBody(Body):
    """A purchase order."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "supplier": "Acme Ltd",
                    "reference": "PO-7890",
                    "location": "WH-01",
                    "currency": "EUR",
                    "expected_date": "2026-02-02T08:00:00+01:00",
                    "lines": [
                        {"line": "1", "sku": "ABC-12345", "quantity": 150, "unit_price": 29.99}
                    ],
                }
            ]
        },
    )

    id: CommandId | None = None
    supplier: Annotated[Said, Field(min_length=1, max_length=200)]
    reference: Annotated[Said, Field(min_length=1, max_length=100)]
    location: Code
    lines: Annotated[list[InboundLineBody], Field(min_length=1, max_length=1_000)]
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    expected_date: AwareDatetime | None = None
    over_percent: Annotated[
        int, Field(ge=0, le=100, description="So much more than ordered is taken.")
    ] = 0

    def order(self, key: str | None) -> Order:
        """It as an order. Without an id it is called by supplier and reference: sent again, it
        is the same one.
        """
        lines = tuple(
            OrderLine(
                line=one.line or str(number),
                sku=one.sku,
                quantity=one.quantity,
                lot=one.lot,
                price_micros=None if one.unit_price is None else int(one.unit_price * MICROS),
            )
            for number, one in enumerate(self.lines, 1)
        )
        return Order(
            id=self.id or key or derived_id("inbound", self.supplier, self.reference),
            reference=self.reference,
            supplier=self.supplier,
            location=self.location,
            lines=lines,
            currency=self.currency,
            expected_us=None if self.expected_date is None else to_us(self.expected_date),
            over_percent=self.over_percent,
        )


def asked_of(order: Order) -> dict[str, object]:
    """What was ordered, as a body says it."""
    lines = [
        {
            "line": one.line, "sku": one.sku, "quantity": one.quantity, "lot": one.lot,
            "unit_price": None if one.price_micros is None else Decimal(one.price_micros) / MICROS,
        }
        for one in order.lines
    ]  # fmt: skip
    return {
        "supplier": order.supplier, "reference": order.reference, "location": order.location,
        "currency": order.currency, "over_percent": order.over_percent, "lines": lines,
        "expected_date": None if order.expected_us is None else from_us(order.expected_us),
    }  # fmt: skip


class AsnBody(Body):
    """What the supplier says is on its way."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "asn-7890-1",
                    "lines": [{"line": "1", "sku": "ABC-12345", "quantity": 100}],
                    "units": [
                        {
                            "sscc": "340123450000000017",
                            "contents": [{"sku": "ABC-12345", "quantity": 40}],
                        }
                    ],
                }
            ]
        },
    )

    id: CommandId
    read_point: Code | None = None
    lines: Annotated[list[AnnouncedBody], Field(min_length=1, max_length=1_000)]
    units: tuple[UnitBody, ...] = ()


class CloseBody(Body):
    """Why an order and what came differ."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"reason": "short_shipped", "reasons": {"1": "damaged_in_transit"}}]
        },
    )

    reason: Annotated[Reason, Field(description="Of all that has none of its own.")] | None = None
    reasons: Annotated[
        dict[Code, Reason],
        Field(
            default_factory=dict,
            max_length=1_000,
            description="By line; by SKU for goods that were on none.",
        ),
    ]


class SessionBody(Body):
    """Where an order's goods are taken in."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "anna-2026-02-02-1", "order": "po-7890-acme", "aside": "quarantine"}
            ]
        },
    )

    id: CommandId
    order: Code
    location: Annotated[Code, Field(description="Without it, the order's own.")] | None = None
    aside: Annotated[Code, Field(description="Where goods go that no line takes.")] | None = None


class ReceiptBody(Body):
    """What somebody has in hand: a scanned code, or an item by hand."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "scan-2026-02-02-1", "code": "0109521234000013217", "symbology": "]C1"},
                {"id": "hand-2026-02-02-1", "sku": "ABC-12345", "quantity": 12},
                {
                    "id": "hand-2026-02-02-2",
                    "sku": "ABC-12345",
                    "quantity": 2,
                    "condition": "damaged",
                },
                {"id": "hand-2026-02-02-3", "sku": "DRILL", "serials": ["S1", "S2"]},
            ]
        },
    )

    id: CommandId
    code: Annotated[Said, Field(min_length=1, max_length=4_096)] | None = None
    symbology: Annotated[Said, Field(pattern=r"^\][A-Za-z][0-9a-zA-Z]$")] | None = None
    sku: Sku | None = None
    quantity: Quantity | None = None
    lot: Lot = ""
    condition: Literal["good", "damaged"] = "good"
    serials: Annotated[
        tuple[Annotated[Said, Field(min_length=1, max_length=64)], ...],
        Field(max_length=1_000, description="The pieces, of an item that is tracked by them."),
    ] = ()
    expiry: Annotated[
        Literal["", "known", "scanned"],
        Field(description="Which day holds where label and books differ about a lot."),
    ] = ""
    event_time: Annotated[
        AwareDatetime | None,
        Field(description="When it was in hand, where the network was away; at most now."),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sku is None) == (self.code is None):
            raise ValueError("give either a scanned code or a sku")
        if self.code is not None and self.serials:
            raise ValueError("a code names its piece itself: serials go with a sku")
        return self

    def asked(self) -> Asked:
        """As receiving knows it."""
        at_us = None if self.event_time is None else to_us(self.event_time)
        return Asked(**self.model_dump(exclude={"id", "event_time"}), event_us=at_us)


class PutawayBody(MoveBody):
    """Goods that were put away: a movement from where they were received to their place."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "putaway-2026-02-02-1",
                    "sku": "ABC-12345",
                    "quantity": 40,
                    "from": "WH-01",
                    "to": "WH-01-A-01",
                }
            ]
        },
    )
