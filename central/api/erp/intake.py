"""What connected programs send: who it is, and that it is kept. It is applied later."""

from __future__ import annotations

import asyncio
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Path, Request, Response

from central.access.model import PUBLIC
from central.api.access.door import address_of
from central.api.access.entrance import Entrance
from central.api.bodies import Said
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer, now_us
from central.api.stock.commands import Key
from central.erp import intake
from central.erp.config import ErpConnection
from central.events import signing
from central.events.model import Secret

__all__ = ["Name", "router"]

Name = Annotated[Said, Path(max_length=32, description="A connection's name in the settings.")]
_BODY: dict[str, object] = {
    "required": True,
    "description": "As the settings of the connection say; kept byte for byte.",
    "content": {
        media: {"schema": {"type": "string", "format": "binary"}}
        for media in (
            "application/json",
            "application/xml",
            "text/csv",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
    },
}
_log = structlog.get_logger("central.erp")


class _Sent(NamedTuple):
    name: str
    connection: ErpConnection
    body: bytes


def router(services: Services, entrance: Entrance) -> APIRouter:
    """One way in for who shows a key, and one for who signs."""
    made = APIRouter(tags=["ERP"])
    _add_with_key(made, services)
    _add_signed(made, services, entrance)
    return made


def _add_with_key(made: APIRouter, services: Services) -> None:
    @made.post(
        "/erp/{connection}/purchase-orders",
        status_code=202,
        summary="Send purchase orders",
        responses=shown_as(404, 409, 413, 422),
        openapi_extra={**needs("write:orders"), "requestBody": _BODY},
    )
    async def take(connection: Name, request: Request, key: Key = None) -> Response:
        """As the ERP writes them, read by the connection's mapping. Kept at once, applied right
        after: `GET /erp/messages/{no}` says what came of it. A repeat answers 200. Where the
        connection has secrets, it must be signed as well.
        """
        known = _known(services, connection)
        sent = _Sent(connection, known, await _read(request, services.erp.most_mib << 20))
        said = _signed_id(request, sent) if known.secrets else None
        return await _kept(services, sent, said or key, "webhook")


def _add_signed(made: APIRouter, services: Services, entrance: Entrance) -> None:
    @made.post(
        "/hooks/erp/{connection}/purchase-orders",
        status_code=202,
        summary="Send purchase orders, signed",
        responses=shown_as(401, 409, 413, 422, 429),
        openapi_extra={**needs(PUBLIC, "none"), "requestBody": _BODY},
    )
    async def take_signed(connection: Name, request: Request) -> Response:
        """For who can sign and show no key: as Standard Webhooks has it, by one of the connection's
        secrets, at most five minutes ago. All else as `POST /erp/{connection}/purchase-orders`.
        """
        body = await _read(request, services.erp.most_mib << 20)
        try:
            sent = _Sent(connection, _signing(services, connection), body)
            said = _signed_id(request, sent)
        except Problem:
            entrance.keeper.count_stranger(address_of(request))
            raise
        return await _kept(services, sent, said, "signed webhook")


def _signing(services: Services, name: str) -> ErpConnection:
    """Raises ``Problem``, in the same way for one that is not there."""
    found = services.erp.connections.get(name)
    if found is None or found.purchase_orders is None or not found.secrets:
        raise Problem(401, "no connection of this name takes what is signed")
    return found


def _known(services: Services, name: str) -> ErpConnection:
    found = services.erp.connections.get(name)
    if found is None or found.purchase_orders is None:
        raise Problem(404, f"the settings have no connection {name} that takes purchase orders")
    return found


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Problem(413, f"a message has at most {most >> 20} MiB: send it in parts")
    return bytes(body)


def _signed_id(request: Request, sent: _Sent) -> str:
    """The id that was signed with the message. Raises ``Problem``."""
    keys = [Secret(key=one.get_secret_value()) for one in sent.connection.secrets]
    shown = {name.lower(): value for name, value in request.headers.items()}
    try:
        return signing.verified(keys, shown, sent.body, now_us() // 1_000_000)
    except ValueError as error:
        _log.warning("erp_signature_refused", by=sent.name, why=str(error))
        raise Problem(401, f"the message is not signed as it should be: {error}") from error


async def _kept(services: Services, sent: _Sent, said: str | None, origin: str) -> Response:
    mapping = sent.connection.purchase_orders
    assert mapping is not None, "asked only of connections that take orders"
    key = await asyncio.to_thread(intake.key_of, sent.body, mapping, said)
    came = (sent.body, origin)
    arrived = await services.write(lambda c: intake.keep(c, sent.name, key, came, now_us()))
    message = arrived.message
    told = {"message": message.no, "key": message.key, "state": message.state}
    return json_answer(told, 200 if arrived.is_repeat else 202)
