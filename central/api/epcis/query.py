"""EPCIS 2.0 query interface: ``GET /epcis/events``."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from central.api.epcis.asked import Asked, refuse_unbuilt
from central.api.pages import Count, Cursor
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer, now_us
from central.database.moments import from_us
from central.epcis import query
from central.epcis.from_ledger import moment
from central.epcis.model import document
from central.epcis.names import Names
from central.epcis.query import Place, TooMuch

_CURSOR = Cursor(tuple[Count, Count, Count])
_JSON_LD = "application/ld+json"
_HEADERS = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0"}


def router(services: Services) -> APIRouter:
    """The route of queries."""
    made = APIRouter(tags=["epcis"])
    names = Names(services.epcis.locations)

    @made.get(
        "/epcis/events",
        summary="EPCIS events",
        responses={
            200: {"content": {_JSON_LD: {"schema": {"type": "object"}}}},
            **shown_as(413, 422, 501),
        },
        openapi_extra=needs("read:epcis"),
        dependencies=[Depends(refuse_unbuilt)],
    )
    async def events(request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """An EPCISQueryDocument: the ledger's movements, packing and reserving, and what was
        captured, in the order in which they were recorded. While there is more, `Link` says where.
        """
        seen = _CURSOR.read(asked.token)
        after = Place(0, 0, 0) if seen is None else Place(*seen)
        try:
            found, behind = await services.read(
                lambda c: query.query(c, asked.wanted(), names, after=after, limit=asked.per_page)
            )
        except TooMuch as error:
            kind = "epcisException:QueryTooLargeException"
            raise Problem(413, str(error), kind=kind) from error
        answer = json_answer(document(found, moment(from_us(now_us()))))
        answer.headers.update(_HEADERS)
        answer.headers["content-type"] = _JSON_LD
        if behind is not None:
            said = {k: v for k, v in request.query_params.items() if k != "nextPageToken"}
            following = urlencode(
                said | {"nextPageToken": _CURSOR.told((behind.ledger, behind.captured, behind.log))}
            )
            answer.headers["Link"] = f'</epcis/events?{following}>; rel="next"'
        return answer

    return made
