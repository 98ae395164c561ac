"""From which place in the observation log on a change to what judging knows is in force.

A change made while judging stands at log entry ``n`` holds from ``n + 1`` on, whatever the
clock says: so a replay judges every entry with exactly what was known when it was judged.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from central import schema


def judged_upto(conn: Connection) -> int:
    """The log entry up to which everything was judged; 0 before the first."""
    return int(conn.execute(select(func.min(schema.partition.c.position))).scalar() or 0)


def next_log_id(conn: Connection) -> int:
    """The first log entry that a change made now applies to: behind all that was judged for
    any partition.
    """
    return int(conn.execute(select(func.max(schema.partition.c.position))).scalar() or 0) + 1
