"""What commands say of stock, checked on arrival, and the movement that each of them is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AwareDatetime, ConfigDict, Field, JsonValue

from central.api.bodies import Body, Code, CommandId, Epc, Quantity, Said, Sku
from central.catalogue.changes import Told
from central.stock.model import AVAILABLE, Movement, Status

__all__ = [
    "AdjustBody",
    "LinesBody",
    "MoveBody",
    "ReceiveBody",
    "ScrapBody",
    "StatusBody",
    "StatusPutBody",
    "StockCountBody",
    "StockReturnBody",
    "StockShipBody",
]  # fmt: skip

Lot = Annotated[Said, Field(max_length=64)]
Serials = Annotated[
    tuple[Annotated[Said, Field(min_length=1, max_length=64)], ...], Field(max_length=10_000)
]
_FROM = AliasChoices("source", "from", "from_location", "source_location")
_TO = AliasChoices("destination", "to", "to_location", "destination_location")
Reason = Literal["lost", "found", "damaged", "expired", "stolen", "counted", "mistake", "other"]


def _shown(*examples: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": list(examples)})


class _Stock(Body):
    """Of which stock a command is, and by whose word."""

    id: CommandId | None = None
    sku: Sku
    lot: Lot = ""
    serials: Annotated[
        Serials, Field(description="Of an item that is tracked by serial numbers: each piece's.")
    ] = ()
    epcs: tuple[Epc, ...] = ()
    event_time: AwareDatetime | None = None
    reason: Annotated[Said, Field(max_length=500)] = ""
    reference: Annotated[
        Said, Field(max_length=100, description="The order or paper that it goes by.")
    ] = ""

    def _made(self, name: str, told: Told, **more: Any) -> Movement:  # noqa: ANN401 (its fields)
        said: dict[str, Any] = {
            "id": name, "sku": self.sku, "lot": self.lot, "serials": self.serials,
            "epcs": self.epcs, "event_time": self.event_time or datetime.now(UTC),
            "reason": self.reason, "reference": self.reference, "actor": told.by,
        }  # fmt: skip
        return Movement(**said | more)


class _Goods(_Stock):
    quantity: Quantity


class ReceiveBody(_Goods):
    """Goods that arrived, with what the papers say of their lot."""

    model_config = _shown(
        {
            "id": "po-4711-line-1",
            "sku": "OAT-500",
            "quantity": 240,
            "location": "backroom",
            "reference": "PO-7890",
        },
        {
            "sku": "MILK-1L",
            "quantity": 48,
            "location": "backroom",
            "lot": "L2026-11",
            "expires_on": "2026-12-24",
        },
    )

    do: Literal["receive"] = "receive"
    location: Code = Field(validation_alias=AliasChoices("location", "destination", "to"))
    source: Code = "supplier"
    status: Status = AVAILABLE
    expires_on: date | None = None
    made_on: date | None = None
    supplier_lot: Lot = ""

    def papers(self) -> dict[str, object]:
        """What is told of the lot."""
        said = ("expires_on", "made_on", "supplier_lot")
        return {name: value for name in said if (value := getattr(self, name))}

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        ends = {"source": self.source, "destination": self.location, "quantity": self.quantity}
        return self._made(name, told, **ends, destination_status=self.status, biz_step="receiving")


class MoveBody(_Goods):
    """Goods that went from one location to another, in their status."""

    model_config = _shown(
        {
            "id": "refill-2026-01-31-7",
            "sku": "OAT-500",
            "quantity": 24,
            "source": "backroom",
            "destination": "shelf-7",
        }
    )

    do: Literal["move"] = "move"
    source: Code = Field(validation_alias=_FROM)
    destination: Code = Field(validation_alias=_TO)
    status: Status = AVAILABLE
    corrects: CommandId | None = None

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        outward = self.destination == "customer"
        return self._made(
            name, told, quantity=self.quantity, source=self.source, destination=self.destination,
            source_status=self.status, destination_status=self.status, corrects=self.corrects,
            biz_step="shipping" if outward else "storing",
            disposition="in_transit" if outward else "in_progress",
        )  # fmt: skip


class StockShipBody(_Goods):
    """Goods that leave."""

    model_config = _shown(
        {"sku": "OAT-500", "quantity": 2, "location": "shelf-7", "reference": "SO-1001"}
    )

    do: Literal["ship"] = "ship"
    location: Code = Field(validation_alias=AliasChoices("location", *_FROM.choices))
    destination: Code = "customer"
    status: Status = AVAILABLE

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        return self._made(
            name, told, quantity=self.quantity, source=self.location, source_status=self.status,
            destination=self.destination, destination_status=self.status, biz_step="shipping",
            disposition="in_transit",
        )  # fmt: skip


class StockReturnBody(_Goods):
    """Goods that come back: quarantined, until somebody has looked at them."""

    model_config = _shown(
        {"sku": "OAT-500", "quantity": 1, "location": "backroom", "reference": "RMA-17"}
    )

    do: Literal["return"] = "return"
    location: Code = Field(validation_alias=AliasChoices("location", *_TO.choices))
    source: Code = "customer"
    status: Status = "quarantined"

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        return self._made(
            name, told, quantity=self.quantity, source=self.source, destination=self.location,
            destination_status=self.status, biz_step="receiving", disposition="returned",
        )  # fmt: skip


class ScrapBody(_Goods):
    """Goods that are thrown away."""

    model_config = _shown(
        {
            "sku": "OAT-500",
            "quantity": 3,
            "location": "backroom",
            "status": "damaged",
            "reason": "wet",
        }
    )

    do: Literal["scrap"] = "scrap"
    location: Code = Field(validation_alias=AliasChoices("location", *_FROM.choices))
    status: Status = AVAILABLE

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        return self._made(
            name, told, quantity=self.quantity, source=self.location, source_status=self.status,
            destination="scrap", destination_status=self.status, biz_step="destroying",
            disposition="destroyed",
        )  # fmt: skip


class AdjustBody(_Stock):
    """Books that were wrong: so many units more or fewer, and why."""

    model_config = _shown(
        {"sku": "OAT-500", "location": "shelf-7", "change": -2, "code": "lost"},
        {
            "sku": "OAT-500",
            "location": "shelf-7",
            "change": 1,
            "code": "found",
            "reason": "behind the box",
        },
    )

    do: Literal["adjust"] = "adjust"
    location: Code
    change: Annotated[int, Field(ge=-(2**53), le=2**53, description="More, or fewer; not 0.")]
    code: Reason
    status: Status = AVAILABLE

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        return self._made(
            name,
            told,
            **_difference(self.location, self.status, self.change),
            reason=f"{self.code}: {self.reason}" if self.reason else self.code,
        )


class StatusBody(_Goods):
    """Goods that stay where they are, in another status."""

    model_config = _shown(
        {
            "sku": "OAT-500",
            "quantity": 3,
            "location": "backroom",
            "from_status": "available",
            "to_status": "damaged",
            "reason": "wet",
        }
    )

    do: Literal["status"] = "status"
    location: Code
    from_status: Status = Field(AVAILABLE, validation_alias=AliasChoices("from_status", "from"))
    to_status: Status = Field(validation_alias=AliasChoices("to_status", "to", "status"))

    def movement(self, name: str, told: Told) -> Movement:
        """It as a movement of this id."""
        return self._made(
            name, told, quantity=self.quantity, source=self.location, destination=self.location,
            source_status=self.from_status, destination_status=self.to_status,
            biz_step="inspecting", disposition=_CBV[self.to_status],
        )  # fmt: skip


_CBV = {
    "available": "sellable_accessible",
    "quarantined": "non_sellable_other",
    "damaged": "damaged",
    "expired": "expired",
}
"""What GS1's vocabulary calls the statuses."""


class StatusPutBody(Body):
    """The status of an item's stock: of so many units in one place, or of all there is."""

    model_config = _shown(
        {"status": "damaged", "location": "WH-01", "quantity": 3, "reason": "wet"},
        {"status": "quarantined"},
    )

    id: CommandId | None = None
    status: Status
    from_status: Status = AVAILABLE
    location: Code | None = None
    lot: Lot | None = None
    quantity: Quantity | None = None
    serials: Serials = ()
    reason: Annotated[Said, Field(max_length=500)] = ""


class StockCountBody(_Stock):
    """What somebody counted in a place."""

    model_config = _shown({"sku": "OAT-500", "location": "shelf-7", "counted": 22})

    location: Code
    counted: Annotated[int, Field(ge=0, le=2**53)]
    status: Status = AVAILABLE

    def movement(self, name: str, told: Told, on_hand: int) -> Movement:
        """The correction of books that say ``on_hand``."""
        change = _difference(self.location, self.status, self.counted - on_hand)
        said = f"counted: {self.reason}" if self.reason else "counted"
        return self._made(name, told, **change, reason=said)


def _difference(location: str, status: Status, change: int) -> dict[str, object]:
    """A movement's accounts and units that make a place hold more, or fewer."""
    ends = {
        "source_status": status, "destination_status": status, "quantity": abs(change),
        "biz_step": "cycle_counting",
    }  # fmt: skip
    if change < 0:
        return {"source": location, "destination": "adjustment", **ends}
    return {"source": "adjustment", "destination": location, **ends}


Line = Annotated[
    ReceiveBody | MoveBody | StockShipBody | StockReturnBody | ScrapBody | AdjustBody | StatusBody,
    Field(discriminator="do"),
]


class LinesBody(Body):
    """Several commands that are carried out together, or none of them."""

    model_config = _shown(
        {
            "id": "kit-2026-01-31-1",
            "lines": [
                {"do": "scrap", "sku": "BOX", "quantity": 1, "location": "bench"},
                {"do": "move", "sku": "NUT", "quantity": 8, "from": "shelf-7", "to": "bench"},
            ],
        }
    )

    id: CommandId | None = None
    lines: Annotated[list[Line], Field(min_length=1, max_length=1000)]
