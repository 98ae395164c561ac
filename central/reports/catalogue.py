"""Every report by its name."""

from __future__ import annotations

from central.reports import of_demand, of_sensors, of_stock
from central.reports.model import Report

__all__ = ["REPORTS"]

REPORTS: dict[str, Report] = {
    one.name: one for one in (*of_stock.REPORTS, *of_demand.REPORTS, *of_sensors.REPORTS)
}
