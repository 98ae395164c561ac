"""Warehouses, and the tree of locations within them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central import audit
from central.api.acting import Telling
from central.api.bodies import Body, Code, Name, Said, Sku
from central.api.etags import IfMatch, check, tagged
from central.api.pages import following, page
from central.api.permits import needs
from central.api.services import Services
from central.catalogue import tree, warehouses
from central.catalogue.changes import Told
from central.stock.rules import MOST_OF_A_PLACE, Rules

Capacity = Annotated[int, Field(ge=0, le=MOST_OF_A_PLACE)]
Type = Literal["", "zone", "aisle", "rack", "shelf", "bin", "dock", "area"]
Status = Literal["active", "retired"]
Limit = Annotated[int, Query(ge=1, le=10_000)]


class RulesBody(Body):
    """What may lie in a place and all places within it together."""

    max_units: Annotated[Capacity, Field(description="Of the items' smallest units.")] | None = None
    max_mass_mg: (
        Annotated[Capacity, Field(description="Milligrams; items of unknown mass weigh nothing.")]
        | None
    ) = None
    max_volume_mm3: (
        Annotated[
            Capacity,
            Field(description="Cubic millimetres; items of unknown dimensions take no room."),
        ]
        | None
    ) = None
    categories: Annotated[tuple[Name, ...], Field(max_length=1000)] = ()
    items: Annotated[
        tuple[Sku, ...],
        Field(max_length=1000, description="Allowed besides the `categories`."),
    ] = ()
    mixes_items: bool = True
    mixes_lots: bool = True

    def rules(self) -> Rules:
        """As posting knows them."""
        return Rules(**self.model_dump())


class LocationBody(Body):
    """A new location."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"code": "backroom", "name": "Back room"},
                {
                    "code": "WH-01-R3-B12",
                    "name": "Rack 3, bin 12",
                    "parent": "WH-01-R3",
                    "type": "bin",
                    "rules": {"max_units": 40, "mixes_lots": False},
                },
            ]
        },
    )

    code: Code
    name: Name
    parent: Code | None = None
    type: Type = ""
    rules: RulesBody = RulesBody()


class LocationChangeBody(Body):
    """What is another now; what is left out or null stays, but a null `parent` makes it a root."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"parent": "WH-01-R4"}, {"rules": {"max_units": 60}}]},
    )

    name: Name | None = None
    parent: Code | None = None
    type: Type | None = None
    rules: Annotated[RulesBody, Field(description="All of them anew.")] | None = None
    status: Status | None = None


class WarehouseBody(Body):
    """A new warehouse."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "code": "WH-01",
                    "name": "Hamburg",
                    "address": "Kaistrasse 1, 20457 Hamburg",
                    "time_zone": "Europe/Berlin",
                }
            ]
        },
    )

    code: Code
    name: Name
    address: Annotated[Said, Field(max_length=500)] = ""
    time_zone: Annotated[
        Said, Field(max_length=64, description="A name of the IANA time zone database.")
    ] = "UTC"


class WarehouseChangeBody(Body):
    """What is another now; what is left out or null stays."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"time_zone": "Europe/Lisbon"}]},
    )

    name: Name | None = None
    address: Annotated[Said, Field(max_length=500)] | None = None
    time_zone: Annotated[Said, Field(max_length=64)] | None = None
    status: Status | None = None


def router(services: Services) -> APIRouter:
    """The routes of places."""
    made = APIRouter(tags=["places"])
    _add_warehouses(made, services)
    _add_locations(made, services)
    _add_location_changes(made, services)
    return made


def _add_warehouses(made: APIRouter, services: Services) -> None:
    @made.post(
        "/warehouses",
        status_code=201,
        summary="Add a warehouse",
        openapi_extra=needs("write:places", "own"),
    )
    async def add(body: WarehouseBody, told: Telling) -> Response:
        """It is a location of the same code, too: the root of the tree of its places."""
        wanted = warehouses.Warehouse(**body.model_dump())

        def work(connection: Connection) -> warehouses.Warehouse:
            added = warehouses.add_warehouse(connection, wanted, created_us=told.at_us)
            _keep(connection, "add warehouse", added.code, None, added, told)
            return added

        return tagged(await services.write(work), 201)

    @made.get("/warehouses", summary="List warehouses", openapi_extra=needs("read:places", "own"))
    async def listed(after: str = "", limit: Limit = 1000) -> Response:
        """By code."""
        found = await services.read(
            lambda c: warehouses.list_warehouses(c, after=after, limit=limit)
        )
        return page(found, following(found, limit, lambda one: one.code))

    @made.get(
        "/warehouses/{code}", summary="One warehouse", openapi_extra=needs("read:places", "own")
    )
    async def one(code: str) -> Response:
        """With the `ETag` that a change of it can name."""
        found = await services.read(lambda c: warehouses.get_warehouse(c, code))
        return tagged(found)

    @made.patch(
        "/warehouses/{code}",
        summary="Change a warehouse",
        openapi_extra=needs("write:places", "own"),
    )
    async def change(
        code: str, body: WarehouseChangeBody, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """Its code stays. It is retired when it is empty, as any location."""
        changes = body.model_dump(exclude_none=True)

        def work(connection: Connection) -> warehouses.Warehouse:
            check(if_match, warehouses.get_warehouse(connection, code), needed=False)
            before, after = warehouses.change_warehouse(connection, code, changes)
            _keep(connection, "change warehouse", code, before, after, told)
            return after

        return tagged(await services.write(work))


def _add_locations(made: APIRouter, services: Services) -> None:
    @made.post(
        "/locations",
        status_code=201,
        summary="Add a location",
        openapi_extra=needs("write:places", "own"),
    )
    async def add(body: LocationBody, told: Telling) -> Response:
        """Internal locations hold stock and never go negative. Codes are unique over all
        warehouses. Its rules hold for it and for all within it together: a command that breaks
        one is refused with 409, and what sensors saw is posted and put before a person.
        """
        values = body.model_dump(exclude={"rules"})
        place = tree.Location(**values, rules=body.rules.rules(), created_us=told.at_us)

        def work(connection: Connection) -> dict[str, object]:
            added = tree.add_location(connection, place)
            _keep(connection, "add location", added.code, None, added, told)
            return _shown(connection, added)

        return tagged(await services.write(work), 201)

    @made.get("/locations", summary="List locations", openapi_extra=needs("read:places", "own"))
    async def listed(under: str | None = None, after: str = "", limit: Limit = 1000) -> Response:
        """By code, the virtual ones (supplier, customer, ...) too; `parent` and `depth` make the
        tree. `under` lists one location and all within it, with depths from there.
        """

        def work(connection: Connection) -> list[tree.Listed]:
            if under is not None:
                tree.get_location(connection, under)
            return tree.list_locations(connection, under=under, after=after, limit=limit)

        found = await services.read(work)
        behind = following(found, limit, lambda one: one.location.code)
        rows = [{**msgspec.structs.asdict(one.location), "depth": one.depth} for one in found]
        return page(rows, behind)

    @made.get(
        "/locations/{code}", summary="One location", openapi_extra=needs("read:places", "own")
    )
    async def one(code: str) -> Response:
        """With its `path` from the root, and the `ETag` that a change of it can name."""
        return tagged(await services.read(lambda c: _shown(c, tree.get_location(c, code))))


def _add_location_changes(made: APIRouter, services: Services) -> None:
    @made.patch(
        "/locations/{code}",
        summary="Change or move a location",
        openapi_extra=needs("write:places", "own"),
    )
    async def change(
        code: str, body: LocationChangeBody, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """With another `parent` it goes there, and all within it goes along. `retired` it takes
        nothing more: it must be empty, with nothing active within it and no read point that
        posts to it. Rules hold for goods that come from now on.
        """
        changes: dict[str, object] = body.model_dump(exclude_none=True, exclude={"rules"})
        if body.rules is not None:
            changes["rules"] = body.rules.rules()
        if "parent" in body.model_fields_set:
            changes["parent"] = body.parent

        def work(connection: Connection) -> dict[str, object]:
            seen = _shown(connection, tree.get_location(connection, code))
            check(if_match, seen, needed=False)
            before, after = tree.change_location(connection, code, changes)
            _keep(connection, "change location", code, before, after, told)
            return _shown(connection, after)

        return tagged(await services.write(work))


def _shown(connection: Connection, place: tree.Location) -> dict[str, object]:
    """A location with its path from the root."""
    return {**msgspec.structs.asdict(place), "path": tree.path_of(connection, place)}


def _keep(  # noqa: PLR0917 (what an entry of the audit says)
    connection: Connection,
    action: str,
    code: str,
    before: msgspec.Struct | None,
    after: msgspec.Struct,
    told: Told,
) -> None:
    """An entry of the audit, in the same transaction."""
    subject = f"{action.rpartition(' ')[2]} {code}"
    change = audit.Change(
        subject,
        None if before is None else msgspec.to_builtins(before),
        msgspec.to_builtins(after),
    )
    audit.record(connection, [change], actor=told.by, action=action, at_us=told.at_us)
