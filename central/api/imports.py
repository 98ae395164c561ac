"""Files in and out: items, locations and opening balances as CSV or XLSX."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, Json

from central.access.model import Places
from central.api.acting import Telling
from central.api.bodies import Said
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.imports.model import Kind
from central.imports.running import KINDS, Keep, Undone, Wanted, carry_out, export, read_file

_MOST_BYTES = 200 * 2**20
_PERMITS: dict[Kind, tuple[str, Places]] = {
    "items": ("catalogue", "none"), "locations": ("places", "all"), "stock": ("stock", "all"),
}  # fmt: skip
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ImportAsked(BaseModel):
    """How a file is read, and what of it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: Annotated[bool, Field(description="Only say what would come of it.")] = False
    on_fault: Annotated[
        Literal["refuse", "skip"],
        Field(description="A row is wrong: keep nothing, or keep the others."),
    ] = "refuse"
    decimal: Annotated[
        Literal[",", "."] | None,
        Field(description="The sign before a fraction; with semicolons it is a comma."),
    ] = None
    columns: Annotated[
        Json[dict[Said, Said]] | None,
        Field(description='The file\'s titles as ours: {"Artikel-Nr.": "sku"}.'),
    ] = None

    @property
    def keep(self) -> Keep:
        """What is written."""
        return "none" if self.dry_run else "all" if self.on_fault == "refuse" else "right"


def router(services: Services) -> APIRouter:
    """For each kind a route in and a route out."""
    made = APIRouter(tags=["import and export"])
    for kind in KINDS:
        _add_import(made, services, kind)
        _add_export(made, services, kind)
    return made


def _add_import(made: APIRouter, services: Services, kind: Kind) -> None:
    resource, places = _PERMITS[kind]
    named = ", ".join(f"`{one.name}`" for one in KINDS[kind].columns)

    @made.post(
        f"/api/imports/{kind}",
        name=f"import {kind}",
        operation_id=f"import_{kind}",
        summary=f"Import {kind}",
        description=f"The body is the file: CSV or XLSX, whichever it is. Columns: {named}. All "
        "mistakes are told at once, each with its row, its column and what is accepted. The same "
        "file again changes nothing.",
        responses=shown_as(413, 422),
        openapi_extra={
            **needs(f"write:{resource}", places),
            "requestBody": {
                "required": True,
                "content": {
                    media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                    for media in _MEDIA.values()
                },
            },
        },
    )
    async def take(
        request: Request, asked: Annotated[ImportAsked, Query()], told: Telling
    ) -> Response:
        wanted = Wanted(kind=kind, mapping=asked.columns or {}, decimal=asked.decimal)
        with tempfile.TemporaryDirectory(prefix="tallyport-import-") as folder:
            path = Path(folder) / "file"
            await _save(request, path)
            rows, outcome = await asyncio.to_thread(read_file, path, wanted)
        try:
            done = await services.write(
                lambda c: carry_out(c, rows, outcome, kind, asked.keep, told)
            )
        except Undone as undone:
            refused = not asked.dry_run
            return json_answer(undone.outcome, 422 if refused else 200)
        return json_answer(done)


async def _save(request: Request, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > _MOST_BYTES:
                raise Problem(413, f"a file has at most {_MOST_BYTES >> 20} MiB: send it in parts")
            file.write(piece)


def _add_export(made: APIRouter, services: Services, kind: Kind) -> None:
    resource, places = _PERMITS[kind]

    @made.get(
        f"/api/exports/{kind}",
        name=f"export {kind}",
        operation_id=f"export_{kind}",
        summary=f"Export {kind}",
        description="As a file that `/api/imports` takes.",
        responses={
            **shown_as(422),
            200: {
                "content": {
                    media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                    for media in _MEDIA.values()
                }
            },
        },
        openapi_extra=needs(f"read:{resource}", places),
    )
    async def give(
        form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "csv",
    ) -> Response:
        with tempfile.TemporaryDirectory(prefix="tallyport-export-") as folder:
            path = Path(folder) / "file"
            await services.read(lambda c: export(c, kind, form, path))
            content = path.read_bytes()
        headers = {"Content-Disposition": f'attachment; filename="{kind}.{form}"'}
        return Response(content, media_type=_MEDIA[form], headers=headers)
