"""Items (SKUs), and the packs whose GTIN stands for some number of them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from central import schema
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.effective import next_log_id
from central.reconcile.verdict import Pack
from gateway.gs1.keys import Gs1Error, to_gtin14

STATUSES = ("active", "retired")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the catalogue. ``unit_mg`` is a piece's mass in milligrams, ``unit_cv`` its
    relative standard deviation, ``price_minor`` a price in the currency's smallest unit.
    """

    sku: str
    name: str
    category: str = ""
    unit: str = "each"
    unit_mg: int | None = None
    unit_cv: float | None = None
    price_minor: int | None = None
    status: str = "active"
    created_us: int = 0


def add_item(conn: Connection, item: Item) -> Item:
    """Put a new item into the catalogue; raises ``AlreadyExists`` or ``NotValid``."""
    if not 1 <= len(item.sku) <= 64 or item.sku != item.sku.strip():
        raise NotValid(f"a SKU has 1 to 64 characters and no blanks around it, not {item.sku!r}")
    if item.status not in STATUSES:
        raise NotValid(f"an item is active or retired, not {item.status!r}")
    if _find(conn, item.sku) is not None:
        raise AlreadyExists(f"item {item.sku} exists already: change it, or choose another SKU")
    conn.execute(insert(schema.item).values(msgspec.structs.asdict(item)))
    return item


def get_item(conn: Connection, sku: str) -> Item:
    """The item of this SKU; raises ``NotFound``."""
    row = _find(conn, sku)
    if row is None:
        raise NotFound(f"there is no item {sku}: add it to the catalogue first")
    return Item(**row)


def list_items(
    conn: Connection, *, after: str = "", limit: int = 200, search: str = ""
) -> list[Item]:
    """Items by SKU, those behind ``after``; ``search`` looks into SKU, name and category."""
    table = schema.item.c
    query = select(schema.item).where(table.sku > after).order_by(table.sku).limit(limit)
    if search:
        query = query.where(
            table.sku.icontains(search, autoescape=True)
            | table.name.icontains(search, autoescape=True)
            | table.category.icontains(search, autoescape=True)
        )
    return [Item(**row) for row in conn.execute(query).mappings()]


def set_item_status(conn: Connection, sku: str, status: str) -> Item:
    """Retire an item (nothing more can be posted for it) or make it active again."""
    if status not in STATUSES:
        raise NotValid(f"an item is active or retired, not {status!r}")
    get_item(conn, sku)
    conn.execute(update(schema.item).where(schema.item.c.sku == sku).values(status=status))
    return get_item(conn, sku)


def put_pack(conn: Connection, gtin: str, sku: str, quantity: int = 1) -> Pack:
    """Let a GTIN (8 to 14 digits) stand for ``quantity`` units of an item from the next
    observation on; raises ``NotFound`` or ``NotValid``.
    """
    try:
        gtin14 = to_gtin14(gtin)
    except Gs1Error as error:
        raise NotValid(str(error)) from error
    if not 1 <= quantity <= 2**31:
        raise NotValid(f"a pack holds at least one unit, not {quantity}")
    get_item(conn, sku)
    pack = Pack(gtin=gtin14, sku=sku, quantity=quantity)
    values = msgspec.structs.asdict(pack) | {"valid_from_log": next_log_id(conn)}
    conn.execute(insert(schema.pack).values(values))
    return pack


def list_packs(conn: Connection, sku: str | None = None) -> list[Pack]:
    """The packs in force, by GTIN; only those of ``sku`` when given."""
    table = schema.pack.c
    rows = conn.execute(select(table.gtin, table.sku, table.quantity).order_by(table.id))
    newest = {row.gtin: Pack(gtin=row.gtin, sku=row.sku, quantity=row.quantity) for row in rows}
    return [newest[gtin] for gtin in sorted(newest) if sku in (None, newest[gtin].sku)]


def _find(conn: Connection, sku: str) -> RowMapping | None:
    return (
        conn.execute(select(schema.item).where(schema.item.c.sku == sku)).mappings().one_or_none()
    )
