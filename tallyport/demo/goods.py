"""What the demo's shop deals in, and what is where at every moment: the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

SITE = "demo"
EDGE = "dock-pi"
WAREHOUSE, SHELF, BACKROOM, RECEIVING = "warehouse", "shelf-1", "backroom", "receiving"
DOCK_POINT, SHELF_POINT, SCAN_POINT = "dock-1", "shelf-1", "receiving"
PLACES = {
    WAREHOUSE: "Warehouse",
    SHELF: "Shelf 1",
    BACKROOM: "Back room",
    RECEIVING: "Receiving",
}


@dataclass(frozen=True, slots=True)
class CaseGood:
    """Goods that come and go as tagged cases: ``case_gtin`` stands for ``pack`` units."""

    sku: str
    name: str
    case_gtin: str
    pack: int


@dataclass(frozen=True, slots=True)
class ShelfGood:
    """Goods that lie on a load plate, ``unit_mg`` each."""

    sku: str
    name: str
    unit_mg: int
    opening: int
    refill: int


COMPANY_PREFIX_DIGITS = 7
CASES = (
    CaseGood("TEA-GREEN", "Green tea, 20 bags", "14012345000013", 12),
    CaseGood("TEA-BLACK", "Black tea, 20 bags", "14012345000020", 12),
    CaseGood("COFFEE-1KG", "Coffee beans, 1 kg", "14012345000037", 6),
    CaseGood("SOAP-BAR", "Soap bar, 100 g", "14012345000044", 24),
    CaseGood("CUP-PAPER", "Paper cups, sleeve of 50", "14012345000051", 20),
    CaseGood("RICE-5KG", "Rice, 5 kg", "14012345000068", 4),
)
SCANNED = CASES[:3]
"""What the receiving desk scans instead of driving it through the portal."""
PLATES = (
    ShelfGood("JAM-350", "Jam, 350 g glass", 592_000, 14, 8),
    ShelfGood("HONEY-500", "Honey, 500 g jar", 745_000, 12, 8),
    ShelfGood("BAR-CHOC", "Chocolate bar, 100 g", 104_000, 40, 30),
    ShelfGood("PASTA-500", "Pasta, 500 g", 512_000, 18, 12),
    ShelfGood("SPICE-50", "Spice tin, 50 g", 81_000, 30, 24),
    ShelfGood("OIL-750", "Olive oil, 750 ml", 1_240_000, 8, 6),
)
BOARDS = {2: (270, 270, 300), 1: (300, 220, 320)}
"""The shelf's boards, each with its plates' widths in mm from left to right, in their order."""
BACKROOM_OPENING = 400
NAMES = {good.sku: good.name for good in (*CASES, *PLATES)}


class Truth:
    """How many units of each item really are at each place."""

    def __init__(self) -> None:
        self._units: Counter[tuple[str, str]] = Counter()
        self.moves = 0

    def set(self, sku: str, place: str, units: int) -> None:
        """What was there before the demo began."""
        self._units[sku, place] = units

    def move(self, sku: str, units: int, *, source: str | None, destination: str | None) -> None:
        """``None`` is the world outside: the supplier or the customer."""
        if source is not None:
            self._units[sku, source] -= units
        if destination is not None:
            self._units[sku, destination] += units
        self.moves += 1

    def units(self, sku: str, place: str) -> int:
        """What is there."""
        return self._units[sku, place]

    def table(self) -> dict[tuple[str, str], int]:
        """All of it, by item and place."""
        return dict(self._units)
