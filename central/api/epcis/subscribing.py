"""Who is told what a standing query finds: ``/epcis/queries/{name}/subscriptions``."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, ConfigDict, Field

from central.api.access.gate import actor_of
from central.api.acting import Asker, Telling
from central.api.bodies import Body, Said
from central.api.epcis.answers import HEADERS, JSON_ONLY, refusal, refused_as_said
from central.api.epcis.queries import QueryName
from central.api.events.bodies import Url
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.catalogue.changes import Told
from central.database.moments import from_us, to_us
from central.epcis import standing, timetable
from central.epcis.from_ledger import moment
from central.epcis.names import Names
from central.epcis.timetable import FIELDS, NoSchedule
from central.events.deliveries import Standing
from central.events.model import Subscription

__all__ = ["Controls", "no_controls", "router"]

Part = Annotated[Said | int, Field(description="A number, [8-17], or several with commas.")]


class Controls(Body):
    """When to be told: at the times of a `schedule` (UTC), or as a `stream`, at once."""

    stream: bool = False
    schedule: dict[str, Part] | None = Field(None, max_length=20)
    if_empty: bool = Field(False, alias="reportIfEmpty")
    since: AwareDatetime | None = Field(None, alias="initialRecordTime")

    def terms(self, by: str) -> standing.Terms:
        """Raises ``Problem`` for what says no time, or two."""
        if (self.schedule is not None) == self.stream:
            raise no_controls("say when: either `stream` is true, or there is a `schedule`")
        if self.stream and self.if_empty:
            raise no_controls("a stream tells what happens: reportIfEmpty is of a schedule")
        said = {name: str(one) for name, one in (self.schedule or {}).items()}
        unknown = sorted(said.keys() - FIELDS.keys())
        if unknown:
            raise no_controls(f"a schedule has {', '.join(FIELDS)}, and no {', '.join(unknown)}")
        if self.schedule is not None:
            try:
                timetable.checked(said)
            except NoSchedule as error:
                raise no_controls(str(error)) from error
        since_us = 0 if self.since is None else max(1, to_us(self.since))
        return standing.Terms(by=by, since_us=since_us, schedule=said, if_empty=self.if_empty)


class SubscribeBody(Controls):
    """Where to, and when: at the times of a `schedule` (UTC), or as a `stream`, at once."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "dest": "https://client.example.com/queryCallback",
                    "signatureToken": "13df38d8275b13f05704629e5f1cf3d45d6132d5",
                    "stream": True,
                },
                {
                    "dest": "https://client.example.com/queryCallback",
                    "reportIfEmpty": True,
                    "schedule": {"hour": "1", "minute": "5"},
                },
            ]
        },
    )

    dest: Url
    token: Annotated[Said, Field(min_length=16, max_length=500)] | None = Field(
        None, alias="signatureToken", description="Yours: what is sent is signed with it."
    )

    def asked(self, name: str, told: Told) -> standing.Asked:
        """Raises ``Problem`` for what says no time, or two."""
        return standing.Asked(name, self.dest, self.token or "", self.terms(told.by))


def router(services: Services) -> APIRouter:
    """The routes of subscriptions to queries."""
    made = APIRouter(tags=["epcis"], dependencies=JSON_ONLY, responses=shown_as(406))
    _add_subscribing(made, services)
    _add_lookups(made, services)
    return made


def _add_subscribing(made: APIRouter, services: Services) -> None:
    names = Names(services.epcis.locations)

    @made.post(
        "/epcis/queries/{name}/subscriptions",
        status_code=201,
        summary="Be told what a query finds",
        responses=shown_as(400, 403, 404, 413, 415, 422),
        openapi_extra=needs("write:epcis", "own"),
    )
    async def subscribe(
        name: QueryName, body: SubscribeBody, request: Request, told: Telling
    ) -> Response:
        """Documents are sent to `dest`, signed in `GS1-Signature`: as far as you may see the
        events yourself (`read:epcis`).
        """
        asked, actor = body.asked(name, told), actor_of(request)
        with refused_as_said():
            made = await services.write(lambda c: standing.subscribe(c, asked, actor, names, told))
        answer = json_answer(_shown(made, None), 201)
        answer.headers["Location"] = f"/epcis/queries/{quote(name)}/subscriptions/{made.id}"
        answer.headers.update(HEADERS)
        return answer

    @made.delete(
        "/epcis/queries/{name}/subscriptions/{subscription}",
        status_code=204,
        summary="Be told no more",
        responses=shown_as(404, 422),
        openapi_extra=needs("write:epcis", "own"),
    )
    async def end(name: QueryName, subscription: str, told: Telling) -> Response:
        """With what was not taken. Who was granted some places only ends his own."""
        with refused_as_said():
            await services.write(lambda c: standing.end(c, name, subscription, told))
        return Response(status_code=204)


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/epcis/queries/{name}/subscriptions",
        summary="Who is told what a query finds",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:epcis", "own"),
    )
    async def listed(name: QueryName, asker: Asker) -> Response:
        """In the order in which they were made; without their tokens. Who was granted some places
        only is shown his own.
        """
        with refused_as_said():
            found = await services.read(lambda c: standing.subscribers(c, name, asker))
        answer = json_answer([_shown(one, None) for one in found])
        answer.headers.update(HEADERS)
        return answer

    @made.get(
        "/epcis/queries/{name}/subscriptions/{subscription}",
        summary="A subscription to a query",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:epcis", "own"),
    )
    async def get(name: QueryName, subscription: str, asker: Asker) -> Response:
        """`lastNotifiedAt` is when `dest` took something last; `tallyport:status` is active, paused
        or gone, `tallyport:why` what it said last where it did not take something.
        """
        with refused_as_said():
            one, now = await services.read(
                lambda c: standing.subscribed(c, name, subscription, asker)
            )
        answer = json_answer(_shown(one, now))
        answer.headers.update(HEADERS)
        return answer


def no_controls(why: str) -> Problem:
    """The refusal of what does not say when to tell."""
    return refusal(400, "SubscriptionControlsException", why)


def _shown(one: Subscription, now: Standing | None) -> dict[str, object]:
    """As the standard has it. The token is never shown."""
    terms = one.terms
    shown: dict[str, object] = {
        "subscriptionID": one.id,
        "queryName": one.target.broker,
        "dest": one.target.url,
        "createdAt": moment(from_us(one.created_us)),
        "initialRecordTime": moment(from_us(terms.get("since_us") or one.created_us)),
        "tallyport:status": one.status,
    }
    if terms.get("schedule"):
        more = {"schedule": terms["schedule"], "reportIfEmpty": terms.get("if_empty", False)}
    else:
        more = {"stream": True}
    if now is None:
        return shown | more
    if now.told_us:
        more["lastNotifiedAt"] = moment(from_us(now.told_us))
    return shown | more | {"tallyport:why": now.why or one.why}
