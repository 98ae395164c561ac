"""How far each subscriber has been told, and the letters that he did not take."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from central import schema
from central.database import keyset
from central.events import kinds
from central.events.model import Letter, Position

__all__ = [
    "Dead",
    "Standing",
    "again",
    "again_of",
    "dead",
    "give_up",
    "keep",
    "put_aside",
    "settle",
    "standing",
    "waiting",
]

MOST_AT_ONCE = 20
MOST_DEAD = 10_000
"""So many events that a target does not take, and it is told no more until somebody looks."""
_dead = schema.dead_letter
_delivery = schema.delivery


class Standing(msgspec.Struct, kw_only=True):
    """Where deliveries stand: ``delivered`` in all, ``failures`` of the next event so far and
    ``why``; ``next_us`` is when it is tried again. ``told_us`` is when something was taken last,
    ``looked_us`` when what goes by a schedule was looked at; 0 for never.
    """

    ledger_seq: int
    log_seq: int
    delivered: int = 0
    failures: int = 0
    next_us: int = 0
    why: str = ""
    captured_seq: int = 0
    told_us: int = 0
    looked_us: int = 0

    @property
    def position(self) -> Position:
        """How far the subscriber has been told."""
        return Position(self.ledger_seq, self.log_seq, self.captured_seq)

    def reach(self, position: Position) -> None:
        """The event before ``position`` is done with."""
        self.ledger_seq, self.log_seq, self.captured_seq = position
        self.failures, self.next_us, self.why = 0, 0, ""


class Dead(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was not taken; ``state`` is kept, or again: to be told once more."""

    id: int
    event: str
    kind: str
    subject: str
    at_us: int
    why: str
    state: str


class Waiting(NamedTuple):
    """A letter that somebody wants told once more."""

    id: int
    letter: Letter


def standing(conn: Connection, subscription: str) -> Standing:
    """Where deliveries to a subscription stand."""
    query = select(_delivery).where(_delivery.c.subscription == subscription)
    row = conn.execute(query).mappings().one()
    return Standing(**{name: row[name] for name in Standing.__struct_fields__})


def keep(conn: Connection, subscription: str, now: Standing) -> None:
    """Keep where they stand."""
    its = _delivery.c.subscription == subscription
    conn.execute(update(_delivery).where(its).values(**msgspec.structs.asdict(now)))


def put_aside(conn: Connection, subscription: str, letter: Letter, why: str, at_us: int) -> int:
    """Keep an event that was not taken; how many there are by now."""
    conn.execute(
        insert(_dead).values(
            subscription=subscription,
            event=letter.id,
            kind=letter.kind,
            subject=letter.subject,
            body=letter.body.decode(),
            at_us=at_us,
            why=why,
            state="kept",
        )
    )
    its = select(func.count()).where(_dead.c.subscription == subscription)
    return conn.execute(its).scalar_one()


def dead(
    conn: Connection, subscription: str, *, before: int | None = None, limit: int = 100
) -> list[Dead]:
    """What was not taken, the newest first."""
    columns = [_dead.c[name] for name in Dead.__struct_fields__]
    seen = None if before is None else (before,)
    query = keyset.newest(select(*columns), (_dead.c.id,), seen, limit)
    query = query.where(_dead.c.subscription == subscription)
    return [Dead(**row) for row in conn.execute(query).mappings()]


def again(conn: Connection, subscription: str, ids: list[int] | None) -> int:
    """Have these told once more (``None``: all); how many there are."""
    its = (_dead.c.subscription == subscription) & (_dead.c.state == "kept")
    if ids is not None:
        its &= _dead.c.id.in_(ids)
    return conn.execute(update(_dead).where(its).values(state="again")).rowcount


def again_of(conn: Connection, subscription: str, events: Collection[str]) -> int:
    """As ``again``, by the ids of the events."""
    its = (_dead.c.subscription == subscription) & _dead.c.event.in_(events)
    return conn.execute(update(_dead).where(its).values(state="again")).rowcount


def give_up(conn: Connection, subscription: str, events: Collection[str]) -> int:
    """Forget events that were not taken, by their ids; how many there were."""
    its = (_dead.c.subscription == subscription) & _dead.c.event.in_(events)
    return conn.execute(delete(_dead).where(its)).rowcount


def waiting(conn: Connection, subscription: str) -> list[Waiting]:
    """The first of those that are to be told once more."""
    its = (_dead.c.subscription == subscription) & (_dead.c.state == "again")
    query = select(_dead).where(its).order_by(_dead.c.id).limit(MOST_AT_ONCE)
    return [
        Waiting(
            row.id,
            Letter(row.event, row.kind, _topic(row.kind), row.subject, row.body.encode()),
        )
        for row in conn.execute(query)
    ]


def settle(conn: Connection, letter_id: int, why: str | None) -> None:
    """It is taken by now, and forgotten; or (``why``) it was not taken once more."""
    its = _dead.c.id == letter_id
    if why is None:
        conn.execute(delete(_dead).where(its))
    else:
        conn.execute(update(_dead).where(its).values(state="kept", why=why))


def _topic(kind: str) -> str:
    known = kinds.known().get(kind)
    return known.topic if known else "other"
