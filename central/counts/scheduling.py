"""Counts by the clock: places every so many days, or their items by ABC class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, insert, select, text, update

from central import schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound
from central.catalogue.tree import get_location
from central.counts import results, tasks
from central.counts.model import Task, abc_classes
from central.database import keyset
from central.reconcile.identity import derived_id
from central.stock import queries

__all__ = ["Plan", "add_plan", "ask_due", "due_items", "end_plan", "get_plan", "list_plans"]

DAY_US = 86_400_000_000
VALUED_DAYS = 90
"""The value that moved of an item is that of so many days."""
MOST_ITEMS = 200
"""In one count of a class: the longest not counted come first, the others the next time."""
_MOST_HELD = 100_000
_encode = msgspec.json.Encoder().encode
_plan = schema.count_schedule.c
_MOVED_VALUE = text(
    "SELECT m.sku, sum(m.quantity * coalesce(i.price_micros, 1000000)) AS value FROM movement m "
    "JOIN item i ON i.sku = m.sku WHERE m.seq >= :first AND m.corrects IS NULL "
    "AND m.source <> m.destination AND m.biz_step <> 'cycle_counting' GROUP BY m.sku"
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Count ``location`` every ``every_days``; with ``class_days`` (A, B, C to days) its items,
    each as often as its class says, looked after every ``every_days``.
    """

    id: str
    location: str
    every_days: int
    below: bool = True
    class_days: dict[str, int] = {}
    threshold: int = 0
    next_us: int = 0
    active: bool = True
    created_by: str = ""


_decode = msgspec.json.Decoder(Plan).decode


def add_plan(conn: Connection, plan: Plan, told: Told) -> tuple[Plan, bool]:
    """Count by the clock from ``next_us`` (0: now) on; the plan, and whether it was known.

    Raises ``AlreadyExists`` for another one of the same id, ``NotFound``.
    """
    get_location(conn, plan.location)
    made = msgspec.structs.replace(plan, next_us=plan.next_us or told.at_us, created_by=told.by)
    there = _find(conn, plan.id)
    if there is not None:
        if _content(there) != _content(made):
            raise AlreadyExists(f"schedule {plan.id} was made with other content before")
        return there, True
    conn.execute(insert(schema.count_schedule).values(_row(made)))
    return made, False


def get_plan(conn: Connection, name: str) -> Plan:
    """The plan of this id; raises ``NotFound``, ``OutOfReach``."""
    found = _find(conn, name)
    if found is None:
        raise NotFound(f"there is no schedule {name}")
    reach.check(conn, [found.location])
    return found


def list_plans(conn: Connection, *, after: str = "", limit: int = 100) -> list[Plan]:
    """Plans by id, those behind ``after``; only of places within reach."""
    query: Select[Any] = select(_plan.body)
    if (granted := reach.within(_plan.location)) is not None:
        query = query.where(granted)
    page: Select[Any] = keyset.ascending(query, (_plan.id,), (after,), limit)
    return [_decode(body) for body in conn.execute(page).scalars()]


def end_plan(conn: Connection, name: str) -> Plan:
    """No more counts by it; again changes nothing."""
    return _keep(conn, msgspec.structs.replace(get_plan(conn, name), active=False))


def ask_due(conn: Connection, now_us: int) -> list[Task]:
    """Ask for the counts that are due by now. Each is named by its plan and its time, so that
    asking twice asks once; what was missed while central was off is asked for once.
    """
    asked = []
    due = select(_plan.body).where(_plan.next_us <= now_us).order_by(_plan.id)
    for plan in map(_decode, conn.execute(due).scalars().all()):
        if plan.active:
            skus = due_items(conn, plan, now_us) if plan.class_days else ()
            if skus or not plan.class_days:
                task = Task(
                    id=derived_id("count", plan.id, plan.next_us),
                    location=plan.location,
                    below=plan.below,
                    skus=skus,
                    threshold=plan.threshold,
                    schedule=plan.id,
                )
                told = Told(by=f"schedule {plan.id}", at_us=now_us)
                asked.append(tasks.add_task(conn, task, told)[0])
        step = plan.every_days * DAY_US
        missed = (now_us - plan.next_us) // step + 1
        _keep(conn, msgspec.structs.replace(plan, next_us=plan.next_us + missed * step))
    return asked


def due_items(conn: Connection, plan: Plan, now_us: int) -> tuple[str, ...]:
    """The items in a plan's places that were not counted for as long as their class allows."""
    held = queries.on_hand(conn, location=plan.location, below=plan.below, limit=_MOST_HELD)
    places: dict[str, set[str]] = {}
    for one in held:
        places.setdefault(one.location, set()).add(one.sku)
    counted = {place: results.last_counted(conn, place) for place in places}
    oldest = {
        sku: min(counted[place].get(sku, 0) for place in places if sku in places[place])
        for sku in {one.sku for one in held}
    }
    classes = abc_classes(_values(conn, oldest, now_us))
    late = [
        (at_us, sku)
        for sku, at_us in oldest.items()
        if now_us - at_us >= plan.class_days[classes[sku]] * DAY_US
    ]
    return tuple(sorted(sku for _, sku in sorted(late)[:MOST_ITEMS]))


def _values(conn: Connection, skus: Iterable[str], now_us: int) -> Mapping[str, int]:
    """What moved of items lately, in millionths; an item without a price counts by its units."""
    first = queries.first_seq_since(conn, now_us - VALUED_DAYS * DAY_US)
    moved = {row.sku: int(row.value) for row in conn.execute(_MOVED_VALUE, {"first": first})}
    return {sku: moved.get(sku, 0) for sku in skus}


def _content(plan: Plan) -> tuple[object, ...]:
    return (plan.location, plan.every_days, plan.below, plan.class_days, plan.threshold)


def _keep(conn: Connection, plan: Plan) -> Plan:
    values = _row(plan)
    conn.execute(update(schema.count_schedule).where(_plan.id == plan.id).values(values))
    return plan


def _row(plan: Plan) -> dict[str, object]:
    body = _encode(plan).decode()
    return {"id": plan.id, "location": plan.location, "next_us": plan.next_us, "body": body}


def _find(conn: Connection, name: str) -> Plan | None:
    body = conn.execute(select(_plan.body).where(_plan.id == name)).scalar_one_or_none()
    return None if body is None else _decode(body)
