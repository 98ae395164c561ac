"""Picking: tasks with a way through the places, and what was brought."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.orders.bodies import PickedBody, PutBackBody, TaskBody
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer, now_us
from central.api.stock.commands import Key, command_id
from central.orders import picking, unpicking, waves
from central.orders.picking import Task


def router(services: Services) -> APIRouter:
    """The routes of picking."""
    made = APIRouter(prefix="/api/picking", tags=["orders"])

    @made.post(
        "/tasks",
        status_code=201,
        summary="Make a picking task",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", "own"),
    )
    async def make(body: TaskBody, told: Telling, key: Key = None) -> Response:
        """Lets the orders go on one wave, and says what is to be brought from where, in the order
        of the walk. From now on judging knows that they are about to leave. An order that waits
        for goods goes only if it is `partial`. Again with the same id: the task as it stands.
        """
        name = body.id or command_id(key)

        def work(connection: Connection) -> dict[str, object]:
            orders = waves.release(connection, name, body.orders, at_us=now_us())
            made = picking.make(
                connection, name, name, orders, by=body.assigned_to or told.by, at_us=now_us()
            )
            return _shown(made)

        return json_answer(await services.write(work), 201)

    @made.get(
        "/tasks/{task_id}",
        summary="One picking task",
        responses=shown_as(403, 404),
        openapi_extra=needs("read:orders", "own"),
    )
    async def one(task_id: str) -> Response:
        """Its picks in the order of the walk, those done too."""
        return json_answer(await services.read(lambda c: _shown(picking.get(c, task_id))))

    @made.post(
        "/picks/{pick_id}/confirm",
        summary="Say what was picked",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", "own"),
    )
    async def confirm(pick_id: str, body: PickedBody, told: Telling, key: Key = None) -> Response:
        """By what was scanned: the place, the item, the lot. It is brought to where its order
        ships from. Less than was asked for needs a `reason`: goods that are `not-there` are booked
        out, `damaged` ones are no longer sold, and others are given in their place or waited for;
        `later` leaves the pick open. With an `id`, saying the same again changes nothing; without
        one, that holds for what ends the pick.
        """
        command = body.id or ("" if key is None else command_id(key))
        brought = body.brought(pick_id, command, told.by, datetime.now(UTC))
        pick, repeated = await services.write(lambda c: picking.confirm(c, brought, at_us=now_us()))
        return json_answer(msgspec.structs.asdict(pick) | {"repeated": repeated})

    _add_putting_back(made, services)
    return made


def _add_putting_back(made: APIRouter, services: Services) -> None:
    @made.post(
        "/picks/{pick_id}/put-back",
        summary="Put back what was picked",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", "own"),
    )
    async def put_back(pick_id: str, body: PutBackBody, told: Telling) -> Response:
        """It was a mistake: what was brought by this `command` (the `id` of its confirmation) goes
        back to its place, and the pick is open again. Refused with 409 where other goods were given
        for missing ones, or the order is packed or shipped. Again changes nothing.
        """
        pick, repeated = await services.write(
            lambda c: unpicking.put_back(c, pick_id, body.command, by=told.by, at_us=told.at_us)
        )
        return json_answer(msgspec.structs.asdict(pick) | {"repeated": repeated})


def _shown(task: Task) -> dict[str, object]:
    stops = list(dict.fromkeys(one.location for one in task.picks if one.state == "open"))
    return msgspec.structs.asdict(task) | {"route": stops}
