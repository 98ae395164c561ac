"""EPCIS 2.0 capture interface: documents and single events of others."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from central.api.acting import Telling
from central.api.epcis.answers import HEADERS, JSON_ONLY, next_page
from central.api.epcis.parameters import Paged
from central.api.pages import Count, Cursor
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.database.moments import from_us
from central.epcis import store
from central.epcis.from_ledger import moment
from central.epcis.model import CONTEXT
from central.epcis.names import Names
from central.epcis.store import Job

MOST_EVENTS = 500
"""In one document."""
_DEEPEST = 20
_LARGEST: dict[type, float] = {int: 2**63, bool: 2, float: math.inf}
_CURSOR = Cursor(tuple[Count, str])
Behaviour = Annotated[
    Literal["rollback", "proceed"],
    Header(alias="GS1-Capture-Error-Behaviour", description="All or nothing, or what can be."),
]
_EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-01-31T08:00:00.000Z",
    "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE",
    "quantityList": [{"epcClass": "https://id.gs1.org/01/04012345000016", "quantity": 12}],
    "bizStep": "receiving",
    "disposition": "in_progress",
    "bizLocation": {"id": "urn:tallyport:location:WH-01"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:tallyport:reference:PO-7890"}],
}
Context = str | dict[str, Any] | list[str | dict[str, Any]]


class EpcisEvent(BaseModel):
    """An event, with all that its sender adds to it."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"@context": CONTEXT, **_EVENT}]}
    )

    type: str


class EpcisListBody(BaseModel):
    """What a document holds."""

    events: Annotated[
        list[dict[str, Any]], Field(min_length=1, max_length=MOST_EVENTS, alias="eventList")
    ]


class EpcisDocument(BaseModel):
    """An EPCISDocument."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "@context": [CONTEXT],
                    "type": "EPCISDocument",
                    "schemaVersion": "2.0",
                    "creationDate": "2026-01-31T08:00:01.000Z",
                    "epcisBody": {"eventList": [_EVENT]},
                }
            ]
        },
    )

    context: Annotated[Context, Field(alias="@context")]
    type: Literal["EPCISDocument"]
    version: Annotated[str, Field(pattern=r"^2\.", alias="schemaVersion")]
    created: Annotated[str, Field(alias="creationDate")]
    body: Annotated[EpcisListBody, Field(alias="epcisBody")]


def router(services: Services) -> APIRouter:
    """The routes of capturing."""
    made = APIRouter(tags=["epcis"], dependencies=JSON_ONLY, responses=shown_as(406))
    names = Names(services.epcis.locations)
    _add_documents(made, services, names)
    _add_events(made, services, names)
    return made


def _add_documents(made: APIRouter, services: Services, names: Names) -> None:
    @made.post(
        "/epcis/capture",
        status_code=202,
        summary="Capture a document of events",
        responses=shown_as(415, 422),
        openapi_extra=needs("write:epcis"),
    )
    async def capture(
        body: EpcisDocument, told: Telling, behaviour: Behaviour = "rollback"
    ) -> Response:
        """`Location` is the job that says what became of it. An event that is known is no error.
        What the ledger can take is posted; what it cannot is kept, and says why.
        """
        document = body.model_dump(by_alias=True)
        _check(document)
        job = await services.write(
            lambda c: store.capture(
                c, document, names, behaviour, record_us=told.at_us, actor=told.by
            )
        )
        answer = json_answer(_shown(job), 202)
        answer.headers["Location"] = f"/epcis/capture/{job.id}"
        answer.headers["GS1-EPCIS-Capture-Limit"] = str(MOST_EVENTS)
        answer.headers["GS1-Capture-Error-Behaviour"] = behaviour
        return answer

    @made.get(
        "/epcis/capture",
        summary="What became of documents",
        responses=shown_as(422),
        openapi_extra=needs("read:epcis"),
    )
    async def jobs(paged: Annotated[Paged, Query()]) -> Response:
        """The latest first. While there is more, `Link` says where."""
        before, limit = _CURSOR.read(paged.token), paged.per_page
        found = await services.read(lambda c: store.jobs(c, before, limit))
        answer = json_answer([_shown(one) for one in found])
        answer.headers.update(HEADERS)
        if len(found) == limit:
            token = _CURSOR.told((found[-1].at_us, found[-1].id))
            answer.headers["Link"] = next_page("/epcis/capture", {"perPage": str(limit)}, token)
        return answer

    @made.get(
        "/epcis/capture/{job}",
        summary="What became of a document",
        responses=shown_as(404),
        openapi_extra=needs("read:epcis"),
    )
    async def job(job: str) -> Response:
        """Done when it is there: a document is taken in one transaction."""
        return json_answer(_shown(await services.read(lambda c: store.job(c, job))))


def _add_events(made: APIRouter, services: Services, names: Names) -> None:
    @made.post(
        "/epcis/events",
        status_code=201,
        summary="Capture one event",
        responses=shown_as(409, 415, 422),
        openapi_extra=needs("write:epcis"),
    )
    async def one(body: EpcisEvent, told: Telling) -> Response:
        """409 for one that is known. Without an `eventID` its hash is its id."""
        event = body.model_dump()
        _check(event)
        context = event.pop("@context", ())
        event_id, known = await services.write(
            lambda c: store.take(c, event, context, names, record_us=told.at_us, actor=told.by)
        )
        if known:
            raise Problem(409, f"the event {event_id} is known already")
        look = store.error_of if "errorDeclaration" in event else store.find
        kept = await services.read(lambda c: look(c, event_id))
        assert kept is not None, "it was kept just now"
        answer = json_answer(kept.body, 201)
        answer.headers["Location"] = f"/epcis/events/{event_id}"
        return answer

    @made.get(
        "/epcis/events/{event_id:path}",
        summary="A captured event",
        responses=shown_as(404),
        openapi_extra=needs("read:epcis"),
    )
    async def captured(event_id: str) -> Response:
        """As it came, with the movements it led to, or why it led to none; and if it was declared
        wrong, that declaration with the movements that took them back, or why none did.
        """
        kept, error = await services.read(
            lambda c: (store.find(c, event_id), store.error_of(c, event_id))
        )
        added: dict[str, object] = {
            "tallyport:movements": kept.movements, "tallyport:why": kept.why,
        }  # fmt: skip
        if error is not None and "errorDeclaration" not in kept.body:
            added["tallyport:declaredWrong"] = {
                **error.body["errorDeclaration"],
                "tallyport:movements": error.movements,
                "tallyport:why": error.why,
            }
        return json_answer({**kept.body, "recordTime": moment(from_us(kept.record_us)), **added})


def _shown(job: Job) -> dict[str, object]:
    """A capture job, as the standard has it."""
    at = moment(from_us(job.at_us))
    return {
        "captureID": job.id,
        "createdAt": at,
        "finishedAt": at,
        "running": False,
        "success": job.success,
        "captureErrorBehaviour": job.behaviour,
        "errors": [
            {"type": "epcisException:ValidationException", "title": one, "status": 400}
            for one in job.errors
        ],
        "tallyport:events": job.events,
    }


def _check(said: object, depth: int = 0) -> None:
    """Raises ``Problem`` for what cannot be kept as it came."""
    if depth > _DEEPEST:
        raise Problem(422, f"an event has at most {_DEEPEST} levels within it")
    if isinstance(said, str) and any("\ud800" <= one <= "\udfff" for one in said):
        raise Problem(422, "half of a character (a lone surrogate) cannot be stored")
    if isinstance(said, int | float) and not abs(said) < _LARGEST[type(said)]:
        raise Problem(422, "a number that large cannot be stored: write it as text")
    parts: Iterable[object] = ()
    if isinstance(said, dict):
        parts = chain(said, said.values())
    elif isinstance(said, list):
        parts = said
    for part in parts:
        _check(part, depth + 1)
