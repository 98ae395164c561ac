"""Who is there, as edges and the broker say it: one row an edge."""

from __future__ import annotations

from sqlalchemy import Connection, text

from central.database.bulk import storable
from central.database.moments import to_us
from gateway.contract import Presence


def keep(conn: Connection, told: Presence) -> None:
    """The newest word of an edge replaces what it said before."""
    conn.execute(
        text(
            "INSERT INTO edge_presence (edge, state, since_us, version, reason) "
            "VALUES (:edge, :state, :since, :version, :reason) ON CONFLICT (edge) DO UPDATE SET "
            "state = excluded.state, since_us = excluded.since_us, "
            "version = excluded.version, reason = excluded.reason"
        ),
        {
            "edge": told.edge,
            "state": storable(told.state),
            "since": to_us(told.since),
            "version": storable(told.version),
            "reason": storable(told.reason),
        },
    )
