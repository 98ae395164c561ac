"""The settings of connections: who is connected, and what of theirs is what of ours."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from central.erp.fields import Expression, Field, FieldSpec
from central.events import kinds

__all__ = [

    "ErpConnection",
    "ErpSection",
    "LineFields",
    "OrderFields",
    "Orders",
    "Out",
    "OutDocument",
    "Template",
]  # fmt: skip

Template = dict[str, Any]
"""JSON as data: a text is a path, a table with ``path`` or ``value`` a field, one with ``each`` a
list, any other an object.
"""
_KEY_BYTES = range(24, 65)
_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _key(said: SecretStr) -> SecretStr:
    """A key as Standard Webhooks has it."""
    word = said.get_secret_value()
    try:
        held = base64.b64decode(word.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        held = b""
    if not word.startswith("whsec_") or len(held) not in _KEY_BYTES:
        raise ValueError("a key is whsec_ and the base64 of 24 to 64 random bytes, such as "
                         "`openssl rand -base64 32` makes")  # fmt: skip
    return said


def _iana(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("use a name of the IANA database, such as Europe/Berlin")
    return name


class OrderFields(_Section):
    """An order's fields. Without ``id`` it is called by the connection and its reference; without
    ``version`` what comes later is the newer one.
    """

    reference: Field
    supplier: Field
    location: Field
    id: Field | None = None
    version: Field | None = None
    cancelled: Field | None = None
    currency: Field | None = None
    expected_date: Field | None = None
    over_percent: Field | None = None


class LineFields(_Section):
    """An order's line: an item by ``sku`` or ``gtin``. ``unit`` is ``each``, ``pack`` or a number
    of units; ``unit_price`` is for ``price_per`` of these units.
    """

    quantity: Field
    line: Field | None = None
    sku: Field | None = None
    gtin: Field | None = None
    unit: Field | None = None
    lot: Field | None = None
    unit_price: Field | None = None
    price_per: Field | None = None

    @model_validator(mode="after")
    def _named(self) -> LineFields:
        if self.sku is None and self.gtin is None:
            raise ValueError("a line names its item by sku, by gtin or by both")
        return self


class Orders(_Section):
    """How purchase orders are read: where the list of them is, and where each one's lines.

    Of CSV and XLSX each row is a line, and rows that are alike in ``group_by`` are one order: it
    has the columns of its first row, and ``lines``.
    """

    format: Literal["auto", "json", "xml", "csv", "xlsx"] = "auto"
    orders: Expression = "orders"
    lines: Expression = "lines"
    message_id: Expression | None = None
    group_by: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    order: OrderFields
    line: LineFields

    @model_validator(mode="after")
    def _grouped(self) -> Orders:
        if self.format in {"csv", "xlsx"} and not self.group_by:
            raise ValueError("rows need group_by: the columns by which they belong to one order")
        return self


class OutDocument(_Section):
    """What is told of some ``kinds`` of events: JSON by a ``template``, or CSV with a row for each
    of ``rows``, by ``columns``. Of inbound orders only those that came from here, unless
    ``orders`` is all.
    """

    kinds: Annotated[tuple[str, ...], pydantic.Field(min_length=1)]
    orders: Literal["own", "all"] = "own"
    template: Template | None = None
    rows: Expression = "data.lines"
    columns: dict[str, Field] | None = None

    @model_validator(mode="after")
    def _whole(self) -> OutDocument:
        unknown = sorted(set(self.kinds) - set(kinds.known()))
        if unknown:
            raise ValueError(f"there are no events called {', '.join(unknown)}; accepted: "
                             f"{', '.join(kinds.known())}")  # fmt: skip
        if (self.template is None) == (self.columns is None):
            raise ValueError("a document has a template (JSON) or columns (CSV)")
        for wrong in _unreadable(self.template or {}):
            raise ValueError(wrong)
        return self


def _unreadable(template: object, at: str = "template") -> Iterator[str]:
    """What is wrong with a template."""
    if isinstance(template, str | dict) and is_field(template):
        try:
            field_of(template)
        except pydantic.ValidationError as error:
            yield f"{at}: {'; '.join(one['msg'] for one in error.errors())}"
    elif isinstance(template, dict) and "each" in template:
        if set(template) != {"each", "item"}:
            yield f"{at}: a list is {{ each = PATH, item = ... }}"
            return
        yield from _unreadable(template["each"], f"{at}.each")
        yield from _unreadable(template["item"], f"{at}.item")
    elif isinstance(template, dict):
        for name, inner in template.items():
            yield from _unreadable(inner, f"{at}.{name}")
    else:
        yield f"{at}: {template!r} is no path: a constant is {{ value = {template!r} }}"


def is_field(template: str | dict[str, Any]) -> bool:
    """Whether a part of a template is one field."""
    return isinstance(template, str) or "path" in template or "value" in template


_fields: pydantic.TypeAdapter[FieldSpec] = pydantic.TypeAdapter(Field)


def field_of(template: str | dict[str, Any]) -> FieldSpec:
    """A part of a template as a field. Raises ``pydantic.ValidationError``."""
    return _fields.validate_python(template)


class Out(_Section):
    """Where receipts and the like are told: a webhook at ``url``, or else files in the connection's
    folder. ``headers`` go with each request, an API key for example.
    """

    url: Annotated[str, pydantic.Field(pattern=r"^(https?://[^\s/@]+(/\S*)?)?$")] = ""
    headers: dict[str, SecretStr] = {}
    attempts: Annotated[int, pydantic.Field(ge=1, le=50)] = 15
    documents: Annotated[dict[str, OutDocument], pydantic.Field(min_length=1)]


class ErpConnection(_Section):
    """One program of others. ``secrets`` sign both ways (the first signs, all are taken); in
    ``folder`` lie ``inbox``, ``done``, ``failed`` and ``outbox``, and a file is taken that has not
    changed for ``settle_s``.
    """

    secrets: tuple[Annotated[SecretStr, AfterValidator(_key)], ...] = ()
    folder: Path | None = None
    settle_s: Annotated[float, pydantic.Field(ge=0, le=3_600)] = 5.0
    time_zone: Annotated[str, AfterValidator(_iana)] = "UTC"
    tables: dict[str, dict[str, str | int]] = {}
    purchase_orders: Orders | None = None
    out: Out | None = None

    @model_validator(mode="after")
    def _whole(self) -> ErpConnection:
        wrong = [
            f"{where} asks for the table {name}, which is none of: {', '.join(self.tables) or '-'}"
            for where, name in self._tables_asked()
            if name not in self.tables
        ]
        if self.out is not None and not self.out.url and self.folder is None:
            wrong.append("out needs its url, or the connection a folder")
        if self.out is not None and self.out.url and not self.secrets:
            wrong.append("out.url needs secrets: what is told there is signed")
        if self.purchase_orders is None and self.out is None:
            wrong.append("a connection has purchase_orders, out, or both")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _tables_asked(self) -> Iterator[tuple[str, str]]:
        if self.purchase_orders is not None:
            for part in (self.purchase_orders.order, self.purchase_orders.line):
                for name in type(part).model_fields:
                    one = getattr(part, name)
                    if one is not None and one.table is not None:
                        yield f"purchase_orders.{name}", one.table
        for name, document in (self.out.documents if self.out else {}).items():
            for title, one in (document.columns or {}).items():
                if one.table is not None:
                    yield f"out.documents.{name}.columns.{title}", one.table
            for where, table in _tables_of(document.template or {}, name):
                yield f"out.documents.{where}", table

    @cached_property
    def tz(self) -> ZoneInfo:
        """That of times without an offset."""
        return ZoneInfo(self.time_zone)


def _tables_of(template: object, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(template, dict):
        if is_field(template):
            table = field_of(template).table
            if table is not None:
                yield at, table
        else:
            for name, inner in template.items():
                yield from _tables_of(inner, f"{at}.{name}")


class ErpSection(_Section):
    """Connections by name. Folders are looked at every ``look_every_s``; messages that are done
    with are kept for ``keep_days``, and a message is at most ``most_mib`` large.
    """

    connections: dict[Annotated[str, pydantic.Field(pattern=_NAME)], ErpConnection] = {}
    look_every_s: Annotated[float, pydantic.Field(ge=0.1, le=3_600)] = 5.0
    keep_days: Annotated[int, pydantic.Field(ge=1, le=3_650)] = 90
    most_mib: Annotated[int, pydantic.Field(ge=1, le=64)] = 8
