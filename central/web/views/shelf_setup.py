"""What a shelf's plates are set up from: the plates there are, and items and places to choose."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.access import reach
from central.catalogue import layouts, places, planogram
from central.catalogue.errors import NotFound
from central.web.views import stock, stock_list

__all__ = ["Choice", "Known", "items_like", "known_of", "places_like", "shelf_place"]

MOST = 8
_item, _place = schema.item.c, schema.location.c


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A plate of a shelf, and what lies on it; without a SKU nobody has said that."""

    plate: int
    sku: str = ""
    name: str = ""
    unit_mg: int = 0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An item that may lie on a plate; ``unit_mg`` none where nobody knows a piece's mass."""

    sku: str
    name: str
    unit_mg: int | None
    unit_cv: float | None


def shelf_place(conn: Connection, code: str) -> str | None:
    """The place of a shelf; ``None`` where the books know no read point of this name yet.

    Raises ``OutOfReach``, and ``NotFound`` for a read point that is no shelf.
    """
    reach.check_read_point(conn, code)
    found = next((one for one in places.list_read_points(conn) if one.code == code), None)
    if found is None:
        return None
    if found.kind != "shelf":
        raise NotFound(f"{code} is a {found.kind}, and has no plates")
    return found.location


def known_of(conn: Connection, code: str, *, at_us: int) -> list[Known]:
    """Every plate that a shelf has, by number."""
    planned = {one.plate: one for one in planogram.list_plates(conn, at_us=at_us, read_point=code)}
    names = stock.item_names(conn, {one.sku for one in planned.values()})
    found = []
    for plate in sorted(layouts.known_plates(conn, code)):
        plan = planned.get(plate)
        found.append(Known(plate=plate) if plan is None else Known(
            plate=plate, sku=plan.sku, name=names.get(plan.sku, plan.sku), unit_mg=plan.unit_mg,
        ))  # fmt: skip
    return found


def items_like(conn: Connection, said: str) -> list[Choice]:
    """Items by SKU, name, barcode or tag; none for nothing."""
    if not said.strip() or "\x00" in said:
        return []
    rows = stock_list.listed(conn, stock_list.Wanted(search=said.strip()), limit=MOST)
    columns = (_item.sku, _item.name, _item.unit_mg, _item.unit_cv)
    known = {
        row.sku: row
        for row in conn.execute(select(*columns).where(_item.sku.in_([one.sku for one in rows])))
    }
    return [
        Choice(sku=one.sku, name=one.name, unit_mg=known[one.sku].unit_mg,
               unit_cv=known[one.sku].unit_cv)
        for one in rows if one.sku in known and not one.retired
    ]  # fmt: skip


def places_like(conn: Connection, said: str) -> list[tuple[str, str]]:
    """Code and name of places within reach that hold these words."""
    said = said.strip()
    if not said or "\x00" in said:
        return []
    query = select(_place.code, _place.name).where(
        _place.kind == "internal", _place.status == "active",
        _place.code.icontains(said, autoescape=True) | _place.name.icontains(said, autoescape=True),
    )  # fmt: skip
    if (granted := reach.within(_place.code)) is not None:
        query = query.where(granted)
    return [(row.code, row.name) for row in conn.execute(query.order_by(_place.code).limit(MOST))]
