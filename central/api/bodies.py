"""What clients send, checked on arrival and described with examples."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, ValidationError

Read = TypeVar("Read", bound=BaseModel)


def _storable(said: str) -> str:
    if "\x00" in said:
        raise ValueError("a NUL character cannot be stored")
    if not said.isascii() and any("\ud800" <= one <= "\udfff" for one in said):
        raise ValueError("half of a character (a lone surrogate) cannot be stored")
    return said


Said = Annotated[str, AfterValidator(_storable)]
"""Text that both databases can store, and be asked for."""
Sku = Annotated[Said, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
Code = Annotated[Said, Field(min_length=1, max_length=64)]
Name = Annotated[Said, Field(min_length=1, max_length=200)]
Quantity = Annotated[int, Field(ge=1, le=2**53, description="Of the item's smallest unit.")]
CommandId = Annotated[
    str,
    Field(
        min_length=8,
        max_length=64,
        description="Made by you and kept: sending the same command again does nothing twice.",
    ),
]
Epc = Annotated[str, Field(pattern=r"^[0-9A-F]{2,128}$", description="Upper-case hexadecimal.")]


class Body(BaseModel):
    """Nothing but what is described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PackBody(Body):
    """A GTIN that stands for some units of the item."""

    gtin: Annotated[str, Field(pattern=r"^\d{8,14}$")]
    quantity: Annotated[int, Field(ge=1, le=2**31)] = 1


class MovementSaidBody(Body):
    """Goods that moved, as a person says."""

    sku: Sku
    quantity: Quantity
    source: Code = Field(validation_alias=AliasChoices("source", "from"))
    destination: Code = Field(validation_alias=AliasChoices("destination", "to"))
    lot: Annotated[Said, Field(max_length=64)] = ""
    epcs: list[Epc] = []


class ResolveBody(Body):
    """What a person says to a review: one of ``hypothesis``, ``movements`` and ``dismiss``."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "anna-2026-01-31-1", "by": "anna", "hypothesis": 0},
                {"id": "anna-2026-01-31-2", "by": "anna", "dismiss": True, "note": "a test"},
            ]
        },
    )

    id: CommandId | None = None
    by: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
    hypothesis: Annotated[int, Field(ge=0, description="Its place; 0 is the best.")] | None = None
    movements: list[MovementSaidBody] = []
    dismiss: bool = False
    note: Annotated[Said, Field(max_length=300)] = ""


def merged(into: object, patch: object) -> object:
    """A merge patch on something (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(into) if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def read_again(body: type[Read], said: object) -> Read:
    """A body that was put together here. Raises ``RequestValidationError``."""
    try:
        return body.model_validate(said)
    except ValidationError as error:
        found = [one | {"loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error
