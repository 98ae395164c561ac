"""Events that others told us: kept as they came, booked where the ledger can take them."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from central import schema
from central.catalogue import packs
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.epcis.hashing import event_hash, word
from central.epcis.identifiers import canonical
from central.epcis.into_ledger import NotBookable, gtins_of, movements_of
from central.epcis.model import NotAnEvent, checked, things_of
from central.epcis.names import Names, Unit
from central.moments import to_us
from central.reservations import guarding
from central.stock.model import StockError

__all__ = ["Captured", "Job", "capture", "find", "job", "take"]

_event, _thing, _capture = schema.epcis_event, schema.epcis_thing, schema.epcis_capture
_encode = msgspec.json.Encoder(order="deterministic").encode


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is kept: ``movements`` are the ids of what it led to, ``why`` says why it led
    to nothing.
    """

    id: int
    event_id: str
    body: dict[str, Any]
    record_us: int
    movements: tuple[str, ...]
    why: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a document: the ids of the events that are kept, and what was refused."""

    id: str
    at_us: int
    behaviour: str
    success: bool
    events: tuple[str, ...]
    errors: tuple[str, ...]


def take(
    conn: Connection,
    event: dict[str, Any],
    context: object,
    names: Names,
    *,
    record_us: int,
    actor: str,
) -> tuple[str, bool]:
    """Keep an event and book what it tells; its id, and whether it was known. Raises ``NotValid``
    for what is no event, ``AlreadyExists`` where its id stands for another one.
    """
    try:
        at = checked(event)
    except NotAnEvent as error:
        raise NotValid(f"this is no EPCIS 2.0 event: {error}") from error
    digest = event_hash(event, context)
    event_id = event.get("eventID") or digest
    known = conn.execute(select(_event.c.digest).where(_event.c.event_id == event_id)).scalar()
    if known is not None:
        if known != digest:
            raise AlreadyExists(f"another event has the id {event_id} already")
        return event_id, True
    booked, why = _book(conn, event, at, event_id, names, record_us, actor)
    own = _own_context(context)
    row = conn.execute(
        insert(_event).values(
            event_id=event_id,
            type=event["type"],
            event_us=to_us(at),
            record_us=record_us,
            biz_step=word("bizStep", event.get("bizStep", "")),
            disposition=word("disposition", event.get("disposition", "")),
            read_point=canonical(event.get("readPoint", {}).get("id", "")),
            biz_location=canonical(event.get("bizLocation", {}).get("id", "")),
            body=_text(({"@context": own} if own else {}) | event | {"eventID": event_id}),
            digest=digest,
            movements=_text(booked),
            why=why,
        )
    )
    assert row.inserted_primary_key is not None
    number = row.inserted_primary_key[0]
    things = {(kind, canonical(uri)) for kind, uri in things_of(event)}
    for kind, uri in sorted(things):
        conn.execute(insert(_thing).values(uri=uri, kind=kind, event=number))
    return event_id, False


def _book(  # noqa: PLR0917 (an event and how it is taken)
    conn: Connection,
    event: dict[str, Any],
    at: datetime,
    event_id: str,
    names: Names,
    record_us: int,
    actor: str,
) -> tuple[list[str], str]:
    """The ids of the movements that follow from it, or why none do."""
    units: dict[str, Unit] = {}
    for gtin in gtins_of(event):
        pack = packs.find_pack(conn, gtin)
        if pack is not None:
            units[gtin] = Unit(pack.sku, pack.quantity)
    try:
        movements = [
            msgspec.structs.replace(one, actor=actor)
            for one in movements_of(event, at, event_id, names, units)
        ]
    except NotBookable as refusal:
        return [], str(refusal)
    inner = conn.begin_nested()
    posted = guarding.post_each(conn, movements, record_us=record_us)
    refused = [one for one in posted if isinstance(one, StockError)]
    if refused:  # an event is booked as a whole, or not at all
        inner.rollback()
        return [], str(refused[0])
    inner.commit()
    return [one.id for one in movements], ""


def capture(
    conn: Connection, document: dict[str, Any], names: Names, behaviour: str, *, record_us: int,
    actor: str,
) -> Job:  # fmt: skip
    """Take a document's events. ``rollback``: all or none; ``proceed``: what can be taken."""
    events, errors = list[str](), list[str]()
    inner = conn.begin_nested()
    context = document.get("@context", ())
    for number, event in enumerate(document["epcisBody"]["eventList"]):
        try:
            events.append(take(conn, event, context, names, record_us=record_us, actor=actor)[0])
        except (NotValid, AlreadyExists) as error:
            errors.append(f"event {number}: {error}")
            if behaviour == "rollback":
                break
    if errors and behaviour == "rollback":
        inner.rollback()
        events.clear()
    else:
        inner.commit()
    made = Job(
        id=secrets.token_hex(8), at_us=record_us, behaviour=behaviour, success=not errors,
        events=tuple(events), errors=tuple(errors),
    )  # fmt: skip
    values = msgspec.structs.asdict(made)
    values |= {name: _text(values[name]) for name in ("events", "errors")}
    conn.execute(insert(_capture).values(**values))
    return made


def job(conn: Connection, wanted: str) -> Job:
    """What became of a document; raises ``NotFound``."""
    row = conn.execute(select(_capture).where(_capture.c.id == wanted)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no capture job {wanted}")
    lists = {name: tuple(msgspec.json.decode(row[name])) for name in ("events", "errors")}
    return Job(**dict(row) | lists | {"success": bool(row["success"])})


def find(conn: Connection, event_id: str) -> Captured:
    """The event of this id; raises ``NotFound``."""
    row = conn.execute(select(_event).where(_event.c.event_id == event_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"nobody captured an event with the id {event_id}")
    return captured(dict(row))


def captured(row: dict[str, Any]) -> Captured:
    """A row as what it holds."""
    return Captured(
        id=row["id"],
        event_id=row["event_id"],
        body=msgspec.json.decode(row["body"]),
        record_us=row["record_us"],
        movements=tuple(msgspec.json.decode(row["movements"])),
        why=row["why"],
    )


def _own_context(context: object) -> list[object]:
    """The prefixes that a sender added: they go with his events."""
    parts = context if isinstance(context, list) else [context]
    return [one for one in parts if isinstance(one, dict)]


def _text(value: object) -> str:
    return _encode(value).decode()
