"""Files in and out: items, places, lots, opening balances and orders as CSV or XLSX."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParam
from pydantic import BaseModel, ConfigDict, Field, Json

from central.access.model import Places
from central.api.acting import Telling
from central.api.bodies import Said
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.catalogue.changes import Told
from central.imports.model import Kind, Outcome
from central.imports.progress import Jobs, Progress
from central.imports.running import KINDS, Keep, Undone, Wanted, carry_out, export, read_file

_MOST_BYTES = 200 * 2**20
_PERMITS: dict[Kind, tuple[str, Places, Places]] = {
    "items": ("catalogue", "none", "none"), "locations": ("places", "own", "own"),
    "lots": ("stock", "all", "own"), "stock": ("stock", "own", "own"),
    "inbound-orders": ("orders", "own", "own"), "orders": ("orders", "own", "own"),
}  # fmt: skip
"""Of each kind the resource, and which places importing and exporting are about."""
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ImportAsked(BaseModel):
    """How a file is read, and what of it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: Annotated[bool, Field(description="Only say what would come of it.")] = False
    all_or_nothing: Annotated[
        bool,
        Field(description="A row is wrong: keep nothing; with false, keep what is right."),
    ] = True
    job: Annotated[
        Said,
        Field(
            max_length=64,
            pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$",
            description="Your name for it: `GET /api/imports/{job}` tells how far it has come.",
        ),
    ] = ""
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
        return "none" if self.dry_run else "all" if self.all_or_nothing else "right"


def router(services: Services) -> APIRouter:
    """For each kind a route in and a route out."""
    made = APIRouter(tags=["import and export"])
    jobs = Jobs()
    for kind in KINDS:
        _add_import(made, services, jobs, kind)
        _add_export(made, services, kind)

    @made.get(
        "/api/imports/{job}",
        summary="How far an import has come",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def progress(job: Annotated[Said, PathParam(max_length=64)]) -> Response:
        """`stage` is reading, writing (of `rows` rows, `done`), then kept, refused or failed; the
        import's own answer says the rest. Only this process knows of it.
        """
        found = jobs.get(job)
        if found is None:
            raise Problem(404, f"there is no import {job} under way here, and none lately")
        return json_answer(found.told())

    return made


def _add_import(made: APIRouter, services: Services, jobs: Jobs, kind: Kind) -> None:
    resource, places, _ = _PERMITS[kind]
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
        progress = jobs.begin(asked.job, kind)
        try:
            done = await _carried_out(services, request, kind, asked, told, progress)
        except Undone as undone:
            progress.end("refused")
            refused = not asked.dry_run
            return json_answer(undone.outcome, 422 if refused else 200)
        except BaseException:
            progress.end("failed")
            raise
        progress.end("kept")
        return json_answer(done)


async def _carried_out(  # noqa: PLR0917 (a request's parts)
    services: Services,
    request: Request,
    kind: Kind,
    asked: ImportAsked,
    told: Told,
    progress: Progress,
) -> Outcome:
    wanted = Wanted(kind=kind, mapping=asked.columns or {}, decimal=asked.decimal)
    with tempfile.TemporaryDirectory(prefix="tallyport-import-") as folder:
        path = Path(folder) / "file"
        await _save(request, path)
        rows, outcome = await asyncio.to_thread(read_file, path, wanted)
    return await services.write(
        lambda c: carry_out(c, rows, outcome, kind, asked.keep, told, progress)
    )


async def _save(request: Request, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > _MOST_BYTES:
                raise Problem(413, f"a file has at most {_MOST_BYTES >> 20} MiB: send it in parts")
            file.write(piece)


def _add_export(made: APIRouter, services: Services, kind: Kind) -> None:
    resource, _, places = _PERMITS[kind]

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
