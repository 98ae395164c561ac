"""Who is told of alerts, and how."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, JsonValue, SecretStr
from sqlalchemy import Connection

from central.alerts import channels
from central.alerts.model import TOLD_OF, Channel, ChannelKind, Kind, Severity, What
from central.alerts.telling import delivery
from central.alerts.telling.ways import NotTaken
from central.api.acting import Telling
from central.api.alerts.rules import HoursBody, RuleId
from central.api.bodies import Body, Code, Name, Said
from central.api.etags import IfMatch, check, tagged
from central.api.pages import following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer

__all__ = ["router"]

_EXAMPLE: dict[str, JsonValue] = {
    "kind": "email",
    "name": "The shop's night shift",
    "to": ["night@example.com"],
    "location": "shop",
    "least": "warning",
    "quiet": [{"start": "22:00", "end": "06:00"}],
    "time_zone": "Europe/Berlin",
    "digest_s": 300,
}


class ChannelState(Body):
    """What a channel is."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    kind: ChannelKind
    name: Name | Annotated[str, Field(max_length=0)] = ""
    to: Annotated[
        tuple[Annotated[Said, Field(max_length=1_000)], ...],
        Field(max_length=50, description="Addresses of mail, or the URL of a webhook."),
    ] = ()
    secret: Annotated[
        SecretStr | None,
        Field(
            max_length=2_000,
            description="A service's URL for Apprise, or a webhook's key; never answered. "
            "Null keeps what it is.",
        ),
    ] = None
    location: Annotated[Code | None, Field(description="Only alerts there, or within it.")] = None
    kinds: Annotated[tuple[Kind, ...], Field(max_length=20, description="None: all.")] = ()
    least: Severity = "info"
    hears: Annotated[tuple[What, ...], Field(max_length=10)] = TOLD_OF
    only_named: Annotated[
        bool, Field(description="Only of rules whose `tell` or `escalate_to` names it.")
    ] = False
    quiet: Annotated[tuple[HoursBody, ...], Field(max_length=20)] = ()
    time_zone: Annotated[Said, Field(max_length=64, description="Of the `quiet` hours.")] = "UTC"
    rings: Annotated[
        Severity | None, Field(description="So severe it does not wait for `quiet` to end.")
    ] = "critical"
    digest_s: Annotated[
        int, Field(ge=0, le=7 * 86_400, description="All of so many seconds in one message.")
    ] = 0
    enabled: bool = True

    def channel(self, code: str) -> Channel:
        """As alerts know it."""
        names = {*ChannelState.model_fields} - {"secret"}
        values = {name: getattr(self, name) for name in names}
        quiet = tuple(one.hours() for one in self.quiet)
        return Channel(**values | {"code": code, "quiet": quiet})

    def opens(self) -> str | None:
        """The secret, as it was told."""
        return None if self.secret is None else self.secret.get_secret_value()


class ChannelBody(ChannelState):
    """A new channel."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"code": "night-shift", **_EXAMPLE},
                {
                    "code": "on-call",
                    "kind": "apprise",
                    "secret": "ntfy://ntfy.example.com/dock-alerts",
                    "least": "critical",
                    "only_named": True,
                },
            ]
        },
    )

    code: RuleId


def router(services: Services) -> APIRouter:
    """The routes of channels."""
    made = APIRouter(tags=["alerts"])
    _add_lookups(made, services)
    _add_changes(made, services)
    _add_trial(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/alerts/channels",
        summary="List alert channels",
        responses=shown_as(422),
        openapi_extra=needs("read:alerts"),
    )
    async def listed(
        after: Said = "", limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Response:
        """By code. `has_secret` says whether one is set; what it is, nobody is told."""

        def work(connection: Connection) -> list[dict[str, object]]:
            found = channels.listing(connection, after=after, limit=limit)
            return [channels.shown(connection, one) for one in found]

        rows = await services.read(work)
        return page(rows, following(rows, limit, lambda one: one["code"]))

    @made.get(
        "/alerts/channels/{code}",
        summary="One alert channel",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:alerts"),
    )
    async def one(code: Said) -> Response:
        """With the `ETag` that a change of it asks for."""
        return tagged(await services.read(lambda c: channels.shown(c, channels.get(c, code))))


def _add_changes(made: APIRouter, services: Services) -> None:
    @made.post(
        "/alerts/channels",
        status_code=201,
        summary="Add an alert channel",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:alert-rules"),
    )
    async def add(body: ChannelBody, told: Telling) -> Response:
        """Try it with `POST /alerts/channels/{code}/test`."""

        def work(connection: Connection) -> dict[str, object]:
            made_ = channels.add(connection, body.channel(body.code), body.opens() or "", told)
            return channels.shown(connection, made_)

        return tagged(await services.write(work), 201)

    @made.put(
        "/alerts/channels/{code}",
        summary="Change an alert channel",
        responses=shown_as(404, 412, 422, 428),
        openapi_extra=needs("write:alert-rules"),
    )
    async def change(
        code: Said, body: ChannelState, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """As a whole, but for its secret: a null one stays what it is. Its kind stays."""

        def work(connection: Connection) -> dict[str, object]:
            check(if_match, channels.shown(connection, channels.get(connection, code)))
            now = channels.change(connection, body.channel(code), body.opens(), told)
            return channels.shown(connection, now)

        return tagged(await services.write(work))

    @made.delete(
        "/alerts/channels/{code}",
        status_code=204,
        summary="Take an alert channel away",
        responses=shown_as(404, 409, 412, 422),
        openapi_extra=needs("write:alert-rules"),
    )
    async def remove(code: Said, told: Telling, if_match: IfMatch = None) -> Response:
        """Not while a rule names it. What still waited to be told there is not."""

        def work(connection: Connection) -> None:
            shown = channels.shown(connection, channels.get(connection, code))
            check(if_match, shown, needed=False)
            channels.remove(connection, code, told)

        await services.write(work)
        return Response(status_code=204)


def _add_trial(made: APIRouter, services: Services) -> None:
    @made.post(
        "/alerts/channels/{code}/test",
        summary="Try an alert channel",
        responses=shown_as(404, 422),
        openapi_extra=needs("write:alert-rules"),
    )
    async def trial(code: Said, told: Telling) -> Response:
        """Sends a message that says so, at once and once. Answers whether it was taken (`works`),
        and why not (`why`). What is quiet or muted does not count.
        """
        channel, secret = await services.read(
            lambda c: (channels.get(c, code), channels.secret_of(c, code))
        )
        try:
            note = await delivery.trial(services.ways, channel, secret, told.at_us)
        except NotTaken as refusal:
            return json_answer({"works": False, "why": str(refusal)})
        return json_answer({"works": True, "why": note})
