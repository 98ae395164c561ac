"""What clients send of items and tags, checked on arrival and described with examples."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
)

from central.api.bodies import Epc, PackBody, Said, Sku, merged, read_again
from central.catalogue.items import MICROS, MOST_ATTRIBUTES, Item
from central.catalogue.tags import Binding

__all__ = ["EXAMPLE", "BindingBody", "ItemBody", "ItemPatch", "ItemState", "ItemsAsked", "patched"]

_MOST = 2**53
EXAMPLE: dict[str, JsonValue] = {
    "sku": "ABC-12345",
    "name": "Wireless mouse",
    "category": "electronics",
    "unit": "each",
    "unit_mg": 92_000,
    "unit_cv": 0.01,
    "unit_price": 29.99,
    "currency": "EUR",
    "attributes": {"colour": "black", "warranty_months": 24},
    "dimensions_mm": {"length": 110, "width": 62, "height": 38},
    "gtins": [{"gtin": "4012345000016", "quantity": 12}],
}


def _no_int(value: object) -> object:
    if isinstance(value, int):
        raise ValueError(f"a whole number is of -2^53 to 2^53, not {value}"[:100])
    return value


Value = (
    StrictBool
    | Annotated[StrictInt, Field(ge=-_MOST, le=_MOST)]
    | Annotated[StrictFloat, BeforeValidator(_no_int), Field(allow_inf_nan=False)]
    | Annotated[Said, Field(max_length=500)]
)
Millimetres = Annotated[int, Field(ge=1, le=1_000_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DimensionsBody(_Body):
    """A unit's sizes in millimetres."""

    length: Millimetres
    width: Millimetres
    height: Millimetres


class ItemState(_Body):
    """All of an item that can be changed; what is left out is as for a new item."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{k: v for k, v in EXAMPLE.items() if k != "sku"}]},
    )

    name: Annotated[Said, Field(min_length=1, max_length=200)]
    category: Annotated[Said, Field(max_length=100)] = ""
    unit: Annotated[Said, Field(min_length=1, max_length=20)] = "each"
    unit_mg: (
        Annotated[int, Field(ge=1, le=_MOST, description="A piece's mass in milligrams.")] | None
    ) = None
    unit_cv: (
        Annotated[
            float, Field(ge=0, le=1, description="The relative standard deviation of `unit_mg`.")
        ]
        | None
    ) = None
    unit_price: (
        Annotated[
            Decimal,
            Field(ge=0, le=1_000_000_000, decimal_places=6, description="Of `currency`."),
        ]
        | None
    ) = None
    currency: Annotated[
        str, Field(pattern=r"^([A-Z]{3})?$", description="ISO 4217; empty: the books' own.")
    ] = ""
    attributes: Annotated[
        dict[Annotated[Said, Field(min_length=1, max_length=64)], Value],
        Field(max_length=MOST_ATTRIBUTES),
    ] = {}
    dimensions_mm: DimensionsBody | None = None
    parent: (
        Annotated[Sku, Field(description="The SKU that it is a variant or a part of.")] | None
    ) = None
    family: Annotated[
        bool, Field(description="It has variants, and never any stock of its own.")
    ] = False
    tracking: Annotated[
        Literal["none", "lot", "serial"],
        Field(description="What commands name of its stock: the lot, or each piece's serial."),
    ] = "none"
    status: Literal["active", "retired"] = "active"
    gtins: Annotated[list[PackBody], Field(max_length=100)] = []

    def item(self, sku: str, created_us: int) -> Item:
        """It as the item ``sku`` of the catalogue."""
        size = self.dimensions_mm
        length, width, height = (
            (None, None, None) if size is None else (size.length, size.width, size.height)
        )
        price = self.unit_price
        return Item(
            sku=sku,
            name=self.name,
            category=self.category,
            unit=self.unit,
            unit_mg=self.unit_mg,
            unit_cv=self.unit_cv,
            price_micros=None if price is None else int(price * MICROS),
            currency=self.currency,
            attributes=self.attributes,
            length_mm=length,
            width_mm=width,
            height_mm=height,
            parent=self.parent,
            family=self.family,
            tracking=self.tracking,
            status=self.status,
            created_us=created_us,
        )

    def packs(self) -> list[tuple[str, int]]:
        """Its GTINs, each with how many units it stands for."""
        return [(pack.gtin, pack.quantity) for pack in self.gtins]


class ItemBody(ItemState):
    """A new item."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    sku: Sku


ItemPatch = dict[str, object]
"""A merge patch (RFC 7396): what it does not name stays, what it names as null goes."""


def patched(shown: dict[str, object], patch: ItemPatch) -> ItemState:
    """An item as it is shown, with a patch on it. Raises ``RequestValidationError``."""
    state = {name: value for name, value in shown.items() if name in ItemState.model_fields}
    return read_again(ItemState, merged(state, patch))


class ItemsAsked(BaseModel):
    """Which items a listing is of."""

    model_config = ConfigDict(frozen=True)

    after: Annotated[Said, Field(max_length=64, description="`next` of the last answer.")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    search: Annotated[Said, Field(max_length=100)] = ""
    category: Annotated[Said, Field(max_length=100)] | None = None
    status: Literal["active", "retired"] | None = None
    parent: Annotated[Said, Field(max_length=64)] | None = None
    gtin: Annotated[str, Field(pattern=r"^\d{8,14}$")] | None = None


class BindingBody(_Body):
    """A tag that stands for an item, whatever is written in it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"epc": "E28011700000020F1A2B3C4D", "sku": "ABC-12345", "lot": "2026-07"},
                {"epc": "E28011700000020F1A2B3C4E", "sku": "ABC-12345", "serial": "SN-0042"},
            ]
        },
    )

    epc: Epc
    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=2**31)] = 1
    lot: Annotated[Said, Field(max_length=64)] = ""
    serial: Annotated[Said, Field(max_length=64)] = ""

    def binding(self) -> Binding:
        """It as the catalogue knows it."""
        return Binding(**self.model_dump())
