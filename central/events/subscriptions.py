"""Subscriptions: made, changed and ended by command, each with an entry in the audit."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from central import audit, schema
from central.catalogue.changes import Told
from central.catalogue.errors import NotFound, NotValid
from central.database import keyset
from central.events import kinds, signing, stream
from central.events.model import Position, Secret, Subscription, Target

__all__ = [
    "MOST", "active", "add", "change", "end", "ensure", "get", "keep", "keys", "listed",
    "new_secret", "of_target", "turn_off",
]  # fmt: skip

MOST = 100
"""Each one is read for by a task of its own."""
_STATUSES = ("active", "paused")
_table = schema.subscription
_encode = msgspec.json.Encoder().encode
_secrets = msgspec.json.Decoder(tuple[Secret, ...]).decode
_JSON = ("target", "kinds", "skus", "locations", "terms")


def add(
    conn: Connection, wanted: Subscription, told: Told, *, from_beginning: bool
) -> tuple[Subscription, str]:
    """Tell somebody from now on, or of all that ever happened; answers what was made, and a
    webhook's key (empty for others). Raises ``NotValid``.
    """
    _check(wanted)
    key = signing.new_key() if wanted.target.kind == "webhook" else ""
    begins = stream.BEGINNING if from_beginning else stream.head(conn)
    made = keep(conn, wanted, told, begins=begins, held=(Secret(key=key),) if key else ())
    return made, key


def keep(
    conn: Connection, wanted: Subscription, told: Told, *, begins: Position,
    held: tuple[Secret, ...] = (),
) -> Subscription:  # fmt: skip
    """A new subscription, to be told from ``begins`` on, signed with the keys that are ``held``.
    Raises ``NotValid`` where there are too many.
    """
    if len(listed(conn, after=None, limit=MOST)) >= MOST:
        raise NotValid(f"there are {MOST} subscriptions, and more cannot be: end one first")
    made = msgspec.structs.replace(
        wanted,
        id=f"sub_{secrets.token_hex(8)}",
        kinds=tuple(dict.fromkeys(wanted.kinds)),
        created_us=told.at_us,
        version=1,
    )
    conn.execute(insert(_table).values(**_row(made), secrets=_text(held)))
    _begin(conn, made.id, begins)
    _audit(conn, "add subscription", None, made, told)
    return made


def _begin(conn: Connection, subscription: str, at: Position) -> None:
    conn.execute(
        insert(schema.delivery).values(
            subscription=subscription, ledger_seq=at.ledger, log_seq=at.log,
            captured_seq=at.captured,
        )
    )  # fmt: skip


def ensure(conn: Connection, wanted: Subscription, begins: Position, at_us: int) -> Subscription:
    """Have another part's own subscription as it is wanted, by its id: made, to be told from
    ``begins`` on; or changed, and told from where it was. One that somebody paused stays so.
    """
    told = Told(by="settings", at_us=at_us)
    row = conn.execute(select(_table).where(_table.c.id == wanted.id)).mappings().one_or_none()
    if row is None:
        conn.execute(insert(_table).values(**_row(wanted), secrets=_text(())))
        _begin(conn, wanted.id, begins)
        _audit(conn, "add subscription", None, wanted, told)
        return wanted
    before = after = _of(row)
    if (before.kinds, before.target, before.attempts) != (
        wanted.kinds, wanted.target, wanted.attempts,
    ):  # fmt: skip
        after = msgspec.structs.replace(
            before, kinds=wanted.kinds, target=wanted.target, attempts=wanted.attempts,
            version=before.version + 1,
        )  # fmt: skip
        conn.execute(update(_table).where(_table.c.id == after.id).values(**_row(after)))
        _audit(conn, "change subscription", before, after, told)
    return after


def get(conn: Connection, wanted: str) -> Subscription:
    """The subscription of this id; raises ``NotFound``."""
    row = conn.execute(select(_table).where(_table.c.id == wanted)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no subscription {wanted}")
    return _of(row)


def listed(conn: Connection, *, after: str | None, limit: int) -> list[Subscription]:
    """Subscriptions by id, those behind ``after``."""
    key = None if after is None else (after,)
    query = keyset.ascending(select(_table), (_table.c.id,), key, limit)
    return [_of(row) for row in conn.execute(query).mappings()]


def of_target(conn: Connection, kind: str) -> list[Subscription]:
    """Those that are told by a kind of targets, in the order in which they were made."""
    every = listed(conn, after=None, limit=MOST)
    found = [one for one in every if one.target.kind == kind]
    return sorted(found, key=lambda one: one.created_us)


def active(conn: Connection) -> list[Subscription]:
    """Who is to be told now."""
    return [one for one in listed(conn, after=None, limit=MOST) if one.status == "active"]


def change(conn: Connection, wanted: Subscription, told: Told) -> Subscription:
    """Let a subscription be this from now on. Its target stays of its kind; made active again it
    goes on where it was. Raises ``NotFound``, ``NotValid``.
    """
    before = get(conn, wanted.id)
    _check(wanted)
    if (before.target.kind == "webhook") != (wanted.target.kind == "webhook"):
        raise NotValid("a webhook stays one, and nothing else becomes one: subscribe anew")
    if before.terms and (wanted.target != before.target or wanted.kinds or wanted.skus):
        raise NotValid(f"what is told to {before.id}, and where, is another part's: subscribe anew")
    after = msgspec.structs.replace(
        wanted, kinds=tuple(dict.fromkeys(wanted.kinds)), version=before.version + 1, why=""
    )
    conn.execute(update(_table).where(_table.c.id == after.id).values(**_row(after)))
    if before.status != "active":
        fresh = {"failures": 0, "next_us": 0, "why": ""}
        its = schema.delivery.c.subscription == after.id
        conn.execute(update(schema.delivery).where(its).values(**fresh))
    _audit(conn, "change subscription", before, after, told)
    return after


def end(conn: Connection, wanted: str, told: Told) -> None:
    """Forget a subscription and what it did not take; raises ``NotFound``."""
    before = get(conn, wanted)
    for table in (schema.dead_letter, schema.delivery):
        conn.execute(delete(table).where(table.c.subscription == wanted))
    conn.execute(delete(_table).where(_table.c.id == wanted))
    _audit(conn, "end subscription", before, None, told)


def new_secret(conn: Connection, wanted: str, told: Told) -> str:
    """Another key for a webhook; the one before it signs for a day as well. Raises ``NotFound``,
    ``NotValid``.
    """
    before = get(conn, wanted)
    if before.target.kind != "webhook":
        raise NotValid("only webhooks are signed: the broker knows central by its own means")
    key = signing.new_key()
    held = signing.rotated(keys(conn, wanted), key, told.at_us)
    after = msgspec.structs.replace(before, version=before.version + 1)
    values = {"secrets": _text(held), "version": after.version}
    conn.execute(update(_table).where(_table.c.id == wanted).values(**values))
    _audit(conn, "rotate secret", before, after, told)
    return key


def keys(conn: Connection, wanted: str) -> tuple[Secret, ...]:
    """A webhook's keys."""
    return _secrets(
        conn.execute(select(_table.c.secrets).where(_table.c.id == wanted)).scalar_one()
    )


def turn_off(
    conn: Connection, wanted: Subscription, why: str, at_us: int, *, status: str = "gone"
) -> None:
    """Tell this one no more, unless somebody changed the subscription meanwhile."""
    after = msgspec.structs.replace(wanted, status=status, why=why, version=wanted.version + 1)
    same = (_table.c.id == wanted.id) & (_table.c.version == wanted.version)
    if conn.execute(update(_table).where(same).values(**_row(after))).rowcount:
        _audit(conn, "turn off subscription", wanted, after, Told(by="deliveries", at_us=at_us))


def _check(wanted: Subscription) -> None:
    unknown = sorted(set(wanted.kinds) - kinds.names())
    if unknown:
        raise NotValid(f"there are no events called {', '.join(unknown)}: see /events/schemas")
    if wanted.status not in _STATUSES:
        raise NotValid(f"a subscription is active or paused, not {wanted.status!r}")


def _row(made: Subscription) -> dict[str, Any]:
    values = msgspec.structs.asdict(made)
    return values | {name: _text(values[name]) for name in _JSON}


def _of(row: RowMapping) -> Subscription:
    values: dict[str, Any] = {name: row[name] for name in Subscription.__struct_fields__}
    values["terms"] = msgspec.json.decode(row["terms"])
    for name in _JSON[1:4]:
        values[name] = tuple(msgspec.json.decode(row[name]))
    return Subscription(**values | {"target": msgspec.json.decode(row["target"], type=Target)})


def _text(value: object) -> str:
    return _encode(value).decode()


def _audit(
    conn: Connection,
    action: str,
    before: Subscription | None,
    after: Subscription | None,
    told: Told,
) -> None:
    """Keys are never in it."""
    one = after or before
    assert one is not None
    plain = [None if each is None else msgspec.to_builtins(each) for each in (before, after)]
    entry = audit.Change(f"subscription {one.id}", plain[0], plain[1])
    audit.record(conn, [entry], actor=told.by, action=action, at_us=told.at_us)
