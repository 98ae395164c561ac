"""What clients send of outbound orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from central.api.bodies import Body, Code, CommandId, Epc, Quantity, Said, Sku
from central.database.moments import from_us, to_us
from central.orders.model import Line, Order
from central.orders.packing import Packed
from central.orders.picking import Brought

MOST_ORDERS = 1_000
Lot = Annotated[Said, Field(max_length=64)]
Short = Annotated[Said, Field(max_length=100)]
Reason = Literal["", "not-there", "damaged", "later"]
_ORDER: JsonDict = {
    "id": "web-2026-000123",
    "customer": "Jane Doe",
    "warehouse": "WH-01",
    "ship_to": {"street": "1 High Street", "city": "Leeds", "country": "GB"},
    "priority": 5,
    "due_at": "2030-02-02T16:00:00Z",
    "lines": [{"line": "1", "sku": "ABC-12345", "quantity": 150}],
}


class OutboundLineBody(Body):
    """Units that are wanted. Without a name a line is called by its number."""

    line: Annotated[Said, Field(min_length=1, max_length=64)] | None = None
    sku: Sku
    quantity: Quantity
    lot: Annotated[Lot, Field(description="Empty: of any lot.")] = ""
    substitution: Annotated[
        Literal["", "none", "allowed"], Field(description="Empty: as the order says.")
    ] = ""


class OutboundOrderBody(Body):
    """An order of a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [_ORDER]})

    id: CommandId | None = None
    customer: Annotated[Said, Field(min_length=1, max_length=200)]
    ship_to: Annotated[dict[Short, Annotated[Said, Field(max_length=500)]], Field(max_length=30)]
    warehouse: Annotated[Code, Field(description="Goods come from it, or from within it.")]
    ship_from: Annotated[
        Code | None, Field(description="Where goods are brought to leave; else the warehouse.")
    ] = None
    priority: Annotated[int, Field(ge=0, le=9, description="9 is served first.")] = 0
    due_at: AwareDatetime | None = None
    partial: Annotated[bool, Field(description="What is there may leave before the rest.")] = False
    substitution: Annotated[
        Literal["none", "allowed"],
        Field(description="Whether other items may be given for what lacks."),
    ] = "none"
    reference: Short = ""
    lines: Annotated[list[OutboundLineBody], Field(min_length=1, max_length=1_000)]

    def order(self, name: str, actor: str) -> Order:
        """As it is taken."""
        return Order(
            id=name,
            customer=self.customer,
            ship_to=dict(self.ship_to),
            warehouse=self.warehouse,
            ship_from=self.ship_from or self.warehouse,
            priority=self.priority,
            due_us=None if self.due_at is None else to_us(self.due_at),
            partial=self.partial,
            substitution=self.substitution,
            reference=self.reference,
            actor=actor,
            lines=tuple(
                Line(
                    line=one.line or str(number),
                    sku=one.sku,
                    quantity=one.quantity,
                    lot=one.lot,
                    substitution=one.substitution,
                )
                for number, one in enumerate(self.lines, 1)
            ),
        )


def asked_of(order: Order) -> dict[str, object]:
    """What an order asks for, as a body says it."""
    asked: dict[str, object] = {name: getattr(order, name) for name in (
        "customer", "ship_to", "warehouse", "ship_from", "priority", "partial", "reference",
        "substitution",
    )}  # fmt: skip
    lines = [
        dict(zip(("line", "sku", "quantity", "lot", "substitution"), line.asked(), strict=True))
        for line in order.lines
        if not line.substituted_for
    ]
    due_at = None if order.due_us is None else from_us(order.due_us)
    return asked | {"due_at": due_at, "lines": lines}


class BulkOrderBody(OutboundOrderBody):
    """One of many orders: it brings an id of its own."""

    id: CommandId


class BulkBody(Body):
    """Many orders."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"orders": [_ORDER]}]}
    )

    orders: Annotated[list[BulkOrderBody], Field(min_length=1, max_length=MOST_ORDERS)]


class TaskBody(Body):
    """Orders that are to be picked together."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"id": "wave-17-a", "orders": ["web-2026-000123"]}]},
    )

    id: CommandId | None = None
    orders: Annotated[list[CommandId], Field(min_length=1, max_length=500)]
    assigned_to: Short = ""


class PickedBody(Body):
    """What somebody scanned and brought."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "phone-7-2030-02-02-1",
                    "location": "WH-01-B12",
                    "sku": "ABC-12345",
                    "quantity": 150,
                },
                {"location": "WH-01-B12", "sku": "ABC-12345", "quantity": 3, "reason": "damaged"},
            ]
        },
    )

    id: CommandId | None = None
    location: Code
    sku: Sku
    quantity: Annotated[int, Field(ge=0, le=2**53)]
    lot: Lot = ""
    serials: Annotated[tuple[Short, ...], Field(max_length=10_000)] = ()
    epcs: Annotated[tuple[Epc, ...], Field(max_length=10_000)] = ()
    reason: Annotated[Reason, Field(description="Why it is less than was asked for.")] = ""
    event_time: AwareDatetime | None = None

    def brought(self, pick: str, command: str, by: str, now: AwareDatetime) -> Brought:
        """As it is confirmed."""
        return Brought(
            pick=pick,
            location=self.location,
            sku=self.sku,
            quantity=self.quantity,
            lot=self.lot,
            serials=self.serials,
            epcs=self.epcs,
            reason=self.reason,
            event_time=self.event_time or now,
            command=command,
            by=by,
        )


class PutBackBody(Body):
    """What was picked by mistake."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"command": "phone-7-2030-02-02-1"}]},
    )

    command: CommandId


class PackedBody(Body):
    """Units of a line in a carton."""

    line: Annotated[Said, Field(min_length=1, max_length=64)]
    quantity: Quantity


class CartonBody(Body):
    """A carton that was closed."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "carton-of-table-4-1", "contents": [{"line": "1", "quantity": 150}]}
            ]
        },
    )

    id: CommandId | None = None
    contents: Annotated[list[PackedBody], Field(min_length=1, max_length=1_000)]

    def packed(self) -> tuple[Packed, ...]:
        """As it is packed."""
        return tuple(Packed(line=one.line, quantity=one.quantity) for one in self.contents)


class ShipBody(Body):
    """All that is picked leaves."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"id": "truck-2030-02-02-1", "carrier": "parcels"}]},
    )

    id: CommandId | None = None
    carrier: Short = ""
    service: Short = ""
    serials: Annotated[
        dict[Short, Annotated[tuple[Short, ...], Field(max_length=10_000)]],
        Field(
            default_factory=dict,
            max_length=1_000,
            description="By line, of items that are tracked by them; else those that were brought.",
        ),
    ]
    event_time: AwareDatetime | None = None
