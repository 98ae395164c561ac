"""EPCIS 2.0 query interface: ``GET /epcis/events``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field

from central.api.bodies import Body, Said
from central.api.pages import Count, Cursor
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer, now_us
from central.database.moments import from_us, to_us
from central.epcis import query
from central.epcis.from_ledger import moment
from central.epcis.model import Wanted, document
from central.epcis.names import Names
from central.epcis.query import Place

_CURSOR = Cursor(tuple[Count, Count, Count])
_JSON_LD = "application/ld+json"
_HEADERS = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0"}
_MOST_ASKED = 100
Words = Annotated[Said, Field(max_length=8_000, description="Several with `|` between.")]


class Papers(Body):
    """Business transactions that are asked for, by the types of CBV 2.0, 7.3."""

    po: Words | None = Field(None, alias="EQ_bizTransaction_po")
    poc: Words | None = Field(None, alias="EQ_bizTransaction_poc")
    inv: Words | None = Field(None, alias="EQ_bizTransaction_inv")
    desadv: Words | None = Field(None, alias="EQ_bizTransaction_desadv")
    recadv: Words | None = Field(None, alias="EQ_bizTransaction_recadv")
    bol: Words | None = Field(None, alias="EQ_bizTransaction_bol")
    prodorder: Words | None = Field(None, alias="EQ_bizTransaction_prodorder")
    rma: Words | None = Field(None, alias="EQ_bizTransaction_rma")
    pedigree: Words | None = Field(None, alias="EQ_bizTransaction_pedigree")
    cert: Words | None = Field(None, alias="EQ_bizTransaction_cert")
    testprd: Words | None = Field(None, alias="EQ_bizTransaction_testprd")
    testres: Words | None = Field(None, alias="EQ_bizTransaction_testres")
    upevt: Words | None = Field(None, alias="EQ_bizTransaction_upevt")

    def papers(self) -> dict[str, tuple[str, ...]]:
        """Those that are asked for."""
        asked = {name: _words(getattr(self, name)) for name in Papers.model_fields}
        return {name: uris for name, uris in asked.items() if uris}


class Asked(Papers):
    """The query's parameters, by the standard's names: one that is not known is refused."""

    event_type: Words | None = Field(None, alias="eventType")
    ge_event: AwareDatetime | None = Field(None, alias="GE_eventTime")
    lt_event: AwareDatetime | None = Field(None, alias="LT_eventTime")
    ge_record: AwareDatetime | None = Field(None, alias="GE_recordTime")
    lt_record: AwareDatetime | None = Field(None, alias="LT_recordTime")
    biz_step: Words | None = Field(None, alias="EQ_bizStep")
    disposition: Words | None = Field(None, alias="EQ_disposition")
    read_point: Words | None = Field(None, alias="EQ_readPoint")
    biz_location: Words | None = Field(None, alias="EQ_bizLocation")
    epc: Words | None = Field(None, alias="MATCH_epc")
    any_epc: Words | None = Field(None, alias="MATCH_anyEPC")
    epc_class: Words | None = Field(None, alias="MATCH_epcClass")
    parent: Words | None = Field(None, alias="MATCH_parentID")
    action: Words | None = Field(None, alias="EQ_action")
    declared: Annotated[Said, Field(max_length=20)] | None = Field(
        None, alias="EXISTS_errorDeclaration"
    )
    ge_declared: AwareDatetime | None = Field(None, alias="GE_errorDeclarationTime")
    lt_declared: AwareDatetime | None = Field(None, alias="LT_errorDeclarationTime")
    error_reason: Words | None = Field(None, alias="EQ_errorReason")
    corrective: Words | None = Field(None, alias="EQ_correctiveEventID")
    per_page: Annotated[int, Field(ge=1, le=500)] = Field(30, alias="perPage")
    token: Annotated[str, Field(max_length=200)] | None = Field(None, alias="nextPageToken")

    def wanted(self) -> Wanted:
        """What is asked for."""
        return Wanted(
            types=_words(self.event_type),
            ge_event_us=_us(self.ge_event),
            lt_event_us=_us(self.lt_event),
            ge_record_us=_us(self.ge_record),
            lt_record_us=_us(self.lt_record),
            biz_steps=_words(self.biz_step),
            dispositions=_words(self.disposition),
            read_points=_words(self.read_point),
            biz_locations=_words(self.biz_location),
            epcs=_words(self.epc),
            any_epcs=_words(self.any_epc),
            classes=_words(self.epc_class),
            declared=self.declared is not None,
            ge_declared_us=_us(self.ge_declared),
            lt_declared_us=_us(self.lt_declared),
            error_reasons=_words(self.error_reason),
            correctives=_words(self.corrective),
            actions=_words(self.action),
            parents=_words(self.parent),
            papers=self.papers(),
        )


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def _words(said: str | None) -> tuple[str, ...]:
    return tuple(one for one in (said or "").split("|") if one)[:_MOST_ASKED]


def router(services: Services) -> APIRouter:
    """The route of queries."""
    made = APIRouter(tags=["epcis"])
    names = Names(services.epcis.locations)

    @made.get(
        "/epcis/events",
        summary="EPCIS events",
        responses={200: {"content": {_JSON_LD: {"schema": {"type": "object"}}}}, **shown_as(422)},
        openapi_extra=needs("read:epcis"),
    )
    async def events(request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """An EPCISQueryDocument: the ledger's movements, packing and reserving, and what was
        captured, in the order in which they were recorded. While there is more, `Link` says where.
        """
        seen = _CURSOR.read(asked.token)
        after = Place(0, 0, 0) if seen is None else Place(*seen)
        found, behind = await services.read(
            lambda c: query.query(c, asked.wanted(), names, after=after, limit=asked.per_page)
        )
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
