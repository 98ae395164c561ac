"""What places hold of an item, and the tags that are known there: ``Holdings`` from the tables."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text

from central.database.bulk import BulkLookup
from central.reconcile.holdings import Held
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS
from central.stock.witnesses import height

__all__ = ["KeptHoldings", "is_by_name"]

_HELD = text(
    "SELECT b.location, sum(CASE WHEN b.lot = :lot AND b.status = :status THEN b.on_hand "
    "ELSE 0 END) AS units, sum(b.on_hand) AS every, (SELECT count(*) FROM tag_place t "
    "WHERE t.location = b.location AND t.sku = b.sku) AS tags FROM balance b "
    "WHERE b.sku = :sku AND b.location NOT IN :virtual GROUP BY b.sku, b.location "
    "ORDER BY b.location"
).bindparams(bindparam("virtual", expanding=True))
_TAGS = BulkLookup(
    "SELECT t.location, t.epc FROM {keys} JOIN tag_place t "
    "ON t.location = k.place AND t.sku = k.sku",
    (("sku", "text"), ("place", "text")),
)
_TRACKING = text("SELECT tracking FROM item WHERE sku = :sku")
_PICKED = text(
    "SELECT EXISTS (SELECT 1 FROM movement WHERE sku = :sku AND destination = :place "
    "AND biz_step = 'picking')"
)


class KeptHoldings:
    """The ledger as it stands now, inside a transaction. What was asked is kept until the ledger
    grows: a group of tags is looked at again with every observation until it is judged.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._height = -1
        self._known: dict[tuple[str, str], list[Held]] = {}

    def of(self, sku: str, lot: str) -> list[Held]:
        """As ``Holdings.of``."""
        now = height(self._conn)
        if now != self._height:
            self._height = now
            self._known.clear()
        if (sku, lot) not in self._known:
            self._known[sku, lot] = self._look(sku, lot)
        return self._known[sku, lot]

    def _look(self, sku: str, lot: str) -> list[Held]:
        virtual = sorted(VIRTUAL_LOCATIONS)
        asked = {"sku": sku, "lot": lot, "status": AVAILABLE, "virtual": virtual}
        rows = self._conn.execute(_HELD, asked).all()
        rows = [row for row in rows if row.units > 0 and row.every > row.tags]
        tags: dict[str, list[str]] = {row.location: [] for row in rows}
        for place, epc in _TAGS.run(self._conn, [(sku, place) for place in tags]):
            tags[place].append(epc)
        by_name = bool(rows) and is_by_name(self._conn, sku)
        return [
            Held(one.location, int(one.units), int(one.every), tuple(tags[one.location]), by_name)
            for one in rows
        ]

    def picked_to(self, sku: str, place: str) -> bool:
        """As ``Holdings.picked_to``."""
        asked = {"sku": sku, "place": place}
        return bool(self._conn.execute(_PICKED, asked).scalar())


def is_by_name(conn: Connection, sku: str) -> bool:
    """Whether an item's pieces are tracked by serial number. An item that was ever received stays
    tracked as it is.
    """
    return conn.execute(_TRACKING, {"sku": sku}).scalar() == "serial"
