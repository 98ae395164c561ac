"""Pick tasks: what of a wave is to be brought from which places, and what people brought.

A pick is a movement to the place that its order ships from, and what the order holds moves along.
What is not there, or is damaged, is said with a reason: stock is put right at once, other goods
are given to the order if there are any, and the task gets picks for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, case, insert, select, update

from central import schema
from central.catalogue import tree
from central.database.moments import to_us
from central.orders import store, substituting
from central.orders.claiming import claim_id
from central.orders.model import Line, NoSuchOrder, Order, OrderError, after
from central.orders.route import walked
from central.reconcile.identity import derived_id
from central.reservations import ending
from central.reservations.holdings import parts_of
from central.reservations.model import Part
from central.reservations.settling import settle
from central.stock import ledger, queries
from central.stock.model import ConflictingRepeat, Movement

__all__ = ["Brought", "Pick", "Task", "call_off", "confirm", "get", "make", "plan"]

REASONS = ("not-there", "damaged", "later")
"""Why a pick brings less: the goods are not at the place, are damaged, or somebody goes again."""
_SAID = ("picked", "state", "reason", "done_by", "done_us")
_pick = schema.pick.c
_task = schema.pick_task.c


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of a lot to be brought from a place. ``state`` is ``open``, ``done`` or
    ``void`` (the goods are given from elsewhere); ``done_us`` when something was last said of it.
    ``substituted_for`` is the SKU in whose place the goods are given, if there is one.
    """

    id: str
    task: str
    order_id: str
    line: str
    sku: str
    lot: str
    location: str
    quantity: int
    picked: int = 0
    state: str = "open"
    reason: str = ""
    done_by: str = ""
    done_us: int | None = None
    substituted_for: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A wave's picks in the order of the walk."""

    id: str
    wave: str
    assigned_to: str
    picks: tuple[Pick, ...]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody scanned and brought. ``reason`` says why it is less than was asked for;
    ``command`` is the id of saying so, by which a repeat is known.
    """

    pick: str
    location: str
    sku: str
    quantity: int
    event_time: datetime
    lot: str = ""
    serials: tuple[str, ...] = ()
    epcs: tuple[str, ...] = ()
    reason: str = ""
    command: str = ""
    by: str = ""


def make(
    conn: Connection, name: str, wave: str, orders: Sequence[Order], *, by: str, at_us: int
) -> Task:
    """The task of a wave. The same name again answers the task as it stands."""
    known = conn.execute(select(_task.wave).where(_task.id == name)).scalar()
    if known is None:
        row = {"id": name, "wave": wave, "assigned_to": by, "created_us": at_us}
        conn.execute(insert(schema.pick_task).values(row))
    elif known != wave:
        raise OrderError(f"task {name} is of wave {known}: use another id")
    plan(conn, name, orders)
    return get(conn, name)


def get(conn: Connection, name: str) -> Task:
    """The task of this name. Raises ``NoSuchOrder``."""
    row = conn.execute(select(schema.pick_task).where(_task.id == name)).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no picking task {name}")
    query = select(schema.pick).where(_pick.task == name, _pick.state != "void")
    found = [Pick(**one) for one in conn.execute(query.order_by(_pick.id)).mappings()]
    paths = {
        code: tree.path_of(conn, tree.get_location(conn, code))
        for code in dict.fromkeys(one.location for one in found)
    }
    stops = {code: number for number, code in enumerate(walked(paths, paths))}
    found.sort(key=lambda one: (stops[one.location], one.sku, one.lot, one.order_id, one.id))
    return Task(id=name, wave=row["wave"], assigned_to=row["assigned_to"], picks=tuple(found))


def plan(conn: Connection, task: str, orders: Iterable[Order]) -> None:
    """Let the open picks of some orders be what is set aside for them now. What lies at the place
    that an order ships from already is as good as picked.
    """
    for order in orders:
        holds = parts_of(conn, (claim_id(order.id, line.line) for line in order.lines))
        there = []
        for line in order.lines:
            parts = holds.get(claim_id(order.id, line.line), [])
            away = [part for part in parts if part.location != order.ship_from]
            _plan_line(conn, task, order, line, away)
            near = sum(part.units for part in parts if part.location == order.ship_from)
            if near > line.picked - line.shipped:
                there.append(msgspec.structs.replace(line, picked=line.shipped + near))
        if there:
            store.change_lines(conn, order, there)


def call_off(conn: Connection, order: str, line: str | None = None) -> None:
    """Nothing more is to be brought for an order, or for a line of it."""
    open_still = (_pick.order_id == order) & (_pick.state == "open")
    if line is not None:
        open_still &= _pick.line == line
    state = case((_pick.picked > 0, "done"), else_="void")
    conn.execute(update(schema.pick).where(open_still).values(state=state))


def _plan_line(
    conn: Connection, task: str, order: Order, line: Line, parts: Sequence[Part]
) -> None:
    mine = (_pick.order_id == order.id) & (_pick.line == line.line)
    query = select(schema.pick).where(mine)
    before = [Pick(**row) for row in conn.execute(query).mappings()]
    wanted = {(part.lot, part.location): part.units for part in parts}
    for one in before:
        key = (one.lot, one.location)
        if one.state == "open" and wanted.get(key) == one.quantity - one.picked:
            del wanted[key]
        elif one.state == "open":
            state = "done" if one.picked else "void"
            conn.execute(update(schema.pick).where(_pick.id == one.id).values(state=state))
    made = [
        Pick(
            id=derived_id("pick", order.id, line.line, len(before) + number),
            task=task,
            order_id=order.id,
            line=line.line,
            sku=line.sku,
            lot=lot,
            location=location,
            quantity=units,
            substituted_for=order.stands_in_for(line),
        )
        for number, ((lot, location), units) in enumerate(sorted(wanted.items()))
    ]
    if made:
        conn.execute(insert(schema.pick), [msgspec.structs.asdict(one) for one in made])


def confirm(conn: Connection, brought: Brought, *, at_us: int) -> tuple[Pick, bool]:
    """Post what was brought; the pick as it is now, and whether it had been said before.

    Raises ``NoSuchOrder``, ``OrderError`` for goods or a place that are not asked for, and what
    posting raises.
    """
    query = select(schema.pick).where(_pick.id == brought.pick)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no pick {brought.pick}")
    pick = Pick(**row)
    if _said_before(conn, pick, brought):
        return pick, True
    order = store.get(conn, pick.order_id)
    _check(pick, brought)
    state = after(order.state, "pick")
    if brought.quantity:
        _bring(conn, order, pick, brought, at_us)
        order = _count(conn, order, pick.line, brought.quantity)
        order = store.change(conn, order, state=state, at_us=at_us)
    done = msgspec.structs.replace(
        pick,
        picked=pick.picked + brought.quantity,
        state="open" if brought.reason == "later" else "done",
        reason=brought.reason,
        done_by=brought.by,
        done_us=to_us(brought.event_time),
    )
    values = {name: getattr(done, name) for name in _SAID}
    conn.execute(update(schema.pick).where(_pick.id == pick.id).values(values))
    lacking = pick.quantity - done.picked
    if lacking and done.state == "done":
        _put_right(conn, pick, lacking, brought, at_us)
        plan(conn, pick.task, [store.get(conn, order.id)])
    return done, False


def _said_before(conn: Connection, pick: Pick, brought: Brought) -> bool:
    if not brought.command or not brought.quantity:
        said = (brought.quantity, brought.reason)
        return pick.state == "done" and (pick.picked, pick.reason) == said
    known = queries.movement_by_id(conn, _posted_as(pick, brought))
    if known is not None and known.movement.quantity != brought.quantity:
        raise ConflictingRepeat(
            f"{brought.command} brought {known.movement.quantity} before: use a fresh id"
        )
    return known is not None


def _posted_as(pick: Pick, brought: Brought) -> str:
    """Without an id of its own, what was brought is told apart by what had been before it."""
    return derived_id("picked", pick.id, brought.command or pick.picked)


def _check(pick: Pick, brought: Brought) -> None:
    left = pick.quantity - pick.picked
    wrong = ""
    if pick.state != "open":
        wrong = f"this pick is {pick.state}"
    elif brought.location != pick.location:
        wrong = f"this is {brought.location}, the goods are to be taken from {pick.location}"
    elif brought.sku != pick.sku:
        wrong = f"this is {brought.sku}, {pick.sku} is asked for"
    elif brought.lot != pick.lot:
        wrong = f"this is lot {brought.lot or 'unnamed'}, {pick.lot or 'no lot'} is asked for"
    elif brought.quantity > left:
        wrong = f"{left} are asked for, not {brought.quantity}"
    elif brought.quantity < left and brought.reason not in REASONS:
        wrong = f"{left} are asked for: say why less is brought ({', '.join(REASONS)})"
    if wrong:
        raise OrderError(wrong)


def _bring(conn: Connection, order: Order, pick: Pick, brought: Brought, at_us: int) -> None:
    movement = Movement(
        id=_posted_as(pick, brought),
        sku=pick.sku,
        lot=pick.lot,
        quantity=brought.quantity,
        source=pick.location,
        destination=order.ship_from,
        biz_step="picking",
        event_time=brought.event_time,
        serials=brought.serials,
        epcs=brought.epcs,
        reference=order.id,
        actor=brought.by,
    )
    ledger.post(conn, [movement], record_us=at_us)
    part = Part(pick.lot, pick.location, brought.quantity)
    ending.relocate(conn, claim_id(order.id, pick.line), part, order.ship_from, at_us=at_us)


def _put_right(conn: Connection, pick: Pick, lacking: int, brought: Brought, at_us: int) -> None:
    """The goods that somebody did not find, or found broken, are no longer sold."""
    part = Part(pick.lot, pick.location, lacking)
    ending.let_go(conn, claim_id(pick.order_id, pick.line), part, at_us=at_us)
    gone = brought.reason == "not-there"
    movement = Movement(
        id=derived_id("short", pick.id),
        sku=pick.sku,
        lot=pick.lot,
        quantity=lacking,
        source=pick.location,
        destination="adjustment" if gone else pick.location,
        destination_status="available" if gone else "damaged",
        biz_step="inspecting",
        event_time=brought.event_time,
        reason=f"picking: {brought.reason}",
        reference=pick.order_id,
        actor=brought.by,
    )
    ledger.post(conn, [movement], record_us=at_us)
    settle(conn, [pick.sku], at_us=at_us)
    order = store.find(conn, [pick.order_id])[pick.order_id]
    substituting.substitute(conn, order, at_us=at_us)


def _count(conn: Connection, order: Order, name: str, units: int) -> Order:
    changed = [
        msgspec.structs.replace(line, picked=line.picked + units)
        for line in order.lines
        if line.line == name
    ]
    return store.change_lines(conn, order, changed)
