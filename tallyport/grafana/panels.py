"""Panels as ours look: lines with a light fill, large figures, units with every axis."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders.dashboard import QueryVariable, ThresholdsConfig
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)

from tallyport.grafana.queries import MEASUREMENTS, METRICS, Asked, Influx

__all__ = ["chosen", "figure", "lines", "states"]

_WIDTH = 24
_UNITS = {"g": "massg", "dBm": "dBm", "reads/s": "reads/s", "units": "short", "s": "s"}


def _source(asked: Asked) -> DataSourceRef:
    return MEASUREMENTS if isinstance(asked, Influx) else METRICS


def lines(
    title: str,
    unit: str,
    *asked: Asked,
    says: str = "",
    width: int = 12,
    stepped: bool = False,
) -> Timeseries:
    """A chart over time."""
    panel = (
        Timeseries()
        .title(title)
        .description(says)
        .unit(_UNITS.get(unit, unit))
        .datasource(_source(asked[0]))
        .height(8)
        .span(width)
        .line_width(2)
        .fill_opacity(8)
        .span_nulls(stepped)
        .show_points(common.VisibilityMode.NEVER if stepped else common.VisibilityMode.AUTO)
        .line_interpolation(
            common.LineInterpolation.STEP_AFTER if stepped else common.LineInterpolation.LINEAR
        )
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "min", "max"])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    )
    for letter, each in zip("ABCD", asked, strict=False):
        panel = panel.with_target(each.ref_id(letter))
    return panel


def figure(
    title: str, unit: str, *asked: Asked, bad_from: float | None = None, width: int = 6
) -> Stat:
    """One large figure; from ``bad_from`` on it is red."""
    steps = [Threshold(value=None, color="green")]
    if bad_from is not None:
        steps.append(Threshold(value=bad_from, color="red"))
    panel = (
        Stat()
        .title(title)
        .unit(_UNITS.get(unit, unit))
        .datasource(_source(asked[0]))
        .height(4)
        .span(width)
        .graph_mode(common.BigValueGraphMode.AREA)
        .thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for letter, each in zip("ABCD", asked, strict=False):
        panel = panel.with_target(each.ref_id(letter))
    return panel


def states(title: str, *asked: Asked) -> StateTimeline:
    """When each was running, as bars over time."""
    words = ValueMap(
        options={
            "0": ValueMappingResult(text="not running", color="red", index=0),
            "1": ValueMappingResult(text="running", color="green", index=1),
        }
    )
    panel = (
        StateTimeline()
        .title(title)
        .datasource(_source(asked[0]))
        .height(8)
        .span(_WIDTH)
        .mappings([words])
        .row_height(0.8)
        .line_width(0)
        .fill_opacity(70)
        .show_value(common.VisibilityMode.NEVER)
    )
    for letter, each in zip("ABCD", asked, strict=False):
        panel = panel.with_target(each.ref_id(letter))
    return panel


def chosen(name: str, label: str, query: str) -> QueryVariable:
    """A choice at the head of a dashboard, of what there is; all of it at first."""
    return (
        QueryVariable(name)
        .label(label)
        .datasource(MEASUREMENTS)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
    )
