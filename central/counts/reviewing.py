"""The end of a count: lines decided, approved by another person, and posted as adjustments."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, insert

from central import schema
from central.catalogue.changes import Told
from central.counts import lines as computed
from central.counts import pieces, sweeps, tasks
from central.counts.model import (
    CountError,
    Decision,
    Entry,
    Line,
    StaleCount,
    State,
    Task,
    settled,
    state_of,
)
from central.database.moments import from_us
from central.events import log as events
from central.reconcile.identity import derived_id
from central.stock import ledger
from central.stock.model import LocationKind, Movement

__all__ = ["Said", "approve", "decide", "finish"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line differs, and whether the books follow the count. Empty parts fit any line."""

    reason: str
    accept: bool = True
    kind: str = ""
    sku: str = ""
    lot: str | None = None
    location: str = ""
    status: str = ""


def finish(conn: Connection, name: str, told: Told, *, complete: bool) -> Task:
    """Counting ends. ``complete``: all that lies there was counted, and what was not found of
    accounts that hold something is nothing. A count that agrees is reviewed at once.
    """
    task = tasks.get_task(conn, name)
    tasks.check(task, State.COUNTING)
    entries = tasks.entries_of(conn, name)
    if complete and task.round == 0:
        for entry in _absent(conn, task, entries, told):
            tasks.add_entry(conn, name, entry, asked="", replaces="")
    found = computed.lines_of(conn, task)
    if not found and not entries:
        raise CountError(f"nothing was counted of {name}: tell what is there, or cancel it")
    state = state_of(found, decided=tasks.any_decided(conn, name))
    done = msgspec.structs.replace(task, state=state, counted_us=told.at_us)
    tasks.keep(conn, done)
    if state == State.READY_TO_REVIEW and not any(one.difference for one in found):
        return _end(conn, done, found, {}, told)
    return done


def decide(conn: Connection, name: str, said: Iterable[Said], told: Told) -> Task:
    """Say of lines why they differ; the count goes on when nothing is left to say."""
    task = tasks.get_task(conn, name)
    tasks.check(task, State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW)
    found = computed.lines_of(conn, task)
    for one in said:
        fitting = [line for line in found if line.difference and _fits(one, line)]
        if not fitting:
            raise CountError(f"nothing of count {name} that differs is {one.sku or 'left'}")
        for line in fitting:
            decision = Decision(
                reason=one.reason,
                accept=one.accept,
                difference=line.difference,
                by=told.by,
                serials=line.serials,
            )
            tasks.decide(conn, name, line, decision, at_us=told.at_us)
    state = state_of(computed.lines_of(conn, task), decided=True)
    return tasks.keep(conn, msgspec.structs.replace(task, state=state))


def approve(conn: Connection, name: str, told: Told) -> Task:
    """Post what was accepted; again changes nothing.

    Raises ``StaleCount`` where lines are undecided, or differ otherwise than when they were
    decided, and ``CountError`` for somebody who counted and may not approve what he found.
    """
    task = tasks.get_task(conn, name)
    if task.state == State.REVIEWED:
        return task
    tasks.check(task, State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW)
    found = computed.lines_of(conn, task)
    left = [one for one in found if not settled(one)]
    if left:
        why = (
            "stock moved while it was counted: count it again"
            if left[0].disturbed
            else (f"differs by {left[0].difference:+d}, of which nobody has said why")
        )
        raise StaleCount(f"{left[0].sku} at {left[0].location}: {why}")
    accepted = [one for one in found if one.difference and one.decision and one.decision.accept]
    most = max((abs(one.difference) for one in accepted), default=0)
    if most > task.threshold and told.by in tasks.counters_of(conn, name):
        raise CountError(
            f"a difference of {most} is more than {task.threshold}: somebody who did not count "
            f"must approve it, and {told.by} did"
        )
    movements = {one.name: _movement(task, one, told) for one in accepted}
    ledger.post(conn, list(movements.values()), record_us=told.at_us)
    return _end(conn, task, found, {key: one.id for key, one in movements.items()}, told)


def _absent(conn: Connection, task: Task, entries: Iterable[Entry], told: Told) -> Iterable[Entry]:
    """Nothing, for accounts that hold something and were not found; of places that were only
    swept nothing is said, as not everything has a tag.
    """
    found = list(entries)
    swept = {one.key.location for one in found if one.method == sweeps.SWEEP}
    counted = {one.key for one in found}
    named = {(one.key.sku, one.key.location) for one in found if one.method == pieces.PIECES}
    by = next((one.by for one in reversed(found)), told.by)
    seq = computed.newest_seq(conn)
    for key in computed.held_keys(conn, task):
        if key in counted or key.location in swept or (key.sku, key.location) in named:
            continue
        yield Entry(
            id=derived_id("absent", task.id, task.round, *key),
            round=task.round,
            method="absent",
            key=key,
            quantity=0,
            since=task.started_seq,
            as_of=seq,
            counted_us=told.at_us,
            by=by,
        )


def _fits(said: Said, line: Line) -> bool:
    told = (said.kind, said.sku, said.location, said.status)
    have = (line.kind, line.sku, line.location, line.status)
    same = all(one in {"", other} for one, other in zip(told, have, strict=True))
    return same and said.lot in {None, line.lot}


def _movement(task: Task, line: Line, told: Told) -> Movement:
    """Dated to when it was counted: a later count of the same goods finds the books mended."""
    assert line.decision is not None
    more = line.difference > 0
    other = line.elsewhere or LocationKind.ADJUSTMENT.value
    return Movement(
        id=derived_id("count", task.id, task.round, *line.name),
        sku=line.sku,
        lot=line.lot,
        quantity=abs(line.difference),
        source=other if more else line.location,
        destination=line.location if more else other,
        source_status=line.status,
        destination_status=line.status,
        biz_step="cycle_counting",
        event_time=from_us(line.counted_us),
        epcs=line.epcs,
        serials=line.serials if line.kind != "quantity" else (),
        evidence={
            "count": task.id,
            "counted": line.counted,
            "expected": line.expected,
            "as_of": line.as_of,
            "method": line.method,
        },
        reason=line.decision.reason,
        reference=task.id,
        actor=told.by,
    )


def _end(
    conn: Connection,
    task: Task,
    lines: list[Line],
    movements: dict[tuple[str, ...], str],
    told: Told,
) -> Task:
    for no, one in enumerate(lines):
        values = {
            "task": task.id, "no": no, "kind": one.kind, **one.key._asdict(),
            "counted": one.counted, "expected": one.expected,
            "reason": one.decision.reason if one.decision else "",
            "movement": movements.get(one.name), "at_us": one.counted_us,
        }  # fmt: skip
        conn.execute(insert(schema.count_result).values(values))
    done = msgspec.structs.replace(
        task, state=State.REVIEWED, reviewed_us=told.at_us, reviewed_by=told.by
    )
    tasks.keep(conn, done)
    body = {
        "id": task.id,
        "location": task.location,
        "lines": [
            {"sku": one.sku, "lot": one.lot, "location": one.location, "counted": one.counted,
             "expected": one.expected}
            for one in lines
        ],
    }  # fmt: skip
    events.record(conn, "CountReviewed", task.id, body, at_us=told.at_us)
    return done
