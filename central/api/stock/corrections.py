"""Commands that depend on what lies there: the status of all of an item, and what was counted."""

from __future__ import annotations

from itertools import count

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.problems import Problem
from central.api.services import Services, json_answer
from central.api.stock.bodies import StatusBody, StatusPutBody, StockCountBody
from central.api.stock.commands import MAY, REFUSED, Key, command_id, of_line, posted
from central.catalogue import items
from central.catalogue.changes import Told
from central.stock import ledger, queries
from central.stock.model import Movement, Posted
from central.stock.serials import pieces_at

__all__ = ["router"]


def router(services: Services) -> APIRouter:
    """The routes."""
    made = APIRouter(tags=["stock"])

    @made.put(
        "/api/inventory/{sku}/status", summary="Change the status of an item's stock",
        responses=REFUSED, openapi_extra=MAY,
    )  # fmt: skip
    async def put_status(sku: str, body: StatusPutBody, told: Telling, key: Key = None) -> Response:
        """Of `quantity` units at a `location`, or, where no quantity is said, of all that lies in
        `from_status` (there, or anywhere), all or none. Each is a movement in its place.
        """
        name = body.id or command_id(key)
        done = await services.write(lambda c: _restated(c, sku, body, name, told))
        return json_answer(
            {"sku": sku, "status": body.status, "movements": [posted(one) for one in done]}
        )

    @made.post(
        "/stock/count", summary="Correct the books by a count", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def counted(body: StockCountBody, told: Telling, key: Key = None) -> Response:
        """The difference to the books is posted at once; none is answered with no movement, and
        leaves no trace. For counts with snapshots, recounts and approval see the counts' routes.
        """
        name = body.id or command_id(key)
        done = await services.write(lambda c: _corrected(c, body, name, told))
        return json_answer({"movement": None if done is None else posted(done)})

    return made


def _corrected(conn: Connection, body: StockCountBody, name: str, told: Told) -> Posted | None:
    before = queries.movement_by_id(conn, name)
    if before is not None and before.movement.sku != body.sku:
        raise Problem(409, f"the id {name} was used for another movement: use a fresh id")
    if before is not None:
        return _again(before)
    held = queries.on_hand(conn, sku=body.sku, location=body.location, limit=10_000)
    lying = sum(one.on_hand for one in held if (one.lot, one.status) == (body.lot, body.status))
    if lying == body.counted:
        items.get_item(conn, body.sku)
        return None
    (done,) = ledger.post(conn, [body.movement(name, told, lying)], record_us=told.at_us)
    return done


def _restated(
    conn: Connection, sku: str, body: StatusPutBody, name: str, told: Told
) -> list[Posted]:
    before = _posted_before(conn, name)
    if before:
        if any(one.movement.sku != sku for one in before):
            raise Problem(409, f"the id {name} was used for another item: use a fresh id")
        return before
    items.get_item(conn, sku)
    return ledger.post(conn, _wanted(conn, sku, body, name, told), record_us=told.at_us)


def _posted_before(conn: Connection, name: str) -> list[Posted]:
    """What a command of this id came to, if it was carried out."""
    found: list[Posted] = []
    for number in count():
        one = queries.movement_by_id(conn, of_line(name, number))
        if one is None:
            return found
        found.append(_again(one))
    raise AssertionError("there is always an id that was not posted")


def _again(one: Posted) -> Posted:
    return Posted(seq=one.seq, movement=one.movement, record_time=one.record_time, repeated=True)


def _wanted(
    conn: Connection, sku: str, body: StatusPutBody, name: str, told: Told
) -> list[Movement]:
    """The movements of the accounts that are meant."""
    if body.quantity is not None and body.location is None:
        raise Problem(422, "say the `location` of so many units, or leave the quantity out")
    if body.quantity is not None:
        lots: list[tuple[str, str, int]] = [(str(body.location), body.lot or "", body.quantity)]
    else:
        held = queries.on_hand(
            conn, sku=sku, location=body.location, status=body.from_status, limit=10_000
        )
        meant = [one for one in held if body.lot in {None, one.lot}]
        lots = [(one.location, one.lot, one.on_hand) for one in meant]
    tracked = items.get_item(conn, sku).tracking == "serial"
    made = []
    for number, (location, lot, units) in enumerate(lots):
        serials = body.serials
        if tracked and body.quantity is None:
            serials = pieces_at(conn, sku, lot, location, body.from_status)
        line = StatusBody(
            sku=sku, quantity=units, lot=lot, location=location, serials=serials,
            from_status=body.from_status, to_status=body.status, reason=body.reason,
        )  # fmt: skip
        made.append(line.movement(of_line(name, number), told))
    return made
