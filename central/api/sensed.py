"""What the sensors led to besides movements: passes, devices and the whole road."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection, RowMapping, select

from central import schema
from central.access import reach
from central.api.pages import Count, Cursor, Limit, following, page
from central.api.permits import needs
from central.api.road import Road
from central.api.services import Services, json_answer
from central.database import keyset
from central.database.moments import from_us

_CURSOR = Cursor(tuple[Count, str])
_JSON = ("tags", "causes", "counters", "description")


def router(services: Services, road: Road) -> APIRouter:
    """Routes of what was sensed."""
    made = APIRouter(tags=["sensed"])

    @made.get("/passes", summary="List portal passes", openapi_extra=needs("read:devices", "own"))
    async def passes(after: str | None = None, limit: Limit = 50) -> Response:
        """Newest first, each with what was decided of every tag, and why."""
        seen, table = _CURSOR.read(after), schema.portal_pass
        query = keyset.newest(select(table), (table.c.closed_us, table.c.id), seen, limit)
        if (granted := reach.at(table.c.read_point)) is not None:
            query = query.where(granted)
        found = await services.read(lambda c: c.execute(query).mappings().all())
        behind = following(found, limit, lambda row: _CURSOR.told((row["closed_us"], row["id"])))
        return page([told_row(row) for row in found], behind)

    @made.get("/devices", summary="List devices", openapi_extra=needs("read:devices", "own"))
    async def devices() -> Response:
        """With their health: state, cause, hint and counters. Who accepts ``text/html`` gets the
        page of them instead.
        """

        def work(connection: Connection) -> list[object]:
            table, presence = schema.device, schema.edge_presence
            query = (
                select(table, presence.c.state.label("edge_state"))
                .join(presence, presence.c.edge == table.c.edge, isouter=True)
                .order_by(table.c.edge, table.c.device)
            )
            if (granted := reach.at(table.c.read_point)) is not None:
                query = query.where(granted)
            return [_device(row) for row in connection.execute(query).mappings()]

        listing = page(await services.read(work))
        listing.headers["vary"] = "accept"
        return listing

    @made.get("/road", summary="How far everything has come", openapi_extra=needs("read:devices"))
    async def whole_road() -> Response:
        """Reads heard, observations committed by edge and epoch, what was declared lost, how
        far judging is behind, what came of it, and what edges with a backlog preview (``live``).
        """
        return json_answer(await services.read(road.counts) | {"live": services.live()})

    return made


def _device(row: RowMapping) -> dict[str, object]:
    """A device; what its edge said last is not believed while that edge is away."""
    shown = told_row(row)
    if shown["edge_state"] == "offline":
        shown["state"] = "offline"
        shown["cause"] = f"its edge {shown['edge']} has no connection to the broker"
    return shown


def told_row(row: RowMapping) -> dict[str, object]:
    """A row as people's programs read it: times with a zone, JSON as JSON."""
    shown: dict[str, object] = {}
    for name, value in row.items():
        if name.endswith("_us"):
            shown[f"{name[:-3]}_at"] = None if value is None else from_us(value)
        elif name in _JSON:
            shown[name] = msgspec.Raw(value.encode())
        else:
            shown[name] = value
    return shown
