"""Counts by the clock."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from central.api.acting import Telling
from central.api.bodies import Body, Code, CommandId, Said
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.counts import scheduling
from central.counts.scheduling import Plan
from central.database.moments import to_us

Days = Annotated[int, Field(ge=1, le=3_650)]


class ScheduleBody(Body):
    """A place to be counted by the clock."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "shelf-7-weekly", "location": "shelf-7", "every_days": 7},
                {
                    "id": "hall-by-class",
                    "location": "hall",
                    "every_days": 1,
                    "class_days": {"A": 30, "B": 90, "C": 365},
                },
            ]
        },
    )

    id: CommandId
    location: Code
    every_days: Days
    below: bool = True
    class_days: Annotated[
        dict[str, Days],
        Field(default_factory=dict, description="Of A, B and C: count its items by class."),
    ]
    threshold: Annotated[int, Field(ge=0, le=2**53)] = 0
    first_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _all_classes(self) -> Self:
        if self.class_days and set(self.class_days) != {"A", "B", "C"}:
            raise ValueError("class_days says of each class A, B and C after how many days")
        return self

    def plan(self) -> Plan:
        """As counts know it."""
        first = 0 if self.first_at is None else max(1, to_us(self.first_at))
        return Plan(**self.model_dump(exclude={"first_at"}), next_us=first)


def router(services: Services) -> APIRouter:
    """The routes of schedules."""
    made = APIRouter(prefix="/api/count-schedules", tags=["counts"])

    @made.post(
        "",
        status_code=201,
        summary="Count by the clock",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def add(body: ScheduleBody, told: Telling) -> Response:
        """A place every so many days, or its items by ABC class: the dearest that together moved
        80 % of all value in 90 days are A, up to 95 % B, the others C.
        """
        plan, known = await services.write(lambda c: scheduling.add_plan(c, body.plan(), told))
        return json_answer(plan, 200 if known else 201)

    @made.get(
        "",
        summary="List schedules",
        responses=shown_as(422),
        openapi_extra=needs("read:counts", places="own"),
    )
    async def listed(
        after: Annotated[Said, Query(max_length=64)] = "", limit: Limit = 100
    ) -> Response:
        """By id, each with when it is due next."""
        found = await services.read(lambda c: scheduling.list_plans(c, after=after, limit=limit))
        return page(found, following(found, limit, lambda one: one.id))

    @made.post(
        "/{schedule_id}/end",
        summary="Count no more by a schedule",
        responses=shown_as(404),
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def end(schedule_id: str) -> Response:
        """What was asked for stays asked for. Again changes nothing."""
        return json_answer(await services.write(lambda c: scheduling.end_plan(c, schedule_id)))

    return made
