"""How accurate the whole is, for screens and programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from prometheus_client.core import GaugeMetricFamily, Metric

from central.api.permits import needs
from central.api.services import Services, json_answer, now_us
from central.database.moments import from_us
from central.insight.kpi import Kpis, Tally
from central.insight.kpi_book import MOST_DAYS, KpiBook
from central.insight.shares import Share

METRICS_DAYS = 7


def router(services: Services, book: KpiBook) -> APIRouter:
    """Routes of the figures."""
    made = APIRouter(tags=["insight"])

    @made.get("/kpis", summary="Accuracy figures", openapi_extra=needs("read:insight"))
    async def kpis(days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 7) -> Response:
        """Of the last `days` (UTC, today among them): for all, by read point and by day, how many
        movements were posted unasked, how precise those were, how often people were asked and
        overturned what judging thought, and how long it takes from an event to the ledger. Shares
        have their interval at 95 %. `sku_location_accuracy` counts pairs of item and location
        that nobody had to adjust; what nobody counted counts as right.
        """
        found = await services.read(lambda c: book.window(c, now_us=now_us(), days=days))
        return json_answer({**told(found), "catching_up": book.catching_up})

    return made


def told(found: Kpis) -> dict[str, object]:
    """The answer's body."""
    return {
        "since": from_us(found.since_us),
        "until": from_us(found.until_us),
        **found.books.told(),
        "overall": found.overall().told(),
        "read_points": {point: one.told() for point, one in found.by_read_point().items()},
        "days": [
            {"day": f"{from_us(day):%Y-%m-%d}", **one.told()} for day, one in found.by_day().items()
        ],
    }


def metrics(found: Kpis) -> Iterable[Metric]:
    """The same as gauges; without the label's value, `read_point` means all of them."""
    shares = GaugeMetricFamily(
        "tallyport_kpi_share",
        f"Accuracy figures of the last {METRICS_DAYS} days, as /kpis says.",
        labels=["kpi", "read_point"],
    )
    delays = GaugeMetricFamily(
        "tallyport_event_to_ledger_seconds",
        "From an event to its movement on the ledger, without asking anybody.",
        labels=["quantile", "read_point"],
    )
    for point, tally in [("", found.overall()), *found.by_read_point().items()]:
        for name, share in _shares(tally):
            if share.value is not None:
                shares.add_metric([name, point], share.value)
        for quantile in (0.5, 0.95):
            delay = tally.delays.quantile(quantile)
            if delay is not None:
                delays.add_metric([f"{quantile:g}", point], delay)
    books = found.books
    if books.pairs:
        right = (books.pairs - books.changed) / books.pairs
        shares.add_metric(["sku_location_accuracy", ""], right)
    if books.on_hand:
        shares.add_metric(["unexplained_variance", ""], books.unexplained / books.on_hand)
    return (shares, delays)


def _shares(tally: Tally) -> list[tuple[str, Share]]:
    return [
        ("auto_post_precision", tally.auto_post_precision),
        ("review_rate", tally.review_rate),
        ("overturn_rate", tally.overturn_rate),
    ]
