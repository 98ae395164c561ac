"""Counts as the stock manager looks for them: by what is to be done, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_

from central import schema
from central.access import reach
from central.counts import scheduling
from central.counts.model import State, Task
from central.web.views.stock import location_names

__all__ = ["CHOICES", "ROWS", "Choice", "Key", "Row", "Wanted", "listed", "plans", "totals"]

ROWS = 50
Choice = Literal["decide", "count", "done", "cancelled", "all"]
Key = tuple[int, str]
CHOICES: dict[Choice, tuple[str, tuple[State, ...]]] = {
    "decide": ("To decide", (State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW)),
    "count": ("To count", (State.REQUESTED, State.COUNTING)),
    "done": ("Done", (State.REVIEWED,)),
    "cancelled": ("Cancelled", (State.CANCELLED,)),
    "all": ("All", tuple(State)),
}
_task, _entry = schema.count_task.c, schema.count_entry.c
_result = schema.count_result.c
_decode = msgspec.json.Decoder(Task).decode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which counts: those to be handled so, of places whose code or name holds ``place``; those
    behind ``after``.
    """

    choice: Choice = "decide"
    place: str = ""
    after: Key | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A count, with how many entries it has so far, and how many lines differed when it ended."""

    task: Task
    place: str
    entries: int
    lines: int
    differing: int

    @property
    def key(self) -> Key:
        """Where the list goes on behind it."""
        return (self.task.created_us, self.task.id)


def listed(conn: Connection, wanted: Wanted, *, limit: int) -> list[Row]:
    """Counts of places within reach, the newest first."""
    query: Select[Any] = select(_task.body).where(_task.state.in_(_states(wanted.choice)))
    if (granted := reach.within(_task.location)) is not None:
        query = query.where(granted)
    if wanted.place:
        place = schema.location.c
        named = place.name.icontains(wanted.place, autoescape=True)
        said = select(place.code).where(place.code.icontains(wanted.place, autoescape=True) | named)
        query = query.where(_task.location.in_(said))
    if wanted.after is not None:
        query = query.where(tuple_(_task.created_us, _task.id) < tuple_(*wanted.after))
    query = query.order_by(_task.created_us.desc(), _task.id.desc()).limit(limit)
    return _rows(conn, [_decode(body) for body in conn.execute(query).scalars()])


def totals(conn: Connection) -> Mapping[str, int]:
    """How many there are to decide and to count, within reach."""
    query: Select[Any] = select(_task.state, func.count()).group_by(_task.state)
    query = query.where(_task.state.in_(_states("decide") + _states("count")))
    if (granted := reach.within(_task.location)) is not None:
        query = query.where(granted)
    found = {row[0]: int(row[1]) for row in conn.execute(query)}
    return {one: sum(found.get(state, 0) for state in _states(one)) for one in ("decide", "count")}


def plans(conn: Connection) -> list[tuple[scheduling.Plan, str]]:
    """Schedules within reach with the names of their places, those that go on first."""
    found = scheduling.list_plans(conn, limit=500)
    names = location_names(conn, {one.location for one in found})
    found.sort(key=lambda one: (not one.active, one.next_us, one.id))
    return [(one, names.get(one.location, one.location)) for one in found]


def _states(choice: Literal["decide", "count", "done", "cancelled", "all"]) -> tuple[str, ...]:
    return tuple(one.value for one in CHOICES[choice][1])


def _rows(conn: Connection, found: list[Task]) -> list[Row]:
    ids = [one.id for one in found]
    names = location_names(conn, {one.location for one in found})
    told = select(_entry.task, func.count()).where(_entry.task.in_(ids), _entry.void.is_(False))
    entries = {row[0]: int(row[1]) for row in conn.execute(told.group_by(_entry.task))}
    ended = select(
        _result.task, func.count(), func.count().filter(_result.counted != _result.expected)
    ).where(_result.task.in_(ids))
    lines = {row[0]: (row[1], row[2]) for row in conn.execute(ended.group_by(_result.task))}
    return [
        Row(
            task=one, place=names.get(one.location, one.location), entries=entries.get(one.id, 0),
            lines=lines.get(one.id, (0, 0))[0], differing=lines.get(one.id, (0, 0))[1],
        )
        for one in found
    ]  # fmt: skip
