"""Changes of the catalogue by command, each with what stood there before in the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from central import audit
from central.catalogue import items, packs, tags
from central.catalogue.errors import NotValid
from central.catalogue.items import MICROS, Item
from central.catalogue.tags import Binding
from central.events import log as events
from central.stock import queries

__all__ = [
    "Told", "bind", "check_family", "check_tracking", "create",
    "described", "replace", "retire", "shown", "unbind",
]  # fmt: skip

Gtins = Iterable[tuple[str, int]]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something, and when (microseconds since 1970)."""

    by: str
    at_us: int


def create(conn: Connection, item: Item, gtins: Gtins, told: Told) -> dict[str, object]:
    """Put a new item with its GTINs into the catalogue; answers it as it is described."""
    items.add_item(conn, item)
    packs.set_packs(conn, item.sku, gtins)
    made = _kept(conn, item.sku, None, "add item", told)
    events.record(conn, "ProductCreated", item.sku, made, at_us=told.at_us)
    return made


def replace(conn: Connection, item: Item, gtins: Gtins, told: Told) -> dict[str, object]:
    """Let an item and its GTINs be this from now on. Raises ``CatalogueError``."""
    then = items.get_item(conn, item.sku)
    before = described(conn, then)
    check_tracking(conn, then, item)
    items.change_item(conn, item)
    packs.set_packs(conn, item.sku, gtins)
    if item.family:
        check_family(conn, item.sku)
    return _kept(conn, item.sku, before, "change item", told)


def retire(conn: Connection, sku: str, told: Told) -> dict[str, object]:
    """Receive an item no more; what is there can still leave. Again: nothing changes."""
    before = described(conn, items.get_item(conn, sku))
    items.set_item_status(conn, sku, "retired")
    return _kept(conn, sku, before, "retire item", told)


def bind(conn: Connection, binding: Binding, told: Told) -> bool:
    """Let a tag stand for an item; ``False`` when it does already. Raises ``CatalogueError``."""
    if not tags.bind(conn, binding):
        return False
    _record(conn, "bind tag", f"tag {binding.epc}", None, msgspec.structs.asdict(binding), told)
    return True


def unbind(conn: Connection, epc: str, told: Told) -> Binding:
    """Let a tag say only what is written in it; raises ``NotFound``."""
    before = tags.unbind(conn, epc)
    _record(conn, "unbind tag", f"tag {epc}", msgspec.structs.asdict(before), None, told)
    return before


def described(conn: Connection, item: Item) -> dict[str, object]:
    """An item as clients see it: with its GTINs, a price as a number, sizes together."""
    return shown(item, ((one.gtin, one.quantity) for one in packs.list_packs(conn, item.sku)))


def shown(item: Item, gtins: Gtins) -> dict[str, object]:
    """The same, of an item whose GTINs are known."""
    sizes: Sequence[int | None] = (item.length_mm, item.width_mm, item.height_mm)
    return {
        "sku": item.sku,
        "name": item.name,
        "category": item.category,
        "unit": item.unit,
        "unit_mg": item.unit_mg,
        "unit_cv": item.unit_cv,
        "unit_price": None if item.price_micros is None else item.price_micros / MICROS,
        "currency": item.currency,
        "attributes": dict(item.attributes),
        "dimensions_mm": None
        if item.length_mm is None
        else dict(zip(("length", "width", "height"), sizes, strict=True)),
        "parent": item.parent,
        "family": item.family,
        "tracking": item.tracking,
        "status": item.status,
        "gtins": [{"gtin": gtin, "quantity": quantity} for gtin, quantity in gtins],
        "created_us": item.created_us,
    }


def check_tracking(conn: Connection, before: Item, item: Item) -> None:
    """Stock that names no lot or serial is not tracked by one later. Raises ``NotValid``."""
    if item.tracking not in {before.tracking, "none"} and _has_stock(conn, item.sku):
        raise NotValid(
            f"{item.sku} has stock that names no {item.tracking}: take it off the books first, "
            "and receive it again by name"
        )


def check_family(conn: Connection, sku: str) -> None:
    """What has stock, or is named by GTINs or tags, is no family. Raises ``NotValid``."""
    if _has_stock(conn, sku):
        raise NotValid(f"{sku} has stock: a family has none, only its variants do")
    if packs.list_packs(conn, sku) or tags.list_bindings(conn, sku=sku, limit=1):
        raise NotValid(f"{sku} has GTINs or tags: give them to its variants first")


def _has_stock(conn: Connection, sku: str) -> bool:
    return any(one.on_hand for one in queries.stock_of(conn, sku, virtual=False))


def _kept(
    conn: Connection, sku: str, before: dict[str, object] | None, action: str, told: Told
) -> dict[str, object]:
    after = described(conn, items.get_item(conn, sku))
    if after != before:
        _record(conn, action, f"item {sku}", before, after, told)
    return after


def _record(  # noqa: PLR0917 (an entry's parts)
    conn: Connection,
    action: str,
    subject: str,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    told: Told,
) -> None:
    change = audit.Change(subject, before, after)
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)
