"""Users, and what they and keys are granted."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central.access import accounts, grants
from central.access.model import ROLES, Grant, Role
from central.api.access.entrance import Entrance
from central.api.acting import Asker
from central.api.bodies import Body, Code, Said
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer

UserName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
FullName = Annotated[Said, Field(max_length=200)]
Email = Annotated[Said, Field(max_length=200)]
READ, WRITE = needs("read:access"), needs("write:access")


class GrantBody(Body):
    """A role, in a location and all within it; everywhere without one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"subject": "user:anna", "role": "operator", "location": "WH-01"}]
        },
    )

    subject: Annotated[str, Field(pattern=r"^(user|key):[a-z0-9][a-z0-9._@-]{0,63}$")]
    role: Role
    location: Code | None = None


class UserBody(Body):
    """Somebody new."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"name": "anna", "full_name": "Anna Berg"}]},
    )

    name: UserName
    full_name: FullName = ""
    email: Email = ""


class UserChangeBody(Body):
    """What is another now; what is left out or null stays."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"status": "disabled"}]}
    )

    full_name: FullName | None = None
    email: Email | None = None
    status: Literal["active", "disabled"] | None = None


def router(services: Services, entrance: Entrance) -> APIRouter:
    """The routes of users and grants."""
    made = APIRouter(tags=["access"])
    _add_users(made, services, entrance)
    _add_grants(made, services, entrance)
    return made


def _add_users(made: APIRouter, services: Services, entrance: Entrance) -> None:
    keeper = entrance.keeper

    @made.get("/users", summary="List users", openapi_extra=READ, responses=shown_as(422))
    async def listed(after: Said = "", limit: Limit = 200) -> Response:
        """By name."""
        found = await services.read(lambda c: accounts.listed(c, after=after, limit=limit))
        return page(found, following(found, limit, lambda one: one.name))

    @made.post(
        "/users",
        status_code=201,
        summary="Add a user",
        openapi_extra=WRITE,
        responses=shown_as(409, 422),
    )
    async def add(body: UserBody, by: Asker) -> Response:
        """They cannot log in yet: `password_link` is for them, good once and for three days."""

        def work(connection: Connection) -> dict[str, object]:
            made = accounts.add(connection, accounts.Account(**body.model_dump()), keeper.told(by))
            link = entrance.signing_in.password_link(connection, made.name)
            return {"user": made, "password_link": link}

        return json_answer(await keeper.change(work), 201)

    @made.patch(
        "/users/{name}",
        summary="Change a user",
        openapi_extra=WRITE,
        responses=shown_as(404, 409, 422),
    )
    async def change(name: str, body: UserChangeBody, by: Asker) -> Response:
        """Who is `disabled` is out at once, with all sessions and tokens."""
        changes = body.model_dump(exclude_none=True)
        told = keeper.told(by)
        return json_answer(await keeper.change(lambda c: accounts.change(c, name, changes, told)))

    @made.post(
        "/users/{name}/password-link",
        status_code=201,
        summary="Let a user set a new password",
        openapi_extra=WRITE,
        responses=shown_as(404),
    )
    async def link(name: str) -> Response:
        """Good once, for three days; the one of before is good no more."""
        made = await keeper.change(lambda c: entrance.signing_in.password_link(c, name))
        return json_answer({"password_link": made}, 201)


def _add_grants(made: APIRouter, services: Services, entrance: Entrance) -> None:
    keeper = entrance.keeper

    @made.get("/roles", summary="What each role may", openapi_extra=READ)
    async def roles() -> Response:
        """Permissions by role."""
        return json_answer({role.value: sorted(ROLES[role]) for role in Role})

    @made.get("/grants", summary="List grants", openapi_extra=READ, responses=shown_as(422))
    async def listed(
        subject: Said | None = None, after: Number = None, limit: Limit = 200
    ) -> Response:
        """In the order in which they were made; `subject` is `user:NAME` or `key:ID`."""
        found = await services.read(
            lambda c: grants.listed(c, subject=subject, after=after or 0, limit=limit)
        )
        return page(found, following(found, limit, lambda one: one.id))

    @made.post(
        "/grants",
        status_code=201,
        summary="Grant a role",
        openapi_extra=WRITE,
        responses=shown_as(404, 422),
    )
    async def grant(body: GrantBody, by: Asker) -> Response:
        """Holds from the next request on. Granting it again changes nothing."""
        what = Grant(role=body.role, location=body.location)
        done = await keeper.change(lambda c: grants.grant(c, body.subject, what, keeper.told(by)))
        return json_answer(done, 201)

    @made.delete(
        "/grants/{number}",
        summary="Take a grant back",
        openapi_extra=WRITE,
        responses=shown_as(404, 409, 422),
    )
    async def take_back(number: Annotated[int, Field(ge=1, lt=2**62)], by: Asker) -> Response:
        """Holds from the next request on. The last administrator's is refused with 409."""
        told = keeper.told(by)
        return json_answer(await keeper.change(lambda c: grants.take_back(c, number, told)))
