"""How far everything has come along the road, from reads heard to movements posted."""

from __future__ import annotations

import threading

import msgspec
from sqlalchemy import Connection, func, select, text

from central import schema
from central.intake import quarantine
from central.judging.effective import judged_upto


class _Counted(msgspec.Struct, frozen=True, gc=False):
    """The numbers that an observation stands for; the rest of it is not looked at."""

    kind: str
    count: int = 0
    samples: int = 0


_DECODER = msgspec.json.Decoder(_Counted)
_TAGS = ("tag_sighting", "tag_resident")


_STARTS_SHOWN = 4
"""Of each edge, the living stream and the newest before it; the others as one sum."""
_STREAMS = text(
    "SELECT edge, shown, max(site) AS site, count(*) AS starts, sum(upto_seq) AS upto_seq, "
    "sum(committed_seq) AS committed_seq, sum(lost) AS lost, sum(living) AS living, "
    "max(last_us) AS last_us FROM ("
    "SELECT edge, site, upto_seq, committed_seq, lost, first_us, last_us, "
    "CASE WHEN fenced THEN 0 ELSE 1 END AS living, "
    "CASE WHEN row_number() OVER (PARTITION BY edge ORDER BY fenced, first_us DESC, epoch) "
    "<= :starts THEN epoch ELSE '' END AS shown FROM edge_stream) AS streams "
    "GROUP BY edge, shown ORDER BY edge, shown <> '', max(first_us)"
)
_ALARMS_SHOWN = 100


def _streams(connection: Connection) -> list[dict[str, object]]:
    """What central has of each edge, oldest first. Every start of an edge is a stream of its
    own; ``starts`` of them, too old to be told one by one, are added up without an ``epoch``.
    """
    return [
        {
            "edge": row.edge,
            "epoch": row.shown,
            "site": row.site,
            "starts": row.starts,
            "upto_seq": int(row.upto_seq),
            "committed_seq": int(row.committed_seq),
            "lost": int(row.lost),
            "fenced": not row.living,
            "last_us": row.last_us,
        }
        for row in connection.execute(_STREAMS, {"starts": _STARTS_SHOWN})
    ]


def _alarms(connection: Connection) -> list[dict[str, object]]:
    """What edges that are there complain of: a journal that fills up."""
    presence = schema.edge_presence.c
    complaining = (presence.state == "online") & (presence.reason != "")
    found = select(schema.edge_presence).where(complaining).order_by(presence.since_us)
    return [
        {"edge": row.edge, "online_since_us": row.since_us, "alarm": row.reason}
        for row in connection.execute(found.limit(_ALARMS_SHOWN))
    ]


def _workers(connection: Connection) -> list[dict[str, object]]:
    """The central processes that share the database, and how many partitions each holds; none
    where one works alone.
    """
    worker, held = schema.worker.c, schema.partition.c
    found = (
        select(worker.name, worker.started_us, worker.expires_us, func.count(held.no).label("held"))
        .select_from(schema.worker.outerjoin(schema.partition, held.worker == worker.name))
        .group_by(worker.name, worker.started_us, worker.expires_us)
        .order_by(worker.name)
    )
    return [
        {
            "worker": row.name,
            "partitions": row.held,
            "started_us": row.started_us,
            "expires_us": row.expires_us,
        }
        for row in connection.execute(found)
    ]


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
            "edges": _streams(connection),
            "alarms": _alarms(connection),
            "workers": _workers(connection),
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
