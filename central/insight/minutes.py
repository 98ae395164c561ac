"""What each minute of a feed came to, kept beside the points in the embedded store.

A chart of a month reads 43,200 minutes instead of 2.6 million seconds, and minutes are kept for
longer than points. Minutes up to ``state.rolled_us`` are here; the newest are still only points.
A point that comes later than that brings its minute up to date in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import duckdb

from central.insight.windows import MINUTE_US, Window

TABLES = """
CREATE TABLE IF NOT EXISTS minute (
    feed INTEGER, field VARCHAR, time_us BIGINT,
    low DOUBLE, high DOUBLE, total DOUBLE, count BIGINT, last DOUBLE);
CREATE TABLE IF NOT EXISTS state (rolled_us BIGINT, pruned_us BIGINT);
"""
_SETTLES_US = 2 * MINUTE_US
"""So long after its end a minute is written down; what comes later is late."""
_WORTH_US = 10 * MINUTE_US
_AT_ONCE_US = 1_440 * MINUTE_US
"""A day at a time, so that an old file is caught up with without stopping the world."""
_ONCE = """
    SELECT feed, field, time_us, arg_max(value, rowid) AS value FROM point
    WHERE time_us >= $low AND time_us < $high {more} GROUP BY feed, field, time_us"""
_MINUTES = """
    INSERT INTO minute SELECT feed, field, time_us // $minute * $minute AS since,
    min(value), max(value), sum(value), count(*), arg_max(value, time_us)
    FROM ({once}) GROUP BY feed, field, since ORDER BY since, feed, field"""
_LATE = """AND (feed, field, time_us // $minute * $minute) IN (
    SELECT unnest($feeds), unnest($fields), unnest($minutes))"""
_COLUMNS = "min(low), max(high), sum(total), sum(count)::BIGINT, arg_max(last, time_us)"
_RAW = """SELECT time_us, value AS low, value AS high, value AS total, 1 AS count, value AS last
    FROM (SELECT time_us, arg_max(value, rowid) AS value FROM point
          WHERE feed = $feed AND field = $field AND time_us >= $raw AND time_us < $to
          GROUP BY time_us)"""
_KEPT = """SELECT time_us, low, high, total, count, last FROM minute
    WHERE feed = $feed AND field = $field AND time_us >= $from AND time_us < $raw"""

Row = tuple[int, str, int, float]
"""Feed, field, time and value."""
Connection = duckdb.DuckDBPyConnection


class State(NamedTuple):
    """Minutes before ``rolled_us`` are written down, points before ``pruned_us`` are gone."""

    rolled_us: int
    pruned_us: int


def state(connection: Connection) -> State:
    """How far it came; a file without minutes begins with its first point."""
    row = connection.execute("SELECT rolled_us, pruned_us FROM state").fetchone()
    if row is None:
        connection.execute("INSERT INTO state VALUES (0, 0)")
        return State(0, 0)
    return State(*row)


def bring_up(connection: Connection, rows: Iterable[Row], known: State) -> None:
    """Points were written: mend the minutes that they came too late for. Part of a transaction."""
    late = {
        (feed, field, at // MINUTE_US * MINUTE_US)
        for feed, field, at, _ in rows
        if known.pruned_us <= at < known.rolled_us
    }
    if not late:
        return
    feeds, fields, minutes = (list(column) for column in zip(*late, strict=True))
    named = {"feeds": feeds, "fields": fields, "minutes": minutes}
    connection.execute(
        "DELETE FROM minute WHERE (feed, field, time_us) IN "
        "(SELECT unnest($feeds), unnest($fields), unnest($minutes))",
        named,
    )
    values = {"low": min(minutes), "high": max(minutes) + MINUTE_US, "minute": MINUTE_US}
    connection.execute(_MINUTES.format(once=_ONCE.format(more=_LATE)), {**values, **named})


def roll(connection: Connection, known: State, now_us: int) -> State:
    """Write down what came to rest, a day at most. A transaction of its own."""
    upto = (now_us - _SETTLES_US) // MINUTE_US * MINUTE_US
    if upto - known.rolled_us < _WORTH_US:
        return known
    first = connection.execute(
        "SELECT min(time_us) FROM point WHERE time_us >= $1", [known.rolled_us]
    ).fetchone()
    assert first is not None, "an aggregate has a row"
    if first[0] is None or first[0] >= upto:
        return known
    low = max(known.rolled_us, first[0] // MINUTE_US * MINUTE_US)
    high = min(low + _AT_ONCE_US, upto)
    connection.begin()
    try:
        values = {"low": low, "high": high, "minute": MINUTE_US}
        connection.execute(_MINUTES.format(once=_ONCE.format(more="")), values)
        connection.execute("UPDATE state SET rolled_us = $1", [high])
        connection.commit()
    except duckdb.Error:
        connection.rollback()
        raise
    return known._replace(rolled_us=high)


def buckets(
    connection: Connection, feed: int, field: str, asked: Window, known: State
) -> list[tuple[int, float, float, float, int, float]]:
    """Each stretch's time, least, greatest, sum, number and last. Whole minutes are taken from
    what is written down; a window in other stretches is read from the points alone.
    """
    by_minutes = asked.stretch_us % MINUTE_US == 0
    raw = max(asked.from_us, min(known.rolled_us, asked.to_us)) if by_minutes else asked.from_us
    values: Mapping[str, object] = {
        "feed": feed, "field": field, "stretch": asked.stretch_us,
        "from": asked.from_us, "raw": raw, "to": asked.to_us,
    }  # fmt: skip
    source = f"{_RAW} UNION ALL {_KEPT}" if raw > asked.from_us else _RAW
    text = (
        f"SELECT time_us // $stretch * $stretch AS since, {_COLUMNS} FROM ({source}) "  # noqa: S608 (fixed texts)
        "GROUP BY since ORDER BY since"
    )
    names = [name for name in values if f"${name}" in text]
    return connection.execute(text, {name: values[name] for name in names}).fetchall()


def newest(
    connection: Connection, feed: int, field: str, before_us: int, known: State
) -> tuple[int, float] | None:
    """The last point before a time, exact to the microsecond where points are kept. What was
    measured lately is found without looking through all of it: rows lie in the order of time.
    """
    raw = min(known.rolled_us, before_us // MINUTE_US * MINUTE_US)
    for back_us in (_AT_ONCE_US, 30 * _AT_ONCE_US, raw):
        row = connection.execute(
            "SELECT max(moment), arg_max(value, (moment, nth)) FROM ("
            "SELECT time_us AS moment, rowid AS nth, value FROM point WHERE feed = $feed "
            "AND field = $field AND time_us >= $raw AND time_us < $before UNION ALL "
            "SELECT time_us, 0, last FROM minute WHERE feed = $feed AND field = $field "
            "AND time_us >= $low AND time_us < $raw)",
            {
                "feed": feed, "field": field, "raw": raw, "low": raw - back_us,
                "before": before_us,
            },
        ).fetchone()  # fmt: skip
        assert row is not None, "an aggregate has a row"
        if row[0] is not None:
            return row[0], row[1]
    return None


def began(connection: Connection, feed: int, field: str) -> int | None:
    """The first time that is kept, whole minutes where points are gone."""
    row = connection.execute(
        "SELECT (SELECT min(time_us) FROM point WHERE feed = $1 AND field = $2), "
        "(SELECT min(time_us) FROM minute WHERE feed = $1 AND field = $2)",
        [feed, field],
    ).fetchone()
    assert row is not None, "a query of two values has a row"
    point_us, minute_us = row
    gone = minute_us is not None and (point_us is None or point_us >= minute_us + MINUTE_US)
    first = minute_us if gone else point_us
    return None if first is None else int(first)
