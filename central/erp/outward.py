"""What another program is told of an event: JSON by a template, or CSV by columns. Pure."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from central.erp.config import ErpConnection, OutDocument, field_of, is_field
from central.erp.fields import FieldSpec, Wrong, found_at, moment, text, value_of

__all__ = ["Document", "document_for", "is_of_order", "render"]

_ORDER_KINDS = "InboundOrder"
_OF_ORDERS = frozenset({"GoodsReceived", "ReceivingClosed"})
_encode = msgspec.json.Encoder(order="deterministic").encode


class Document(NamedTuple):
    """What is told of an event, and of which media type it is."""

    body: bytes
    media: str

    @property
    def suffix(self) -> str:
        """What a file of it ends in."""
        return ".csv" if self.media.startswith("text/csv") else ".json"


def document_for(connection: ErpConnection, kind: str) -> tuple[str, OutDocument] | None:
    """The document that tells of a kind of events; the first one that asks for it."""
    documents = connection.out.documents if connection.out else {}
    return next(((name, one) for name, one in documents.items() if kind in one.kinds), None)


def is_of_order(kind: str) -> bool:
    """Whether such an event's subject is an inbound order."""
    return kind in _OF_ORDERS or kind.startswith(_ORDER_KINDS)


def render(document: OutDocument, connection: ErpConnection, event: dict[str, Any]) -> Document:
    """The document of an event (a CloudEvent, with ``kind`` besides). Raises ``Wrong``."""
    if document.columns is not None:
        return Document(_rows(document, connection, event).encode(), "text/csv; charset=utf-8")
    made = _filled(document.template, connection, event)
    return Document(_encode(made), "application/json")


def _rows(document: OutDocument, connection: ErpConnection, event: dict[str, Any]) -> str:
    columns = document.columns or {}
    found = found_at(document.rows, event)
    lines = found if isinstance(found, list) else [] if found is None else [found]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    for one in lines:
        around = _within(one, event)
        told = [_said(field, connection, around) for field in columns.values()]
        writer.writerow(["" if one is None else one for one in told])
    return file.getvalue()


def _filled(template: Any, connection: ErpConnection, event: Any) -> object:  # noqa: ANN401
    if is_field(template):
        return _said(field_of(template), connection, event)
    if "each" not in template:
        return {name: _filled(inner, connection, event) for name, inner in template.items()}
    found = found_at(template["each"], event)
    lines = found if isinstance(found, list) else [] if found is None else [found]
    return [_filled(template["item"], connection, _within(one, event)) for one in lines]


def _within(item: object, event: dict[str, Any]) -> object:
    """An item of a list, from where the whole event can be seen as ``event``."""
    return {**item, "event": event.get("event", event)} if isinstance(item, dict) else item


def _said(field: FieldSpec, connection: ErpConnection, around: object) -> object:
    """Raises ``Wrong`` with the path, for there is no other place to look at."""
    try:
        found = value_of(field, around, connection.tables)
        if found is None or field.date is None:
            return found
        return _date(moment(found, "iso", connection.tz).astimezone(connection.tz), field.date)
    except Wrong as wrong:
        raise Wrong(wrong.kind, f"{field.where}: {wrong}", wrong.accepted) from wrong


def _date(at: datetime, form: str) -> object:
    if form == "iso":
        return at.isoformat()
    if form in {"epoch_s", "epoch_ms"}:
        seconds = Decimal(text(at.timestamp()))
        return int(seconds * (1 if form == "epoch_s" else 1_000))
    return at.strftime(form)
