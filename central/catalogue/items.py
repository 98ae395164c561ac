"""Items (SKUs): what they are, what they belong to, and whether they are still bought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, bindparam, insert, select, update

from central import schema
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.database import keyset
from central.database.bulk import BulkLookup
from central.database.prepared import Prepared
from central.stock import totals
from central.stock.rules import Size

__all__ = [
    "MICROS",
    "STATUSES",
    "Item",
    "Wanted",
    "add_item",
    "change_item",
    "check_alone",
    "get_item",
    "item_of",
    "list_items",
    "row_of",
    "set_item_status",
    "tracked_by_serial",
]

STATUSES = ("active", "retired")
TRACKINGS = ("none", "lot", "serial")
MICROS = 1_000_000
MOST_ATTRIBUTES = 100
MOST_MM = 1_000_000
"""A size of an item; three of them multiplied fit into a column."""
MOST_GENERATIONS = 16
"""How deep families may lie in families."""
_BY_SERIAL = BulkLookup(
    "SELECT i.sku FROM {keys} JOIN item i ON i.sku = k.sku AND i.tracking = 'serial'",
    (("sku", "text"),),
)
_encode = msgspec.json.Encoder(order="sorted").encode
_attributes = msgspec.json.Decoder(dict[str, str | int | float | bool]).decode


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the catalogue.

    ``unit_mg`` is a piece's mass in milligrams, ``unit_cv`` its relative standard deviation.
    ``price_micros`` is a unit's price in millionths of ``currency`` (ISO 4217; empty: the books'
    own), so that a price is exact whatever the currency's smallest coin. The sizes are a unit's,
    in millimetres. ``parent`` is the SKU that it is a variant or a part of; a ``family`` has
    variants and never any stock itself. A ``retired`` item is received no more. ``tracking`` says
    what commands must name of its stock: nothing, the ``lot``, or each piece's ``serial``.
    """

    sku: str
    name: str
    category: str = ""
    unit: str = "each"
    unit_mg: int | None = None
    unit_cv: float | None = None
    price_micros: int | None = None
    currency: str = ""
    attributes: Mapping[str, str | int | float | bool] = {}
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    parent: str | None = None
    family: bool = False
    tracking: str = "none"
    status: str = "active"
    created_us: int = 0

    @property
    def size(self) -> Size:
        """A unit's mass and volume, as far as they are known."""
        if self.length_mm is None or self.width_mm is None or self.height_mm is None:
            return Size(self.unit_mg)
        return Size(self.unit_mg, self.length_mm * self.width_mm * self.height_mm)


_ONE = Prepared(
    select(*(schema.item.c[name] for name in Item.__struct_fields__)).where(
        schema.item.c.sku == bindparam("wanted")
    )
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which items a listing is of; empty: all. ``search`` looks into SKU, name and category."""

    search: str = ""
    category: str | None = None
    status: str | None = None
    parent: str | None = None
    sku: str | None = None


def add_item(conn: Connection, item: Item) -> Item:
    """Put a new item into the catalogue; raises ``AlreadyExists``, ``NotFound``, ``NotValid``."""
    _check(conn, item)
    if _find(conn, item.sku) is not None:
        raise AlreadyExists(f"item {item.sku} exists already: change it, or choose another SKU")
    conn.execute(insert(schema.item).values(row_of(item)))
    return item


def change_item(conn: Connection, item: Item) -> Item:
    """Let an item be this from now on; raises ``NotFound`` or ``NotValid``."""
    before = get_item(conn, item.sku)
    _check(conn, item)
    if item.size != before.size:
        totals.measure_anew(conn, {item.sku: (before.size, item.size)})
    conn.execute(update(schema.item).where(schema.item.c.sku == item.sku).values(row_of(item)))
    return item


def get_item(conn: Connection, sku: str) -> Item:
    """The item of this SKU; raises ``NotFound``."""
    row = _find(conn, sku)
    if row is None:
        raise NotFound(f"there is no item {sku}: add it to the catalogue first")
    return item_of(row)


def tracked_by_serial(conn: Connection, skus: Iterable[str]) -> set[str]:
    """Those of some items that are tracked by serial numbers."""
    keys = [(sku,) for sku in dict.fromkeys(skus)]
    return {row[0] for row in _BY_SERIAL.run(conn, keys)}


def list_items(
    conn: Connection, *, after: str = "", limit: int = 200, wanted: Wanted | None = None
) -> list[Item]:
    """Items by SKU, those behind ``after``."""
    table, of = schema.item.c, wanted or Wanted()
    query: Select[*tuple[object, ...]] = keyset.ascending(
        select(schema.item), (table.sku,), (after,), limit
    )
    if of.search:
        query = query.where(
            table.sku.icontains(of.search, autoescape=True)
            | table.name.icontains(of.search, autoescape=True)
            | table.category.icontains(of.search, autoescape=True)
        )
    for name in ("category", "status", "parent", "sku"):
        value = getattr(of, name)
        if value is not None:
            query = query.where(table[name] == value)
    return [item_of(row) for row in conn.execute(query).mappings()]


def set_item_status(conn: Connection, sku: str, status: str) -> Item:
    """Retire an item (it is received no more) or make it active again."""
    return change_item(conn, msgspec.structs.replace(get_item(conn, sku), status=status))


def check_alone(item: Item) -> None:
    """Raises ``NotValid`` where an item cannot be like this, whatever else there is."""
    if not 1 <= len(item.sku) <= 64 or item.sku != item.sku.strip() or "\x00" in item.sku:
        raise NotValid(f"a SKU has 1 to 64 characters and no blanks around it, not {item.sku!r}")
    if item.status not in STATUSES:
        raise NotValid(f"an item is active or retired, not {item.status!r}")
    if item.tracking not in TRACKINGS:
        raise NotValid(f"an item is tracked by {', '.join(TRACKINGS)}, not by {item.tracking!r}")
    if any("\x00" in one for one in (item.name, item.category, item.unit, item.currency)):
        raise NotValid("a text with a NUL character in it cannot be stored")
    sizes = (item.length_mm, item.width_mm, item.height_mm)
    if any(size is None or size < 1 for size in sizes) and any(size is not None for size in sizes):
        raise NotValid("an item's sizes are told all three, each at least 1 mm, or none")
    if any(size is not None and size > MOST_MM for size in sizes):
        raise NotValid(f"an item is at most {MOST_MM} mm long, wide and high")
    if len(item.attributes) > MOST_ATTRIBUTES:
        raise NotValid(f"an item has at most {MOST_ATTRIBUTES} attributes")


def _check(conn: Connection, item: Item) -> None:
    """Raises ``NotFound`` or ``NotValid`` where an item cannot be like this."""
    check_alone(item)
    if item.parent is not None:
        _check_ancestors(conn, item.sku, item.parent)


def _check_ancestors(conn: Connection, sku: str, parent: str) -> None:
    """Nothing belongs to itself, over however many steps."""
    above: str | None = parent
    for _ in range(MOST_GENERATIONS):
        if above == sku:
            raise NotValid(f"{sku} would be its own ancestor by way of {parent}")
        if above is None:
            return
        above = get_item(conn, above).parent
    raise NotValid(f"items lie at most {MOST_GENERATIONS} deep in each other")


def row_of(item: Item) -> dict[str, object]:
    """An item as a row of its table."""
    return msgspec.structs.asdict(item) | {"attributes": _encode(item.attributes).decode()}


def item_of(row: Mapping[str, Any] | RowMapping) -> Item:
    """The item that a row holds."""
    values = {name: row[name] for name in Item.__struct_fields__}
    return Item(
        **values | {"attributes": _attributes(row["attributes"]), "family": bool(row["family"])}
    )


def _find(conn: Connection, sku: str) -> Mapping[str, Any] | None:
    if "\x00" in sku:
        return None  # PostgreSQL has no place for it, not even in a question
    for row in _ONE.rows(conn, {"wanted": sku}):
        return dict(zip(Item.__struct_fields__, row, strict=True))
    return None
