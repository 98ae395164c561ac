"""What was found: alerts, and what people do about them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from central.alerts import acting, book
from central.alerts.model import Alert, Kind, Severity, State
from central.api.acting import Telling
from central.api.bodies import Body, Said
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.database.moments import to_us

__all__ = ["router"]

_No = Annotated[int, Path(ge=1, le=2**62)]
_OPEN: tuple[State, ...] = ("raised", "acknowledged")
_STATES: dict[str, tuple[State, ...]] = {
    "open": _OPEN,
    "raised": ("raised",),
    "acknowledged": ("acknowledged",),
    "waiting": ("waiting",),
    "cleared": ("cleared",),
    "all": ("waiting", *_OPEN, "cleared"),
}
_Which = Literal["open", "raised", "acknowledged", "waiting", "cleared", "all"]
_Note = Annotated[Said, Field(max_length=500)]


class AcknowledgeBody(Body):
    """Somebody sees to it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"note": "two pallets come at noon"}]},
    )

    note: _Note = ""


class SnoozeBody(Body):
    """Until when nobody wants to hear of it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"minutes": 720, "note": "delivery tomorrow morning"}]},
    )

    minutes: Annotated[int | None, Field(ge=1, le=366 * 1_440)] = None
    until: Annotated[AwareDatetime | None, Field(description="Instead of `minutes`.")] = None
    note: _Note = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.minutes is None) == (self.until is None):
            raise ValueError("give either minutes or until")
        return self

    def until_us(self, at_us: int) -> int:
        """The moment, microseconds since 1970."""
        if self.until is not None:
            return to_us(self.until)
        assert self.minutes is not None, "one of both"
        return at_us + self.minutes * 60_000_000


def router(services: Services) -> APIRouter:
    """The routes of alerts."""
    made = APIRouter(tags=["alerts"])
    _add_lookups(made, services)
    _add_commands(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/alerts",
        summary="List alerts",
        responses=shown_as(422),
        openapi_extra=needs("read:alerts", "own"),
    )
    async def listed(  # noqa: PLR0917 (filters)
        state: Annotated[_Which, Query(description="`open`: raised or acknowledged.")] = "open",
        kind: Kind | None = None,
        severity: Severity | None = None,
        sku: Said | None = None,
        location: Said | None = None,
        after: Number = None,
        limit: Limit = 100,
    ) -> Response:
        """The newest first; `rule` is the one that was the nearest."""
        found = await services.read(
            lambda c: book.listing(
                c, states=_STATES[state], kind=kind, severity=severity, sku=sku,
                location=location, before=after, limit=limit,
            )
        )  # fmt: skip
        return page(found, following(found, limit, lambda one: one.no))

    @made.get(
        "/alerts/{no}",
        summary="One alert",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:alerts", "own"),
    )
    async def one(no: _No) -> Response:
        """With its `history`, oldest first."""
        return json_answer(await services.read(lambda c: _shown(c, book.get(c, no))))


def _add_commands(made: APIRouter, services: Services) -> None:
    @made.post(
        "/alerts/{no}/acknowledge",
        summary="See to an alert",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:alerts", "own"),
    )
    async def acknowledge(no: _No, body: AcknowledgeBody, told: Telling) -> Response:
        """It is not escalated any more, and stays until it is over. Again: nothing changes, and the
        answer says who was first.
        """

        def work(connection: Connection) -> dict[str, object]:
            return _shown(connection, acting.acknowledge(connection, no, body.note, told))

        return json_answer(await services.write(work))

    @made.post(
        "/alerts/{no}/snooze",
        summary="Hear no more of an alert for a while",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:alerts", "own"),
    )
    async def snooze(no: _No, body: SnoozeBody, told: Telling) -> Response:
        """Nobody is told of it until then, nor that it is over. If it is still there then, they are
        told once more.
        """
        until_us = body.until_us(told.at_us)

        def work(connection: Connection) -> dict[str, object]:
            return _shown(connection, acting.snooze(connection, no, until_us, body.note, told))

        return json_answer(await services.write(work))


def _shown(connection: Connection, alert: Alert) -> dict[str, object]:
    return {**msgspec.structs.asdict(alert), "history": book.history(connection, alert.no)}
