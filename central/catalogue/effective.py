"""From which place in the observation log on a change to what judging knows is in force.

A change made while judging stands at log entry ``n`` holds from ``n + 1`` on, whatever the
clock says: so a replay judges every entry with exactly what was known when it was judged.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from central import schema

JUDGE = "judge"
"""The name of judging's cursor."""


def judged_upto(conn: Connection) -> int:
    """The last log entry that was judged; 0 before the first."""
    position = conn.execute(
        select(schema.cursor.c.position).where(schema.cursor.c.name == JUDGE)
    ).scalar()
    return int(position or 0)


def next_log_id(conn: Connection) -> int:
    """The first log entry that a change made now applies to."""
    return judged_upto(conn) + 1
