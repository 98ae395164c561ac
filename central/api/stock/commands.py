"""Commands that move stock: each once by its id, and several together or none of them."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.quick import QuickRoute
from central.api.services import Services, json_answer
from central.api.stock.bodies import (
    AdjustBody,
    Line,
    LinesBody,
    MoveBody,
    ReceiveBody,
    ScrapBody,
    StatusBody,
    StockReturnBody,
    StockShipBody,
)
from central.catalogue.changes import Told
from central.lots import store as lots
from central.stock import ledger
from central.stock.model import Posted

__all__ = ["MAY", "REFUSED", "Key", "command_id", "posted", "router"]

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="Instead of `id` in the body."),
]
MAY = needs("write:stock", "own")
REFUSED = shown_as(404, 409, 422)


def router(services: Services) -> APIRouter:
    """The routes of commands."""
    made = APIRouter(tags=["stock"], route_class=QuickRoute)
    desk = Desk(services)
    _add_receipts(made, desk)
    _add_moves(made, desk)
    _add_others(made, desk)
    _add_lines(made, desk)
    return made


class Desk:
    """Carries commands out. What names nothing but stock goes along with other clients'."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def one(self, line: Line, key: str | None, told: Told) -> Response:
        """Carry one command out; 200 when its id had been posted before."""
        name = line.id or command_id(key)
        if _papers(line):
            (done,) = await self.all([line], [name], told)
        else:
            done = await self._services.posting.do(line.movement(name, told))
        return json_answer(posted(done), 200 if done.repeated else 201)

    async def all(self, lines: Sequence[Line], names: Sequence[str], told: Told) -> list[Posted]:
        """Carry all of them out in one transaction, or none."""

        def work(conn: Connection) -> list[Posted]:
            for line in lines:
                if isinstance(line, ReceiveBody) and (papers := _papers(line)):
                    lots.arrived(conn, line.sku, line.lot, told, papers)
            pairs = zip(lines, names, strict=True)
            movements = [line.movement(name, told) for line, name in pairs]
            return ledger.post(conn, movements, record_us=told.at_us)

        return await self._services.write(work)


def _papers(line: Line) -> dict[str, object]:
    return line.papers() if isinstance(line, ReceiveBody) else {}


def _add_receipts(made: APIRouter, desk: Desk) -> None:
    @made.post(
        "/stock/receive", status_code=201, summary="Receive goods", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def receive(body: ReceiveBody, told: Telling, key: Key = None) -> Response:
        """From the supplier into a location, into a status. A repeat of a known id answers 200
        with the first result; the same id with other content is refused with 409. What the papers
        say of the lot (`expires_on`, `made_on`, `supplier_lot`) is known from then on.
        """
        return await desk.one(body, key, told)

    @made.post(
        "/stock/return", status_code=201, summary="Take goods back", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def take_back(body: StockReturnBody, told: Telling, key: Key = None) -> Response:
        """From the customer into a location, quarantined unless another `status` is said."""
        return await desk.one(body, key, told)


def _add_moves(made: APIRouter, desk: Desk) -> None:
    @made.post(
        "/stock/move", status_code=201, summary="Move goods", responses=REFUSED, openapi_extra=MAY
    )
    @made.post(
        "/api/inventory/move", status_code=201, summary="Move goods (alias)", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def move(body: MoveBody, told: Telling, key: Key = None) -> Response:
        """From one location to another, in their status. An internal location never goes negative:
        what is not there cannot be moved, and is refused with 409.
        """
        return await desk.one(body, key, told)

    @made.post(
        "/stock/ship", status_code=201, summary="Ship goods", responses=REFUSED, openapi_extra=MAY
    )
    async def ship(body: StockShipBody, told: Telling, key: Key = None) -> Response:
        """From a location to the customer."""
        return await desk.one(body, key, told)


def _add_others(made: APIRouter, desk: Desk) -> None:
    @made.post(
        "/stock/scrap", status_code=201, summary="Throw goods away", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def scrap(body: ScrapBody, told: Telling, key: Key = None) -> Response:
        """From a location, out of the status that is said."""
        return await desk.one(body, key, told)

    @made.post(
        "/stock/adjust", status_code=201, summary="Correct the books", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def adjust(body: AdjustBody, told: Telling, key: Key = None) -> Response:
        """So many units more or fewer than the books say, with a `code` that says why."""
        return await desk.one(body, key, told)

    @made.post(
        "/stock/status", status_code=201, summary="Change a status", responses=REFUSED,
        openapi_extra=MAY,
    )  # fmt: skip
    async def status(body: StatusBody, told: Telling, key: Key = None) -> Response:
        """Goods stay where they are and move to another status: a movement as any other."""
        return await desk.one(body, key, told)


def _add_lines(made: APIRouter, desk: Desk) -> None:
    @made.post(
        "/stock/lines", status_code=201, summary="Carry out several commands, or none",
        responses=REFUSED, openapi_extra=MAY,
    )  # fmt: skip
    async def lines(body: LinesBody, told: Telling, key: Key = None) -> Response:
        """In the order of the lines, in one transaction: the first that is refused refuses all.
        `do` says what a line is: receive, move, ship, return, scrap, adjust or status. A line
        without an `id` has one that follows from the request's and its place.
        """
        whole = body.id or command_id(key)
        names = [line.id or of_line(whole, n) for n, line in enumerate(body.lines)]
        done = await desk.all(body.lines, names, told)
        repeated = all(one.repeated for one in done)
        return json_answer({"movements": [posted(one) for one in done]}, 200 if repeated else 201)


def of_line(whole: str, number: int) -> str:
    """The id of one of several movements of a command."""
    name = f"{whole}-{number}"
    return name if len(name) <= 64 else hashlib.sha256(name.encode()).hexdigest()


def command_id(key: str | None) -> str:
    """An id from the header; without one, the command is new every time it is sent."""
    if key is None:
        return _new_id()
    if 8 <= len(key) <= 64:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _new_id() -> str:
    """A UUID of version 7 (RFC 9562, 5.7): those of one time lie together in an index, where random
    ones each touch a page of their own.
    """
    at_ms, chance = time.time_ns() // 1_000_000, secrets.randbits(74)
    made = at_ms << 80 | 0x7 << 76 | chance >> 62 << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return uuid.UUID(int=made).hex


def posted(one: Posted) -> dict[str, object]:
    """A movement on the ledger, flat."""
    return {
        "seq": one.seq,
        **msgspec.structs.asdict(one.movement),
        "record_time": one.record_time,
        "repeated": one.repeated,
    }
