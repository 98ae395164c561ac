"""One field of ours from what another program sent, or the other way round. Pure.

A field is a path into the message (JMESPath, jmespath.org) or a constant, and what to make of what
lies there: a table of its codes and ours, the format of its dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from central.catalogue.errors import NotValid
from central.imports.model import number

__all__ = [
    "Expression", "Fault", "Field", "FieldSpec", "Tables", "Wrong", "found_at", "is_true", "moment",
    "quantity", "text", "value_of",
]  # fmt: skip

Tables = Mapping[str, Mapping[str, str | int]]
_TRUE, _FALSE = {"true", "yes", "y", "1", "x"}, {"", "false", "no", "n", "0"}
_EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a message: of which ``kind``, at which ``place`` (a path into it), what,
    and what would be ``accepted``.
    """

    kind: str
    place: str
    what: str
    accepted: str = ""

    def __str__(self) -> str:
        accepted = f" (accepted: {self.accepted})" if self.accepted else ""
        return f"{self.place}: {self.what}{accepted}" if self.place else f"{self.what}{accepted}"


class Wrong(Exception):
    """A value is not what it should be; see ``Fault``."""

    def __init__(self, kind: str, what: str, accepted: str = "") -> None:
        super().__init__(what)
        self.kind = kind
        self.accepted = accepted

    def at(self, place: str) -> Fault:
        """It as a fault."""
        return Fault(kind=self.kind, place=place, what=str(self), accepted=self.accepted)


@cache
def _compiled(path: str) -> Any:  # noqa: ANN401 (the library says nothing of its types)
    return jmespath.compile(path)


def _readable(path: str) -> str:
    try:
        _compiled(path)
    except JMESPathError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path!r} is no JMESPath expression: {said}") from error
    return path


Expression = Annotated[str, AfterValidator(_readable)]
"""A path that can be followed."""


class FieldSpec(BaseModel):
    """Where a field comes from: a ``path`` or a constant ``value``; ``default`` where there is
    nothing. ``table`` names a table of codes; ``date`` is ``iso``, ``epoch_s``, ``epoch_ms`` or a
    format of ``strptime``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Expression | None = None
    value: str | int | float | None = None
    default: str | int | float | None = None
    table: str | None = None
    date: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> FieldSpec:
        if (self.path is None) == (self.value is None):
            raise ValueError('a field has a path or a value, such as "header.number" or '
                             '{ value = "WH-01" }')  # fmt: skip
        return self

    @property
    def where(self) -> str:
        """The path, for people; ``constant`` for none."""
        return self.path or "constant"


def _as_table(said: object) -> object:
    return {"path": said} if isinstance(said, str) else said


Field = Annotated[FieldSpec, BeforeValidator(_as_table)]
"""In a settings file: a path as text, or a table."""


def found_at(path: str, document: object) -> object:
    """What lies at a path; ``None`` for nothing. Raises ``Wrong`` where a function of the path
    does not take what it finds.
    """
    try:
        return _compiled(path).search(document)
    except JMESPathError as error:
        raise Wrong("wrong-type", f"{path} cannot be followed: {error}") from error


def value_of(field: FieldSpec, document: object, tables: Tables) -> object:
    """The value, looked up in its table; ``None`` where there is none. Raises ``Wrong``."""
    found: object = field.value if field.path is None else found_at(field.path, document)
    if found in (None, "") and field.default is not None:
        found = field.default
    if found in (None, "") or field.table is None:
        return found
    table = tables[field.table]
    said = text(found)
    if said not in table:
        raise Wrong(
            "unknown-value", f"{said!r} is not in the table {field.table}", ", ".join(sorted(table))
        )
    return table[said]


def text(said: object) -> str:
    """It as text. Raises ``Wrong`` for what is no single value."""
    if isinstance(said, bool) or not isinstance(said, str | int | float | Decimal):
        raise Wrong("wrong-type", f"{shown(said)} is no text")
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    told = str(said).strip()
    if "\x00" in told or any("\ud800" <= one <= "\udfff" for one in told):
        raise Wrong("wrong-type", "it holds a character that cannot be kept (NUL, half of one)")
    return told


def quantity(said: object, decimal: str) -> Decimal:
    """It as a number, exactly. Raises ``Wrong``."""
    told = text(said)
    try:
        made = Decimal(number(told, decimal) if isinstance(said, str) else told)
    except (ValueError, InvalidOperation) as error:
        raise Wrong("not-a-number", f"{told!r} is no number", f"such as 1{decimal}5") from error
    if not made.is_finite():
        raise Wrong("not-a-number", f"{told!r} is no number")
    return made


def moment(said: object, date: str | None, zone: ZoneInfo) -> datetime:
    """It as a moment; without an offset it is of ``zone``. Raises ``Wrong``."""
    told = text(said)
    try:
        if date in _EPOCHS:
            return datetime.fromtimestamp(float(told) / _EPOCHS[date], zone)
        iso = date in {None, "iso"}
        made = datetime.fromisoformat(told) if iso else datetime.strptime(told, date or "")  # noqa: DTZ007
    except (ValueError, OverflowError, OSError) as error:
        accepted = "2026-01-31 or 2026-01-31T08:00:00+01:00" if date in {None, "iso"} else date
        raise Wrong("not-a-date", f"{told!r} is no such date", accepted or "") from error
    return made if made.tzinfo else made.replace(tzinfo=zone)


def is_true(said: object) -> bool:
    """Whether it says yes; nothing says no. Raises ``Wrong`` for another word."""
    if said is None or isinstance(said, bool):
        return bool(said)
    told = text(said).lower()
    if told not in _TRUE | _FALSE:
        raise Wrong("wrong-type", f"{told!r} says neither yes nor no", "true, false, X, yes, no")
    return told in _TRUE


def shown(said: object) -> str:
    """A value in a message for people."""
    try:
        told = msgspec.json.encode(said).decode()
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise NotValid(f"a message holds what is no JSON: {error}") from error
    return told if len(told) <= 60 else f"{told[:57]}..."
