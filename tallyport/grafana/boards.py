"""The dashboards: a site, one device, portals, shelves, and central's own health."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, Row
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from tallyport.grafana.panels import chosen, figure, lines, states
from tallyport.grafana.queries import Influx, influx, newest, over_newest, prometheus

__all__ = ["BOARDS"]

_WHOLE = 24
_DEVICES = '"device" =~ /^${device:regex}$/'
_SHELVES = '"read_point" =~ /^${read_point:regex}$/'
_PLACES = '"location" =~ /^${location:regex}$/'
_ANTENNA = "$tag_device, antenna $tag_antenna"
_PLATE = "$tag_read_point, plate $tag_plate"
_RATE = "[$__rate_interval]"


def _reads(alias: str, *, where: str = "", by: str = "") -> Influx:
    """Reads per second: a point is what was heard in one second."""
    return influx('sum("reads") * 1000 / $__interval_ms', "antenna", alias, where=where, by=by)


def _by_antenna(select: str) -> Influx:
    return influx(select, "antenna", _ANTENNA, where=_DEVICES, by="device antenna")


def _weight(fold: str, alias: str, *, where: str = "") -> Influx:
    return influx(f'{fold}("gross_g")', "plate", alias, where=where, by="read_point plate")


def _on_hand(*, where: str = "") -> Influx:
    alias = "$tag_sku at $tag_location"
    return influx('last("on_hand")', "stock", alias, where=where, by="sku location")


def _up(*, where: str = "") -> Influx:
    return influx('last("up")', "device", "$tag_device", where=where, by="device")


def _values(measurement: str, tag: str) -> str:
    return f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = "{tag}"'


def _board(uid: str, title: str, says: str) -> Dashboard:
    others = (
        DashboardLink("Tallyport")
        .type(DashboardLinkType.DASHBOARDS)
        .tags(["tallyport"])
        .keep_time(True)
        .as_dropdown(True)
    )
    return (
        Dashboard(title)
        .uid(uid)
        .description(says)
        .tags(["tallyport"])
        .timezone("browser")
        .refresh("10s")
        .time("now-1h", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(others)
        .readonly()
    )


def site() -> Dashboard:
    """What happens everywhere."""
    reporting = over_newest("count", "up", "device", "devices", by="device")
    running = over_newest("sum", "up", "device", "running", by="device")
    strongest = influx('max("rssi_dbm")', "antenna", "strongest")
    moved = "Items that moved in the span that is seen."
    by_device = _reads("$tag_device", by="device")
    came = influx('sum("units_in")', "movement", "$tag_location in", by="location")
    left = influx('sum("units_out")', "movement", "$tag_location out", by="location")
    return (
        _board("tallyport-site", "Site", "Reads, weights, stock and devices of the whole site.")
        .with_panel(figure("Reads", "reads/s", _reads("reads")))
        .with_panel(figure("Devices that report", "short", reporting))
        .with_panel(figure("Devices that run", "short", running))
        .with_panel(figure("Strongest tag", "dBm", strongest))
        .with_panel(lines("Reads by device", "reads/s", by_device))
        .with_panel(lines("Weight by plate", "g", _weight("last", _PLATE), stepped=True))
        .with_panel(lines("On hand", "units", _on_hand(), says=moved, stepped=True))
        .with_panel(lines("Units in and out of places", "units", came, left))
        .with_panel(states("Devices", _up()))
    )


def device() -> Dashboard:
    """All that is known of chosen devices."""
    counters = influx("last(/.*/)", "device", "$tag_device: $col", where=_DEVICES, by="device")
    counted = "What the device and its driver have counted since their start."
    reads = _reads(_ANTENNA, where=_DEVICES, by="device antenna")
    return (
        _board("tallyport-device", "Device", "One device: running, its reads and its counters.")
        .with_variable(chosen("device", "Device", _values("device", "device")))
        .with_panel(states("Running", _up(where=_DEVICES)))
        .with_panel(lines("Reads by antenna", "reads/s", reads))
        .with_panel(lines("Peak RSSI by antenna", "dBm", _by_antenna('max("rssi_dbm")')))
        .with_panel(
            lines("Counters", "short", counters, says=counted, stepped=True, width=_WHOLE)
        )
    )  # fmt: skip


def portal() -> Dashboard:
    """Antennas beside each other: whether a portal sees what passes."""
    reads = _reads(_ANTENNA, where=_DEVICES, by="device antenna")
    return (
        _board("tallyport-portal", "Portal", "Each antenna of chosen readers: reads and strength.")
        .with_variable(chosen("device", "Reader", _values("antenna", "device")))
        .with_panel(lines("Reads by antenna", "reads/s", reads, width=_WHOLE))
        .with_panel(lines("Most reads in a second", "short", _by_antenna('max("reads")')))
        .with_panel(lines("Peak RSSI by antenna", "dBm", _by_antenna('max("rssi_dbm")')))
    )


def shelf() -> Dashboard:
    """Plates of chosen shelves, and what is on hand."""
    now = newest("gross_g", "plate", _PLATE, where=_SHELVES, by="read_point plate")
    least = _weight("min", f"{_PLATE} least", where=_SHELVES)
    most = _weight("max", f"{_PLATE} most", where=_SHELVES)
    weight = _weight("last", _PLATE, where=_SHELVES)
    return (
        _board("tallyport-shelf", "Shelf", "Weights of plates, and stock where they stand.")
        .with_variable(chosen("read_point", "Shelf", _values("plate", "read_point")))
        .with_variable(chosen("location", "Location", _values("stock", "location")))
        .with_panel(figure("On the plates now", "g", now, width=_WHOLE))
        .with_panel(lines("Weight", "g", weight, stepped=True, width=_WHOLE))
        .with_panel(lines("Lightest and heaviest", "g", least, most))
        .with_panel(lines("On hand", "units", _on_hand(where=_PLACES), stepped=True))
    )


def central() -> Dashboard:
    """Whether central keeps up, by its own metrics."""
    made = _board("tallyport-central", "Central", "Whether central keeps up and what it refuses.")
    for title, expression, bad_from in (
        ("Not judged yet", "tallyport_judge_lag", 10_000),
        ("Lost observations", "sum(tallyport_lost)", 1),
        ("Open reviews", "tallyport_reviews_open", None),
        ("In quarantine", "tallyport_quarantined", 1),
    ):
        made.with_panel(figure(title, "short", prometheus(expression, title), bad_from=bad_from))
    for row, panels in _WORK.items():
        made.with_row(Row(row))
        for title, unit, expression, legend in panels:
            made.with_panel(lines(title, unit, prometheus(expression, legend)))
    return made


_WORK = {
    "Work": (
        ("Observations", "cps", f"deriv(tallyport_observations{_RATE})", "observations"),
        ("Movements", "cpm", f"deriv(tallyport_movements{_RATE}) * 60", "movements"),
        ("Received", "cps", f"rate(tallyport_ingest_total{_RATE})", "{{what}}"),
        ("Judged", "cps", f"rate(tallyport_judge_total{_RATE})", "{{what}}"),
        (
            "From event to ledger", "s", 'tallyport_event_to_ledger_seconds{read_point=""}',
            "quantile {{quantile}}",
        ),
        (
            "Accuracy of the last 7 days", "percentunit", 'tallyport_kpi_share{read_point=""}',
            "{{kpi}}",
        ),
    ),
    "Measurements and edges": (
        ("Seen for charts", "cps", f"rate(tallyport_series_observations_total{_RATE})", "{{what}}"),
        ("Stock for charts", "cps", f"rate(tallyport_series_ledger_total{_RATE})", "{{what}}"),
        ("Lost by edge", "short", "tallyport_lost", "{{edge}}"),
        ("Edges that raise an alarm", "short", "tallyport_edge_alarm", "{{edge}}"),
    ),
    "The process": (
        ("Memory", "bytes", "process_resident_memory_bytes", "resident"),
        ("Processor", "percentunit", f"rate(process_cpu_seconds_total{_RATE})", "cores"),
    ),
}  # fmt: skip
"""Title, unit, expression and legend. Observations and movements are gauges that only rise."""

BOARDS: dict[str, Callable[[], Dashboard]] = {
    "site": site, "device": device, "portal": portal, "shelf": shelf, "central": central,
}  # fmt: skip
"""By the name of their file."""
