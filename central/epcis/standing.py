"""Queries that stand under a name, and those who are told what they find (EPCIS 2.0, 8.2.5).

A query is what was asked, kept; a subscription to it is one of ``central.events``, with its place
in the books, its retries and what was not taken, and ``Terms`` of its own.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from central import audit, schema
from central.access import behalf, reach
from central.access.model import Actor
from central.access.model import reach as granted
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.database import keyset
from central.epcis import query
from central.epcis.model import SIMPLE, Wanted
from central.epcis.names import Names
from central.epcis.query import Place
from central.events import subscriptions
from central.events.deliveries import Standing
from central.events.deliveries import standing as delivery
from central.events.model import Position, Secret, Subscription, Target
from central.stock.model import OutOfReach

__all__ = [
    "KIND", "MOST", "Asked", "NotTold", "Query", "Terms", "add", "beginning", "end", "find",
    "listed", "listener", "position", "remove",
    "signature", "subscribe", "subscribed", "subscribers",
]  # fmt: skip

KIND = "epcis"
"""The kind of the target of such a subscription; its ``broker`` is the query's name."""
MOST = 200
"""Queries that may stand."""
_READING = "read:epcis"
_table = schema.epcis_query
_encode = msgspec.json.Encoder(order="deterministic").encode


class NotTold(ValueError):
    """What is asked cannot be subscribed to; the text says why. (The standard's
    SubscribeNotPermittedException.)
    """


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked under a name: ``query`` is in the words it was asked in."""

    name: str
    query: dict[str, Any]
    wanted: Wanted
    made_by: str
    made_us: int


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a subscriber is told: at the times of a ``schedule``, at once without one. ``if_empty``:
    also that there was nothing. Events that were recorded before ``since_us`` are none of his; 0:
    those from when he subscribed.
    """

    by: str
    since_us: int = 0
    schedule: dict[str, str] = {}
    if_empty: bool = False


class Asked(NamedTuple):
    """What somebody asks who subscribes to the query ``name``: ``token`` signs what he is told."""

    name: str
    dest: str
    token: str
    terms: Terms


def add(conn: Connection, made: Query, told: Told) -> None:
    """Have a query stand. Raises ``AlreadyExists``, ``NotValid``."""
    if made.name == SIMPLE or _row(conn, made.name) is not None:
        raise AlreadyExists(f"there is a query {made.name} already: take it away first")
    if conn.execute(select(func.count()).select_from(_table)).scalar_one() >= MOST:
        raise NotValid(f"there are {MOST} queries, and more cannot be: take one away first")
    values = msgspec.structs.asdict(made)
    values |= {name: _text(values[name]) for name in ("query", "wanted")}
    conn.execute(insert(_table).values(**values))
    _audit(conn, "add EPCIS query", None, made, told)


def find(conn: Connection, name: str) -> Query:
    """The query of this name; raises ``NotFound``."""
    row = _row(conn, name)
    if row is None:
        raise NotFound(f"no query stands under the name {name}")
    return _of(row)


def listed(conn: Connection, *, after: str | None, limit: int) -> list[Query]:
    """Queries by name, those behind ``after``."""
    key = None if after is None else (after,)
    found = keyset.ascending(select(_table), (_table.c.name,), key, limit)
    return [_of(row) for row in conn.execute(found).mappings()]


def remove(conn: Connection, name: str, told: Told) -> None:
    """Take a query away, and end its subscriptions. Raises ``NotFound``, ``OutOfReach``."""
    made = find(conn, name)
    if made.made_by != told.by:
        reach.everywhere("a query that somebody else made")
    for one in subscriptions.of_target(conn, KIND):
        if one.target.broker == name:
            subscriptions.end(conn, one.id, told)
    conn.execute(delete(_table).where(_table.c.name == name))
    _audit(conn, "remove EPCIS query", made, None, told)


def subscribe(
    conn: Connection, asked: Asked, actor: Actor, names: Names, told: Told
) -> Subscription:
    """Tell somebody what a query finds from now on, or from ``since_us`` on: as far as he may see
    it himself. Raises ``NotFound``, ``NotValid``, ``OutOfReach``, ``TooMuch``.
    """
    made = find(conn, asked.name)
    places = granted(actor, _READING)
    if places is not None and not places:
        raise OutOfReach(f"{actor.name} may not be told of events: that needs {_READING}")
    begins = beginning(conn, made, asked.terms, names, told.at_us)
    wanted = Subscription(
        id="",
        name=f"EPCIS {made.name}",
        target=Target(kind=KIND, url=asked.dest, broker=made.name),
        locations=tuple(sorted(places or ())),
        terms=msgspec.to_builtins(asked.terms),
    )
    held = (Secret(key=_key(asked.token)),) if asked.token else ()
    return subscriptions.keep(conn, wanted, told, begins=begins, held=held)


def listener(name: str, terms: Terms, actor: Actor, at_us: int) -> Subscription:
    """Who is told for as long as he listens: a subscription that is nowhere kept."""
    return Subscription(
        id=secrets.token_hex(8),
        name=f"EPCIS {name}",
        target=Target(kind=KIND, broker=name),
        locations=tuple(sorted(granted(actor, _READING) or ())),
        created_us=at_us,
        terms=msgspec.to_builtins(terms),
    )


def beginning(conn: Connection, made: Query, terms: Terms, names: Names, at_us: int) -> Position:
    """Where a reader begins. Raises ``NotTold``, ``TooMuch`` for what cannot be asked: it is
    refused at once.
    """
    _check_told(made)
    now = query.head(conn)
    query.query(conn, made.wanted, names, after=now, limit=1)
    return position(Place(0, 0, 0) if 0 < terms.since_us < at_us else now)


def _check_told(made: Query) -> None:
    """Raises ``NotTold``."""
    if made.wanted.order is not None or made.wanted.most is not None:
        raise NotTold(
            f"the query {made.name} says in which order, or how many: whoever subscribes is told "
            "what comes, as it comes; make a query without orderBy, eventCountLimit and "
            "maxEventCount"
        )


def subscribers(conn: Connection, name: str, by: str) -> list[Subscription]:
    """Who is told of a query; who was granted some places is shown his own. Raises ``NotFound``."""
    find(conn, name)
    every = [one for one in subscriptions.of_target(conn, KIND) if one.target.broker == name]
    if behalf.roots() is None:
        return every
    return [one for one in every if one.terms.get("by") == by]


def subscribed(conn: Connection, name: str, wanted: str, by: str) -> tuple[Subscription, Standing]:
    """One of these, and how far it was told. Raises ``NotFound``."""
    for one in subscribers(conn, name, by):
        if one.id == wanted:
            return one, delivery(conn, wanted)
    raise NotFound(f"the query {name} has no subscription {wanted}")


def end(conn: Connection, name: str, wanted: str, told: Told) -> None:
    """Tell this one no more. Raises ``NotFound``."""
    subscribed(conn, name, wanted, told.by)
    subscriptions.end(conn, wanted, told)


def position(place: Place) -> Position:
    """Where a reader of events stands, as deliveries keep it."""
    return Position(place.ledger, place.log, place.captured)


def signature(keys: tuple[Secret, ...], body: bytes) -> str:
    """``GS1-Signature``: HMAC-SHA256 of the body by the subscriber's token, in hexadecimal."""
    token = base64.b64decode(keys[0].key.removeprefix("whsec_"))
    return f"sha256={hmac.digest(token, body, 'sha256').hex()}"


def _key(token: str) -> str:
    """A subscriber's token as the key of a signed webhook."""
    return "whsec_" + base64.b64encode(token.encode()).decode()


def _row(conn: Connection, name: str) -> RowMapping | None:
    return conn.execute(select(_table).where(_table.c.name == name)).mappings().one_or_none()


def _of(row: RowMapping) -> Query:
    return Query(
        name=row["name"],
        query=msgspec.json.decode(row["query"]),
        wanted=msgspec.json.decode(row["wanted"], type=Wanted),
        made_by=row["made_by"],
        made_us=row["made_us"],
    )


def _text(value: object) -> str:
    return _encode(value).decode()


def _said(one: Query | None) -> dict[str, object] | None:
    return None if one is None else {"query": one.query}


def _audit(
    conn: Connection, action: str, before: Query | None, after: Query | None, told: Told
) -> None:
    one = after or before
    assert one is not None
    stood, stands = (_said(each) for each in (before, after))
    entry = audit.Change(f"EPCIS query {one.name}", stood, stands)
    audit.record(conn, [entry], actor=told.by, action=action, at_us=told.at_us)
