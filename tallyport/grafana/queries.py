"""What panels ask: InfluxQL for measurements, PromQL for central's own health.

InfluxQL is what InfluxDB 1.8, 2 (over a mapping of the bucket) and 3 all answer, and what central
itself reads its charts with. ``$timeFilter``, ``$__interval`` and ``$__interval_ms`` are filled in
by Grafana.
"""

from __future__ import annotations

from typing import Self

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

MEASUREMENTS = DataSourceRef(type_val="influxdb", uid="tallyport-measurements")
METRICS = DataSourceRef(type_val="prometheus", uid="tallyport-metrics")


class InfluxQuery(variants.Dataquery):
    """An InfluxQL query, which the kit has no type for: the fields that Grafana's editor writes."""

    def __init__(self, query: str, alias: str, result_format: str) -> None:
        self.query = query
        self.alias = alias
        self.result_format = result_format
        self.ref_id = ""
        self.datasource = MEASUREMENTS

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        return {
            "datasource": self.datasource,
            "refId": self.ref_id,
            "query": self.query,
            "rawQuery": True,
            "alias": self.alias,
            "resultFormat": self.result_format,
        }


class Influx(Builder[variants.Dataquery]):
    """Builds an ``InfluxQuery``, as panels want it."""

    def __init__(self, query: InfluxQuery) -> None:
        self._query = query

    def ref_id(self, ref_id: str) -> Self:
        """Its letter in the panel."""
        self._query.ref_id = ref_id
        return self

    def build(self) -> variants.Dataquery:
        """The query."""
        return self._query


Asked = Influx | PrometheusQuery


def influx(select: str, of: str, alias: str, *, where: str = "", by: str = "") -> Influx:
    """``select`` of the measurement ``of``, one line for each value of the tags ``by``."""
    time = "time($__interval)"
    group = ", ".join([time, *(f'"{tag}"' for tag in by.split())])
    also = f" AND {where}" if where else ""
    text = f'SELECT {select} FROM "{of}" WHERE $timeFilter{also} GROUP BY {group} fill(none)'  # noqa: S608 (our own words)
    return Influx(InfluxQuery(text, alias, "time_series"))


def newest(field: str, of: str, alias: str, *, where: str = "", by: str = "") -> Influx:
    """The last value of each, in the span that is seen."""
    also = f" AND {where}" if where else ""
    group = ", ".join(f'"{tag}"' for tag in by.split())
    text = f'SELECT last("{field}") FROM "{of}" WHERE $timeFilter{also} GROUP BY {group}'  # noqa: S608 (our own words)
    return Influx(InfluxQuery(text, alias, "time_series"))


def over_newest(fold: str, field: str, of: str, alias: str, *, by: str) -> Influx:
    """``fold`` (``sum``, ``count``) over the last value of each."""
    return Influx(
        InfluxQuery(
            f'SELECT {fold}("{field}") FROM (SELECT last("{field}") AS "{field}" FROM "{of}" '  # noqa: S608 (our own words)
            f'WHERE $timeFilter GROUP BY "{by}")',
            alias,
            "time_series",
        )
    )


def prometheus(expression: str, legend: str) -> PrometheusQuery:
    """Of central's own metrics."""
    return PrometheusQuery().expr(expression).legend_format(legend).datasource(METRICS).range()
