"""What places hold of an item, and the tags that are known there: ``Holdings`` from the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, text

from central.database.bulk import BulkLookup
from central.reconcile.holdings import Held, Lot
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS
from central.stock.witnesses import height

__all__ = ["BY_NAME", "TAGS_AT", "KeptHoldings"]

BY_NAME = "serial"
"""How an item is tracked of which every piece is known by its name."""

_VIRTUAL = ", ".join(f"'{name}'" for name in sorted(VIRTUAL_LOCATIONS))
_HELD = BulkLookup(
    "SELECT k.sku, k.lot, b.location, sum("  # noqa: S608 (our own words)
    f"CASE WHEN b.lot = k.lot AND b.status = '{AVAILABLE}' THEN b.on_hand ELSE 0 END) AS units, "
    "sum(b.on_hand) AS every, (SELECT count(*) FROM tag_place t "
    "WHERE t.location = b.location AND t.sku = k.sku) AS tags, i.tracking "
    "FROM {keys} JOIN item i ON i.sku = k.sku JOIN balance b ON b.sku = k.sku "
    f"WHERE b.location NOT IN ({_VIRTUAL}) "
    "GROUP BY k.sku, k.lot, b.location, i.tracking ORDER BY k.sku, k.lot, b.location",
    (("sku", "text"), ("lot", "text")),
)
TAGS_AT = BulkLookup(
    "SELECT t.sku, t.location, t.epc, t.last_seq FROM {keys} "
    "JOIN tag_place t ON t.location = k.place AND t.sku = k.sku",
    (("sku", "text"), ("place", "text")),
)
"""The tags of items at places, and the number of the movement that brought each there."""
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
        self._known: dict[Lot, list[Held]] = {}

    def of(self, lots: Collection[Lot]) -> Mapping[Lot, Sequence[Held]]:
        """As ``Holdings.of``."""
        if not lots:
            return {}
        now = height(self._conn)
        if now != self._height:
            self._height = now
            self._known.clear()
        self._look([lot for lot in lots if lot not in self._known])
        return {lot: self._known[lot] for lot in lots}

    def _look(self, lots: Sequence[Lot]) -> None:
        self._known.update((lot, []) for lot in lots)
        rows = [row for row in _HELD.run(self._conn, lots) if row[3] > 0 and row[4] > row[5]]
        tags: dict[tuple[str, str], list[str]] = {(row[0], row[2]): [] for row in rows}
        for sku, place, epc, _ in TAGS_AT.run(self._conn, list(tags)):
            tags[sku, place].append(epc)
        for sku, lot, place, units, every, _, tracking in rows:
            epcs = tuple(sorted(tags[sku, place]))
            held = Held(place, int(units), int(every), epcs, tracking == BY_NAME)
            self._known[sku, lot].append(held)

    def picked_to(self, sku: str, place: str) -> bool:
        """As ``Holdings.picked_to``."""
        asked = {"sku": sku, "place": place}
        return bool(self._conn.execute(_PICKED, asked).scalar())
