"""Files that belong to items, orders, movements and reviews: in, out, and away again.

What is given out is a stranger's file: never shown as a part of these pages, only saved.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection

from central.access.model import Places
from central.api.acting import Telling
from central.api.bodies import Said
from central.api.pages import page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.attachments import store, subjects
from central.attachments.model import MEDIA_TYPES, Attachment, Kind

_PERMITS: dict[Kind, tuple[str, Places, Places]] = {
    "items": ("catalogue", "none", "all"),
    "orders": ("orders", "own", "own"),
    "inbound-orders": ("stock", "own", "own"),
    "movements": ("stock", "own", "own"),
    "reviews": ("reviews", "own", "own"),
}
"""Of each kind the resource, and which places reading and writing are about."""
_FILE: dict[str, object] = {"schema": {"type": "string", "format": "binary"}}
_PLAIN = {media.partition(";")[0]: _FILE for media in MEDIA_TYPES.values()}

Subject = Annotated[Said, Path(min_length=1, max_length=200)]
Hash = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of its content.")]
FileName = Annotated[Said, Query(max_length=200, description="What people call the file.")]


def router(services: Services) -> APIRouter:
    """For each kind of things their files."""
    made = APIRouter(tags=["attachments"])
    for kind, (resource, reading, writing) in _PERMITS.items():
        read, write = needs(f"read:{resource}", reading), needs(f"write:{resource}", writing)
        _add_attaching(made, services, kind, write)
        _add_listing(made, services, kind, read)
        _add_giving(made, services, kind, read)
        _add_removing(made, services, kind, write)
    return made


def _add_attaching(
    made: APIRouter, services: Services, kind: Kind, permit: dict[str, object]
) -> None:
    desk = services.attachments

    @made.post(
        f"/api/attachments/{kind}/{{subject}}",
        name=f"attach to {kind}",
        operation_id=f"attach_to_{kind}",
        summary=f"Attach a file to one of the {kind}",
        description="The body is the file; what it is shows by its content. The same file again "
        "is attached once (200).",
        status_code=201,
        responses=shown_as(404, 409, 413, 415, 422),
        openapi_extra={**permit, "requestBody": {"required": True, "content": _PLAIN}},
    )
    async def attach(
        subject: Subject, request: Request, told: Telling, name: FileName = ""
    ) -> Response:
        await services.read(lambda c: subjects.check(c, kind, subject))
        with desk.coming() as coming:
            async for piece in request.stream():
                coming.take(piece)
            content = await asyncio.to_thread(coming.finish)
            wanted = desk.wanted((kind, subject), name, content, told)
            done, repeated = await services.write(lambda c: desk.attach(c, wanted, coming))
        return json_answer(_shown(done), 200 if repeated else 201)


def _add_listing(
    made: APIRouter, services: Services, kind: Kind, permit: dict[str, object]
) -> None:
    @made.get(
        f"/api/attachments/{kind}/{{subject}}",
        name=f"attachments of {kind}",
        operation_id=f"attachments_of_{kind}",
        summary=f"List the files of one of the {kind}",
        responses=shown_as(404, 422),
        openapi_extra=permit,
    )
    async def listed(subject: Subject) -> Response:
        """The oldest first."""

        def work(conn: Connection) -> list[Attachment]:
            subjects.check(conn, kind, subject)
            return store.listed(conn, kind, subject)

        return page([_shown(one) for one in await services.read(work)])


def _add_giving(made: APIRouter, services: Services, kind: Kind, permit: dict[str, object]) -> None:
    folder = services.attachments.folder

    @made.get(
        f"/api/attachments/{kind}/{{subject}}/{{sha256}}",
        name=f"a file of {kind}",
        operation_id=f"file_of_{kind}",
        summary=f"Save a file of one of the {kind}",
        responses={**shown_as(404, 410, 422), 200: {"content": _PLAIN}},
        openapi_extra=permit,
    )
    async def give(subject: Subject, sha256: Hash) -> Response:
        """Proved against its hash; 410 when the folder has it no more as it was."""

        def work(conn: Connection) -> Attachment:
            subjects.check(conn, kind, subject)
            return store.get(conn, kind, subject, sha256)

        one = await services.read(work)
        content = await asyncio.to_thread(folder.read, sha256)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(one.name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        }
        return Response(content, media_type=MEDIA_TYPES[one.media], headers=headers)


def _add_removing(
    made: APIRouter, services: Services, kind: Kind, permit: dict[str, object]
) -> None:
    desk = services.attachments

    @made.delete(
        f"/api/attachments/{kind}/{{subject}}/{{sha256}}",
        name=f"remove from {kind}",
        operation_id=f"remove_from_{kind}",
        summary=f"Remove a file from one of the {kind}",
        status_code=204,
        responses=shown_as(404, 422),
        openapi_extra=permit,
    )
    async def remove(subject: Subject, sha256: Hash, told: Telling) -> Response:
        """The audit keeps that it was there, the folder the file for some days."""
        await services.write(lambda c: desk.remove(c, (kind, subject), sha256, told))
        return Response(status_code=204)


def _shown(one: Attachment) -> dict[str, object]:
    path = f"/api/attachments/{one.kind}/{quote(one.subject, safe='')}/{one.sha256}"
    return {**msgspec.structs.asdict(one), "path": path}
