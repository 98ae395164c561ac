"""Warehouses: the roots of the tree of locations, with an address and a time zone."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, insert, select, update

from central import schema
from central.access import reach
from central.catalogue.errors import NotFound, NotValid
from central.catalogue.tree import Location, add_location, change_location

__all__ = ["Warehouse", "add_warehouse", "change_warehouse", "get_warehouse", "list_warehouses"]

_OF_THE_LOCATION = ("name", "status")
_OF_ITS_OWN = ("address", "time_zone")
_warehouse = schema.warehouse.c


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse is the location of the same code. ``time_zone`` is a name of the IANA
    database; ``version`` counts the changes of the location, too.
    """

    code: str
    name: str
    address: str = ""
    time_zone: str = "UTC"
    status: str = "active"
    version: int = 1


def add_warehouse(conn: Connection, warehouse: Warehouse, *, created_us: int) -> Warehouse:
    """A new warehouse, and its location; raises ``AlreadyExists`` or ``NotValid``."""
    _check(warehouse)
    place = Location(
        code=warehouse.code, name=warehouse.name, type="warehouse", created_us=created_us
    )
    add_location(conn, place)
    own = {name: getattr(warehouse, name) for name in ("code", *_OF_ITS_OWN)}
    conn.execute(insert(schema.warehouse).values(own))
    return warehouse


def get_warehouse(conn: Connection, code: str) -> Warehouse:
    """The warehouse of this code; raises ``NotFound``, and ``OutOfReach``."""
    row = conn.execute(_listing().where(_warehouse.code == code)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no warehouse {code}: add it first")
    reach.check(conn, [code])
    return Warehouse(**row)


def list_warehouses(conn: Connection, *, after: str = "", limit: int = 200) -> list[Warehouse]:
    """Warehouses by code, those behind ``after``, as far as they are within reach."""
    query = _listing().where(_warehouse.code > after).order_by(_warehouse.code).limit(limit)
    if (granted := reach.within(_warehouse.code)) is not None:
        query = query.where(granted)
    return [Warehouse(**row) for row in conn.execute(query).mappings()]


def change_warehouse(
    conn: Connection, code: str, changes: dict[str, object]
) -> tuple[Warehouse, Warehouse]:
    """Change ``name``, ``address``, ``time_zone`` or ``status``: the warehouse before and after.
    Raises as ``change_location`` does.
    """
    before = get_warehouse(conn, code)
    _check(msgspec.structs.replace(before, **changes))
    of_the_location = {name: changes[name] for name in _OF_THE_LOCATION if name in changes}
    change_location(conn, code, of_the_location)
    own = {name: changes[name] for name in _OF_ITS_OWN if name in changes}
    if own:
        conn.execute(update(schema.warehouse).where(_warehouse.code == code).values(own))
    return before, get_warehouse(conn, code)


def _check(warehouse: Warehouse) -> None:
    if warehouse.time_zone not in _known_zones():
        raise NotValid(
            f"there is no time zone {warehouse.time_zone!r}: use a name of the IANA database, "
            "such as Europe/Berlin"
        )


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _listing() -> Select[Any]:
    place = schema.location.c
    return select(
        _warehouse.code, place.name, _warehouse.address, _warehouse.time_zone, place.status,
        place.version,
    ).join(schema.location, place.code == _warehouse.code)  # fmt: skip
