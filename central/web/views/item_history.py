"""What was on hand of an item over the last days, and what will be if demand goes on so.

The past is the balance of now with the movements taken back; so it costs the item's movements of
that time and nothing else. What is demand, and the forecast, are those of the report ``run-out``
(``central.reports``), here of all places within reach together and by UTC days.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
from sqlalchemy import Connection, case, select

from central import schema
from central.access import reach
from central.reports.forecast import HORIZON_DAYS, RunOut, left, run_out
from central.stock import queries

__all__ = ["DAYS", "History", "Step", "history", "of_steps"]

DAYS = 90
_DAY_US = 86_400_000_000
_POINTS = 60
_LONGEST_DAYS = 120.0
_MOST_STEPS = 20_000
_ASKED_OF = ("customer", "transit")
_moved, _place = schema.movement.c, schema.location.c


class Step(msgspec.Struct, frozen=True):
    """At ``at_us`` so many units more (less) were on hand, ``demand`` of them asked for."""

    at_us: int
    change: int
    demand: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds since 1970 and units: what was on hand from then on, and what is expected
    (``least`` to ``most`` with 90 % probability). ``runs_out``: seconds since 1970.
    """

    times_s: list[float]
    on_hand: list[int]
    ahead_s: list[float] = []
    least: list[float] = []
    median: list[float] = []
    most: list[float] = []
    not_before_s: float | None = None
    runs_out_s: float | None = None
    not_after_s: float | None = None
    per_day: float | None = None
    note: str = ""


def history(connection: Connection, sku: str, *, now_us: int) -> History:
    """Of the last ``DAYS`` days. Raises ``NotFound`` for no item by way of its caller."""
    held = queries.stock_of(connection, sku, virtual=False)
    since_us = (now_us // _DAY_US - DAYS) * _DAY_US
    steps = _steps(connection, sku, since_us)
    return of_steps(sum(one.on_hand for one in held), steps, since_us=since_us, now_us=now_us)


def _steps(connection: Connection, sku: str, since_us: int) -> list[Step]:
    """Movements that crossed the edge of what is ours and within reach, oldest first."""
    granted = reach.within(_place.code)
    ours = select(_place.code).where(_place.kind == "internal")
    ours = ours if granted is None else ours.where(granted)
    source, destination = schema.location.alias("source"), schema.location.alias("destination")
    comes, goes = _moved.destination.in_(ours), _moved.source.in_(ours)
    asked = case((_moved.corrects.is_(None), destination.c.kind), else_=source.c.kind)
    query = (
        select(_moved.event_us, comes.label("comes"), goes.label("goes"), _moved.quantity, asked,
               _moved.corrects)
        .join(source, source.c.code == _moved.source)
        .join(destination, destination.c.code == _moved.destination)
        .where(_moved.sku == sku, _moved.event_us >= since_us, comes != goes)
        .order_by(_moved.event_us.desc()).limit(_MOST_STEPS)
    )  # fmt: skip
    found = []
    for at_us, came, _goes, quantity, kind, corrects in connection.execute(query):
        change = quantity if came else -quantity
        towards = kind in {*_ASKED_OF, "internal"}
        demand = -change if towards and (corrects is None) == (change < 0) else 0
        found.append(Step(at_us, change, demand))
    return found[::-1]


def of_steps(on_hand: int, steps: list[Step], *, since_us: int, now_us: int) -> History:
    """The course that leads to ``on_hand`` now, and on. Pure."""
    level = on_hand - sum(one.change for one in steps)
    # What came first within these days was not there before: nothing is drawn of that.
    begin_us = steps[0].at_us if steps and not level else since_us
    times, levels = [max(begin_us, 0)], [level]
    for one in steps:
        level += one.change
        times.append(max(min(one.at_us, now_us), times[-1]))
        levels.append(level)
    times.append(now_us)
    levels.append(on_hand)
    past = History(times_s=[at / 1e6 for at in times], on_hand=levels)
    return _ahead(past, on_hand, steps, since_us=since_us, now_us=now_us)


def _ahead(
    past: History, on_hand: int, steps: list[Step], *, since_us: int, now_us: int
) -> History:
    until_us = now_us // _DAY_US * _DAY_US
    gone: dict[int, int] = {}
    for one in steps:
        if one.at_us < until_us:
            gone[one.at_us // _DAY_US] = gone.get(one.at_us // _DAY_US, 0) + one.demand
    days = _stocked_days(past, since_us, until_us)
    asked = [max(units, 0) for units in gone.values()]
    total, squares = float(sum(asked)), float(sum(units * units for units in asked))
    demands = sum(units > 0 for units in asked)
    found = run_out(on_hand, days=days, demands=demands, total=total, squares=squares)
    if on_hand <= 0:
        return past
    if found is None:
        return msgspec.structs.replace(past, note="Too little history for a forecast.")
    upto = min(_LONGEST_DAYS, found.high or HORIZON_DAYS)
    ahead = [upto * step / _POINTS for step in range(_POINTS + 1)]
    curves = [left(on_hand, day, days=days, total=total, squares=squares) if day else
              (on_hand, on_hand, on_hand) for day in ahead]  # fmt: skip
    least, median, most = (list(map(float, curve)) for curve in zip(*curves, strict=True))
    return msgspec.structs.replace(
        past, ahead_s=[now_us / 1e6 + day * 86_400 for day in ahead], least=least, median=median,
        most=most, per_day=total / days, **_moments(found, now_us),
        note="" if found.median is not None else f"Not within {HORIZON_DAYS:.0f} days.",
    )  # fmt: skip


def _moments(found: RunOut, now_us: int) -> dict[str, float | None]:
    named = {"not_before_s": found.low, "runs_out_s": found.median, "not_after_s": found.high}
    return {
        name: None if day is None else now_us / 1e6 + day * 86_400 for name, day in named.items()
    }


def _stocked_days(past: History, since_us: int, until_us: int) -> float:
    """Days with anything on hand: the others say nothing of demand."""
    found = 0.0
    pairs = pairwise(past.times_s)
    for (begin, end), level in zip(pairs, past.on_hand, strict=False):
        inside = min(end, until_us / 1e6) - max(begin, since_us / 1e6)
        found += max(0.0, inside) if level > 0 else 0.0
    return found / 86_400
