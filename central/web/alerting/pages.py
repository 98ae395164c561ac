"""The routes of alerts: the list, one with its history, and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access import behalf
from central.access.model import reach
from central.alerts import book, channels, rules
from central.alerts.model import TOLD_OF, Alert, Channel, Kind, Rule, Severity, State
from central.api.etags import etag
from central.api.permits import needs
from central.api.services import Services, now_us
from central.web.alerting import words
from central.web.desk import Desk, may_at, place_choices
from central.web.pages import Pages
from central.web.rights import may
from central.web.views.stock import item_names, location_names

__all__ = ["AlertPages"]

ROWS = 50
MOST_RULES = 500
Which = Literal["open", "raised", "acknowledged", "cleared"]
STATES: dict[Which, tuple[str, tuple[State, ...]]] = {
    "open": ("Open", ("raised", "acknowledged")),
    "raised": ("Nobody sees to it", ("raised",)),
    "acknowledged": ("Somebody does", ("acknowledged",)),
    "cleared": ("Over", ("cleared",)),
}
_COMMON = {"kinds": words.KINDS, "happened": words.HAPPENED}
_Name = Annotated[str, Query(max_length=64)]


class AlertPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._desk = Desk(services, pages)
        self._zone = pages.zone or "UTC"

    def router(self) -> APIRouter:
        """The list, one alert, the rules."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/alerts", self.listed),
            ("/screen/alerts/{no}", self.one),
            ("/screen/alert-rules", self.rules),
        ):
            made.add_api_route(path, page, openapi_extra=needs("read:alerts", "own"))
        made.add_api_route(
            "/screen/alert-channels", self.channels, openapi_extra=needs("read:alerts")
        )
        return made

    async def listed(  # noqa: PLR0917 (filters)
        self,
        state: Which = "open",
        kind: Kind | None = None,
        severity: Severity | None = None,
        sku: _Name = "",
        location: _Name = "",
        after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    ) -> Response:
        """Alerts that stand so, the newest first."""

        def read(conn: Connection) -> Mapping[str, Any]:
            found = book.listing(
                conn, states=STATES[state][1], kind=kind, severity=severity, sku=sku or None,
                location=location or None, before=after, limit=ROWS + 1,
            )  # fmt: skip
            rows = found[:ROWS]
            said = {
                "state": state, "kind": str(kind or ""), "severity": severity or "", "sku": sku,
                "location": location,
            }  # fmt: skip
            last = str(rows[-1].no) if len(found) > ROWS else ""
            return _COMMON | _named(conn, rows) | {
                "rows": rows, "said": said, "now_us": now_us(),
                "older": _address(said | {"after": last}) if last else "",
                "first": _address(said) if after is not None else "",
                "here": _address(said | ({} if after is None else {"after": str(after)})),
                "chips": [(name, _address(said | {"state": one}), one == state)
                          for one, (name, _) in STATES.items()],
            }  # fmt: skip

        return await self._desk.page("alerting/list.html", read)

    async def one(self, no: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
        """An alert with what happened to it, and the rule that raised it."""

        def read(conn: Connection) -> Mapping[str, Any]:
            alert = book.get(conn, no)
            rule = rules.of_alerts(conn, [alert.rule]).get(alert.rule)
            return _COMMON | _named(conn, [alert]) | {
                "alert": alert, "rule": rule, "history": book.history(conn, no)[::-1],
                "now_us": now_us(),
                "may_act": may_at(conn, "write:alerts", alert.location)
                if alert.location else may("write:alerts"),
            }  # fmt: skip

        return await self._desk.page("alerting/alert.html", read)

    async def rules(self) -> Response:
        """What is watched, the rules of the closest kind together."""

        def read(conn: Connection) -> Mapping[str, Any]:
            found = rules.listing(conn, limit=MOST_RULES)
            found.sort(key=lambda one: (one.kind, one.sku or one.category or "", one.id))
            everywhere = behalf.roots() is None  # channels are of no place
            return _COMMON | {
                "rules": [(one, etag(one), _body(one, "id")) for one in found],
                "may_see_channels": everywhere,
                "channels": [one.code for one in channels.listing(conn)] if everywhere else [],
                "items": item_names(conn, {one.sku for one in found if one.sku}),
                "places": place_choices(conn),
                "places_of": location_names(conn, {one.location for one in found if one.location}),
            }  # fmt: skip

        return await self._desk.page("alerting/rules.html", read)

    async def channels(self) -> Response:
        """Who is told of alerts, and how."""

        def read(conn: Connection) -> Mapping[str, Any]:
            actor = behalf.asker()
            assert actor is not None, "the gate lets in nobody else here"
            found = channels.listing(conn)
            return _COMMON | {
                "channels": [
                    (one, etag(channels.shown(conn, one)), _body(one, "code")) for one in found
                ],
                "ways": words.WAYS,
                "examples": words.EXAMPLES,
                "usual": TOLD_OF,
                "time_zone": self._zone,
                "may_change": reach(actor, "write:alert-rules") is None,
                "places": place_choices(conn),
                "places_of": location_names(conn, {one.location for one in found if one.location}),
            }  # fmt: skip

        return await self._desk.page("alerting/channels.html", read)


def _body(one: Rule | Channel, key: str) -> dict[str, Any]:
    """A rule or channel as the form changes it."""
    said: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in said.items() if name not in {key, "version"}}


def _named(conn: Connection, rows: list[Alert]) -> dict[str, Any]:
    return {
        "items": item_names(conn, {one.sku for one in rows if one.sku}),
        "places_of": location_names(conn, {one.location for one in rows if one.location}),
    }


def _address(chosen: Mapping[str, str]) -> str:
    said = {one: told for one, told in chosen.items() if told and (one, told) != ("state", "open")}
    return f"/screen/alerts?{urlencode(said)}" if said else "/screen/alerts"
