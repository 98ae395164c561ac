"""Places, their warehouses and those warehouses' days, for reports that are made in Python."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from central.catalogue import items, tree, warehouses
from central.orders.facts import Wanted
from central.reports.model import Asked, Period, Report, period

__all__ = ["Around", "share_of"]

_MOST_WAREHOUSES = 100_000


class Around:
    """What is asked for, place by place. Raises ``NotFound``, ``OutOfReach``, ``ReportRefused``."""

    def __init__(self, conn: Connection, report: Report, asked: Asked, now: datetime) -> None:
        self._spots = tree.spots(conn)
        self._zones = {
            one.code: one.time_zone
            for one in warehouses.list_warehouses(conn, limit=_MOST_WAREHOUSES)
        }
        self._asked = asked
        self._told: dict[str, Period] = {
            zone: period(asked, report, zone, now) for zone in {"UTC", *self._zones.values()}
        }
        if asked.location is not None:
            tree.get_location(conn, asked.location)
        if asked.sku is not None:
            items.get_item(conn, asked.sku)

    def wanted(self) -> Wanted:
        """The facts that may count: those of the longest day of all warehouses."""
        return Wanted(
            min(one.from_us for one in self._told.values()),
            max(one.until_us for one in self._told.values()),
            self._asked.sku,
            self._asked.category,
        )

    def counts(self, code: str, at_us: int) -> bool:
        """Whether what happened at a place then is asked for."""
        path = self.path(code)
        told = self._told[self._zones.get(path[0], "UTC")]
        inside = self._asked.location is None or self._asked.location in path
        return inside and told.from_us <= at_us < told.until_us

    def path(self, code: str) -> tuple[str, ...]:
        """The codes from the root down to a place."""
        path = [code]
        while (parent := self._spots[path[-1]].parent) is not None:
            path.append(parent)
        return tuple(reversed(path))

    def district(self, code: str) -> str:
        """The nearest place around it of the type ``zone``; else what lies next below the root."""
        path = self.path(code)
        zones = [one for one in path if self._spots[one].type == "zone"]
        return zones[-1] if zones else path[min(1, len(path) - 1)]

    def paths_of(self, root: str) -> dict[str, tuple[str, ...]]:
        """Every place of a root's tree, with its path."""
        paths = {code: self.path(code) for code in self._spots}
        return {code: path for code, path in paths.items() if path[0] == root}


def share_of(ordered: list[float], share: float) -> float | None:
    """The value below which this share of values in order lies, between two by their distance;
    none of none (Hyndman and Fan's definition 7, as spreadsheets have it).
    """
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
