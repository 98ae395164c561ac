"""Reports of what left: what moves fast, what does not, what was lost, and when it runs out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from central.reports.columns import CURRENCY, DEMAND, ITEM, ON_HAND, SITE, VALUE
from central.reports.forecast import HORIZON_DAYS, run_out
from central.reports.model import Column, Report

__all__ = ["REPORTS"]

_FAST = Report(
    name="fast-movers",
    title="Fast movers",
    means="What was asked for most in the period. Class A together makes four fifths of a "
    "warehouse's demand, B the next three twentieths, C the rest.",
    columns=(
        *ITEM, DEMAND,
        Column("lines", "integer", "movements", "how often something left"),
        Column("days_with_demand", "integer", "days", "of the warehouse's own calendar"),
        Column("share", "number", "", "of the warehouse's demand"),
        Column("class", "text", "", "A, B or C"),
    ),
    query="""
WITH moved AS (
    SELECT sku, site, sum(demand) AS gone, count(*) FILTER (demand > 0) AS lines,
        count(DISTINCT CASE WHEN demand > 0 THEN
            timezone(zone, timezone('UTC', make_timestamp(event_us)))::DATE END) AS days
    FROM flow WHERE event_us >= from_us AND event_us < until_us
    GROUP BY sku, site HAVING sum(demand) > 0
), ranked AS (
    SELECT *, gone / sum(gone) OVER (PARTITION BY site) AS share,
        sum(gone) OVER (PARTITION BY site ORDER BY gone DESC, sku) - gone AS before,
        sum(gone) OVER (PARTITION BY site) AS whole
    FROM moved
)
SELECT sku, i.name, i.category, site, gone, lines, days, share,
    CASE WHEN before < 0.8 * whole THEN 'A' WHEN before < 0.95 * whole THEN 'B' ELSE 'C' END
FROM ranked JOIN item i USING (sku) ORDER BY gone DESC, sku, site
""",
)  # fmt: skip
_SLOW = Report(
    name="slow-movers",
    title="Slow movers",
    means="What lies on hand and was asked for least in the period, the longest idle first.",
    columns=(
        *ITEM, ON_HAND, VALUE, CURRENCY, DEMAND,
        Column("last_demand", "moment", "UTC", "when something last left; none: never"),
        Column("idle", "number", "days", "since then, or since it first came"),
    ),
    days=90,
    query="""
SELECT sku, any_value(i.name), any_value(i.category), f.site,
    coalesce(sum(f.change) FILTER (f.event_us < f.until_us), 0) AS on_hand,
    on_hand * any_value(i.price_micros) / 1e6, any_value(i.currency),
    coalesce(sum(f.demand) FILTER (f.event_us >= f.from_us AND f.event_us < f.until_us), 0) AS gone,
    make_timestamp(max(f.event_us) FILTER (f.demand > 0 AND f.event_us < f.until_us)),
    (any_value(f.last_us) - coalesce(
        max(f.event_us) FILTER (f.demand > 0 AND f.event_us < f.until_us),
        min(f.event_us))) / 86400e6 AS idle
FROM flow f JOIN item i USING (sku) GROUP BY sku, f.site HAVING on_hand > 0
ORDER BY gone, idle DESC, sku, f.site
""",
)  # fmt: skip
_SHRINKAGE = Report(
    name="shrinkage",
    title="Shrinkage by cause",
    means="What went to and came from nowhere in the period: adjustments, scrap, and what sensors "
    "could not explain. The greatest net loss first.",
    columns=(
        SITE,
        Column("by", "text", "", "adjustment, scrap or unknown"),
        Column("cause", "text", "", "the reason that was given; empty: none"),
        Column("items", "integer", "items", "how many it was about"),
        Column("movements", "integer", "movements", "how many there were"),
        Column("lost", "integer", "units", "what left"),
        Column("found", "integer", "units", "what came"),
        Column("net", "integer", "units", "lost less found"),
        Column("value", "number", "currency", "of the net loss, at unit prices of today"),
        CURRENCY,
    ),
    query="""
SELECT f.site, f.other_kind, f.reason, count(DISTINCT f.sku), count(*),
    coalesce(sum(-f.change) FILTER (f.change < 0), 0),
    coalesce(sum(f.change) FILTER (f.change > 0), 0), sum(-f.change) AS net,
    sum(-f.change * i.price_micros) / 1e6 AS worth, i.currency
FROM flow f JOIN item i USING (sku)
WHERE f.other_kind IN ('adjustment', 'scrap', 'unknown')
    AND f.event_us >= f.from_us AND f.event_us < f.until_us
GROUP BY f.site, f.other_kind, f.reason, i.currency
ORDER BY worth DESC NULLS LAST, net DESC, f.site, f.other_kind, f.reason, i.currency
""",
)  # fmt: skip
_RUN_OUT_QUERY = """
WITH daily AS (
    SELECT sku, site, greatest(sum(demand), 0) AS gone FROM flow
    WHERE event_us >= from_us AND event_us < until_us
    GROUP BY sku, site, timezone(zone, timezone('UTC', make_timestamp(event_us)))::DATE
), asked AS (
    SELECT sku, site, sum(gone) AS total, sum(gone * gone) AS squares,
        count(*) FILTER (gone > 0) AS demands
    FROM daily GROUP BY sku, site
), level AS (
    SELECT sku, site, zone, from_us, until_us, stock_us, told_us, event_us, change,
        sum(change) OVER w AS level, lead(event_us) OVER w AS next_us
    FROM flow WINDOW w AS (PARTITION BY sku, site ORDER BY event_us, seq)
), stocked AS (
    SELECT sku, site, any_value(zone) AS zone, any_value(told_us) AS told_us,
        coalesce(sum(change) FILTER (event_us < stock_us), 0) AS on_hand,
        sum(greatest(0, least(coalesce(next_us, until_us), until_us) - greatest(event_us, from_us)))
            FILTER (level > 0) / 86400e6 AS days
    FROM level GROUP BY sku, site
)
SELECT sku, i.name, i.category, site, on_hand, coalesce(days, 0), coalesce(demands, 0),
    coalesce(total, 0), coalesce(squares, 0),
    timezone(zone, timezone('UTC', make_timestamp(told_us)))::DATE
FROM stocked LEFT JOIN asked USING (sku, site) JOIN item i USING (sku)
WHERE on_hand > 0 OR total > 0
ORDER BY CASE WHEN total > 0 THEN on_hand * days / total END NULLS LAST, sku, site
"""


def _forecast(row: Sequence[Any]) -> Sequence[Any]:
    *of, on_hand, days, demands, total, squares, today = row
    found = run_out(
        float(on_hand), days=float(days), demands=demands, total=float(total),
        squares=float(squares),
    )  # fmt: skip
    dates: tuple[date | None, ...] = (None, None, None)
    if found is not None:
        dates = tuple(_date(today, one) for one in (found.low, found.median, found.high))
    per_day = float(total) / float(days) if days else None
    return (*of, on_hand, days, demands, per_day, *dates, _said(found is not None, dates))


def _date(today: date, days: float | None) -> date | None:
    return None if days is None else today + timedelta(days=math.ceil(days))


def _said(told: bool, dates: Sequence[date | None]) -> str:
    if not told:
        return "too little history"
    return f"not within {HORIZON_DAYS:.0f} days" if dates[1] is None else ""


_RUN_OUT = Report(
    name="run-out",
    title="When stock runs out",
    means="The day on which what is on hand is gone if demand goes on as in the period and nothing "
    "comes, and the days between which it is with a probability of 90 %; the soonest first. The "
    "method and what it supposes: `central/reports/forecast.py`.",
    columns=(
        *ITEM,
        Column("on_hand", "integer", "units", "what is there now, or at the period's end"),
        Column("history", "number", "days", "of the period with stock on hand: the others say "
               "nothing of demand"),
        Column("days_with_demand", "integer", "days", "of the warehouse's own calendar"),
        Column("demand_per_day", "number", "units/day", "mean of the history"),
        Column("not_before", "date", "", "with 95 % probability"),
        Column("runs_out", "date", "", "as likely sooner as later"),
        Column("not_after", "date", "", "with 95 % probability"),
        Column("note", "text", "", "why there is no date"),
    ),
    days=90,
    whole_days=True,
    query=_RUN_OUT_QUERY,
    finish=_forecast,
)  # fmt: skip
REPORTS = (_FAST, _SLOW, _SHRINKAGE, _RUN_OUT)
