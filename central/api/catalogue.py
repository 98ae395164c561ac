"""Locations, and what read points and plates mean."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.bodies import LocationBody, PlateBody, ReadPointBody
from central.api.pages import page
from central.api.services import Services, json_answer, now_us
from central.catalogue import places
from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.reconcile.verdict import PlatePlan, ReadPoint


def router(services: Services) -> APIRouter:
    """The catalogue's routes."""
    made = APIRouter(tags=["catalogue"])

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

    return made
