"""The outbox: messages that are to be sent, were sent, or could not be.

A message is made in a transaction before it is sent for the first time and keeps its id and its
words: whoever gets it twice, because central died between sending and writing that down, can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from central import schema
from central.alerts import channels
from central.alerts.model import Channel, Kind
from central.alerts.telling.words import Message, Told
from central.catalogue.errors import CatalogueError, NotFound
from central.database import keyset

__all__ = [
    "NotDead",
    "Posted",
    "drop_old",
    "due",
    "failed",
    "get",
    "listing",
    "next_us",
    "pack",
    "resend",
    "sent",
]  # fmt: skip

Standing = Literal["due", "sent", "dead"]
_FLOOD = 10
"""So many at once become one message, whatever the channel asks for."""
_TOGETHER = 2_000
_BACK_OFF_US = (10_000_000, 3_600_000_000)
_MOST_TRIES = 12
"""About five hours of trying."""
_notice = schema.alert_notice.c
_message = schema.alert_message.c
_event = schema.alert_event.c
_alert = schema.alert.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Message).decode


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A message with what became of it. ``error`` is why it was not taken when last tried."""

    no: int
    state: Standing
    tries: int
    next_us: int | None
    sent_us: int | None
    error: str
    message: Message


class _Due(NamedTuple):
    """A notice whose time has come."""

    event: int
    channel: str
    due_us: int


class NotDead(CatalogueError):
    """The message was sent, or will be."""


def pack(conn: Connection, now_us: int) -> int:
    """Make messages of the notices that are due; how many it made."""
    by_channel: dict[str, list[_Due]] = defaultdict(list)
    query = select(_notice.event, _notice.channel, _notice.due_us)
    query = query.where(_notice.due_us <= now_us).order_by(_notice.event).limit(_TOGETHER)
    for row in conn.execute(query):
        by_channel[row.channel].append(_Due(*row))
    made = 0
    known = {one.code: one for one in channels.listing(conn)} if by_channel else {}
    for code, rows in by_channel.items():
        channel = known.get(code)
        if channel is None or not channel.enabled:
            _forget(conn, code, rows)
        elif _is_ripe(channel, rows, now_us):
            made += _pack(conn, channel, rows, now_us)
    return made


def _is_ripe(channel: Channel, rows: Sequence[_Due], now_us: int) -> bool:
    return min(row.due_us for row in rows) + channel.digest_s * 1_000_000 <= now_us


def _pack(conn: Connection, channel: Channel, rows: Sequence[_Due], now_us: int) -> int:
    told = _told(conn, [row.event for row in rows])
    together = channel.digest_s > 0 or len(told) > _FLOOD
    portions = [tuple(told)] if together else [(one,) for one in told]
    for portion in portions:
        message = Message(
            id=f"alert-{portion[0].event}-{portion[-1].event}-{channel.code}",
            channel=channel.code,
            made_us=now_us,
            told=portion,
        )
        values = {
            "id": message.id,
            "channel": channel.code,
            "state": "due",
            "body": _encode(message).decode(),
            "made_us": now_us,
            "next_us": now_us,
        }
        conn.execute(insert(schema.alert_message).values(values))
    _forget(conn, channel.code, rows)
    _remember(conn, channel.code, {one.alert for one in told})
    return len(portions)


def _told(conn: Connection, events: Sequence[int]) -> list[Told]:
    columns = [column for column in schema.alert.c if column.name in _OF_ALERT]
    query = select(
        _event.seq, _event.what, _event.at_us, _event.by, _event.note, _event.alert, *columns
    ).join(schema.alert, _alert.no == _event.alert)
    rows = conn.execute(query.where(_event.seq.in_(events)).order_by(_event.seq)).mappings()
    return [
        Told(
            event=row["seq"], what=row["what"], at_us=row["at_us"], by=row["by"], note=row["note"],
            alert=row["alert"], **{name: row[name] for name in _OF_ALERT} | {
                "kind": Kind(row["kind"])
            },
        )
        for row in rows
    ]  # fmt: skip


_OF_ALERT = ("kind", "severity", "says", "value", "limit", "rule", "sku", "location", "subject")


def _forget(conn: Connection, channel: str, rows: Sequence[_Due]) -> None:
    packed = [row.event for row in rows]
    theirs = (_notice.channel == channel, _notice.event.in_(packed))
    conn.execute(delete(schema.alert_notice).where(*theirs))


def _remember(conn: Connection, channel: str, alerts: set[int]) -> None:
    """Who was told of an alert: he hears when it is over."""
    made = sqlite if conn.dialect.name == "sqlite" else postgresql
    rows = [{"alert": no, "channel": channel} for no in sorted(alerts)]
    conn.execute(made.insert(schema.alert_told).values(rows).on_conflict_do_nothing())


def due(conn: Connection, now_us: int, limit: int = 100) -> list[Posted]:
    """What is to be sent now, in the order in which it was made."""
    query = select(schema.alert_message).where(_message.next_us <= now_us).order_by(_message.no)
    return [_of(row) for row in conn.execute(query.limit(limit))]


def next_us(conn: Connection) -> int | None:
    """When the next message or notice is due (a digest may wait longer); ``None``: nothing is."""
    at = (
        conn.execute(select(func.min(_message.next_us))).scalar(),
        conn.execute(select(func.min(_notice.due_us))).scalar(),
    )
    return min((one for one in at if one is not None), default=None)


def sent(conn: Connection, message_id: str, note: str, now_us: int) -> None:
    """It was taken; ``note`` says what was wrong all the same."""
    done = {"state": "sent", "sent_us": now_us, "next_us": None, "error": note}
    conn.execute(update(schema.alert_message).where(_message.id == message_id).values(done))


def failed(conn: Connection, posted: Posted, why: str, now_us: int, *, final: bool) -> bool:
    """It was not taken: it is tried later, twice as late each time, and what waits behind it for
    the same channel with it. Whether it is given up.
    """
    tries = posted.tries + 1
    first, most = _BACK_OFF_US
    dead = final or tries >= _MOST_TRIES
    wait_us = min(first * 2 ** (tries - 1), most)
    if not dead:
        behind = (_message.channel == posted.message.channel, _message.next_us <= now_us)
        later = {"next_us": now_us + wait_us}
        conn.execute(update(schema.alert_message).where(*behind).values(later))
    conn.execute(
        update(schema.alert_message)
        .where(_message.id == posted.message.id)
        .values(
            state="dead" if dead else "due",
            tries=tries,
            next_us=None if dead else now_us + wait_us,
            error=why,
        )
    )
    return dead


def get(conn: Connection, message_id: str) -> Posted:
    """One message; raises ``NotFound``."""
    row = conn.execute(select(schema.alert_message).where(_message.id == message_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no alert message {message_id}")
    return _of(row)


def listing(
    conn: Connection,
    *,
    state: Standing | None = None,
    channel: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Posted]:
    """The newest first; ``before`` is the number of the last one that was seen."""
    seen = None if before is None else (before,)
    query = keyset.newest(select(schema.alert_message), (_message.no,), seen, limit)
    if state is not None:
        query = query.where(_message.state == state)
    if channel is not None:
        query = query.where(_message.channel == channel)
    return [_of(row) for row in conn.execute(query)]


def resend(conn: Connection, message_id: str, now_us: int) -> Posted:
    """Try a message again that was given up. Raises ``NotFound``, ``NotDead``."""
    posted = get(conn, message_id)
    if posted.state != "dead":
        raise NotDead(f"message {message_id} is {posted.state}: only what is dead is sent again")
    channels.get(conn, posted.message.channel)
    again = {"state": "due", "tries": 0, "next_us": now_us}
    conn.execute(update(schema.alert_message).where(_message.id == message_id).values(again))
    return get(conn, message_id)


def drop_old(conn: Connection, before_us: int) -> int:
    """Forget messages that were sent before a moment; how many."""
    old = (_message.state == "sent", _message.made_us < before_us)
    return conn.execute(delete(schema.alert_message).where(*old)).rowcount


def _of(row: Row[Any]) -> Posted:
    return Posted(
        no=row.no,
        state=row.state,
        tries=row.tries,
        next_us=row.next_us,
        sent_us=row.sent_us,
        error=row.error,
        message=_decode(row.body),
    )
