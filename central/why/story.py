"""The story of a movement, a review or a pass: from the observations to the ledger.

What judging saw and weighed comes from its trace (``central.reconcile.tracing``), which was
stored with the decision; what became of it comes from the ledger, the reviews and the log.
Nothing is judged again here: ``central replay`` proves that judging again gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, select, text

from central import schema
from central.access import reach
from central.judging import left_alone
from central.reconcile.verdict import Stage, Trace
from central.reviews import store
from central.reviews.model import NoSuchReview, Resolution
from central.stock import queries, rows
from central.stock.model import Cause, Movement, OutOfReach, Posted, StockError

__all__ = ["Heard", "NothingKnown", "Story", "Versions", "why"]

_movement, _pass, _log = schema.movement.c, schema.portal_pass.c, schema.observation.c
_TRACES = msgspec.json.Decoder(tuple[Trace, ...])
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])


class NothingKnown(StockError):
    """Neither a movement nor a review nor a pass has this id."""

    status = 404


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """By what it was judged: the program, its judging's state, the context (the log entry from
    which the newest of it was in force), and the weights.
    """

    app: str
    reconciler: int
    context: int
    model: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Observations that it rests on: a stretch of an edge's journal, and where it stands in the
    log; ``kinds`` counts those of the read point.
    """

    edge: str
    epoch: str
    first_seq: int
    last_seq: int
    first_log: int | None
    last_log: int | None
    kinds: dict[str, int]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Why. ``kind`` is movement, review, pass or left alone (a pass that moved nothing); ``log_id``
    the log entry at which it was decided (0: by nothing in the log); ``versions`` are none for
    what was judged before there were traces, or by a person. ``posted`` are the movements that
    came of it, ``corrected_by`` those that put them right later.
    """

    kind: str
    id: str
    log_id: int
    stages: tuple[Stage, ...]
    observations: tuple[Heard, ...]
    posted: tuple[Posted, ...]
    versions: Versions | None = None
    review: str | None = None
    resolution: Resolution | None = None
    corrected_by: tuple[str, ...] = ()


def why(conn: Connection, wanted: str) -> Story:
    """The story of the movement, review or pass of this id; of an EPC, why it was left alone when
    that happened last. Raises ``NothingKnown``.
    """
    posted = queries.movement_by_id(conn, wanted)
    if posted is not None:
        return _of_movement(conn, posted)
    try:
        return _of_review(conn, wanted)
    except NoSuchReview:
        return _of_pass(conn, wanted)


def _of_movement(conn: Connection, posted: Posted) -> Story:
    movement = posted.movement
    asked = movement.evidence.get("review")
    told = _asked(conn, asked) if movement.origin == "review" else None
    if told is not None:
        stages, review, resolution = told.stages, told.review, told.resolution
        log_id, versions = told.log_id, told.versions
    else:
        log_id = conn.execute(
            select(_movement.log_id).where(_movement.seq == posted.seq)
        ).scalar_one()
        of = {movement.id, str(movement.evidence.get("pass"))}
        stages, versions = _traced(conn, log_id, of, movement.epcs)
        review, resolution = None, None
    read_point = movement.evidence.get("read_point")
    return Story(
        kind="movement",
        id=movement.id,
        log_id=log_id,
        stages=(*stages, _posted_stage(posted)),
        observations=_heard(conn, movement.causes, read_point),
        posted=(posted,),
        versions=versions,
        review=review,
        resolution=resolution,
        corrected_by=_corrections(conn, [movement.id]),
    )


def _asked(conn: Connection, review: object) -> Story | None:
    """The story of the review that a movement follows from, where that is within reach."""
    try:
        return _of_review(conn, review) if isinstance(review, str) else None
    except NoSuchReview:
        return None


def _of_review(conn: Connection, wanted: str) -> Story:
    review = store.get(conn, wanted)
    of = {review.id, str(review.evidence.get("pass"))}
    epcs = [tag["epc"] for tag in review.evidence.get("tags", []) if "epc" in tag]
    stages, versions = _traced(conn, review.log_id, of, epcs)
    asked = Stage(
        name="asked",
        facts={
            "reason": review.reason,
            "hypotheses": [[one.says, one.probability] for one in review.hypotheses],
            "status": review.status,
        },
    )
    done = review.resolution
    found = [queries.movement_by_id(conn, one) for one in done.movements] if done else []
    posted = tuple(one for one in found if one is not None)
    resolved = () if done is None else (Stage(name="resolved", facts=_of_resolution(done)),)
    return Story(
        kind="review",
        id=review.id,
        log_id=review.log_id,
        stages=(*stages, asked, *resolved),
        observations=_heard(conn, review.causes, review.read_point),
        posted=posted,
        versions=versions,
        review=review.id,
        resolution=None if done is None else msgspec.structs.replace(done, asked=None),
        corrected_by=_corrections(conn, [one.movement.id for one in posted]),
    )


def _of_pass(conn: Connection, wanted: str) -> Story:
    query: Select[Any] = select(schema.portal_pass).where(_pass.id == wanted)
    if (granted := reach.at(_pass.read_point)) is not None:
        query = query.where(granted)
    row = conn.execute(query).mappings().first()
    if row is None:
        return _of_left_alone(conn, wanted)
    stages, versions = _traced(conn, row["log_id"], {wanted}, ())
    columns = [_movement[name] for name, _type in rows.COLUMNS]
    # The index has only what was heard: without the second condition it would not be used.
    moved = (
        select(*columns)
        .where(_movement.log_id == row["log_id"], text("movement.log_id > 0"))
        .order_by(_movement.seq)
    )
    found = [rows.from_row(tuple(one)) for one in conn.execute(moved)] if row["log_id"] else []
    posted = tuple(one for one in found if one.movement.evidence.get("pass") == wanted)
    return Story(
        kind="pass",
        id=wanted,
        log_id=row["log_id"],
        stages=(*stages, *map(_posted_stage, posted)),
        observations=_heard(conn, _CAUSES.decode(row["causes"]), row["read_point"]),
        posted=posted,
        versions=versions,
        corrected_by=_corrections(conn, [one.movement.id for one in posted]),
    )


def _of_left_alone(conn: Connection, wanted: str) -> Story:
    row = left_alone.find(conn, wanted)
    if row is None or not _is_here(conn, row):
        raise NothingKnown(
            f"neither a movement nor a review nor a pass has the id {wanted}, and none of the "
            f"newest {left_alone.MOST} that each read point left alone has it or a tag of it"
        )
    alone = left_alone.pass_of(row)
    epcs = () if alone.told.id == wanted else (wanted.upper(),)
    models = [str(one.facts["model"]) for one in alone.why.stages if "model" in one.facts]
    return Story(
        kind="left alone",
        id=alone.told.id,
        log_id=row["log_id"],
        stages=tuple(_about(stage, epcs) for stage in alone.why.stages),
        observations=_heard(conn, alone.told.causes, alone.told.read_point),
        posted=(),
        versions=Versions(
            app=row["app"],
            reconciler=row["reconciler"],
            context=row["context"],
            model=models[0] if models else "",
        ),
    )


def _is_here(conn: Connection, row: RowMapping) -> bool:
    try:
        reach.check_read_point(conn, left_alone.pass_of(row).told.read_point)
    except OutOfReach:
        return False
    return True


# ---- the trace ---------------------------------------------------------------------------
def _traced(
    conn: Connection, log_id: int, of: set[str], epcs: Sequence[str]
) -> tuple[tuple[Stage, ...], Versions | None]:
    """The stages that were stored under a log entry for one of these ids, or for all of it."""
    trace = schema.trace
    row = conn.execute(select(trace).where(trace.c.log_id == log_id)).mappings().one_or_none()
    if row is None:
        return (), None
    every = _TRACES.decode(row["body"])
    about = [one for one in every if of & {*one.of}] or list(every)
    stages = tuple(_about(stage, epcs) for one in about for stage in one.stages)
    models = [str(stage.facts["model"]) for stage in stages if "model" in stage.facts]
    versions = Versions(
        app=row["app"],
        reconciler=row["reconciler"],
        context=row["context"],
        model=models[0] if models else "",
    )
    return stages, versions


def _about(stage: Stage, epcs: Sequence[str]) -> Stage:
    """A stage's table of tags cut down to these, where there are any to cut it to."""
    wanted = {*epcs}
    table: Any = stage.facts.get("rows")
    if not wanted or not isinstance(table, list):
        return stage
    kept = [row for row in table if row[0] in wanted]
    facts = stage.facts | {"rows": kept, "others": len(table) - len(kept)}
    return Stage(name=stage.name, facts=facts)


# ---- what became of it -------------------------------------------------------------------
def _posted_stage(posted: Posted) -> Stage:
    movement: Movement = posted.movement
    return Stage(
        name="posted",
        facts={
            "number": posted.seq,
            "at": posted.record_time.isoformat(),
            "movement": movement.id,
            "sku": movement.sku,
            "quantity": movement.quantity,
            "source": movement.source,
            "destination": movement.destination,
            "origin": movement.origin,
            "confidence": movement.confidence,
            "reason": movement.reason,
        },
    )


def _of_resolution(done: Resolution) -> dict[str, object]:
    return {
        "by": done.by,
        "at": done.at.isoformat(),
        "how": done.how,
        "says": done.says,
        "note": done.note,
    }


def _corrections(conn: Connection, ids: Sequence[str]) -> tuple[str, ...]:
    query = select(_movement.id).where(_movement.corrects.in_(ids)).order_by(_movement.seq)
    return tuple(conn.execute(query).scalars()) if ids else ()


def _heard(conn: Connection, causes: Iterable[Cause], read_point: object) -> tuple[Heard, ...]:
    return tuple(_stretch(conn, cause, read_point) for cause in causes)


def _stretch(conn: Connection, cause: Cause, read_point: object) -> Heard:
    query = select(_log.kind, func.count(), func.min(_log.log_id), func.max(_log.log_id)).where(
        _log.edge == cause.edge,
        _log.epoch == cause.epoch,
        _log.seq.between(cause.first_seq, cause.last_seq),
    )
    if isinstance(read_point, str):
        query = query.where(_log.read_point == read_point)
    found = conn.execute(query.group_by(_log.kind).order_by(_log.kind)).all()
    return Heard(
        edge=cause.edge,
        epoch=cause.epoch,
        first_seq=cause.first_seq,
        last_seq=cause.last_seq,
        first_log=min((row[2] for row in found), default=None),
        last_log=max((row[3] for row in found), default=None),
        kinds={row[0]: row[1] for row in found},
    )
