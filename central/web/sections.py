"""The sections of the first screen: each is read, rendered and compared on its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jinja2
from sqlalchemy import Connection

from central.web.views import devices, figures, portal, stock, zones

SECTIONS = (
    "figures", "stock", "passes", "shelves", "zones", "movements", "reviews", "devices"
)  # fmt: skip


class Screen:
    """Reads committed facts and renders the sections of the first screen."""

    def __init__(self, templates: jinja2.Environment) -> None:
        self._templates = templates
        self._plates = devices.PlateLevels()
        self._today = figures.Today()

    def read(self, connection: Connection) -> dict[str, Any]:
        """Everything the sections need, from one state of the database."""
        table = stock.stock_table(connection)
        reviews = portal.open_reviews(connection)
        found = devices.devices(connection)
        self._today.catch_up(connection, datetime.now(UTC), stock.VIRTUAL)
        observations, lost = figures.log_counts(connection)
        return {
            "table": table,
            "passes": portal.last_passes(connection),
            "shelves": self._plates.shelves(connection),
            "zones": zones.zones(connection),
            "zone_events": zones.last_events(connection),
            "movements": stock.last_movements(connection),
            "reviews": reviews,
            "devices": found,
            "figures": figures.Figures(
                on_hand=table.on_hand,
                items=table.items,
                moved_in=self._today.units_in,
                moved_out=self._today.units_out,
                moves=self._today.moves,
                reviews=reviews.open,
                devices_good=sum(device.level == "good" for device in found),
                devices=len(found),
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
