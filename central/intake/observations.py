"""The observation log: what edges observed, in the order in which central committed it.

Append-only. ``log_id`` is dense and orders all edges' observations; the devices' present
state is a projection that is brought up to date in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec
from sqlalchemy import Connection, text

from central.database.bulk import BulkInsert, storable
from central.database.moments import to_us
from central.intake.partitions import ALL, partition_of
from central.reconcile.verdict import Logged
from gateway.contract import DeviceDescribed, DeviceHealth, Observation

__all__ = ["Arrived", "append", "heard", "read_log", "read_share"]

_INSERT = BulkInsert(
    "observation",
    (
        ("log_id", "bigint"),
        ("edge", "text"),
        ("epoch", "text"),
        ("seq", "bigint"),
        ("kind", "text"),
        ("device", "text"),
        ("read_point", "text"),
        ("event_us", "bigint"),
        ("record_us", "bigint"),
        ("body", "text"),
    ),
)
_SEEN = BulkInsert(
    "device",
    (("edge", "text"), ("device", "text"), ("read_point", "text"), ("last_us", "bigint")),
    "ON CONFLICT (edge, device) DO UPDATE SET "
    "read_point = excluded.read_point, last_us = excluded.last_us",
)
_HEALTH = text(
    "UPDATE device SET state = :state, cause = :cause, hint = :hint, counters = :counters, "
    "health_us = :at, state_us = CASE WHEN state = :state THEN state_us ELSE :at END "
    "WHERE edge = :edge AND device = :device"
)
_DESCRIBED = text(
    "UPDATE device SET driver = :driver, model = :model, description = :description "
    "WHERE edge = :edge AND device = :device"
)
_READ = text(
    "SELECT log_id, edge, epoch, seq, read_point, body FROM observation "
    "WHERE log_id > :after AND log_id <= :upto ORDER BY log_id LIMIT :limit"
)
_HEARD = text(
    "SELECT log_id, edge, epoch, seq, body FROM observation WHERE log_id > :after "
    "AND log_id <= :upto AND read_point = :read_point ORDER BY log_id LIMIT :limit"
)
_HEAD = text("SELECT coalesce(max(log_id), 0) FROM observation")
_PAGE = 2_000
_END = 2**62
_encoder = msgspec.json.Encoder()
_decode: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)


class Arrived(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An observation that was admitted, and its place in its edge's journal."""

    edge: str
    epoch: str
    seq: int
    observation: Observation


def append(conn: Connection, arrived: Sequence[Arrived], record_us: int) -> None:
    """Put observations at the end of the log, in order."""
    if not arrived:
        return
    head = conn.execute(_HEAD).scalar_one()
    _INSERT.run(
        conn,
        [
            (
                log_id,
                one.edge,
                one.epoch,
                one.seq,
                one.observation.__struct_config__.tag,
                one.observation.device,
                one.observation.read_point,
                to_us(one.observation.event_time),
                record_us,
                _encoder.encode(one.observation).decode(),
            )
            for log_id, one in enumerate(arrived, start=int(head) + 1)
        ],
    )
    _project(conn, arrived, record_us)


def read_log(conn: Connection, after: int, limit: int) -> list[Logged]:
    """The next observations after log entry ``after``."""
    return read_share(conn, after, limit, ALL)[0]


def read_share(
    conn: Connection, after: int, limit: int, partitions: Collection[int], upto: int = _END
) -> tuple[list[Logged], int]:
    """Those of the next ``limit`` entries after ``after`` (and up to ``upto``) whose read points
    belong to ``partitions``, and how far the log was read for them.
    """
    rows = conn.execute(_READ, {"after": after, "limit": limit, "upto": upto}).all()
    every = len(partitions) == len(ALL)
    logged = [
        Logged(row[0], row[1], row[2], row[3], _decode.decode(row[5]))
        for row in rows
        if every or partition_of(row[4]) in partitions
    ]
    return logged, rows[-1][0] if rows else after


def heard(conn: Connection, read_point: str, first: int, last: int) -> Iterator[Logged]:
    """A read point's observations from log entry ``first`` to ``last``, in order."""
    after = first - 1
    keys = {"upto": last, "read_point": read_point, "limit": _PAGE}
    while rows := conn.execute(_HEARD, {"after": after} | keys).all():
        for row in rows:
            yield Logged(row[0], row[1], row[2], row[3], _decode.decode(row[4]))
        after = rows[-1][0]


def _project(conn: Connection, arrived: Sequence[Arrived], record_us: int) -> None:
    seen = {
        (one.edge, one.observation.device): (one.observation.read_point, record_us)
        for one in arrived
    }
    _SEEN.run(conn, [(*key, *value) for key, value in sorted(seen.items())])
    for one in arrived:
        told = one.observation
        key = {"edge": one.edge, "device": told.device}
        if isinstance(told, DeviceHealth):
            conn.execute(
                _HEALTH,
                {
                    **key,
                    "state": storable(told.state),
                    "cause": storable(told.cause),
                    "hint": storable(told.hint),
                    "counters": _encoder.encode(told.counters).decode(),
                    "at": to_us(told.event_time),
                },
            )
        elif isinstance(told, DeviceDescribed):
            conn.execute(
                _DESCRIBED,
                {
                    **key,
                    "driver": storable(told.driver),
                    "model": storable(told.model),
                    "description": _encoder.encode(told).decode(),
                },
            )
