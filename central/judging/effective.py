"""From which place in the observation log on a change to what judging knows is in force.

A change made while judging stands at log entry ``n`` holds from ``n + 1`` on, whatever the
clock says: so a replay judges every entry with exactly what was known when it was judged.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_LEAST = text("SELECT coalesce(min(position), 0) FROM partition")
_MOST = text("SELECT coalesce(max(position), 0) FROM partition")


def judged_upto(conn: Connection) -> int:
    """The log entry up to which everything was judged; 0 before the first."""
    return int(conn.execute(_LEAST).scalar_one())


def next_log_id(conn: Connection) -> int:
    """The first log entry that a change made now applies to: behind all that was judged for
    any partition.
    """
    return int(conn.execute(_MOST).scalar_one()) + 1
