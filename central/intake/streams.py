"""An edge's streams: one per epoch of its journal, dense in sequence numbers, one alive at a time.

The newest epoch fences its elders: what central has of them is final. What an elder had
announced and never delivered (its own ``committed_seq``, or what the new epoch says that the
journal held before it) is counted as lost the moment it is fenced.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, text

from gateway.contract import Batch, Watermark

__all__ = [
    "Admission",
    "Begun",
    "Decision",
    "Stream",
    "admit",
    "advance",
    "begin",
    "load",
    "standing",
]

_ONE = text(
    "SELECT upto_seq, fenced, committed_seq FROM edge_stream WHERE edge = :edge AND epoch = :epoch"
)
_ADVANCE = text(
    "UPDATE edge_stream SET upto_seq = :upto, committed_seq = :committed, "
    "lost = lost + :lost, last_us = :now WHERE edge = :edge AND epoch = :epoch"
)


class Stream(NamedTuple):
    """What central has of ``(edge, epoch)``: everything up to ``upto_seq``, of ``committed_seq``
    that the edge is known to have kept. ``known`` is false until its first batch is taken.
    """

    epoch: str
    upto_seq: int = 0
    fenced: bool = False
    committed_seq: int = 0
    known: bool = False


class Decision(StrEnum):
    """What becomes of a batch."""

    TAKE = "take"
    REPEAT = "repeat"
    GAP = "gap"
    FENCED = "fenced"


class Admission(NamedTuple):
    """``skip`` observations of the batch are there already; ``lost`` were declared lost, or
    announced by a stream that is fenced.
    """

    decision: Decision
    upto_seq: int
    skip: int = 0
    lost: int = 0


def admit(stream: Stream, batch: Batch) -> Admission:
    """Decide on a batch. Pure.

    The batch continues the stream when what it begins with (after what the edge declares
    lost) is at most the next number. Everything of it up to the watermark is a repeat.
    """
    if stream.fenced:  # what it announces on top will never come: it is lost already
        more = max(0, batch.committed_seq - stream.committed_seq)
        return Admission(Decision.FENCED, stream.upto_seq, lost=more)
    expected = stream.upto_seq + 1
    last = batch.first_seq + len(batch.observations) - 1
    if batch.first_seq - batch.lost_before > expected:
        return Admission(Decision.GAP, stream.upto_seq)
    if last < expected:
        return Admission(Decision.REPEAT, stream.upto_seq)
    return Admission(
        Decision.TAKE,
        last,
        skip=max(0, expected - batch.first_seq),
        lost=max(0, batch.first_seq - expected),
    )


def load(conn: Connection, batch: Batch) -> Stream:
    """The stream of a batch as the database has it."""
    row = conn.execute(_ONE, {"edge": batch.edge, "epoch": batch.epoch}).one_or_none()
    if row is None:
        return Stream(batch.epoch)
    return Stream(batch.epoch, row[0], bool(row[1]), row[2], known=True)


def standing(conn: Connection) -> list[tuple[str, Watermark]]:
    """Site and watermark of every living stream."""
    rows = conn.execute(
        text("SELECT site, edge, epoch, upto_seq FROM edge_stream WHERE fenced = false"),
    )
    return [
        (row.site, Watermark(edge=row.edge, epoch=row.epoch, upto_seq=row.upto_seq)) for row in rows
    ]


def advance(
    conn: Connection, stream: Stream, batch: Batch, admission: Admission, record_us: int
) -> Stream:
    """Move a stream on by an admission; the watermark is what this transaction commits."""
    moved = stream._replace(
        upto_seq=admission.upto_seq,
        committed_seq=max(stream.committed_seq, batch.committed_seq, admission.upto_seq),
        known=True,
    )
    conn.execute(
        _ADVANCE,
        {
            "upto": moved.upto_seq,
            "committed": moved.committed_seq,
            "lost": admission.lost,
            "now": record_us,
            "edge": batch.edge,
            "epoch": batch.epoch,
        },
    )
    return moved


class Begun(NamedTuple):
    """What a new epoch tells of its elders: ``missing`` of theirs never came, ``forgotten`` came
    and are not on the edge's disk any more; ``anew`` says that it knows of no elder at all.
    """

    missing: int
    forgotten: int
    anew: bool


def begin(conn: Connection, site: str, batch: Batch, record_us: int) -> Begun:
    """Begin the stream of a new epoch and fence its elders."""
    fresh = {"edge": batch.edge, "site": site, "now": record_us}
    furthest, reached, lost_before = _elders(conn, batch)
    if batch.after_epoch:
        # Of an elder that central never met, everything is missing; one that is fenced already
        # will never deliver what it had on top.
        conn.execute(_INSERT, {**fresh, "epoch": batch.after_epoch})
        conn.execute(
            text(
                "UPDATE edge_stream SET committed_seq = :seq, "
                "lost = lost + CASE WHEN fenced THEN :seq - committed_seq ELSE 0 END "
                "WHERE edge = :edge AND epoch = :epoch AND committed_seq < :seq"
            ),
            {"edge": batch.edge, "epoch": batch.after_epoch, "seq": batch.after_seq},
        )
    conn.execute(
        text(
            "UPDATE edge_stream SET fenced = :yes, lost = lost + committed_seq - upto_seq "
            "WHERE edge = :edge AND fenced = :no"
        ),
        {"edge": batch.edge, "no": False, "yes": True},
    )
    missing = _elders(conn, batch)[2] - lost_before
    conn.execute(_INSERT, {**fresh, "epoch": batch.epoch})
    forgotten = max(0, reached - batch.after_seq) if batch.after_epoch else 0
    return Begun(missing, forgotten, anew=furthest > 0 and not batch.after_epoch)


def _elders(conn: Connection, batch: Batch) -> tuple[int, int, int]:
    """How far any elder had come, how far the one that the new epoch names, what all lost."""
    row = conn.execute(
        text(
            "SELECT coalesce(max(upto_seq), 0), "
            "coalesce(max(CASE WHEN epoch = :after THEN upto_seq END), 0), "
            "coalesce(sum(lost), 0) "
            "FROM edge_stream WHERE edge = :edge"
        ),
        {"edge": batch.edge, "after": batch.after_epoch},
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


_INSERT = text(
    "INSERT INTO edge_stream "
    "(edge, epoch, site, upto_seq, committed_seq, lost, fenced, first_us, last_us) "
    "VALUES (:edge, :epoch, :site, 0, 0, 0, false, :now, :now) "
    "ON CONFLICT (edge, epoch) DO NOTHING"
)
