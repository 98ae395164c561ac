"""The views that reports are written over, made in a DuckDB of their own for what is asked.

* ``item``: the items that are asked of; ``lot``: the lots of all.
* ``place``: every location with its ``site`` (the root of its tree: its warehouse), the site's
  ``zone``, whether it is ``inside`` (ours, within what is asked of, and
  within what whoever asks may see), and the period's
  ``from_us`` and ``until_us`` in that zone. ``last_us`` is
  its end, or now. ``stock_us``: what happened before it is what is on hand; ``told_us``: when that
  is told.
* ``flow``: what came to (``change`` > 0) and left (< 0) each place inside: one row for each end of
  a movement of an item that is asked of. ``crosses`` says that the other end is not inside the same
  site. ``demand`` is what left for a customer, for a place that is not asked of or on its way;
  ``arrived`` is what came from a supplier or such a place. A correction counts against what it
  corrects, on its own day.

Times are those of the events, so a late record is told where it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from central.access import behalf
from central.database.moments import to_us
from central.reports.model import FOREVER_US, Asked, Report, ReportRefused, period

__all__ = ["lay"]

_ITEM = """
CREATE TABLE item AS SELECT * FROM read_parquet($file)
WHERE ($category IS NULL OR category = $category) AND ($sku IS NULL OR sku = $sku)
"""
_TREE = """
CREATE TABLE place AS
WITH RECURSIVE tree AS (
    SELECT code, kind, code AS site, code = $location AS below,
        list_contains($reach, code) AS mine
    FROM read_parquet($locations) WHERE parent IS NULL
    UNION ALL
    SELECT l.code, l.kind, t.site, t.below OR l.code = $location,
        t.mine OR list_contains($reach, l.code)
    FROM read_parquet($locations) l JOIN tree t ON l.parent = t.code)
SELECT t.code, t.kind, t.site, coalesce(w.time_zone, 'UTC') AS zone,
    t.kind = 'internal' AND ($location IS NULL OR t.below) AND ($reach IS NULL OR t.mine) AS inside,
    0::BIGINT AS from_us, 0::BIGINT AS until_us, 0::BIGINT AS last_us, 0::BIGINT AS stock_us,
    0::BIGINT AS told_us
FROM tree t LEFT JOIN read_parquet($warehouses) w ON w.code = t.site
"""
_PERIOD = """
UPDATE place SET from_us = $from_us, until_us = $until_us, stock_us = $stock_us,
    last_us = least($until_us, $now_us), told_us = least($stock_us, $now_us)
WHERE zone = $zone
"""
_FLOW = """
CREATE VIEW flow AS
SELECT leg.*, p.site, p.zone, p.from_us, p.until_us, p.last_us, p.stock_us, p.told_us,
    o.kind AS other_kind,
    NOT (o.inside AND o.site = p.site) AS crosses,
    CASE WHEN NOT crosses OR other_kind NOT IN ('customer', 'transit', 'internal') THEN 0
        WHEN (corrects IS NULL) = (change < 0) THEN -change ELSE 0 END AS demand,
    CASE WHEN NOT crosses OR other_kind NOT IN ('supplier', 'transit', 'internal') THEN 0
        WHEN (corrects IS NULL) = (change > 0) THEN change ELSE 0 END AS arrived
FROM (SELECT seq, sku, lot, source AS location, source_status AS status, destination AS other,
        -quantity AS change, event_us, corrects, reason FROM movement
    UNION ALL
    SELECT seq, sku, lot, destination, destination_status, source, quantity, event_us, corrects,
        reason FROM movement) AS leg
JOIN item USING (sku)
JOIN place p ON p.code = leg.location AND p.inside
JOIN place o ON o.code = leg.other
"""
_NOTHING = """
CREATE VIEW movement AS SELECT 0::BIGINT AS seq, '' AS sku, '' AS lot, '' AS source,
'' AS destination, '' AS source_status, '' AS destination_status, 0::BIGINT AS quantity,
 0::BIGINT AS event_us, '' AS corrects, '' AS reason
WHERE false
"""


def lay(
    db: duckdb.DuckDBPyConnection,
    folder: Path,
    movements: Sequence[str],
    *,
    report: Report,
    asked: Asked,
    now: datetime,
) -> None:
    """Make the views over the files of ``folder``, as far as whoever asks may reach
    (``central.access.behalf``). Raises ``ReportRefused``.
    """
    files = {name: str(folder / f"{name}.parquet") for name in ("item", "location", "warehouse")}
    db.read_parquet(str(folder / "lot.parquet")).create_view("lot")
    db.execute(_ITEM, {"file": files["item"], "category": asked.category, "sku": asked.sku})
    if asked.sku is not None and not _count(db, "item"):
        raise ReportRefused(f"there is no item {asked.sku} of what is asked")
    roots = behalf.roots()
    tree = {"location": asked.location, "reach": None if roots is None else sorted(roots)}
    db.execute(_TREE, tree | {"locations": files["location"], "warehouses": files["warehouse"]})
    if asked.location is not None and not _count(db, "place WHERE inside"):
        raise ReportRefused(
            f"there is no place {asked.location} that holds stock and that you may look into"
        )
    for (zone,) in db.execute("SELECT DISTINCT zone FROM place").fetchall():
        told = period(asked, report, zone, now)
        given = {"from_us": told.from_us, "until_us": told.until_us, "zone": zone}
        stock_us = told.until_us if asked.until else FOREVER_US
        db.execute(_PERIOD, given | {"now_us": to_us(now), "stock_us": stock_us})
    if movements:
        db.read_parquet(list(movements)).create_view("movement")
    else:
        db.execute(_NOTHING)
    db.execute(_FLOW)


def _count(db: duckdb.DuckDBPyConnection, what: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {what}").fetchone()  # noqa: S608 (our own words)
    assert found is not None
    return int(found[0])
