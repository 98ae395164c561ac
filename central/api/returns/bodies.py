"""What clients send of returns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from central.api.bodies import Body, Code, CommandId, Quantity, Said, Sku
from central.returns.model import DISPOSITIONS, REASONS, Inspection, Line, Return

LineName = Annotated[Said, Field(min_length=1, max_length=32, pattern=r"^[^#]+$")]
Short = Annotated[Said, Field(max_length=100)]
Lot = Annotated[Said, Field(max_length=64)]
Serials = Annotated[
    tuple[Annotated[Said, Field(min_length=1, max_length=64)], ...], Field(max_length=1_000)
]
Reason = Literal[
    "damaged", "defective", "wrong_item", "not_wanted", "too_late", "undeliverable", "recalled",
    "warranty", "other",
]  # fmt: skip
assert Reason.__args__ == REASONS  # type: ignore[attr-defined]
Disposition = Literal["restock", "quarantine", "damaged", "scrap"]
assert Disposition.__args__ == tuple(DISPOSITIONS)  # type: ignore[attr-defined]


class ReturnLineBody(Body):
    """Units that come back. Without a name a line is called by its number."""

    line: LineName | None = None
    sku: Sku
    quantity: Quantity
    reason: Reason
    lot: Lot = ""
    order_line: Annotated[Short, Field(description="Without it, the order's line of the item.")] = (
        ""
    )
    serials: Annotated[
        Serials, Field(description="The pieces that come; without them any that was shipped.")
    ] = ()


class ReturnBody(Body):
    """Goods that a customer sends back."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "rma-1001-1",
                    "order": "order-1001",
                    "location": "WH-01-RETURNS",
                    "lines": [{"sku": "ABC-12345", "quantity": 2, "reason": "not_wanted"}],
                }
            ]
        },
    )

    id: CommandId | None = None
    order: Annotated[Said, Field(max_length=64, description="The outbound order.")] = ""
    customer: Annotated[Said, Field(max_length=200, description="Else the order's.")] = ""
    location: Annotated[Code, Field(description="Where its goods are taken in.")]
    reference: Short = ""
    reason: Annotated[Said, Field(max_length=500, description="Why there is no order.")] = ""
    lines: Annotated[list[ReturnLineBody], Field(min_length=1, max_length=1_000)]

    def made(self, name: str) -> Return:
        """As it is announced."""
        return Return(
            id=name,
            customer=self.customer,
            location=self.location,
            order_id=self.order,
            reference=self.reference,
            reason=self.reason,
            lines=tuple(
                Line(
                    line=one.line or str(number),
                    sku=one.sku,
                    quantity=one.quantity,
                    reason=one.reason,
                    lot=one.lot,
                    order_line=one.order_line,
                    serials=one.serials,
                )
                for number, one in enumerate(self.lines, 1)
            ),
        )


class RefuseBody(Body):
    """Why nothing of it is taken."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"reason": "out of time"}]}
    )

    reason: Annotated[Said, Field(min_length=1, max_length=500)]


class InspectionBody(Body):
    """What somebody found who looked at some units."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "inspected-2030-02-09-1",
                    "line": "1",
                    "quantity": 1,
                    "disposition": "restock",
                    "to": "WH-01",
                }
            ]
        },
    )

    id: CommandId
    line: LineName
    quantity: Quantity
    disposition: Disposition
    location: (
        Annotated[Code, Field(description="Where they lie; else the return's own.")] | None
    ) = None
    status: Annotated[
        Literal["quarantined", "damaged", "available"], Field(description="How they lie there.")
    ] = "quarantined"
    to: Annotated[Code, Field(description="Where they go; else they stay.")] | None = None
    lot: Lot = ""
    serials: Serials = ()
    note: Annotated[Said, Field(max_length=500)] = ""

    def found(self, location: str) -> Inspection:
        """As it is kept; ``location`` is the return's."""
        return Inspection(
            id=self.id,
            line=self.line,
            quantity=self.quantity,
            disposition=self.disposition,
            location=self.location or location,
            status=self.status,
            to=self.to or "",
            lot=self.lot,
            serials=self.serials,
            note=self.note,
        )
