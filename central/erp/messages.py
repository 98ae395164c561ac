"""Messages as they are kept: what came and what was told, with what became of each.

``received`` waits to be applied or told (again), ``failed`` is told again by itself, ``applied`` is
done with, ``dead`` waits for somebody, ``discarded`` was given up by somebody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from central import audit, schema
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError, NotFound
from central.database import keyset
from central.database.bulk import storable
from central.erp.fields import Fault
from central.events import log as events

__all__ = [
    "STATES", "Arrived", "Came", "Direction", "Message", "NotWaiting", "OtherContent", "Outcome",
    "Reason", "State", "Wanted", "counts", "find", "forget_old", "get", "listing", "move", "raw_of",
    "reasons", "record", "settle", "take_in", "waiting",
]  # fmt: skip

Direction = Literal["in", "out"]
State = Literal["received", "failed", "applied", "dead", "discarded"]
STATES: tuple[State, ...] = ("received", "failed", "applied", "dead", "discarded")
_MOST_FAULTS = 200
_message = schema.erp_message.c
_encode = msgspec.json.Encoder().encode
_faults = msgspec.json.Decoder(tuple[Fault, ...]).decode
_SHOWN = [column for column in schema.erp_message.c if column.name != "raw"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, without its bytes. ``key`` is its id at the sender, ``origin`` how it came or
    went, ``subject`` the orders that it is about, ``reason`` the kind of its first fault.
    """

    no: int
    connection: str
    direction: Direction
    key: str
    document: str
    origin: str
    sha256: str
    mapped: str
    subject: str
    state: State
    reason: str
    faults: tuple[Fault, ...]
    tries: int
    at_us: int
    changed_us: int


class Came(NamedTuple):
    """What is kept before anything is made of it."""

    connection: str
    key: str
    document: str
    origin: str
    raw: bytes


class Arrived(NamedTuple):
    """The message, and whether it had come before."""

    message: Message
    is_repeat: bool


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message that was tried."""

    state: State
    mapped: str = ""
    subject: str = ""
    origin: str = ""
    faults: tuple[Fault, ...] = ()


class Reason(NamedTuple):
    """How many messages of a connection are dead for one reason."""

    connection: str
    direction: str
    reason: str
    messages: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; ``None`` is any."""

    connection: str | None = None
    direction: Direction | None = None
    state: State | None = None
    reason: str | None = None


class NotWaiting(CatalogueError):
    """The message is not one that waits for somebody."""


class OtherContent(CatalogueError):
    """The message's id was used before with other content."""


def take_in(conn: Connection, came: Came, at_us: int) -> Arrived:
    """Keep what came, as it came; the same again changes nothing. Raises ``OtherContent``."""
    digest = hashlib.sha256(came.raw).hexdigest()
    key = storable(came.key)
    there = find(conn, came.connection, "in", key)
    if there is not None:
        if there.sha256 != digest:
            raise OtherContent(
                f"message {key} of {came.connection} came before with other content (number "
                f"{there.no}): each message has an id of its own"
            )
        return Arrived(there, is_repeat=True)
    values = {
        "connection": came.connection, "direction": "in", "key": key, "document": came.document,
        "origin": storable(came.origin), "sha256": digest, "raw": came.raw, "state": "received",
        "at_us": at_us, "changed_us": at_us,
    }  # fmt: skip
    no = conn.execute(insert(schema.erp_message).values(values)).inserted_primary_key
    assert no is not None
    return Arrived(get(conn, no[0]), is_repeat=False)


def record(
    conn: Connection, came: Came, outcome: Outcome, at_us: int, *, tried: bool = True
) -> Message:
    """Keep how telling a message went, once more or for the first time."""
    there = find(conn, came.connection, "out", came.key)
    if there is None:
        digest = hashlib.sha256(came.raw).hexdigest()
        values = {
            "connection": came.connection, "direction": "out", "key": came.key,
            "document": came.document, "origin": came.origin, "sha256": digest, "raw": came.raw,
            "state": "received", "at_us": at_us, "changed_us": at_us,
        }  # fmt: skip
        conn.execute(insert(schema.erp_message).values(values))
        there = find(conn, came.connection, "out", came.key)
        assert there is not None
    return settle(conn, there, outcome, at_us, tried=tried)


def settle(
    conn: Connection, message: Message, outcome: Outcome, at_us: int, *, tried: bool = True
) -> Message:
    """Keep what became of it (where it was ``tried``, by one more try). Subscribers are told of one
    that waits for somebody.
    """
    reason = outcome.faults[0].kind if outcome.faults else ""
    values = {
        "state": outcome.state,
        "mapped": outcome.mapped or message.mapped,
        "subject": storable(outcome.subject or message.subject),
        "origin": outcome.origin or message.origin,
        "reason": reason,
        "faults": storable(_encode(outcome.faults[:_MOST_FAULTS]).decode()),
        "tries": message.tries + tried,
        "changed_us": at_us,
    }
    conn.execute(update(schema.erp_message).where(_message.no == message.no).values(values))
    if outcome.state == "dead" and message.state != "dead":
        body = {
            "message": message.no,
            "connection": message.connection,
            "direction": message.direction,
            "key": message.key,
            "reason": reason,
            "why": storable("; ".join(map(str, outcome.faults[:5]))),
        }
        events.record(conn, "ErpMessageDead", str(message.no), body, at_us=at_us)
    return get(conn, message.no)


def waiting(conn: Connection, limit: int) -> list[Message]:
    """What came and is to be applied, oldest first."""
    mine = (_message.state == "received") & (_message.direction == "in")
    query = select(*_SHOWN).where(mine).order_by(_message.no).limit(limit)
    return [_of(row) for row in conn.execute(query).mappings()]


def find(conn: Connection, connection: str, direction: Direction, key: str) -> Message | None:
    """The message of this id at its sender."""
    query = select(*_SHOWN).where(
        _message.connection == connection, _message.direction == direction, _message.key == key
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _of(row)


def get(conn: Connection, no: int) -> Message:
    """The message of this number. Raises ``NotFound``."""
    row = conn.execute(select(*_SHOWN).where(_message.no == no)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no ERP message {no}")
    return _of(row)


def raw_of(conn: Connection, no: int) -> bytes:
    """The bytes of one that is there."""
    return bytes(conn.execute(select(_message.raw).where(_message.no == no)).scalar_one())


def listing(
    conn: Connection, wanted: Wanted, *, before: int | None = None, limit: int = 100
) -> list[Message]:
    """The newest first; ``before`` is the number of the last one that was seen."""
    seen = None if before is None else (before,)
    query = keyset.newest(_those(select(*_SHOWN), wanted), (_message.no,), seen, limit)
    return [_of(row) for row in conn.execute(query).mappings()]


def reasons(conn: Connection) -> list[Reason]:
    """Why messages wait for somebody, the most frequent first."""
    of = (_message.connection, _message.direction, _message.reason)
    count = func.count().label("n")
    query = select(*of, count).where(_message.state == "dead").group_by(*of)
    return [Reason(*row) for row in conn.execute(query.order_by(count.desc(), *of))]


def counts(conn: Connection) -> dict[State, int]:
    """How many there are in each state."""
    query = select(_message.state, func.count()).group_by(_message.state)
    return {row[0]: row[1] for row in conn.execute(query)}


def move(
    conn: Connection, chosen: Sequence[Message], state: State, action: str, told: Told
) -> None:
    """Let messages that wait for somebody be tried again, or be given up; written down in the
    audit. Raises ``NotWaiting`` for another one.
    """
    for one in chosen:
        if one.state != "dead":
            raise NotWaiting(f"message {one.no} is {one.state}: it waits for nobody")
    for one in chosen:
        now = {"state": state, "changed_us": told.at_us}
        conn.execute(update(schema.erp_message).where(_message.no == one.no).values(now))
    entries = [
        audit.Change(f"erp message {one.no}", {"state": one.state}, {"state": state})
        for one in chosen
    ]
    audit.record(conn, entries, actor=told.by, action=action, at_us=told.at_us)


def forget_old(conn: Connection, before_us: int) -> int:
    """Drop messages that were done with before a moment; how many."""
    old = _message.state.in_(("applied", "discarded")) & (_message.changed_us < before_us)
    return conn.execute(delete(schema.erp_message).where(old)).rowcount


def _those(query: Select[Any], wanted: Wanted) -> Select[Any]:
    for name, value in msgspec.structs.asdict(wanted).items():
        if value is not None:
            query = query.where(schema.erp_message.c[name] == value)
    return query


def _of(row: RowMapping) -> Message:
    values: dict[str, Any] = {name: row[name] for name in Message.__struct_fields__}
    return Message(**values | {"faults": _faults(row["faults"])})
