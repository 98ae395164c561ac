"""What read points mean for stock, and what lies on the plates of shelves from when until when."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy import Connection

from central import audit
from central.access import reach
from central.api.acting import Telling
from central.api.bodies import Body, Code, Sku
from central.api.pages import page
from central.api.permits import needs
from central.api.services import Services, json_answer, now_us
from central.catalogue import places, planogram
from central.database.moments import to_us
from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.reconcile.verdict import PlatePlan, ReadPoint

Plate = Annotated[int, Path(ge=-(2**31), lt=2**31)]


class ReadPointBody(Body):
    """What a read point means for stock."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"kind": "portal", "location": "backroom"}]},
    )

    kind: Literal["portal", "shelf", "scan", "zone"]
    location: Code
    inbound_from: Code = "supplier"
    outbound_to: Code = "customer"
    fuse_s: Annotated[
        int,
        Field(ge=0, le=86_400, description="Other sensors' events within these may be the same."),
    ] = 600
    inferred: Literal["review", "auto"] = "review"
    gone_after_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    moves_stock: Annotated[
        bool, Field(description="A zone moves known pieces that settle in it to its location.")
    ] = False
    one_way: Annotated[
        Literal["", "in", "out"],
        Field(description="A portal through which goods go this way only; empty: both ways."),
    ] = ""


class PlateBody(Body):
    """What lies on a shelf's plate."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"sku": "OAT-500", "unit_mg": 512_000},
                {"sku": "RICE-1", "unit_mg": 1_010_000, "valid_from": "2026-02-02T05:00:00+01:00"},
            ]
        },
    )

    sku: Sku
    unit_mg: Annotated[int, Field(ge=1)]
    unit_cv: Annotated[float, Field(ge=0, le=1)] = 0.01
    valid_from: (
        Annotated[AwareDatetime, Field(description="When it lies there from; in UTC or an offset.")]
        | None
    ) = None


def router(services: Services) -> APIRouter:
    """The routes of read points and plates."""
    made = APIRouter(tags=["places"])

    @made.get(
        "/read-points", summary="List read points", openapi_extra=needs("read:devices", "own")
    )
    async def list_read_points() -> Response:
        """What is in force now, with the plates of shelves; ``countable`` is how many pieces a
        plate tells from one more or less in one change, at a usual shelf's noise.
        """

        def work(connection: Connection) -> list[object]:
            plates = planogram.list_plates(connection, at_us=now_us())
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
                for point in places.list_read_points(connection, granted=True)
            ]

        return page(await services.read(work))

    @made.put(
        "/read-points/{code}",
        summary="Say what a read point means",
        openapi_extra=needs("write:devices", "own"),
    )
    async def put_read_point(code: str, body: ReadPointBody, told: Telling) -> Response:
        """Holds from the next observation on; what was judged before stays as it is."""
        point = ReadPoint(code=code, **body.model_dump())

        def work(connection: Connection) -> ReadPoint:
            known = {one.code: one for one in places.list_read_points(connection)}
            before = known.get(code)
            if before is not None:
                reach.check_read_point(connection, code)
            said = places.put_read_point(connection, point)
            change = audit.Change(
                f"read point {code}",
                None if before is None else msgspec.to_builtins(before),
                msgspec.to_builtins(said),
            )
            audit.record(
                connection, [change], actor=told.by, action="say read point", at_us=told.at_us
            )
            return said

        return json_answer(await services.write(work))

    _add_plates(made, services)
    return made


def _add_plates(made: APIRouter, services: Services) -> None:
    @made.put(
        "/read-points/{code}/plates/{plate}",
        summary="Say what lies on a plate",
        openapi_extra=needs("write:plates", "own"),
    )
    async def put_plate(code: str, plate: Plate, body: PlateBody, told: Telling) -> Response:
        """`unit_mg` is a piece's mass, `unit_cv` its relative standard deviation. Without
        `valid_from` it corrects the plan in force, from the next observation on. With it the plan
        begins then, by the time of what is weighed; what was judged before stays as it is.
        """
        plan = PlatePlan(read_point=code, plate=plate, **body.model_dump(exclude={"valid_from"}))
        begins_us = None if body.valid_from is None else to_us(body.valid_from)

        def work(connection: Connection) -> PlatePlan:
            reach.check_read_point(connection, code)
            held = planogram.list_plates(connection, at_us=told.at_us, read_point=code)
            before = next((one for one in held if one.plate == plate), None)
            said = planogram.put_plate(
                connection, plan, valid_from_us=begins_us, said_us=told.at_us
            )
            change = audit.Change(
                f"plate {code}/{plate}",
                None if before is None else msgspec.to_builtins(before),
                msgspec.to_builtins(said),
            )
            audit.record(connection, [change], actor=told.by, action="plan plate", at_us=told.at_us)
            return said

        return json_answer(await services.write(work))

    @made.get(
        "/read-points/{code}/plates/{plate}/history",
        summary="What lay on a plate when",
        openapi_extra=needs("read:devices", "own"),
    )
    async def history(code: str, plate: Plate) -> Response:
        """Every plan of the plate in the order in which it was said, those that are yet to begin
        too; `valid_until` is null for the last one.
        """

        def work(connection: Connection) -> list[planogram.Planned]:
            reach.check_read_point(connection, code)
            return planogram.history(connection, code, plate)

        return page(await services.read(work))
