"""The routes of reports: what there are, and each as a table, a plot and files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.api.permits import needs
from central.api.services import Services
from central.catalogue.errors import NotFound
from central.reports.catalogue import REPORTS
from central.reports.forms import plain
from central.reports.model import Asked, Report, ReportRefused
from central.web.desk import Desk, place_choices
from central.web.pages import Pages
from central.web.reporting.plots import PLOTS, bars

__all__ = ["ReportPages"]

ROWS = 100
MOST_DRAWN = 2_000
FORMS = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}
_Word = Annotated[str, Query(max_length=100)]
_Day = Annotated[str, Query(max_length=10)]


class ReportPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._desk = Desk(services, pages)

    def router(self) -> APIRouter:
        """The list, and one report."""
        made = APIRouter(include_in_schema=False)
        made.add_api_route(
            "/screen/reports", self.listed, openapi_extra=needs("read:reports", "none")
        )
        made.add_api_route(
            "/screen/reports/{name}", self.one, openapi_extra=needs("read:reports", "own")
        )
        return made

    async def listed(self) -> Response:
        """What there are."""
        return await self._desk.page(
            "reporting/list.html", lambda _: {"reports": list(REPORTS.values())}
        )

    async def one(  # noqa: PLR0917 (filters)
        self,
        name: str,
        since: Annotated[_Day, Query(alias="from")] = "",
        until: Annotated[_Day, Query(alias="to")] = "",
        location: _Word = "",
        item: _Word = "",
        category: _Word = "",
        after: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> Response:
        """A report of these days. What is asked wrongly is said above an empty table."""
        said = {"from": since, "to": until, "location": location, "item": item,
                "category": category}  # fmt: skip
        report = REPORTS.get(name)
        if report is None:
            return await self._desk.page("missing.html", partial(_missing, name))
        rows: list[Any] = []
        drawn: list[Any] = []
        wrong = ""
        try:
            asked = Asked(
                since=_day(since), until=_day(until), location=location or None,
                category=category or None, sku=item or None,
            )  # fmt: skip
            now = datetime.now(UTC)
            rows = await self._services.reports.page(
                report, asked, now, after=after, limit=ROWS + 1
            )
            more = len(rows) > ROWS
            if not after:
                drawn = rows if not more else await self._services.reports.page(
                    report, asked, now, after=0, limit=MOST_DRAWN
                )  # fmt: skip
        except (ReportRefused, ValueError) as error:
            wrong, more = str(error), False
        facts = self._facts(report, said, [[plain(cell) for cell in row] for row in rows[:ROWS]])
        facts |= {
            "wrong": wrong, "bars": bars(report, drawn), "plot": PLOTS.get(name),
            "older": _address(name, said | {"after": str(after + ROWS)}) if more else "",
            "first": _address(name, said) if after else "",
        }  # fmt: skip
        return await self._desk.page(
            "reporting/report.html", lambda c: facts | {"places": place_choices(c)}
        )

    def _facts(self, report: Report, said: Mapping[str, str], rows: list[Any]) -> dict[str, Any]:
        query = {one: told for one, told in said.items() if told}
        return {
            "report": report, "said": said, "rows": rows,
            "reports": list(REPORTS.values()),
            "files": [
                (words, f"/api/reports/{report.name}?{urlencode(query | {'format': form})}")
                for form, words in FORMS.items()
            ],
        }  # fmt: skip


def _missing(name: str, _: Connection) -> Mapping[str, Any]:
    raise NotFound(f"there is no report {name}")


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError as error:
        raise ReportRefused(f"{said} is no day: write it as 2026-03-31") from error


def _address(name: str, said: Mapping[str, str]) -> str:
    chosen = {one: told for one, told in said.items() if told}
    return f"/screen/reports/{name}?{urlencode(chosen)}" if chosen else f"/screen/reports/{name}"
