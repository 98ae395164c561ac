"""Columns that several reports have, told once."""

from __future__ import annotations

from central.reports.model import Column

SKU = Column("sku", "text", "", "the item")
NAME = Column("name", "text", "", "its name")
CATEGORY = Column("category", "text", "", "its category")
SITE = Column("warehouse", "text", "", "the root of the location's tree")
LOCATION = Column("location", "text", "", "where it lies")
LOT = Column("lot", "text", "", "of which lot; empty: of none")
STATUS = Column("status", "text", "", "available, damaged, quarantined or expired")
UNIT = Column("unit", "text", "", "what one unit of the item is")
ON_HAND = Column("on_hand", "integer", "units", "what is there at the end of the period")
CURRENCY = Column("currency", "text", "", "of the value; empty: the books' own")
VALUE = Column("value", "number", "currency", "at the item's unit price of today; none without one")
DEMAND = Column(
    "demand", "integer", "units",
    "what left for customers or for places that are not asked of, less what was taken back",
)  # fmt: skip
ITEM = (SKU, NAME, CATEGORY, SITE)
