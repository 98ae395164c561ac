"""Events that others told us: kept as they came, booked where the ledger can take them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from central import schema
from central.catalogue import packs
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, CatalogueError, NotFound, NotValid
from central.database import keyset
from central.database.moments import to_us
from central.epcis import errors
from central.epcis.announced import announce, announces
from central.epcis.extending import keys_of
from central.epcis.hashing import event_hash, word
from central.epcis.identifiers import canonical
from central.epcis.into_ledger import NotBookable, expiry_said, gtins_of, movements_of
from central.epcis.model import NotAnEvent, bare_reason, checked, things_of
from central.epcis.names import Names, Unit
from central.lots import store as lots
from central.reservations import guarding
from central.stock.model import Movement, StockError

__all__ = ["Captured", "Job", "capture", "error_of", "find", "job", "jobs", "take"]

_event, _thing, _capture = schema.epcis_event, schema.epcis_thing, schema.epcis_capture
_OF_GS1 = "epcis-context.jsonld"
"""The end of the address of GS1's own context, which every answer has, wherever it lies."""
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
        times = checked(event)
    except NotAnEvent as error:
        raise NotValid(f"this is no EPCIS 2.0 event: {error}") from error
    own = _own_contexts(context, event.get("@context"))
    digest = event_hash(event, own)
    event_id = event.get("eventID") or digest
    is_error = times.declared is not None
    key = errors.key_of(event_id) if is_error else event_id
    if _is_known(conn, event, event_id, key, digest):
        return event_id, True
    if is_error:
        booked, why = _take_back(conn, event, event_id, record_us, actor)
    elif _digest(conn, errors.key_of(event_id)) is not None:
        booked, why = [], errors.TOO_LATE
    else:
        booked, why = _book(conn, event, times.at, event_id, names, record_us, actor)
    body = ({"@context": own} if own else {}) | _without_context(event) | {"eventID": event_id}
    declaration = event.get(errors.FIELD) or {}
    row = conn.execute(
        insert(_event).values(
            event_id=key,
            type=event["type"],
            event_us=to_us(times.at),
            record_us=record_us,
            biz_step=word("bizStep", event.get("bizStep", "")),
            disposition=word("disposition", event.get("disposition", "")),
            read_point=canonical(event.get("readPoint", {}).get("id", "")),
            biz_location=canonical(event.get("bizLocation", {}).get("id", "")),
            body=_text(body),
            digest=digest,
            movements=_text(booked),
            why=why,
            declared_us=None if times.declared is None else to_us(times.declared),
            error_reason=bare_reason(str(declaration.get("reason") or "")),
        )
    )
    assert row.inserted_primary_key is not None
    number = row.inserted_primary_key[0]
    things = {(kind, canonical(uri)) for kind, uri in things_of(event)}
    things |= keys_of(body)
    rows = [{"uri": uri, "kind": kind, "event": number} for kind, uri in sorted(things)]
    if rows:
        conn.execute(insert(_thing), rows)
    return event_id, False


def _is_known(
    conn: Connection, event: dict[str, Any], event_id: str, key: str, digest: str
) -> bool:
    """Whether this was told before. Raises ``AlreadyExists`` where its id stands for another event,
    or for one that was declared wrong otherwise.
    """
    for one in {event_id, key}:
        there = _digest(conn, one)
        if there not in {None, digest}:
            raise AlreadyExists(f"another event has the id {event_id} already")
    known = conn.execute(select(_event.c.body).where(_event.c.event_id == key)).scalar()
    if known is None:
        return False
    before = msgspec.json.decode(known).get(errors.FIELD)
    if before != event.get(errors.FIELD):
        raise AlreadyExists(f"the event {event_id} was declared wrong before, in other words")
    return True


def _digest(conn: Connection, key: str) -> str | None:
    return conn.execute(select(_event.c.digest).where(_event.c.event_id == key)).scalar()


def _take_back(
    conn: Connection, event: dict[str, Any], event_id: str, record_us: int, actor: str
) -> tuple[list[str], str]:
    """What follows from an event's declaration that it is wrong."""
    asked = select(_event.c.movements).where(_event.c.event_id == event_id)
    followed = conn.execute(asked).scalar()
    if followed is None:
        return [], errors.NOT_KNOWN
    names = msgspec.json.decode(followed, type=list[str])
    return errors.take_back(conn, names, event[errors.FIELD], record_us=record_us, actor=actor)


def _book(  # noqa: PLR0917 (an event and how it is taken)
    conn: Connection,
    event: dict[str, Any],
    at: datetime,
    event_id: str,
    names: Names,
    record_us: int,
    actor: str,
) -> tuple[list[str], str]:
    """The ids of the movements that follow from it, and what else followed, or why none do."""
    units: dict[str, Unit] = {}
    for gtin in gtins_of(event):
        pack = packs.find_pack(conn, gtin)
        if pack is not None:
            units[gtin] = Unit(pack.sku, pack.quantity)
    told = Told(by=actor, at_us=record_us)
    try:
        if announces(event):
            return [], announce(conn, event, event_id, names, units, told)
        movements = [
            msgspec.structs.replace(one, actor=actor)
            for one in movements_of(event, at, event_id, names, units)
        ]
        expires_on = expiry_said(event)
    except NotBookable as refusal:
        return [], str(refusal)
    inner = conn.begin_nested()
    try:
        _keep_lots(conn, movements, expires_on, told)
    except CatalogueError as error:
        inner.rollback()
        return [], str(error)
    posted = guarding.post_each(conn, movements, record_us=record_us)
    refused = [one for one in posted if isinstance(one, StockError)]
    if refused:  # an event is booked as a whole, or not at all
        inner.rollback()
        return [], str(refused[0])
    inner.commit()
    return [one.id for one in movements], ""


def _keep_lots(
    conn: Connection, movements: Sequence[Movement], expires_on: date | None, told: Told
) -> None:
    """The last day that an event tells of its goods is their lots'. Raises ``CatalogueError`` where
    another one is known.
    """
    if expires_on is not None:
        for sku, lot in sorted({(one.sku, one.lot) for one in movements if one.lot}):
            lots.arrived(conn, sku, lot, told, {"expires_on": expires_on})


def capture(
    conn: Connection, document: dict[str, Any], names: Names, behaviour: str, *, record_us: int,
    actor: str,
) -> Job:  # fmt: skip
    """Take a document's events. ``rollback``: all or none; ``proceed``: what can be taken."""
    events, flaws = list[str](), list[str]()
    inner = conn.begin_nested()
    context = document.get("@context", ())
    for number, event in enumerate(document["epcisBody"]["eventList"]):
        try:
            events.append(take(conn, event, context, names, record_us=record_us, actor=actor)[0])
        except (NotValid, AlreadyExists) as error:
            flaws.append(f"event {number}: {error}")
            if behaviour == "rollback":
                break
    if flaws and behaviour == "rollback":
        inner.rollback()
        events.clear()
    else:
        inner.commit()
    made = Job(
        id=secrets.token_hex(8), at_us=record_us, behaviour=behaviour, success=not flaws,
        events=tuple(events), errors=tuple(flaws),
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
    return _job(row)


def jobs(conn: Connection, before: tuple[int, str] | None, limit: int) -> list[Job]:
    """What became of documents, the latest first; those behind a time and an id."""
    its = _capture.c
    page = keyset.newest(select(_capture), (its.at_us, its.id), before, limit)
    return [_job(row) for row in conn.execute(page).mappings()]


def _job(row: RowMapping) -> Job:
    lists = {name: tuple(msgspec.json.decode(row[name])) for name in ("events", "errors")}
    return Job(**dict(row) | lists | {"success": bool(row["success"])})


def find(conn: Connection, event_id: str) -> Captured:
    """The event of this id, or that it was declared wrong, if that came alone. Raises
    ``NotFound``.
    """
    row = conn.execute(select(_event).where(_event.c.event_id == event_id)).mappings().one_or_none()
    found = error_of(conn, event_id) if row is None else captured(dict(row))
    if found is None:
        raise NotFound(f"nobody captured an event with the id {event_id}")
    return found


def error_of(conn: Connection, event_id: str) -> Captured | None:
    """The declaration that an event is wrong, if it was declared so."""
    asked = select(_event).where(_event.c.event_id == errors.key_of(event_id))
    row = conn.execute(asked).mappings().one_or_none()
    return None if row is None else captured(dict(row))


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


def _own_contexts(*contexts: object) -> list[object]:
    """What senders defined beside GS1's own words, of a document and of an event: prefixes go with
    events.
    """
    parts = [
        part
        for context in contexts
        for part in (context if isinstance(context, list | tuple) else [context])
    ]
    return [one for one in parts if one and not str(one).endswith(_OF_GS1)]


def _without_context(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "@context"}


def _text(value: object) -> str:
    return _encode(value).decode()
