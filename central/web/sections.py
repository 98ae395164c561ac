"""The sections of the first screen: each is read, rendered and compared on its own."""

from __future__ import annotations

from typing import Any

import jinja2
from sqlalchemy import Connection

from central.web.views import devices, figures, needs, portal, stock, trend, zones
from central.web.views.units import PlaceUnits

SECTIONS = (
    "needs", "figures", "movements", "shelves", "passes", "zones", "stock", "devices"
)  # fmt: skip

DEVICES = 12
"""So many stand there, those that need somebody first: the page of devices has them all."""


class Screen:
    """Reads committed facts and renders the sections of the first screen."""

    def __init__(self, templates: jinja2.Environment) -> None:
        self._templates = templates
        self._plates = devices.PlateLevels()
        self._trend = trend.Trend()
        self._units = PlaceUnits()

    def read(self, connection: Connection) -> dict[str, Any]:
        """Everything the sections need, from one state of the database."""
        table = stock.stock_table(connection)
        found = devices.devices(connection)
        needed = needs.needs(connection, found)
        days = self._trend.days(connection)
        on_hand = sum(self._units.inside(connection))
        observations, lost = figures.log_counts(connection)
        return {
            "table": table,
            "passes": portal.last_passes(connection),
            "shelves": self._plates.shelves(connection),
            "zones": zones.zones(connection),
            "zone_events": zones.last_events(connection),
            "movements": stock.last_movements(connection),
            "needs": needed,
            "devices": found[:DEVICES],
            "more_devices": max(0, len(found) - DEVICES),
            "figures": figures.Figures(
                on_hand=on_hand,
                items=table.items,
                moved_in=days[-1].units_in,
                moved_out=days[-1].units_out,
                moves=days[-1].moves,
                reviews=needed.reviews,
                days=days,
                held=trend.courses(days, on_hand),
                devices_good=sum(device.level == "good" for device in found if not device.itself),
                devices=sum(not device.itself for device in found),
                delay_s=figures.delay_s(connection),
                observations=observations,
                lost=lost,
                ledger_seq=figures.ledger_seq(connection),
            ),
        }

    def render(self, facts: dict[str, Any]) -> dict[str, str]:
        """Each section's HTML."""
        return {
            name: self._templates.get_template(f"sections/{name}.html").render(facts)
            for name in SECTIONS
        }

    def draw(self, connection: Connection) -> tuple[int, dict[str, str]]:
        """The ledger's newest place and every section's HTML, from one snapshot.

        Not for two threads at once: it keeps what it has added up so far.
        """
        facts = self.read(connection)
        return facts["figures"].ledger_seq, self.render(facts)
