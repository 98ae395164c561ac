"""Channels in the database: add, look up, change, take away. Their secrets never leave here but
for who sends.
"""

from __future__ import annotations

import zoneinfo

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from central import audit, schema
from central.alerts import rules
from central.alerts.model import Channel
from central.alerts.telling import addresses
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound, NotValid, StillInUse
from central.catalogue.tree import get_location

__all__ = ["add", "change", "get", "listing", "remove", "secret_of", "shown"]

MOST = 1_000
_channel = schema.alert_channel.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Channel).decode


def add(conn: Connection, channel: Channel, secret: str, told: Told) -> Channel:
    """Raises ``AlreadyExists``, ``NotFound`` and ``NotValid``."""
    if conn.execute(select(_channel.code).where(_channel.code == channel.code)).first():
        raise AlreadyExists(f"alert channel {channel.code} exists already")
    _check(conn, channel, secret)
    row = {"code": channel.code, "body": _encode(channel).decode(), "secret": secret}
    conn.execute(insert(schema.alert_channel).values(row))
    _record(conn, "add alert channel", None, channel, told)
    return channel


def change(conn: Connection, channel: Channel, secret: str | None, told: Told) -> Channel:
    """Let a channel be this from now on; without a ``secret`` it keeps its own."""
    before = get(conn, channel.code)
    if channel.kind != before.kind:
        raise NotValid(f"channel {channel.code} is for {before.kind}: add another one instead")
    if secret is None and msgspec.structs.replace(channel, version=before.version) == before:
        return before
    after = msgspec.structs.replace(channel, version=before.version + 1)
    _check(conn, after, secret_of(conn, channel.code) if secret is None else secret)
    row = {"body": _encode(after).decode()} | ({} if secret is None else {"secret": secret})
    conn.execute(update(schema.alert_channel).where(_channel.code == channel.code).values(row))
    _record(conn, "change alert channel", before, after, told)
    return after


def remove(conn: Connection, code: str, told: Told) -> None:
    """What still waits to be told there is not. Raises ``NotFound``, ``StillInUse``."""
    before = get(conn, code)
    using = rules.naming(conn, code)
    if using is not None:
        raise StillInUse(f"alert rule {using} names channel {code}: change that first")
    for table in (schema.alert_notice, schema.alert_told):
        conn.execute(delete(table).where(table.c.channel == code))
    conn.execute(delete(schema.alert_channel).where(_channel.code == code))
    _record(conn, "remove alert channel", before, None, told)


def get(conn: Connection, code: str) -> Channel:
    """The channel of this code; raises ``NotFound``."""
    body = conn.execute(select(_channel.body).where(_channel.code == code)).scalar()
    if body is None:
        raise NotFound(f"there is no alert channel {code}")
    return _decode(body)


def listing(conn: Connection, *, after: str = "", limit: int = MOST) -> list[Channel]:
    """Channels by code, those behind ``after``."""
    query = select(_channel.body).where(_channel.code > after).order_by(_channel.code)
    return [_decode(body) for body in conn.execute(query.limit(limit)).scalars()]


def secret_of(conn: Connection, code: str) -> str:
    """What opens a channel, for who sends; empty when there is none."""
    return conn.execute(select(_channel.secret).where(_channel.code == code)).scalar() or ""


def shown(conn: Connection, channel: Channel) -> dict[str, object]:
    """A channel as whoever may see it is told: ``has_secret``, and never what it is."""
    return {**msgspec.structs.asdict(channel), "has_secret": bool(secret_of(conn, channel.code))}


def _check(conn: Connection, channel: Channel, secret: str) -> None:
    addresses.check(channel, secret)
    if channel.location is not None:
        get_location(conn, channel.location)
    if channel.time_zone not in zoneinfo.available_timezones():
        raise NotValid(
            f"there is no time zone {channel.time_zone!r}: use a name of the IANA database"
        )


def _record(
    conn: Connection, action: str, before: Channel | None, after: Channel | None, told: Told
) -> None:
    one = after or before
    assert one is not None, "something changed"
    change = audit.Change(
        f"alert channel {one.code}",
        None if before is None else msgspec.to_builtins(before),
        None if after is None else msgspec.to_builtins(after),
    )
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)
