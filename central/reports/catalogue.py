"""Every report by its name."""

from __future__ import annotations

from central.reports import of_demand, of_orders, of_picking, of_sensors, of_stock
from central.reports.model import Report

__all__ = ["REPORTS"]

REPORTS: dict[str, Report] = {
    one.name: one
    for module in (of_stock, of_demand, of_orders, of_picking, of_sensors)
    for one in module.REPORTS
}
