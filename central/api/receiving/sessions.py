"""Guided receiving: open a session, take goods in one by one or back again, close it."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.receiving.bodies import ReceiptBody, SessionBody
from central.api.receiving.orders import shown
from central.api.services import Services, json_answer
from central.receiving import orders, sessions, taking_back
from central.receiving.model import Session


def router(services: Services) -> APIRouter:
    """The routes of receiving sessions."""
    made = APIRouter(prefix="/api/receiving", tags=["receiving"])
    _add_session(made, services)
    _add_receipts(made, services)
    return made


def _add_session(made: APIRouter, services: Services) -> None:
    @made.post(
        "",
        status_code=201,
        summary="Begin to receive an order",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:stock", places="own"),
    )
    async def begin(body: SessionBody, told: Telling) -> Response:
        """At a place. Several people may share a session. A repeat of a known id answers 200."""

        def work(connection: Connection) -> tuple[dict[str, Any], bool]:
            order = orders.get_order(connection, body.order)
            place = body.location or order.location
            wanted = Session(id=body.id, order_id=order.id, location=place, aside=body.aside)
            session, known = sessions.open_session(connection, wanted, told)
            return _guide(connection, session), known

        guide, known = await services.write(work)
        return json_answer(guide, 200 if known else 201)

    @made.get(
        "/{session_id}",
        summary="One receiving session",
        responses=shown_as(404),
        openapi_extra=needs("read:stock", places="own"),
    )
    async def one(session_id: str) -> Response:
        """With its order as it stands: which lines lack how much."""
        guide = await services.read(lambda c: _guide(c, sessions.get_session(c, session_id)))
        return json_answer(guide)

    @made.post(
        "/{session_id}/close",
        summary="End a receiving session",
        responses=shown_as(404),
        openapi_extra=needs("write:stock", places="own"),
    )
    async def close(session_id: str, told: Telling) -> Response:
        """The order stays open for what is still to come: it is short, received or over then."""
        guide = await services.write(lambda c: _guide(c, sessions.close(c, session_id, told)))
        return json_answer(guide)


def _add_receipts(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{session_id}/receipts",
        status_code=201,
        summary="Take in what is in hand",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:stock", places="own"),
    )
    async def receive(session_id: str, body: ReceiptBody, told: Telling) -> Response:
        """By a scanned code (GTIN, element string, SSCC of an announced pallet, EPC) or by hand.
        `verdict` is expected, over, damaged, unexpected, wrong_lot, foreign, in_stock or already;
        `says` tells what to do next. What a portal has told of already is confirmed and moves
        nothing. Goods that are on no line open a review. A label that tells another expiry than is
        known of its lot is refused with 409 until `expiry` says which one holds. A repeat of a
        known id answers 200 with the first answer.
        """
        answer, repeated = await services.write(
            lambda c: sessions.receive(c, session_id, body.id, body.asked(), told)
        )
        return json_answer(answer | {"repeated": repeated}, 200 if repeated else 201)

    @made.post(
        "/{session_id}/receipts/{receipt_id}/take-back",
        summary="Take a receipt back",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:stock", places="own"),
    )
    async def take_back(session_id: str, receipt_id: str, told: Telling) -> Response:
        """It was a mistake: movements that correct its own are posted, its lines lack the goods
        again, and a review that it opened is withdrawn. Refused with 409 where the goods lie there
        no more, the order ended, or somebody decided about them. Again changes nothing.
        """
        answer, repeated = await services.write(
            lambda c: taking_back.take_back(c, session_id, receipt_id, told)
        )
        return json_answer(answer | {"repeated": repeated})


def _guide(connection: Connection, session: Session) -> dict[str, Any]:
    order = orders.get_order(connection, session.order_id)
    return msgspec.structs.asdict(session) | {
        "order": shown(connection, order),
        "unexpected": [one._asdict() for one in orders.aside_of(connection, order.id)],
    }
