"""How far everything has come along the road, from reads heard to movements posted."""

from __future__ import annotations

import threading

import msgspec
from sqlalchemy import Connection, func, select

from central import quarantine, schema
from central.catalogue.effective import judged_upto


class _Counted(msgspec.Struct, frozen=True, gc=False):
    """The numbers that an observation stands for; the rest of it is not looked at."""

    kind: str
    count: int = 0
    samples: int = 0


_DECODER = msgspec.json.Decoder(_Counted)
_TAGS = ("tag_sighting", "tag_resident")


class Road:
    """Counts along the log, adding only what is new since it was last asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._position = 0
        self._reads = 0
        self._heard = 0

    def counts(self, connection: Connection) -> dict[str, object]:
        """The whole road as of one snapshot."""
        with self._lock:
            log_head = self._catch_up(connection)
            reads, heard = self._reads, self._heard
        stream = schema.edge_stream.c
        edges = [
            {
                "edge": row.edge,
                "epoch": row.epoch,
                "site": row.site,
                "upto_seq": row.upto_seq,
                "committed_seq": row.committed_seq,
                "lost": row.lost,
                "fenced": bool(row.fenced),
                "last_us": row.last_us,
            }
            for row in connection.execute(
                select(schema.edge_stream).order_by(stream.edge, stream.first_us)
            )
        ]
        aside = quarantine.standing(connection)
        waiting = select(func.count()).select_from(schema.review)
        waiting = waiting.where(schema.review.c.status == "open")
        return {
            "heard": heard,
            "reads": reads,
            "observations": log_head,
            "movements": connection.execute(select(func.max(schema.movement.c.seq))).scalar() or 0,
            "reviews_open": connection.execute(waiting).scalar_one(),
            "quarantined": aside.rows,
            "quarantined_times": aside.times,
            "quarantine_gone": aside.gone,
            "judge_lag": max(0, log_head - judged_upto(connection)),
            "edges": edges,
        }

    def _catch_up(self, connection: Connection) -> int:
        """Add the observations behind ``_position``; the log is dense, its head its length."""
        log = schema.observation.c
        head = connection.execute(select(func.max(log.log_id))).scalar() or 0
        if head > self._position:
            fresh = select(log.body).where(log.log_id > self._position, log.log_id <= head)
            for body in connection.execute(fresh).scalars():
                counted = _DECODER.decode(body)
                if counted.kind in _TAGS:
                    self._reads += counted.count
                    self._heard += counted.count
                elif counted.kind == "weight_settled":
                    self._heard += counted.samples
                elif counted.kind == "code_scanned":
                    self._heard += 1
            self._position = head
        return self._position
