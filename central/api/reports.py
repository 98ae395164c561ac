"""Reports: what there are, each as a page of JSON or as a file."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from central.api.bodies import Said
from central.api.pages import page
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.reports.catalogue import REPORTS
from central.reports.forms import MEDIA_TYPES, plain
from central.reports.model import Asked, Report

_PIECE = 256 * 1024
_FIRST_DAY, _LAST_DAY = date(1971, 1, 1), date(9000, 1, 1)
_Day = Annotated[date, Field(ge=_FIRST_DAY, le=_LAST_DAY)]


class ReportAsked(BaseModel):
    """What a report is asked of, and as what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[
        _Day | None,
        Field(alias="from", description="The first day, as the warehouse's time zone has it."),
    ] = None
    until: Annotated[
        _Day | None, Field(alias="to", description="The last day, included; up to now without.")
    ] = None
    location: (
        Annotated[
            Said, Field(min_length=1, max_length=64, description="This one and all within it.")
        ]
        | None
    ) = None
    category: Annotated[Said, Field(max_length=100)] | None = None
    item: Annotated[Said, Field(min_length=1, max_length=64, description="A SKU.")] | None = None
    format: Literal["json", "csv", "xlsx", "parquet"] = "json"
    limit: Annotated[int, Field(ge=1, le=10_000, description="Rows of a page of JSON.")] = 200
    after: Annotated[int, Field(ge=0, le=10_000_000, description="`next` of the last answer.")] = 0

    def asked(self) -> Asked:
        """It as reports know it."""
        return Asked(
            since=self.since,
            until=self.until,
            location=self.location,
            category=self.category,
            sku=self.item,
        )


def router(services: Services) -> APIRouter:
    """A route for each report, and one that lists them."""
    made = APIRouter(tags=["reports"])

    @made.get("/api/reports", summary="List reports", openapi_extra=needs("read:reports", "none"))
    async def list_reports() -> Response:
        """What each tells, and its columns with their units and meanings."""
        return page([described(report) for report in REPORTS.values()])

    for report in REPORTS.values():
        _add(made, services, report)
    return made


def described(report: Report) -> dict[str, object]:
    """A report without its rows."""
    return {
        "name": report.name,
        "title": report.title,
        "means": report.means,
        "days": report.days,
        "columns": [
            {"name": one.name, "kind": one.kind, "unit": one.unit, "means": one.means}
            for one in report.columns
        ],
    }


def _add(made: APIRouter, services: Services, report: Report) -> None:
    named = ", ".join(f"`{one.name}`" for one in report.columns)
    files: dict[str, object] = {
        kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()
    }

    @made.get(
        f"/api/reports/{report.name}",
        name=report.name,
        operation_id=f"report_{report.name.replace('-', '_')}",
        summary=report.title,
        description=f"{report.means} Columns: {named}; their units and meanings: `/api/reports`. "
        f"Without `from`, {report.days} days. JSON comes in pages: `next` goes into `after`. Files "
        "have all rows.",
        responses={**shown_as(404, 422), 200: {"content": {"application/json": {}, **files}}},
        openapi_extra=needs("read:reports", "own"),
    )
    async def tell(asked: Annotated[ReportAsked, Query()]) -> Response:
        now = datetime.now(UTC)
        if asked.format != "json":
            return await _file(services, report, asked, now)
        rows = await services.reports.page(
            report, asked.asked(), now, after=asked.after, limit=asked.limit
        )
        names = [column.name for column in report.columns]
        return json_answer(
            {
                "report": report.name,
                "asked": {"from": asked.since, "to": asked.until, "location": asked.location,
                          "category": asked.category, "item": asked.item},
                "told_at": now,
                "columns": described(report)["columns"],
                "rows": [dict(zip(names, map(plain, row), strict=True)) for row in rows],
                "next": asked.after + len(rows) if len(rows) == asked.limit else None,
            }
        )  # fmt: skip


async def _file(services: Services, report: Report, asked: ReportAsked, now: datetime) -> Response:
    """Made as a whole before the answer begins: what goes wrong is still told as a problem."""
    folder = tempfile.TemporaryDirectory(prefix="tallyport-report-")
    path = Path(folder.name) / "report"
    try:
        await services.reports.file(report, asked.asked(), now, asked.format, path)
        size = path.stat().st_size
    except OSError as error:
        folder.cleanup()
        raise Problem(507, f"the report could not be written: {error.strerror}") from error
    except BaseException:
        folder.cleanup()
        raise

    async def pieces() -> AsyncIterator[bytes]:
        with folder, path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    name = f"{report.name}-{now:%Y-%m-%d}.{asked.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(pieces(), media_type=MEDIA_TYPES[asked.format], headers=headers)
