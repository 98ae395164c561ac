"""Figures for Prometheus: what the parts counted, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from central import schema
from central.catalogue.effective import judged_upto
from central.store import Database

Counters = Callable[[], Mapping[str, int]]


class Metrics:
    """A registry of our own over the parts' counters and the database's present."""

    def __init__(self, database: Database, parts: Mapping[str, Counters]) -> None:
        self._database = database
        self._collector = _Collector(parts)
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)

    async def exposition(self) -> tuple[bytes, str]:
        """The text, and its media type."""
        self._collector.gauges = await self._database.read(_gauges)
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Collector(Collector):
    def __init__(self, parts: Mapping[str, Counters]) -> None:
        self._parts = parts
        self.gauges: dict[str, float] = {}

    def collect(self) -> Iterable[Metric]:
        """Every part's counters under its name, then the gauges."""
        for part, counters in self._parts.items():
            family = CounterMetricFamily(
                f"tallyport_{part}", f"What {part} counted since its start.", labels=["what"]
            )
            for name, count in sorted(counters().items()):
                family.add_metric([name], count)
            yield family
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"tallyport_{name}", name.replace("_", " "), value=value)


def _gauges(conn: Connection) -> dict[str, float]:
    log_head = conn.execute(select(func.max(schema.observation.c.log_id))).scalar() or 0
    reviews = (
        select(func.count()).select_from(schema.review).where(schema.review.c.status == "open")
    )
    running = (
        select(func.count()).select_from(schema.device).where(schema.device.c.state == "running")
    )
    return {
        "observations_logged": log_head,
        "movements_posted": conn.execute(select(func.max(schema.movement.c.seq))).scalar() or 0,
        "judge_lag_observations": log_head - judged_upto(conn),
        "reviews_open": conn.execute(reviews).scalar_one(),
        "quarantined": conn.execute(
            select(func.count()).select_from(schema.quarantine)
        ).scalar_one(),
        "devices_running": conn.execute(running).scalar_one(),
    }
