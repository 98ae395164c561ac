"""What clients send of labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonValue

from central.api.bodies import Body, CommandId, Said
from central.labels.desk import MOST_LABELS, Wish
from central.labels.model import Dpi, Form, Kind, Subject

Word = Annotated[Said, Field(max_length=64)]
PlaceType = Literal["warehouse", "zone", "aisle", "rack", "shelf", "bin", "dock", "area"]
_MAKE: list[JsonValue] = [
    {"kind": "item", "labels": [{"sku": "ABC-12345"}], "copies": 2},
    {"kind": "lot", "labels": [{"sku": "ABC-12345", "lot": "L-1"}], "format": "zpl", "dpi": 300},
    {"kind": "place", "within": "WH-01", "types": ["bin"], "template": "bin", "sheet": True},
]
_PRINT: list[JsonValue] = [
    {
        "id": "labels-2026-11-22-1",
        "printer": "dock-1",
        "kind": "item",
        "labels": [{"sku": "ABC-12345"}],
        "copies": 3,
        "rfid": True,
        "bind": True,
    }
]


class SubjectBody(Body):
    """What one label is of; which words it takes depends on the kind."""

    sku: Annotated[Word, Field(description="item, lot, serial; logistic: what is in it.")] = ""
    gtin: Annotated[
        str, Field(pattern=r"^(\d{8,14})?$", description="Which of the item's; else the unit's.")
    ] = ""
    lot: Word = ""
    serial: Word = ""
    place: Annotated[Word, Field(description="A location's code.")] = ""
    sscc: Annotated[
        str,
        Field(pattern=r"^(\d{18})?$", description="logistic: without one, a new one is given."),
    ] = ""
    quantity: Annotated[
        int, Field(ge=0, le=2**31, description="item: units of the pack; logistic: of the item.")
    ] = 0
    grai: Annotated[str, Field(pattern=r"^(\d{13,14})?$", description="asset")] = ""
    name: Annotated[Said, Field(max_length=200, description="asset, logistic: in words.")] = ""


class LabelsBody(Body):
    """Labels that are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": _MAKE})

    id: CommandId | None = None
    kind: Kind
    template: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    labels: Annotated[tuple[SubjectBody, ...], Field(max_length=MOST_LABELS)] = ()
    within: Annotated[
        Word, Field(description="place: all places within this one, besides `labels`.")
    ] = ""
    types: Annotated[
        tuple[PlaceType, ...],
        Field(max_length=8, description="Of `within`; empty: places that hold no other."),
    ] = ()
    copies: Annotated[int, Field(ge=1, le=MOST_LABELS)] = 1
    rfid: Annotated[bool, Field(description="Write each label's tag, with an EPC of its own.")] = (
        False
    )
    bind: Annotated[bool, Field(description="The tags stand for the goods (tag bindings).")] = False

    def wish(self) -> Wish:
        """As they are made."""
        return Wish(
            kind=self.kind,
            template=self.template,
            subjects=tuple(Subject(**one.model_dump()) for one in self.labels),
            within=self.within,
            types=self.types,
            copies=self.copies,
            tags=self.rfid,
            bind=self.bind,
        )


class MakeBody(LabelsBody):
    """Labels as a document."""

    format: Form = "pdf"
    dpi: Annotated[
        Dpi | None, Field(description="Dots of an inch; 203 without it, 600 for sheets.")
    ] = None
    sheet: Annotated[bool, Field(description="PDF: many on a page, as the template says.")] = False
    skip: Annotated[int, Field(ge=0, le=500, description="Places of the sheet left empty.")] = 0

    def wish(self) -> Wish:
        """As they are made."""
        plain = super().wish()
        return Wish(
            **{name: getattr(plain, name) for name in Wish.__struct_fields__}
            | {"sheet": self.sheet, "skip": self.skip}
        )


class PrintBody(LabelsBody):
    """Labels for a printer."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": _PRINT})

    printer: Annotated[Word, Field(min_length=1)]
