"""Reports of what is there: levels, days of stock, turnover, age."""

from __future__ import annotations

from central.reports.columns import (
    CATEGORY,
    CURRENCY,
    DEMAND,
    ITEM,
    LOCATION,
    LOT,
    NAME,
    ON_HAND,
    SITE,
    SKU,
    STATUS,
    UNIT,
    VALUE,
)  # fmt: skip
from central.reports.model import Column, Report

__all__ = ["REPORTS"]

_LEVELS = Report(
    name="stock-levels",
    title="Stock levels",
    means="What is on hand at the end of the last day asked (now, without one), by item, location, "
    "lot and status.",
    columns=(
        SKU, NAME, CATEGORY, SITE, LOCATION, LOT, STATUS, ON_HAND, UNIT,
        Column("unit_price", "number", "currency", "of today"),
        VALUE, CURRENCY,
        Column("last_moved", "moment", "UTC", "when something last came or left"),
    ),
    query="""
SELECT sku, any_value(i.name), any_value(i.category), f.site, f.location, f.lot,
    f.status, sum(f.change) AS on_hand, any_value(i.unit), any_value(i.price_micros) / 1e6 AS price,
    on_hand * price, any_value(i.currency), make_timestamp(max(f.event_us))
FROM flow f JOIN item i USING (sku) WHERE f.event_us < f.until_us
GROUP BY sku, f.site, f.location, f.lot, f.status HAVING sum(f.change) <> 0
ORDER BY sku, f.location, f.lot, f.status
""",
)  # fmt: skip
_DAYS = Report(
    name="days-of-stock",
    title="Days of stock",
    means="How long what is on hand lasts if demand goes on as in the period, the shortest first. "
    "`run-out` tells how sure that is.",
    columns=(
        *ITEM, ON_HAND, DEMAND,
        Column("demand_per_day", "number", "units/day", "mean of the period"),
        Column("days_of_stock", "number", "days", "on_hand / demand_per_day; none without demand"),
    ),
    query="""
SELECT sku, any_value(i.name), any_value(i.category), f.site,
    coalesce(sum(f.change) FILTER (f.event_us < f.until_us), 0) AS on_hand,
    coalesce(sum(f.demand) FILTER (f.event_us >= f.from_us AND f.event_us < f.until_us), 0) AS gone,
    gone / ((any_value(f.last_us) - any_value(f.from_us)) / 86400e6) AS per_day,
    CASE WHEN per_day > 0 THEN on_hand / per_day END AS lasts
FROM flow f JOIN item i USING (sku)
GROUP BY sku, f.site HAVING on_hand <> 0 OR gone <> 0
ORDER BY lasts NULLS LAST, sku, f.site
""",
)  # fmt: skip
_TURNOVER = Report(
    name="turnover",
    title="Turnover",
    means="How often stock was turned over in the period, as if it were a year; by item, the "
    "fastest first.",
    columns=(
        *ITEM,
        Column("opening", "integer", "units", "on hand at the period's beginning"),
        Column("arrived", "integer", "units", "what came from suppliers or other places"),
        DEMAND,
        Column("closing", "integer", "units", "on hand at the period's end"),
        Column("average", "number", "units", "on hand on average over the time"),
        Column("turns", "number", "1/year", "demand / average, as if the period were a year"),
    ),
    days=90,
    query="""
SELECT sku, any_value(i.name), any_value(i.category), f.site,
    coalesce(sum(f.change) FILTER (f.event_us < f.from_us), 0) AS opening,
    coalesce(sum(f.arrived) FILTER (f.event_us >= f.from_us AND f.event_us < f.until_us), 0)
        AS came,
    coalesce(sum(f.demand) FILTER (f.event_us >= f.from_us AND f.event_us < f.until_us), 0) AS gone,
    coalesce(sum(f.change) FILTER (f.event_us < f.until_us), 0) AS closing,
    coalesce(sum(f.change * ((f.last_us - greatest(f.event_us, f.from_us)) / 86400e6))
        FILTER (f.event_us < f.last_us), 0) AS unit_days,
    (any_value(f.last_us) - any_value(f.from_us)) / 86400e6 AS days
FROM flow f JOIN item i USING (sku)
GROUP BY sku, f.site HAVING opening <> 0 OR came <> 0 OR gone <> 0 OR closing <> 0
ORDER BY CASE WHEN unit_days > 0 THEN gone / unit_days END DESC NULLS LAST, sku, f.site
""",
    finish=lambda row: (
        *row[:8],
        row[8] / row[9] if row[9] > 0 else None,
        row[6] / row[8] * 365 if row[8] > 0 else None,
    ),
)  # fmt: skip
_AGEING = Report(
    name="ageing",
    title="Age of stock",
    means="How long ago what is on hand came, if what came first left first; the oldest first.",
    columns=(
        *ITEM, ON_HAND,
        Column("to_30_days", "integer", "units", "came in the last 30 days"),
        Column("to_90_days", "integer", "units", "came 31 to 90 days ago"),
        Column("to_180_days", "integer", "units", "came 91 to 180 days ago"),
        Column("older", "integer", "units", "came more than 180 days ago"),
        Column("mean_age", "number", "days", "of a unit"),
        Column("oldest", "number", "days", "of the oldest unit"),
        VALUE, CURRENCY,
    ),
    query="""
WITH held AS (
    SELECT sku, site, sum(change) AS on_hand FROM flow WHERE event_us < until_us
    GROUP BY sku, site HAVING sum(change) > 0
), came AS (
    SELECT sku, site, change, (last_us - event_us) / 86400e6 AS age,
        sum(change) OVER (PARTITION BY sku, site ORDER BY event_us DESC, seq DESC) - change AS newer
    FROM flow WHERE crosses AND change > 0 AND event_us < until_us
), lies AS (
    SELECT sku, site, on_hand, greatest(age, 0) AS age, least(change, on_hand - newer) AS units
    FROM came JOIN held USING (sku, site) WHERE newer < on_hand
)
SELECT sku, any_value(i.name), any_value(i.category), site, any_value(l.on_hand) AS held_now,
    coalesce(sum(units) FILTER (age <= 30), 0),
    coalesce(sum(units) FILTER (age > 30 AND age <= 90), 0),
    coalesce(sum(units) FILTER (age > 90 AND age <= 180), 0),
    coalesce(sum(units) FILTER (age > 180), 0),
    sum(units * age) / sum(units), max(age) AS oldest,
    held_now * any_value(i.price_micros) / 1e6, any_value(i.currency)
FROM lies l JOIN item i USING (sku) GROUP BY sku, site ORDER BY oldest DESC, sku, site
""",
)  # fmt: skip
_EXPIRY = Report(
    name="expiry",
    title="Expiry",
    means="What is on hand of lots with a date, what expires first comes first. A lot is good to "
    "the end of its day, where it lies.",
    columns=(
        SKU,
        NAME,
        CATEGORY,
        SITE,
        LOCATION,
        LOT,
        STATUS,
        ON_HAND,
        Column("expires_on", "date", "", "its last good day"),
        Column("days_left", "integer", "days", "until then; below 0: it has expired"),
        VALUE,
        CURRENCY,
    ),
    query="""
SELECT sku, any_value(i.name), any_value(i.category), f.site, f.location, f.lot, f.status,
    sum(f.change) AS on_hand, any_value(l.expires_on)::DATE AS last_day,
    last_day - any_value(timezone(f.zone, timezone('UTC', make_timestamp(f.told_us)))::DATE),
    on_hand * any_value(i.price_micros) / 1e6, any_value(i.currency)
FROM flow f JOIN item i USING (sku) JOIN lot l USING (sku, lot)
WHERE f.event_us < f.until_us AND l.expires_on IS NOT NULL
GROUP BY sku, f.site, f.location, f.lot, f.status HAVING sum(f.change) <> 0
ORDER BY last_day, sku, f.location, f.lot, f.status
""",
)
REPORTS = (_LEVELS, _DAYS, _TURNOVER, _AGEING, _EXPIRY)
