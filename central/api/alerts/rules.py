"""What is watched: rules, and which of them holds."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central.access import behalf, reach
from central.alerts import items, looking, rules
from central.alerts.model import Hours, Kind, Rule, Severity, Units
from central.api.acting import Telling
from central.api.bodies import Body, Code, Name, Said, Sku
from central.api.etags import IfMatch, check, tagged
from central.api.pages import following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer, now_us
from central.catalogue.items import get_item

__all__ = ["HoursBody", "RuleId", "router"]

RuleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_MOST = 2**53
_MOST_S = 366 * 86_400
_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM")]
_Day = Annotated[str, Field(pattern=r"^(mon|tue|wed|thu|fri|sat|sun)$")]
_Limit = Annotated[int, Query(ge=1, le=500)]


class HoursBody(Body):
    """Hours of the day, over midnight where `end` is not behind `start`."""

    start: _Clock
    end: _Clock
    days: Annotated[
        tuple[_Day, ...],
        Field(max_length=7, description="On which they begin; none: every day."),
    ] = ()

    def hours(self) -> Hours:
        """As alerts know them."""
        return msgspec.convert(self.model_dump(), Hours)


class RuleState(Body):
    """What a rule says."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "low",
                    "sku": "OAT-500",
                    "location": "shop",
                    "limit": 40,
                    "margin": 10,
                    "severity": "warning",
                }
            ]
        },
    )

    kind: Kind
    limit: Annotated[
        int | None,
        Field(
            ge=0,
            le=_MOST,
            description="In the kind's unit; null: nothing is told where this rule is the nearest.",
        ),
    ]
    margin: Annotated[
        int, Field(ge=0, le=_MOST, description="It is cleared so far on the right side again.")
    ] = 0
    of: Annotated[
        Units,
        Field(description="What `low` counts: units less those that are reserved, or all."),
    ] = "available"
    sku: Annotated[Sku | None, Field(description="Of an item, or of a family's variants.")] = None
    category: Name | None = None
    location: Annotated[Code | None, Field(description="With all places within it, together.")] = (
        None
    )
    each: Annotated[bool, Field(description="Each place within `location` by itself instead.")] = (
        False
    )
    window_days: Annotated[int, Field(ge=1, le=366, description="Of `shrinkage`.")] = 7
    for_s: Annotated[
        int, Field(ge=0, le=_MOST_S, description="It is raised after so many seconds of it.")
    ] = 0
    severity: Severity = "warning"
    tell: Annotated[
        tuple[RuleId, ...],
        Field(max_length=50, description="Channels; none: all that want to hear of it."),
    ] = ()
    escalate_to: Annotated[
        tuple[RuleId, ...],
        Field(max_length=50, description="Channels that are told if nobody acknowledges it."),
    ] = ()
    escalate_after_s: Annotated[int, Field(ge=0, le=_MOST_S)] = 0
    muted: Annotated[
        tuple[HoursBody, ...],
        Field(max_length=20, description="In the time zone of the place's warehouse."),
    ] = ()
    enabled: bool = True
    note: Annotated[Said, Field(max_length=500)] = ""

    def rule(self, rule_id: str) -> Rule:
        """As alerts know it."""
        values = {name: getattr(self, name) for name in RuleState.model_fields}
        muted = tuple(one.hours() for one in self.muted)
        return Rule(**values | {"id": rule_id, "muted": muted})


class RuleBody(RuleState):
    """A new rule."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "oats-in-the-shop",
                    "kind": "low",
                    "sku": "OAT-500",
                    "location": "shop",
                    "limit": 40,
                    "margin": 10,
                    "severity": "warning",
                    "muted": [{"start": "20:00", "end": "06:00"}],
                },
                {
                    "id": "nothing-unexplained",
                    "kind": "unexplained",
                    "limit": 20,
                    "severity": "critical",
                },
                {"id": "devices", "kind": "device", "limit": 0, "for_s": 300},
            ]
        },
    )

    id: RuleId


def router(services: Services) -> APIRouter:
    """The routes of rules."""
    made = APIRouter(tags=["alerts"])
    _add_lookups(made, services)
    _add_changes(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/alerts/rules",
        summary="List alert rules",
        responses=shown_as(422),
        openapi_extra=needs("read:alerts", "own"),
    )
    async def listed(
        kind: Kind | None = None,
        sku: Said | None = None,
        location: Said | None = None,
        after: Said | None = None,
        limit: _Limit = 100,
    ) -> Response:
        """By id."""
        found = await services.read(
            lambda c: rules.listing(
                c, kind=kind, sku=sku, location=location, after=after, limit=limit
            )
        )
        return page(found, following(found, limit, lambda one: one.id))

    @made.get(
        "/alerts/rules/{rule_id}",
        summary="One alert rule",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:alerts", "own"),
    )
    async def one(rule_id: Said) -> Response:
        """With the `ETag` that a change of it asks for."""
        return tagged(await services.read(lambda c: rules.get(c, rule_id)))

    @made.get(
        "/items/{sku}/alert-rules",
        summary="Which alert rules hold for an item",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:alerts", "own"),
    )
    async def holding(sku: Said) -> Response:
        """Everything that is watched of it, under its nearest rule, as it stands now. `met` is true
        beyond the limit, false on the right side by the margin, null between.
        """
        return json_answer({"rows": await services.read(lambda c: _standing(c, sku))})


def _standing(connection: Connection, sku: str) -> list[dict[str, object]]:
    get_item(connection, sku)
    at_us, held = now_us(), rules.for_items(connection, [sku])
    places = {one.location for one in held if one.location is not None}
    granted = {code for code in places if reach.inside(connection, code)}
    shown = {one.id for one in held if behalf.roots() is None or one.location in granted}
    return [
        {
            "rule": found.rule.id,
            "kind": found.rule.kind,
            "location": found.location or None,
            "each": found.rule.each,
            "limit": found.rule.limit,
            "margin": found.rule.margin,
            "value": found.value,
            "met": found.met,
            "instead_of": [one for one in found.instead_of if one in shown],
        }
        for seen in looking.seen_of(connection, [sku], held, at_us)
        for found in items.findings(seen, held, at_us)
        if found.rule.id in shown
    ]


def _add_changes(made: APIRouter, services: Services) -> None:
    @made.post(
        "/alerts/rules",
        status_code=201,
        summary="Add an alert rule",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:alert-rules", "own"),
    )
    async def add(body: RuleBody, told: Telling) -> Response:
        """All that it is for is looked at within moments. The same rule again answers 200."""
        rule, known = await services.write(lambda c: rules.add(c, body.rule(body.id), told))
        return tagged(rule, 200 if known else 201)

    @made.put(
        "/alerts/rules/{rule_id}",
        summary="Change an alert rule",
        responses=shown_as(404, 412, 422, 428),
        openapi_extra=needs("write:alert-rules", "own"),
    )
    async def change(
        rule_id: Said, body: RuleState, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """As a whole: what is left out becomes what it is for a new one. Its kind stays."""

        def work(connection: Connection) -> Rule:
            check(if_match, rules.get(connection, rule_id))
            return rules.change(connection, body.rule(rule_id), told)

        return tagged(await services.write(work))

    @made.delete(
        "/alerts/rules/{rule_id}",
        summary="Take an alert rule away",
        responses=shown_as(404, 412, 422),
        openapi_extra=needs("write:alert-rules", "own"),
    )
    async def remove(rule_id: Said, told: Telling, if_match: IfMatch = None) -> Response:
        """What it raised is cleared within moments, or stays under the nearest rule then."""

        def work(connection: Connection) -> Rule:
            check(if_match, rules.get(connection, rule_id), needed=False)
            return rules.remove(connection, rule_id, told)

        return json_answer(await services.write(work))
