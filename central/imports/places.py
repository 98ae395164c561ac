"""Warehouses and locations as rows of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection

from central import audit
from central.catalogue import tree, warehouses
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError, NotFound
from central.catalogue.tree import Location
from central.catalogue.warehouses import Warehouse
from central.imports.model import Column, Fault, Row
from central.stock.model import LocationKind, StockError
from central.stock.rules import MOST_OF_A_PLACE

__all__ = ["COLUMNS", "apply", "tell"]

_TYPES = ", ".join(tree.TYPES[1:])
COLUMNS = (
    Column("code", "1 to 64 characters", ("location", "location code"), needed=True),
    Column("name", "1 to 200 characters", ("description",)),
    Column("parent", "a location that is there or comes before", ("within",)),
    Column("type", _TYPES, ("kind",)),
    Column("time_zone", "of a warehouse: a name of the IANA database", ("timezone",)),
    Column("max_units", "a whole number", ("capacity",), numeric=True),
    Column("max_mass_mg", "a whole number of milligrams", numeric=True),
    Column("max_volume_mm3", "a whole number of cubic millimetres", numeric=True),
)
_CAPACITIES = ("max_units", "max_mass_mg", "max_volume_mm3")
_MOST = 100_000
_MOST_NAME = 200
Came = Literal["created", "changed", "unchanged"]


def apply(
    conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool
) -> list[Came | list[Fault]]:
    """Add or change the places; for each row what came of it."""
    del dry  # what is written is rolled back
    return [_put(conn, row, told) for row in rows]


def _put(conn: Connection, row: Row, told: Told) -> Came | list[Fault]:
    values = row.values
    code, name = values.get("code", ""), values.get("name", values.get("code", ""))
    if any("\x00" in one for one in values.values()) or len(name) > _MOST_NAME:
        return [Fault(row.number, "name", "too long, or with a NUL in it", COLUMNS[1].takes)]
    capacities, faults = _capacities(row)
    if faults:
        return faults
    try:
        if values.get("type") == "warehouse":
            came = _put_warehouse(conn, code, name, values.get("time_zone", ""), told)
        else:
            came = _put_location(conn, code, name, values, told)
        return _limit(conn, code, capacities, came, told)
    except (CatalogueError, StockError) as refused:
        return [Fault(row.number, "", str(refused))]


def _capacities(row: Row) -> tuple[dict[str, int], list[Fault]]:
    """What a row says a place may hold, and what is wrong with that."""
    found, faults = dict[str, int](), list[Fault]()
    for column in (one for one in COLUMNS if one.name in _CAPACITIES):
        said = row.values.get(column.name)
        if said is None:
            continue
        if said.isascii() and said.isdecimal() and int(said) <= MOST_OF_A_PLACE:
            found[column.name] = int(said)
        else:
            faults.append(Fault(row.number, column.name, f"{said[:60]!r} is none", column.takes))
    return found, faults


def _limit(conn: Connection, code: str, capacities: dict[str, int], came: Came, told: Told) -> Came:
    """Let a place hold so much; what a row does not say stays as it is."""
    before = tree.get_location(conn, code)
    rules = msgspec.structs.replace(before.rules, **capacities)
    if rules == before.rules:
        return came
    before, after = tree.change_location(conn, code, {"rules": rules})
    _keep(conn, "change location", code, before, after, told)
    return "changed" if came == "unchanged" else came


def _put_warehouse(conn: Connection, code: str, name: str, zone: str, told: Told) -> Came:
    try:
        before = warehouses.get_warehouse(conn, code)
    except NotFound:
        made = Warehouse(code=code, name=name, time_zone=zone or "UTC")
        warehouses.add_warehouse(conn, made, created_us=told.at_us)
        _keep(conn, "add warehouse", code, None, made, told)
        return "created"
    wanted: dict[str, object] = {"name": name, "time_zone": zone or before.time_zone}
    if all(getattr(before, key) == value for key, value in wanted.items()):
        return "unchanged"
    before, after = warehouses.change_warehouse(conn, code, wanted)
    _keep(conn, "change warehouse", code, before, after, told)
    return "changed"


def _put_location(
    conn: Connection, code: str, name: str, values: dict[str, str], told: Told
) -> Came:
    wanted: dict[str, object] = {
        "name": name, "parent": values.get("parent"), "type": values.get("type", ""),
    }  # fmt: skip
    try:
        before = tree.get_location(conn, code)
    except NotFound:
        made = Location(
            code=code, name=name, parent=values.get("parent"), type=values.get("type", ""),
            created_us=told.at_us,
        )  # fmt: skip
        tree.add_location(conn, made)
        _keep(conn, "add location", code, None, made, told)
        return "created"
    if all(getattr(before, key) == value for key, value in wanted.items()):
        return "unchanged"
    before, after = tree.change_location(conn, code, wanted)
    _keep(conn, "change location", code, before, after, told)
    return "changed"


def _keep(  # noqa: PLR0917 (an entry's parts)
    conn: Connection,
    action: str,
    code: str,
    before: Location | Warehouse | None,
    after: Location | Warehouse,
    told: Told,
) -> None:
    change = audit.Change(f"location {code}", _shown(before), _shown(after))
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)


def _shown(place: Location | Warehouse | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {name: getattr(place, name) for name in place.__struct_fields__}


def tell(conn: Connection) -> Iterator[dict[str, object]]:
    """Every place as a row that can be imported again: what encloses others comes first."""
    zones = {one.code: one.time_zone for one in warehouses.list_warehouses(conn, limit=_MOST)}
    listed = tree.list_locations(conn, limit=_MOST)
    for one in sorted(listed, key=lambda listed: (listed.depth, listed.location.code)):
        place = one.location
        if place.kind == LocationKind.INTERNAL:
            yield {
                "code": place.code, "name": place.name, "parent": place.parent,
                "type": place.type, "time_zone": zones.get(place.code),
                **{name: getattr(place.rules, name) for name in _CAPACITIES},
            }  # fmt: skip
