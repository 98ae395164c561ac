"""What of a report is drawn: bars of one column, of several columns, or of spans of days. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from central.reports.model import Report

__all__ = ["PLOTS", "Bar", "Plot", "bars"]

MOST_BARS = 20


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Bars of the sums of ``value`` by ``label``; or one bar for the sum of each of ``columns``; or
    ``span``: from the first of three days to the last, with a mark at the one between. A ``share``
    is shown in percent, and not added up.
    """

    title: str
    label: tuple[str, ...] = ("name",)
    value: str = ""
    columns: tuple[str, ...] = ()
    span: tuple[str, str, str] | None = None
    share: bool = False


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """``start`` and ``length`` in percent of the plot's width; ``mark`` is where a span's likeliest
    day is. ``words`` are the value as people read it where it is no number.
    """

    label: str
    value: float | None
    length: float
    start: float = 0.0
    mark: float | None = None
    words: str = ""


PLOTS: dict[str, Plot] = {
    "stock-levels": Plot(title="Most on hand, units", value="on_hand"),
    "days-of-stock": Plot(title="Shortest, days of stock", value="days_of_stock", share=False),
    "turnover": Plot(title="Turns a year", value="turns"),
    "ageing": Plot(
        title="On hand by age, units", columns=("to_30_days", "to_90_days", "to_180_days", "older")
    ),
    "expiry": Plot(title="On hand by lot, units", label=("name", "lot"), value="on_hand"),
    "fast-movers": Plot(title="Demand, units", value="demand"),
    "slow-movers": Plot(title="Idle, days", value="idle"),
    "shrinkage": Plot(title="Net loss, units", label=("by", "cause"), value="net"),
    "run-out": Plot(
        title="When it is gone, nine times of ten within the bar",
        span=("not_before", "runs_out", "not_after"),
    ),
    "fulfilment": Plot(
        title="On time and in full", label=("ordered_from",), value="on_time_in_full", share=True
    ),
    "picking-times": Plot(title="Picks an hour", label=("by", "zone"), value="lines_per_hour"),
    "picking-tasks": Plot(title="Picks an hour", label=("task", "by"), value="lines_per_hour"),
    "sensor-accuracy": Plot(
        title="Movements that nobody corrected", label=("read_point",), value="precision",
        share=True,
    ),
}  # fmt: skip


def bars(report: Report, rows: Sequence[Sequence[Any]]) -> list[Bar]:
    """What of these rows is drawn; nothing where there is nothing to draw."""
    plot = PLOTS.get(report.name)
    if plot is None:
        return []
    names = [one.name for one in report.columns]
    told = [dict(zip(names, row, strict=True)) for row in rows]
    if plot.columns:
        return _scaled([(one.replace("_", " "), _sum(told, one)) for one in plot.columns])
    if plot.span is not None:
        return _spans(plot, told)
    if plot.share:
        found = [(_label(plot, one), float(one[plot.value])) for one in told
                 if one[plot.value] is not None]  # fmt: skip
        return [
            Bar(label=label, value=value * 100, length=max(0.0, min(100.0, value * 100)))
            for label, value in found[:MOST_BARS]
        ]
    sums: dict[str, float] = {}
    for one in told:
        if one[plot.value] is not None:
            label = _label(plot, one)
            sums[label] = sums.get(label, 0.0) + float(one[plot.value])
    pairs = list(sums.items())
    if report.name != "days-of-stock":  # which says what is shortest first
        pairs.sort(key=lambda pair: -abs(pair[1]))
    return _scaled(pairs[:MOST_BARS])


def _scaled(pairs: Sequence[tuple[str, float]]) -> list[Bar]:
    most = max((abs(value) for _, value in pairs), default=0.0)
    if not most:
        return []
    return [
        Bar(label=label, value=value, length=round(100 * abs(value) / most, 2))
        for label, value in pairs
    ]


def _spans(plot: Plot, told: Sequence[Mapping[str, Any]]) -> list[Bar]:
    assert plot.span is not None, "a plot of spans"
    found = [(one, [_day(one[name]) for name in plot.span]) for one in told]
    whole = [(one, days) for one, days in found if days[0] and days[1]][:MOST_BARS]
    known = [day for _, days in whole for day in days if day is not None]
    if not known:
        return []
    first, last = min(known), max(known)
    width = max(1, (last - first).days)
    made = []
    for one, (early, likely, late) in whole:
        assert early is not None, "chosen so"
        assert likely is not None, "chosen so"
        start = 100 * (early - first).days / width
        end = 100 * ((late or last) - first).days / width
        mark = 100 * (likely - first).days / width
        words = f"{early} to {late}" if late else f"from {early} on"
        made.append(Bar(
            label=_label(plot, one), value=None, start=round(start, 2), mark=round(mark, 2),
            length=round(max(0.8, end - start), 2), words=f"{likely} ({words})",
        ))  # fmt: skip
    return made


def _day(said: object) -> date | None:
    if isinstance(said, str):
        return date.fromisoformat(said[:10])
    return said if isinstance(said, date) else None


def _label(plot: Plot, one: Mapping[str, Any]) -> str:
    return ", ".join(str(one[name]) for name in plot.label if one[name]) or "all"


def _sum(told: Sequence[Mapping[str, Any]], name: str) -> float:
    return sum(float(one[name] or 0) for one in told)
