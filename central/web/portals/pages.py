"""All portals, and one portal's day: a strip of its passes, the list, filters, live."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from central.api.permits import needs
from central.api.services import Services, now_us
from central.database.moments import from_us, to_us
from central.web.pages import Pages
from central.web.views import day
from central.web.views.beams import darks
from central.web.views.stock import item_names

__all__ = ["PortalPages"]

KINDS = {
    "asked": "Asked", "corrected": "Corrected", "low": "Low confidence", "alone": "Left alone",
    "empty": "Empty",
}  # fmt: skip
_HOUR_US = 3_600_000_000
_LEAST_US = 60_000_000
_MOST_EYE_US = 4 * _HOUR_US
"""Over a longer time the log is not searched for the photo-eye: the strip says so."""
_ROWS = 100


class DayAsked(BaseModel):
    """Which day (the site's), which part of it (microseconds since 1970), and which passes."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    on: date | None = None
    since: Annotated[int, Query(ge=0, le=2**62)] = 0
    until: Annotated[int, Query(ge=0, le=2**62)] = 0
    kind: str = ""


class PortalPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services, self._pages = services, pages

    def router(self) -> APIRouter:
        """The list, one portal, and its live part."""
        made = APIRouter(include_in_schema=False)
        read = needs("read:screens", "own")
        made.add_api_route("/screen/portals", self.every, openapi_extra=read)
        made.add_api_route("/screen/portals/{read_point}", self.one, openapi_extra=read)
        made.add_api_route("/screen/portals/{read_point}/day", self.part, openapi_extra=read)
        return made

    async def every(self) -> Response:
        """Each portal with its day so far."""
        at_us, version = now_us(), self._pages.changes.version
        midnight, end = _day(None, at_us, self._pages.zone)
        found = await self._services.read(lambda c: day.portals(c, midnight, end))
        facts = {
            "portals": found, "version": version, "now_us": at_us,
            "from_us": midnight, "until_us": end,
            "strips": {
                one.point.code: day.bars(one.today, midnight, end) for one in found
            },
        }  # fmt: skip
        return self._pages.page("portals/every.html", facts)

    async def one(self, read_point: str, asked: Annotated[DayAsked, Query()]) -> Response:
        """One portal's day."""
        return await self._day(read_point, asked, "portals/day.html")

    async def part(self, read_point: str, asked: Annotated[DayAsked, Query()]) -> Response:
        """The strip and the list alone, for what is new."""
        return await self._day(read_point, asked, "portals/strip.html")

    async def _day(
        self, read_point: Annotated[str, Path(max_length=64)], asked: DayAsked, template: str
    ) -> Response:
        zone, version = self._pages.zone, self._pages.changes.version
        facts = await self._services.read(lambda c: _read(c, read_point, asked, zone))
        if facts is None:
            what = {"what": f"There is no portal {read_point}."}
            return self._pages.page("missing.html", what, 404)
        return self._pages.page(template, facts | {"version": version})


def _day(on: date | None, at_us: int, zone: str) -> tuple[int, int]:
    """When a day of the site begins and ends; today, where none is said."""
    where = ZoneInfo(zone or "UTC")
    that = on or from_us(at_us).astimezone(where).date()
    begin = datetime(that.year, that.month, that.day, tzinfo=where)
    after = that + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=where)
    return to_us(begin), to_us(end)


def _read(conn: Connection, read_point: str, asked: DayAsked, zone: str) -> dict[str, Any] | None:
    if not day.is_portal(conn, read_point):
        return None
    at_us = now_us()
    midnight, end = _day(asked.on, at_us, zone)
    every = day.passes(conn, read_point, midnight, end)
    since, until = _window(asked, every, midnight, end)
    seen = [one for one in every if one.closed_us >= since and one.opened_us <= until]
    listed = [one for one in seen if _fits(one, asked.kind)]
    with_eye = until - since <= _MOST_EYE_US
    dark = darks(conn, read_point, since, until) if with_eye else []
    on = from_us(midnight).astimezone(ZoneInfo(zone or "UTC")).date()
    return {
        "read_point": read_point,
        "on": on,
        "today": _day(None, at_us, zone)[0] == midnight,
        "since_us": since,
        "until_us": until,
        "ticks": _ticks(since, until, ZoneInfo(zone or "UTC")),
        "bars": day.bars([one for one in seen if _fits(one, asked.kind)], since, until),
        "dark": day.dark_bars(dark, since, until),
        "with_eye": with_eye,
        "rows": list(reversed(listed))[:_ROWS],
        "left": max(len(listed) - _ROWS, 0),
        "counts": {kind: sum(kind in one.kinds for one in every) for kind in KINDS},
        "all": sum(one.tells for one in every),
        "kinds": KINDS,
        "kind": asked.kind,
        "items": item_names(conn, day.names(listed[-_ROWS:])),
        "links": _links(read_point, asked, on, since, until, midnight, end),
        "newest_us": day.newest_us(conn, read_point),
        "zoomed": (since, until) != _window(DayAsked(on=asked.on), every, midnight, end),
    }


def _fits(one: day.DayPass, kind: str) -> bool:
    return kind in one.kinds if kind else one.tells


def _window(asked: DayAsked, every: list[day.DayPass], midnight: int, end: int) -> tuple[int, int]:
    """What of the day is shown: what is asked for, else from the first pass to the last."""
    if asked.until > asked.since:
        middle = (asked.since + asked.until) // 2
        half = max(asked.until - asked.since, _LEAST_US) // 2
        return max(middle - half, midnight), min(middle + half, end)
    heard = [one for one in every if one.tells]
    if not heard:
        return midnight, end
    first = heard[0].opened_us // _HOUR_US * _HOUR_US
    last = -(-heard[-1].closed_us // _HOUR_US) * _HOUR_US
    return max(first, midnight), min(max(last, first + _HOUR_US), end)


def _ticks(since: int, until: int, zone: ZoneInfo) -> list[tuple[float, str]]:
    """Times below the strip, five to ten of them, on full minutes or hours."""
    span = until - since
    steps = (10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 10_800)
    step = next((one for one in steps if span / (one * 1e6) <= 9), 10_800) * 1_000_000
    first = -(-since // step) * step
    form = "%H:%M:%S" if step < 60_000_000 else "%H:%M"
    return [
        ((at - since) / span, from_us(at).astimezone(zone).strftime(form))
        for at in range(first, until, step)
        if 0.02 < (at - since) / span < 0.98
    ]


def _links(  # noqa: PLR0917 (a page's links hang on all of it)
    read_point: str, asked: DayAsked, on: date, since: int, until: int, midnight: int, end: int
) -> dict[str, str]:
    base = f"/screen/portals/{read_point}"

    def to(**changed: object) -> str:
        told = {"on": on, "kind": asked.kind, "since": asked.since, "until": asked.until}
        kept = {name: value for name, value in (told | changed).items() if value}
        return f"{base}?{urlencode(kept)}"

    quarter = (until - since) // 4
    return {
        "base": base,
        "before": to(on=on - timedelta(days=1), since=0, until=0),
        "after": to(on=on + timedelta(days=1), since=0, until=0),
        "closer": to(since=since + quarter, until=until - quarter),
        "wider": to(since=max(since - 2 * quarter, midnight), until=min(until + 2 * quarter, end)),
        "left": to(since=max(since - 2 * quarter, midnight), until=until - 2 * quarter),
        "right": to(since=since + 2 * quarter, until=min(until + 2 * quarter, end)),
        "whole": to(since=0, until=0),
        "all": to(kind=""),
        **{f"kind-{kind}": to(kind=kind) for kind in KINDS},
    }
