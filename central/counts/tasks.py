"""Counts in the database: tasks, what was found, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, update

from central import schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound
from central.catalogue.items import get_item
from central.catalogue.tree import get_location
from central.counts.model import CountError, Decision, Entry, Line, State, Task
from central.database import keyset
from central.stock import queries
from central.stock.model import ConflictingRepeat

__all__ = [
    "add_entry", "add_task", "cancel", "check", "counters_of", "decide", "decisions_of",
    "entries_of", "entry_before", "get_task", "keep", "list_tasks", "recount", "start",
    "take_back",
]  # fmt: skip

_task = schema.count_task.c
_entry = schema.count_entry.c
_encode = msgspec.json.Encoder().encode
_words = msgspec.json.Decoder(dict[str, Any]).decode
_decode_task = msgspec.json.Decoder(Task).decode
_decode_entry = msgspec.json.Decoder(Entry).decode
_decode_decision = msgspec.json.Decoder(Decision).decode


def add_task(conn: Connection, task: Task, told: Told) -> tuple[Task, bool]:
    """Ask for a count; the task, and whether it was known before. Raises ``AlreadyExists`` for
    another one of the same id, ``NotFound``.
    """
    there = _find(conn, task.id)
    if there is not None:
        if _content(there) != _content(task):
            raise AlreadyExists(f"count {task.id} was asked for with other content before")
        return there, True
    get_location(conn, task.location)
    for sku in task.skus:
        get_item(conn, sku)
    made = msgspec.structs.replace(task, created_us=told.at_us, created_by=told.by)
    conn.execute(insert(schema.count_task).values(_row(made)))
    return made, False


def get_task(conn: Connection, name: str) -> Task:
    """The task of this id; raises ``NotFound``, ``OutOfReach``."""
    found = _find(conn, name)
    if found is None:
        raise NotFound(f"there is no count {name}")
    reach.check(conn, [found.location])
    return found


def list_tasks(
    conn: Connection,
    *,
    state: str | None = None,
    location: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Task]:
    """Tasks by id, those behind ``after``; only those of places within reach."""
    query: Select[Any] = select(_task.body)
    for column, value in ((_task.state, state), (_task.location, location)):
        if value is not None:
            query = query.where(column == value)
    if (granted := reach.within(_task.location)) is not None:
        query = query.where(granted)
    page: Select[Any] = keyset.ascending(query, (_task.id,), (after,), limit)
    return [_decode_task(body) for body in conn.execute(page).scalars()]


def keep(conn: Connection, task: Task) -> Task:
    """Let a task be this from now on."""
    conn.execute(update(schema.count_task).where(_task.id == task.id).values(_row(task)))
    return task


def check(task: Task, *states: State) -> None:
    """Raises ``CountError`` where a task is in none of these states."""
    if task.state not in states:
        raise CountError(f"count {task.id} is {task.state}, and must be {' or '.join(states)}")


def start(
    conn: Connection,
    name: str,
    told: Told,
    *,
    began_us: int | None = None,
    as_of: int | None = None,
) -> Task:
    """Counting begins, or began at ``began_us`` (microseconds since 1970), while the ledger stood
    at ``as_of``, where nobody could tell central; again changes nothing.
    """
    task = get_task(conn, name)
    if task.state == State.COUNTING:
        return task
    check(task, State.REQUESTED)
    began = told.at_us if began_us is None else max(task.created_us, min(began_us, told.at_us))
    newest = queries.last_seq(conn)
    if as_of is None and began_us is not None:
        as_of = queries.first_seq_since(conn, began + 1) - 1
    seq = newest if as_of is None else min(as_of, newest)
    started = msgspec.structs.replace(task, state=State.COUNTING, started_seq=seq, started_us=began)
    return keep(conn, started)


def recount(conn: Connection, name: str) -> Task:
    """Count again what is entered from now on; what is not keeps its earlier count."""
    task = get_task(conn, name)
    check(task, State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW)
    seq = queries.last_seq(conn)
    again = msgspec.structs.replace(
        task, state=State.COUNTING, round=task.round + 1, started_seq=seq
    )
    return keep(conn, again)


def cancel(conn: Connection, name: str) -> Task:
    """Count it no more; again changes nothing. Raises ``CountError`` once it was approved."""
    task = get_task(conn, name)
    if task.state == State.REVIEWED:
        raise CountError(f"count {name} is REVIEWED: what it changed is on the ledger")
    return keep(conn, msgspec.structs.replace(task, state=State.CANCELLED))


# ---- entries -----------------------------------------------------------------------------
def entry_before(conn: Connection, task: str, entry: str, asked: str) -> bool:
    """Whether this very entry was told before. Raises ``ConflictingRepeat`` for another one."""
    query = select(_entry.task, _entry.asked).where(_entry.id == entry)
    row = conn.execute(query).one_or_none()
    if row is None:
        return False
    if row.task != task or (row.asked != asked and not _same(row.asked, asked)):
        raise ConflictingRepeat(f"entry {entry} was told before with other content")
    return True


def _same(before: str, asked: str) -> bool:
    """Whether an entry that an earlier release kept is this one: what it did not know is empty."""
    was, now = _words(before), _words(asked)
    return was.items() <= now.items() and not any(now[name] for name in now.keys() - was.keys())


def add_entry(conn: Connection, task: str, entry: Entry, *, asked: str, replaces: str) -> None:
    """Keep what somebody found; ``replaces`` names an entry that was a mistake."""
    if replaces:
        wrong = (_entry.id == replaces) & (_entry.task == task)
        if not conn.execute(update(schema.count_entry).where(wrong).values(void=True)).rowcount:
            raise NotFound(f"count {task} has no entry {replaces}")
    values = {"id": entry.id, "task": task, "asked": asked, "body": _encode(entry).decode()}
    conn.execute(insert(schema.count_entry).values(values))


def take_back(conn: Connection, name: str, entry: str) -> Task:
    """What was found in an entry counts no more; again changes nothing. Raises ``NotFound``,
    ``CountError`` once counting ended.
    """
    task = get_task(conn, name)
    mine = (_entry.id == entry) & (_entry.task == name)
    void = conn.execute(select(_entry.void).where(mine)).scalar_one_or_none()
    if void is None:
        raise NotFound(f"count {name} has no entry {entry}")
    if not void:
        check(task, State.COUNTING)
        conn.execute(update(schema.count_entry).where(mine).values(void=True))
    return task


def entries_of(conn: Connection, task: str) -> list[Entry]:
    """What was found, in the order in which it was told, but for mistakes."""
    query = select(_entry.body).where(_entry.task == task, _entry.void.is_(False))
    return [_decode_entry(body) for body in conn.execute(query.order_by(_entry.no)).scalars()]


def counters_of(conn: Connection, task: str) -> set[str]:
    """Everybody who counted."""
    return {one.by for one in entries_of(conn, task)}


# ---- decisions ---------------------------------------------------------------------------
def decide(conn: Connection, task: str, line: Line, decision: Decision, *, at_us: int) -> None:
    """Keep what somebody says of a line; the newest word holds."""
    table = schema.count_decision
    key = (table.c.task == task) & (table.c.line == _named(line.name))
    conn.execute(table.delete().where(key))
    values = {"task": task, "line": _named(line.name), "at_us": at_us}
    conn.execute(insert(table).values(values | {"body": _encode(decision).decode()}))


def decisions_of(conn: Connection, task: str) -> dict[str, Decision]:
    """What was said, by the names of lines."""
    table = schema.count_decision.c
    query = select(table.line, table.body).where(table.task == task)
    return {row.line: _decode_decision(row.body) for row in conn.execute(query)}


def with_decisions(lines: Iterable[Line], said: dict[str, Decision]) -> list[Line]:
    """The lines with what was said of them."""
    return [msgspec.structs.replace(one, decision=said.get(_named(one.name))) for one in lines]


def any_decided(conn: Connection, task: str) -> bool:
    """Whether anybody looked at a count."""
    table = schema.count_decision.c
    query = select(func.count()).select_from(schema.count_decision).where(table.task == task)
    return bool(conn.execute(query).scalar_one())


def _named(name: tuple[str, ...]) -> str:
    return _encode(name).decode()


def _content(task: Task) -> tuple[object, ...]:
    return (task.location, task.below, task.skus, task.blind, task.threshold, task.schedule)


def _row(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "location": task.location,
        "state": task.state.value,
        "created_us": task.created_us,
        "body": _encode(task).decode(),
    }


def _find(conn: Connection, name: str) -> Task | None:
    body = conn.execute(select(_task.body).where(_task.id == name)).scalar_one_or_none()
    return None if body is None else _decode_task(body)
