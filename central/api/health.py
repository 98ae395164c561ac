"""Is central alive, is it ready, and how is it doing: for load balancers and Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import prometheus_client
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from central.access.model import PUBLIC
from central.api import kpis
from central.api.permits import needs
from central.api.road import Road
from central.api.services import Services, json_answer, now_us
from central.insight.kpi import Kpis
from central.insight.kpi_book import KpiBook

LAG_LIMIT = 20_000
"""Observations that judging may be behind and still be called ready."""
_GAUGES = (
    "observations", "movements", "reviews_open", "quarantined", "quarantine_gone", "judge_lag",
    "reads",
)  # fmt: skip


class _Figures(Collector):
    """Central's counters and the road's gauges, at the moment they are asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.road: dict[str, Any] = {}
        self.kpis: Kpis | None = None

    def collect(self) -> Iterable[Metric]:
        """See prometheus-client."""
        for part, counters in self._services.counters.items():
            family = CounterMetricFamily(
                f"tallyport_{part}", f"What {part} has counted since the start.", labels=["what"]
            )
            for what, count in sorted(counters.items()):
                family.add_metric([what], count)
            yield family
        for name in _GAUGES:
            if name in self.road:
                text = f"{name.replace('_', ' ').capitalize()}, as /road says."
                yield GaugeMetricFamily(f"tallyport_{name}", text, self.road[name])
        lost = GaugeMetricFamily(
            "tallyport_lost", "Observations of an edge that never came.", labels=["edge"]
        )
        gone: Counter[str] = Counter()  # every start of an edge has its own stream
        for stream in self.road.get("edges", []):
            gone[stream["edge"]] += stream["lost"]
        for edge, count in gone.items():
            lost.add_metric([edge], count)
        yield lost
        alarm = GaugeMetricFamily(
            "tallyport_edge_alarm", "1 for an edge whose journal fills up.", labels=["edge"]
        )
        for one in self.road.get("alarms", []):
            alarm.add_metric([one["edge"]], 1)
        yield alarm
        if self.kpis is not None:
            yield from kpis.metrics(self.kpis)


def router(services: Services, road: Road, book: KpiBook) -> APIRouter:
    """Routes of health."""
    made = APIRouter(tags=["health"])
    registry = prometheus_client.CollectorRegistry()
    figures = _Figures(services)
    registry.register(figures)
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)

    @made.get("/healthz", summary="Is central alive", openapi_extra=needs(PUBLIC))
    async def alive() -> Response:
        """Answers as long as the event loop turns."""
        return json_answer({"status": "ok"})

    @made.get("/readyz", summary="Is central ready", openapi_extra=needs(PUBLIC))
    async def ready() -> Response:
        """503 with the reason when the database, the broker or judging is not well."""
        reasons = []
        lag = None
        try:
            counts = await services.read(road.counts)
            lag = counts["judge_lag"]
            assert isinstance(lag, int)
            if lag > LAG_LIMIT:
                reasons.append(f"judging is {lag} observations behind")
        except SQLAlchemyError as error:
            reasons.append(f"the database does not answer: {error}")
        broker = services.broker
        if broker is not None and not broker.is_connected:
            reasons.append(f"no connection to the broker: {broker.last_error or 'connecting'}")
        state = {
            "status": "not ready" if reasons else "ready",
            "judge_lag": lag,
            "broker_connected": broker.is_connected if broker is not None else None,
            "reasons": reasons,
        }
        return json_answer(state, 503 if reasons else 200)

    @made.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=PlainTextResponse,
        openapi_extra=needs("read:metrics"),
    )
    async def metrics() -> Response:
        """In the text format."""
        figures.road = await services.read(road.counts)
        figures.kpis = await services.read(
            lambda c: book.window(c, now_us=now_us(), days=kpis.METRICS_DAYS)
        )
        return Response(
            prometheus_client.generate_latest(registry),
            media_type=prometheus_client.CONTENT_TYPE_LATEST,
        )

    return made
