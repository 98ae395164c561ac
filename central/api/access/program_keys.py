"""Keys of programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy import Connection

from central.access import keys
from central.access.model import Grant, Role
from central.api.access.entrance import Entrance
from central.api.access.people import READ, WRITE
from central.api.acting import Asker
from central.api.bodies import Body, Code, Name, Said
from central.api.pages import Limit, following, page
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.database.moments import to_us

_DAY_H = 24


class KeyGrant(Body):
    """A role of a key, in a location and all within it; everywhere without one."""

    role: Role = Role.INTEGRATION
    location: Code | None = None


class KeyBody(Body):
    """A new key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "web shop",
                    "grants": [{"role": "integration", "location": "WH-01"}],
                    "scopes": ["read:stock", "read:catalogue"],
                    "expires_at": "2027-12-31T00:00:00Z",
                }
            ]
        },
    )

    name: Name
    grants: Annotated[tuple[KeyGrant, ...], Field(max_length=100)] = (KeyGrant(),)
    scopes: (
        Annotated[
            tuple[Said, ...],
            Field(max_length=100, description="Of what its roles give, only these; null: all."),
        ]
        | None
    ) = None
    expires_at: AwareDatetime | None = None


class RotateBody(Body):
    """How long the secret of before is good yet."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"overlap_h": 24}]}
    )

    overlap_h: Annotated[float, Field(ge=0, le=30 * _DAY_H)] = _DAY_H


def router(services: Services, entrance: Entrance) -> APIRouter:
    """The routes of keys."""
    made = APIRouter(tags=["access"])
    _add_making(made, services, entrance)
    _add_ending(made, entrance)
    return made


def _add_making(made: APIRouter, services: Services, entrance: Entrance) -> None:
    keeper = entrance.keeper

    @made.get("/keys", summary="List keys", openapi_extra=READ, responses=shown_as(422))
    async def listed(after: Said = "", limit: Limit = 200) -> Response:
        """By id, those that are good no more too; when each was used last, to the minute."""
        found = await services.read(lambda c: keys.listed(c, after=after, limit=limit))
        return page(found, following(found, limit, lambda one: one.id))

    @made.post(
        "/keys",
        status_code=201,
        summary="Make a key",
        openapi_extra=WRITE,
        responses=shown_as(403, 404, 422),
    )
    async def add(body: KeyBody, by: Asker) -> Response:
        """`secret` is shown this once. Send it as `Authorization: Bearer ...`, or exchange it at
        `/oauth/token`.
        """
        given = [Grant(role=one.role, location=one.location) for one in body.grants]
        expires_us = None if body.expires_at is None else to_us(body.expires_at)

        def work(connection: Connection) -> tuple[keys.Key, str]:
            return keys.add(connection, body.name, given, body.scopes, expires_us, keeper.told(by))

        key, secret = await keeper.change(work)
        return json_answer({"key": key, "secret": secret}, 201)


def _add_ending(made: APIRouter, entrance: Entrance) -> None:
    keeper = entrance.keeper

    @made.post(
        "/keys/{key_id}/rotate",
        summary="Give a key another secret",
        openapi_extra=WRITE,
        responses=shown_as(404, 409, 422),
    )
    async def rotate(key_id: str, by: Asker, body: RotateBody | None = None) -> Response:
        """The `secret` of before is good for `overlap_h` hours yet."""
        overlap_us = round((body or RotateBody()).overlap_h * 3_600e6)
        key, secret = await keeper.change(
            lambda c: keys.rotate(c, key_id, overlap_us, keeper.told(by))
        )
        return json_answer({"key": key, "secret": secret})

    @made.delete(
        "/keys/{key_id}", summary="Revoke a key", openapi_extra=WRITE, responses=shown_as(404)
    )
    async def revoke(key_id: str, by: Asker) -> Response:
        """At once, and for ever; tokens that were made with it are good no more either."""
        return json_answer(await keeper.change(lambda c: keys.revoke(c, key_id, keeper.told(by))))
