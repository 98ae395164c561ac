"""How fast goods are picked: by picker and zone, and task by task.

Nobody says when he begins: what is known is when each pick was confirmed. So a line's time is the
time since the one before of the same task and picker; the first of them has none. Longer than
``PAUSE_S`` is a pause, and no work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection

from central.database.moments import from_us
from central.orders import facts, route
from central.orders.facts import PickFact
from central.reports.around import Around, share_of
from central.reports.model import Asked, Column, Report

__all__ = ["PAUSE_S", "REPORTS"]

PAUSE_S = 900.0
"""Longer between two picks of a task is a pause."""
_SECOND_US = 1e6


class _Work(msgspec.Struct):
    """What some picks came to."""

    tasks: set[str] = set()
    lines: int = 0
    units: int = 0
    short: int = 0
    took_s: list[float] = []

    def add(self, one: PickFact, took_s: float | None) -> None:
        """Count a pick, and how long it took, if that is known."""
        self.tasks.add(one.task)
        self.lines += 1
        self.units += one.picked
        self.short += one.picked < one.quantity
        if took_s is not None:
            self.took_s.append(took_s)

    def row(self) -> Sequence[Any]:
        """The figures that both reports have."""
        took = sorted(self.took_s)
        hours = sum(took) / 3_600
        return (
            self.lines, self.units, self.short, hours,
            len(took) / hours if hours else None, share_of(took, 0.5), share_of(took, 0.95),
        )  # fmt: skip


def _picks(around: Around, found: Iterable[PickFact]) -> Iterator[list[PickFact]]:
    """Those that are asked for, each picker's of each task by themselves, in their order."""
    asked = (one for one in found if around.counts(one.location, one.done_us))
    for _whose, each in groupby(asked, key=lambda one: (one.task, one.by)):
        yield list(each)


def _timed(picks: Sequence[PickFact]) -> Iterator[tuple[PickFact, float | None]]:
    before: PickFact | None = None
    for one in picks:
        took_s = None if before is None else (one.done_us - before.done_us) / _SECOND_US
        yield one, None if took_s is None or took_s > PAUSE_S else took_s
        before = one


def _by_picker(conn: Connection, asked: Asked, now: datetime) -> Iterable[Sequence[Any]]:
    around = Around(conn, _TIMES, asked, now)
    work: defaultdict[tuple[str, str, str], _Work] = defaultdict(_Work)
    for picks in _picks(around, facts.picks_done(conn, around.wanted())):
        for one, took_s in _timed(picks):
            site = around.path(one.location)[0]
            work[site, around.district(one.location), one.by].add(one, took_s)
    return [(*key, len(work[key].tasks), *work[key].row()) for key in sorted(work)]


def _by_task(conn: Connection, asked: Asked, now: datetime) -> Iterable[Sequence[Any]]:
    around = Around(conn, _TASKS, asked, now)
    walks: dict[str, dict[str, int]] = {}
    rows = []
    for picks in _picks(around, facts.picks_done(conn, around.wanted())):
        work = _Work()
        for one, took_s in _timed(picks):
            work.add(one, took_s)
        first, last = picks[0], picks[-1]
        site = around.path(first.location)[0]
        if site not in walks:
            paths = around.paths_of(site)
            walks[site] = {code: no for no, code in enumerate(route.walked(paths, paths))}
        at = [walks[site][one.location] for one in picks if one.location in walks[site]]
        went = sum(abs(after - before) for before, after in pairwise(at))
        rows.append(
            (
                first.task, first.wave, site, first.by, _moment(first.done_us),
                _moment(last.done_us), *work.row(), len(set(at)), went, max(at) - min(at),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row[4], row[0], row[3]))


def _moment(at_us: int) -> datetime:
    return from_us(at_us).replace(tzinfo=None)


_BY = Column("by", "text", "", "who confirmed the picks; empty: nobody was named")
_FIGURES = (
    Column("lines", "integer", "picks", "confirmed; each a line's goods of one lot at one place"),
    Column("units", "integer", "units", "that were brought"),
    Column("short", "integer", "picks", "of which less was brought than asked"),
    Column("hours", "number", "h", "between picks that followed each other, without pauses"),
    Column("lines_per_hour", "number", "picks/h", "of those whose time is known"),
    Column("line_p50", "number", "s", "since the pick before, half of them"),
    Column("line_p95", "number", "s", "the same, 95 % of them"),
)
_NOTE = (
    f"A pick's time is that since the one before of the same task and picker; longer than "
    f"{PAUSE_S / 60:.0f} minutes is a pause, and the first of a task has none. Picks from before "
    "their time was kept are left out."
)
_TIMES = Report(
    name="picking-times",
    title="Picking times",
    means=f"How fast was picked in the period, by picker and zone. {_NOTE}",
    columns=(
        Column("warehouse", "text", "", "the root of the location's tree"),
        Column("zone", "text", "", "the nearest place around the goods of the type zone, else what "
               "lies next below the root"),
        _BY,
        Column("tasks", "integer", "tasks", "that these picks are of"),
        *_FIGURES,
    ),
    gather=_by_picker,
)  # fmt: skip
_TASKS = Report(
    name="picking-tasks",
    title="Picking, task by task",
    means="What each picker brought of each picking task in the period, how long it took, and the "
    f"way that was walked, in places of the warehouse's one walk (`docs/orders.md`). {_NOTE}",
    columns=(
        Column("task", "text", "", "the picking task"),
        Column("wave", "text", "", "its wave"),
        Column("warehouse", "text", "", "the root of the location's tree"),
        _BY,
        Column("first", "moment", "UTC", "when the first pick was confirmed"),
        Column("last", "moment", "UTC", "when the last one was"),
        *_FIGURES,
        Column("stops", "integer", "places", "that goods were taken from"),
        Column("way", "integer", "places", "passed from the first stop to the last, in the order "
               "in which picks were confirmed"),
        Column("shortest_way", "integer", "places", "the same stops in the order of the walk"),
    ),
    gather=_by_task,
)  # fmt: skip
REPORTS = (_TIMES, _TASKS)
