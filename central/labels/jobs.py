"""What is to be printed, was printed, or could not be: kept until it is old.

    queued -> sending -> sent
      |          `-----> failed       cancelled: before it was sent

A job whose printer is away or out of labels stays queued and is tried again, later each time. One
that broke off while it was sent is not: some of its labels may be printed, and a tag that is
written twice is two pieces with one name. Somebody throws away what came out, and prints it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from central import audit, schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.tags import Binding
from central.labels.model import Form, LabelClash, NoSuchLabel

__all__ = [
    "INTERRUPTED", "STATES", "Done", "Job", "State", "add", "begin", "cancel", "check_place",
    "document", "drop_old", "end", "find", "get", "interrupted", "listing", "oldest", "postpone",
    "reprint",
]  # fmt: skip

State = Literal["queued", "sending", "sent", "failed", "cancelled"]
Done = Literal["sent", "failed"]
STATES: tuple[State, ...] = ("queued", "sending", "sent", "failed", "cancelled")
INTERRUPTED = (
    "central stopped while it was sent: throw away what came out of this job, then print it again"
)
_BACK_OFF_US = (5_000_000, 300_000_000)
_row = schema.label_job.c
_OWN = [column for column in schema.label_job.c if column.name not in {"document", "asked"}]
_encode = msgspec.json.Encoder().encode
_bindings = msgspec.json.Decoder(tuple[Binding, ...]).decode


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Labels for a printer at a ``place``. ``why`` says what it waits for, or what went wrong;
    ``bindings`` are what its tags stand for once it is sent. Times are microseconds since 1970.
    """

    id: str
    seq: int
    printer: str
    place: str
    kind: str
    labels: int
    form: Form
    bindings: tuple[Binding, ...] = ()
    state: State = "queued"
    tries: int = 0
    next_us: int = 0
    why: str = ""
    made_by: str = ""
    made_us: int = 0
    changed_us: int = 0


def find(conn: Connection, name: str, asked: str) -> Job | None:
    """The job of this id, if there is one. Raises ``LabelClash`` where it was asked otherwise."""
    row = conn.execute(select(*_OWN, _row.asked).where(_row.id == name)).mappings().one_or_none()
    if row is None:
        return None
    if row["asked"] != asked:
        raise LabelClash(f"job {name} prints something else: use a fresh id")
    return _of(row)


def add(conn: Connection, job: Job, asked: str, content: bytes) -> Job:
    """Queue a job. ``asked`` tells a repeat of its id from another job."""
    before = find(conn, job.id, asked)
    if before is not None:
        return before
    last = conn.execute(select(func.max(_row.seq))).scalar() or 0
    made = msgspec.structs.replace(job, seq=last + 1, next_us=job.made_us)
    values = msgspec.structs.asdict(made) | {
        "bindings": _encode(made.bindings).decode(), "asked": asked, "document": content,
    }  # fmt: skip
    conn.execute(insert(schema.label_job).values(values))
    _told(conn, made, "print labels", Told(by=made.made_by, at_us=made.made_us))
    return made


def get(conn: Connection, name: str) -> Job:
    """The job of this id. Raises ``NoSuchLabel``, ``OutOfReach``."""
    row = conn.execute(select(*_OWN).where(_row.id == name)).mappings().one_or_none()
    if row is None:
        raise NoSuchLabel(f"there is no print job {name}")
    job = _of(row)
    check_place(conn, job.place)
    return job


def check_place(conn: Connection, place: str) -> None:
    """Whether whoever asks may print there. Raises ``OutOfReach``."""
    if place:
        reach.check(conn, [place])
    else:
        reach.everywhere("a printer that stands at no place")


def document(conn: Connection, name: str) -> bytes:
    """What goes to the printer."""
    return bytes(conn.execute(select(_row.document).where(_row.id == name)).scalar_one())


def listing(
    conn: Connection, *, states: Sequence[str] = (), printer: str = "", before: int | None = None,
    limit: int = 100,
) -> list[Job]:  # fmt: skip
    """Jobs, the newest first, those older than ``before`` (a ``seq``), as far as within reach."""
    query = select(*_OWN).order_by(_row.seq.desc()).limit(limit)
    if states:
        query = query.where(_row.state.in_(states))
    if printer:
        query = query.where(_row.printer == printer)
    if before is not None:
        query = query.where(_row.seq < before)
    if (granted := reach.within(_row.place)) is not None:
        query = query.where(granted)
    return [_of(row) for row in conn.execute(query).mappings()]


def oldest(conn: Connection, printer: str) -> Job | None:
    """What a printer is to be sent next. It prints in order."""
    mine = (_row.printer == printer) & (_row.state == "queued")
    query = select(*_OWN).where(mine).order_by(_row.seq).limit(1)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _of(row)


def begin(conn: Connection, name: str, now_us: int) -> bytes | None:
    """It is sent from now on: what goes to the printer; ``None`` if it was cancelled just now."""
    mine = (_row.id == name) & (_row.state == "queued")
    values = {"state": "sending", "changed_us": now_us, "tries": _row.tries + 1}
    if not conn.execute(update(schema.label_job).where(mine).values(values)).rowcount:
        return None
    return document(conn, name)


def postpone(conn: Connection, job: Job, why: str, now_us: int) -> None:
    """Nothing was sent: it waits, twice as long each time. A cancelled one stays that."""
    first, most = _BACK_OFF_US
    wait_us = min(first << min(job.tries, 10), most)
    mine = (_row.id == job.id) & (_row.state == "sending")
    values = {
        "state": "queued", "why": why, "next_us": now_us + wait_us, "changed_us": now_us,
    }  # fmt: skip
    conn.execute(update(schema.label_job).where(mine).values(values))


def end(conn: Connection, job: Job, state: Done, why: str, now_us: int) -> None:
    """It was sent, or broke off."""
    values = {"state": state, "why": why[:2_000], "changed_us": now_us}
    conn.execute(update(schema.label_job).where(_row.id == job.id).values(values))


def interrupted(conn: Connection, printer: str, now_us: int) -> int:
    """Those that were being sent to a printer when central stopped; how many."""
    values = {"state": "failed", "why": INTERRUPTED, "changed_us": now_us}
    mine = (
        update(schema.label_job)
        .where(_row.printer == printer, _row.state == "sending")
        .values(values)
    )
    return conn.execute(mine).rowcount


def cancel(conn: Connection, name: str, told: Told) -> Job:
    """Do not print it. Again: nothing changes. Raises ``NoSuchLabel``, ``LabelClash``."""
    job = get(conn, name)
    if job.state == "cancelled":
        return job
    if job.state != "queued":
        raise LabelClash(f"job {name} is {job.state}: only what is queued can be cancelled")
    values = {"state": "cancelled", "changed_us": told.at_us}
    conn.execute(update(schema.label_job).where(_row.id == name).values(values))
    done = msgspec.structs.replace(job, state="cancelled", changed_us=told.at_us)
    _told(conn, done, "cancel labels", told)
    return done


def reprint(conn: Connection, name: str, command: str, told: Told) -> Job:
    """Print a job's document again, as a job of its own: the same labels, and in tags the same
    EPCs, which is right for labels that were spoilt. Raises as ``get``, and ``LabelClash``.
    """
    job = get(conn, name)
    if job.state in {"queued", "sending"}:
        raise LabelClash(f"job {name} is {job.state}: it is still to be printed")
    fresh = Job(
        id=command, seq=0, printer=job.printer, place=job.place, kind=job.kind, labels=job.labels,
        form=job.form, bindings=job.bindings, made_by=told.by, made_us=told.at_us,
        changed_us=told.at_us,
    )  # fmt: skip
    return add(conn, fresh, f"reprint {name}", document(conn, name))


def drop_old(conn: Connection, before_us: int) -> int:
    """Delete the jobs that were done with before then; how many."""
    done = _row.state.in_(("sent", "failed", "cancelled")) & (_row.changed_us < before_us)
    return conn.execute(delete(schema.label_job).where(done)).rowcount


def _told(conn: Connection, job: Job, action: str, told: Told) -> None:
    content: dict[str, object] = {
        "printer": job.printer, "kind": job.kind, "labels": job.labels, "state": job.state,
    }  # fmt: skip
    change = audit.Change(f"label job {job.id}", None, content)
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)


def _of(row: RowMapping) -> Job:
    values = {name: row[name] for name in Job.__struct_fields__}
    return Job(**values | {"bindings": _bindings(values["bindings"])})
