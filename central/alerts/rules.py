"""Rules in the database: add, look up, change, take away; each change leaves an audit's entry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from central import audit, schema
from central.access import reach
from central.alerts.model import OF_ITEMS, OF_PLACES, Kind, Rule
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.items import get_item
from central.catalogue.tree import get_location
from central.database import keyset
from central.stock.model import LocationKind

__all__ = [
    "CHANGED", "add", "change", "for_items", "get", "listing", "naming", "of_alerts",
    "of_places", "remove",
]  # fmt: skip

CHANGED = ("add alert rule", "change alert rule", "remove alert rule")
"""How the audit names it: whoever follows the audit looks at everything again."""
T = TypeVar("T", bound=tuple[Any, ...])
_rule = schema.alert_rule.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Rule).decode
_EVERYWHERE = (Kind.UNEXPLAINED, Kind.SHRINKAGE)
"""Kinds that are of an item as a whole: where it got lost, nobody knows."""


def add(conn: Connection, rule: Rule, told: Told) -> tuple[Rule, bool]:
    """Watch from now on; the rule, and whether it was there before. Raises ``AlreadyExists`` for
    another one of its id, ``NotFound``, ``NotValid`` and ``OutOfReach``.
    """
    _check_reach(conn, rule)
    there = conn.execute(select(_rule.body).where(_rule.id == rule.id)).scalar()
    if there is not None:
        known = _decode(there)
        if msgspec.structs.replace(known, version=1) == rule:
            return known, True
        raise AlreadyExists(f"alert rule {rule.id} exists already: change it, or take another id")
    _check(conn, rule)
    conn.execute(insert(schema.alert_rule).values(_row(rule)))
    _record(conn, CHANGED[0], None, rule, told)
    return rule, False


def change(conn: Connection, rule: Rule, told: Told) -> Rule:
    """Let a rule be this from now on. Raises as ``add``, and ``NotValid`` for another kind."""
    before = get(conn, rule.id)
    if rule.kind != before.kind:
        raise NotValid(f"alert rule {rule.id} watches for {before.kind}: add another one instead")
    if msgspec.structs.replace(rule, version=before.version) == before:
        return before
    after = msgspec.structs.replace(rule, version=before.version + 1)
    _check_reach(conn, after)
    _check(conn, after)
    conn.execute(update(schema.alert_rule).where(_rule.id == rule.id).values(_row(after)))
    _record(conn, CHANGED[1], before, after, told)
    return after


def remove(conn: Connection, rule_id: str, told: Told) -> Rule:
    """Watch no more: what it raised is cleared. Raises ``NotFound``."""
    before = get(conn, rule_id)
    conn.execute(delete(schema.alert_rule).where(_rule.id == rule_id))
    _record(conn, CHANGED[2], before, None, told)
    return before


def get(conn: Connection, rule_id: str) -> Rule:
    """The rule of this id, for a place within reach; raises ``NotFound``."""
    body = conn.execute(_granted(select(_rule.body)).where(_rule.id == rule_id)).scalar()
    if body is None:
        raise NotFound(f"there is no alert rule {rule_id}")
    return _decode(body)


def listing(
    conn: Connection,
    *,
    kind: Kind | None = None,
    sku: str | None = None,
    location: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[Rule]:
    """Rules for places within reach by id, those behind ``after``."""
    seen = None if after is None else (after,)
    query = keyset.ascending(_granted(select(_rule.body)), (_rule.id,), seen, limit)
    for column, value in (("kind", kind), ("sku", sku), ("location", location)):
        if value is not None:
            query = query.where(_rule[column] == str(value))
    return [_decode(body) for body in conn.execute(query).scalars()]


def for_items(conn: Connection, skus: Collection[str]) -> list[Rule]:
    """All that can hold for some items: their own, their families', and those of no one item."""
    families = select(schema.item.c.parent).where(schema.item.c.sku.in_(skus))
    theirs = or_(_rule.sku.is_(None), _rule.sku.in_(skus), _rule.sku.in_(families))
    return _enabled(conn, OF_ITEMS, theirs)


def of_places(conn: Connection) -> list[Rule]:
    """All that are of no item."""
    return _enabled(conn, OF_PLACES)


def of_alerts(conn: Connection, ids: Collection[str]) -> dict[str, Rule]:
    """Some rules by id, those that are still there."""
    query = select(_rule.body).where(_rule.id.in_(ids))
    return {rule.id: rule for rule in map(_decode, conn.execute(query).scalars())}


def naming(conn: Connection, channel: str) -> str | None:
    """A rule that names a channel, if there is one."""
    query = select(_rule.body).where(_rule.body.contains(_encode(channel).decode()))
    for rule in map(_decode, conn.execute(query).scalars()):
        if channel in {*rule.tell, *rule.escalate_to}:
            return rule.id
    return None


def _enabled(conn: Connection, kinds: Collection[Kind], *where: object) -> list[Rule]:
    query = select(_rule.body).where(_rule.enabled, _rule.kind.in_([str(one) for one in kinds]))
    for one in where:
        query = query.where(one)  # type: ignore[arg-type]
    return [_decode(body) for body in conn.execute(query.order_by(_rule.id)).scalars()]


def _granted(query: Select[T]) -> Select[T]:
    granted = reach.within(_rule.location)
    return query if granted is None else query.where(granted)


def _check_reach(conn: Connection, rule: Rule) -> None:
    if rule.location is None:
        reach.everywhere("a rule for all places")
    else:
        reach.check(conn, [rule.location])


def _check(conn: Connection, rule: Rule) -> None:
    if rule.sku is not None and rule.category is not None:
        raise NotValid("a rule is for an item or for a category, not for both")
    if rule.sku is not None:
        get_item(conn, rule.sku)
    if rule.location is not None and (
        get_location(conn, rule.location).kind != LocationKind.INTERNAL
    ):
        raise NotValid(f"{rule.location} is not a place but an end of the books")
    _check_kind(rule)
    codes = [*rule.tell, *rule.escalate_to]
    channel = schema.alert_channel.c
    known = set(conn.execute(select(channel.code).where(channel.code.in_(codes))).scalars())
    for code in codes:
        if code not in known:
            raise NotFound(f"there is no alert channel {code}: add it first")


def _check_kind(rule: Rule) -> None:
    if rule.kind in OF_PLACES and (rule.sku is not None or rule.category is not None):
        raise NotValid(f"a rule for {rule.kind} is about places: it names no item or category")
    if rule.kind in _EVERYWHERE and (rule.location is not None or rule.each):
        raise NotValid(f"{rule.kind} is about an item as a whole: such a rule names no place")
    if rule.kind == Kind.BACKORDER and rule.each:
        raise NotValid("reservations wait within a place, not at one: leave out each")
    if rule.of != "available" and rule.kind != Kind.LOW:
        raise NotValid("`of` says what a rule for low counts: others have none")
    if rule.kind == Kind.IDLE and rule.location is None:
        raise NotValid("a rule for idle places names the location whose places are meant")
    if rule.kind == Kind.DEVICE and rule.limit not in {None, 0}:
        raise NotValid("a device is well or not: use for_s instead of a limit")
    if rule.kind == Kind.OVER and rule.limit is not None and rule.margin > rule.limit:
        raise NotValid("with a margin above its limit this would never be cleared")


def _row(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "kind": str(rule.kind),
        "sku": rule.sku,
        "location": rule.location,
        "enabled": rule.enabled,
        "body": _encode(rule).decode(),
    }


def _record(
    conn: Connection, action: str, before: Rule | None, after: Rule | None, told: Told
) -> None:
    one = after or before
    assert one is not None, "something changed"
    change = audit.Change(
        f"alert rule {one.id}",
        None if before is None else msgspec.to_builtins(before),
        None if after is None else msgspec.to_builtins(after),
    )
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)
