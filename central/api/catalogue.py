"""Items, locations, and what read points and plates mean."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.bodies import ItemBody, LocationBody, PlateBody, ReadPointBody
from central.api.pages import following, page
from central.api.services import Services, json_answer, now_us
from central.catalogue import items, places
from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.reconcile.verdict import PlatePlan, ReadPoint


def router(services: Services) -> APIRouter:
    """The catalogue's routes."""
    made = APIRouter(tags=["catalogue"])

    @made.post("/items", status_code=201, summary="Add an item")
    @made.post("/api/products", status_code=201, summary="Add an item (alias of /items)")
    async def add_item(body: ItemBody) -> Response:
        """A SKU exists once: a second one of the same name is refused with 409."""

        def work(connection: Connection) -> object:
            values = body.model_dump(exclude={"gtins"})
            item = items.add_item(connection, items.Item(**values, created_us=now_us()))
            for pack in body.gtins:
                items.put_pack(connection, pack.gtin, body.sku, pack.quantity)
            return _item(connection, item)

        return json_answer(await services.write(work), 201)

    @made.get("/items", summary="List items")
    async def list_items(
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        search: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        """By SKU; `search` looks into SKU, name and category."""
        found = await services.read(
            lambda c: items.list_items(c, after=after, limit=limit, search=search)
        )
        return page(found, following(found, limit, lambda item: item.sku))

    @made.get("/items/{sku}", summary="One item")
    async def get_item(sku: str) -> Response:
        """With the GTINs that stand for it."""
        return json_answer(await services.read(lambda c: _item(c, items.get_item(c, sku))))

    _add_places(made, services)
    return made


def _item(connection: Connection, item: items.Item) -> dict[str, object]:
    packs = items.list_packs(connection, item.sku)
    gtins = [{"gtin": pack.gtin, "quantity": pack.quantity} for pack in packs]
    return {**msgspec.structs.asdict(item), "gtins": gtins}


def _add_places(made: APIRouter, services: Services) -> None:
    @made.post("/locations", status_code=201, summary="Add a location")
    async def add_location(body: LocationBody) -> Response:
        """Internal locations hold stock and never go negative."""
        place = places.Location(**body.model_dump(), created_us=now_us())
        return json_answer(await services.write(lambda c: places.add_location(c, place)), 201)

    @made.get("/locations", summary="List locations")
    async def list_locations() -> Response:
        """Every location, the virtual ones (supplier, customer, ...) too."""
        return page(list(await services.read(places.list_locations)))

    @made.get("/read-points", summary="List read points")
    async def list_read_points() -> Response:
        """What is in force now, with the plates of shelves; ``countable`` is how many pieces a
        plate tells from one more or less in one change, at a usual shelf's noise.
        """

        def work(connection: Connection) -> list[object]:
            plates = places.list_plates(connection)
            return [
                {
                    **msgspec.structs.asdict(point),
                    "plates": [
                        {
                            **msgspec.structs.asdict(plate),
                            "countable": countable(plate.unit_mg, plate.unit_cv, USUAL_NOISE_MG),
                        }
                        for plate in plates
                        if plate.read_point == point.code
                    ],
                }
                for point in places.list_read_points(connection)
            ]

        return page(await services.read(work))

    @made.put("/read-points/{code}", summary="Say what a read point means")
    async def put_read_point(code: str, body: ReadPointBody) -> Response:
        """Holds from the next observation on; what was judged before stays as it is."""
        point = ReadPoint(code=code, **body.model_dump())
        return json_answer(await services.write(lambda c: places.put_read_point(c, point)))

    @made.put("/read-points/{code}/plates/{plate}", summary="Say what lies on a plate")
    async def put_plate(code: str, plate: int, body: PlateBody) -> Response:
        """`unit_mg` is a piece's mass, `unit_cv` its relative standard deviation."""
        plan = PlatePlan(read_point=code, plate=plate, **body.model_dump())
        return json_answer(await services.write(lambda c: places.put_plate(c, plan)))
