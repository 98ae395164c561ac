"""Labels to printers: which there are and how they are, and what is or was to be printed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.labels.bodies import PrintBody
from central.api.labels.making import DOCUMENT, gather, render
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.api.stock.commands import Key, command_id
from central.database.moments import from_us
from central.labels import jobs, printers
from central.labels.config import PrinterSection
from central.labels.jobs import Job
from central.labels.model import MEDIA_TYPES, LabelRefused, NoSuchLabel
from central.stock.model import OutOfReach

_READ = needs("read:labels", "own")
_WRITE = needs("write:labels", "own")
_REFUSED = shown_as(403, 404, 409, 422)
Wanted = Literal["all", "open", "queued", "sending", "sent", "failed", "cancelled"]


def router(services: Services) -> APIRouter:
    """The routes of printing."""
    made = APIRouter(prefix="/labels", tags=["labels"])
    _add_printers(made, services)
    _add_printing(made, services)
    _add_jobs(made, services)
    _add_ends(made, services)
    return made


def _add_printers(made: APIRouter, services: Services) -> None:
    @made.get("/printers", summary="List label printers", openapi_extra=_READ)
    async def listed() -> Response:
        """Those of the settings, each with how it is just now: `ready`, in `trouble` (`says` what
        to do), `away`, or `unknown` where it cannot be asked.
        """
        mine = await services.read(lambda c: _within(c, services.labels.printers.values()))
        states = await asyncio.gather(*(printers.look(one) for one in mine))
        rows = [
            {**one.model_dump(include=_SHOWN), **msgspec.structs.asdict(state)}
            for one, state in zip(mine, states, strict=True)
        ]
        return page(rows)


_SHOWN = {"name", "speaks", "dpi", "rfid", "place"}


def _add_printing(made: APIRouter, services: Services) -> None:
    @made.post(
        "/print",
        status_code=201,
        summary="Print labels",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def send(body: PrintBody, told: Telling, key: Key = None) -> Response:
        """Queues a job; it is sent at once if the printer is ready, else as soon as it is. With
        `rfid` each label's tag gets an EPC that no other has; with `bind` it stands for the goods
        once the printer has taken the labels. Again with the same `id`: the job as it stands.
        """
        command = body.id or command_id(key)
        printer = await services.read(lambda c: _printer(c, services, body.printer))
        asked = body.model_dump_json(exclude={"id"})
        known = await services.read(lambda c: jobs.find(c, command, asked))
        if known is not None:
            return json_answer(_shown(services, known))
        wish = body.wish()
        if wish.tags and not printer.rfid:
            raise LabelRefused(f"{printer.name} writes no tags: choose one with `rfid`")
        gathered = await gather(services, wish, command, told)
        printed = await render(services, wish, gathered, printer.speaks, printer.dpi)
        job = Job(
            id=command, seq=0, printer=printer.name, place=printer.place, kind=wish.kind,
            labels=printed.labels, form=printed.form, bindings=gathered.bindings,
            made_by=told.by, made_us=told.at_us, changed_us=told.at_us,
        )  # fmt: skip
        done = await services.write(lambda c: jobs.add(c, job, asked, printed.content))
        return json_answer(_shown(services, done), 201)


def _add_jobs(made: APIRouter, services: Services) -> None:
    @made.get("/jobs", summary="List print jobs", responses=shown_as(422), openapi_extra=_READ)
    async def listed(
        state: Wanted = "all", printer: str = "", after: Number = None, limit: Limit = 100
    ) -> Response:
        """The newest first. `open`: not yet printed, or failed."""
        states = {"all": (), "open": ("queued", "sending", "failed")}.get(state, (state,))
        found = await services.read(
            lambda c: jobs.listing(c, states=states, printer=printer, before=after, limit=limit)
        )
        rows = [_shown(services, one) for one in found]
        for row in rows:
            del row["bindings"]  # there may be a thousand
        return page(rows, following(found, limit, lambda one: one.seq))

    @made.get("/jobs/{job_id}", summary="One print job", responses=_REFUSED, openapi_extra=_READ)
    async def one(job_id: str) -> Response:
        """`why` says what it waits for, or what went wrong."""
        return json_answer(_shown(services, await services.read(lambda c: jobs.get(c, job_id))))

    @made.get(
        "/jobs/{job_id}/document",
        summary="What a print job sends",
        response_class=Response,
        responses={**DOCUMENT, **_REFUSED},
        openapi_extra=_READ,
    )
    async def document(job_id: str) -> Response:
        """As it goes to the printer."""

        def work(conn: Connection) -> tuple[Job, bytes]:
            job = jobs.get(conn, job_id)
            return job, jobs.document(conn, job_id)

        job, content = await services.read(work)
        name = f'inline; filename="{job.kind}-labels.{job.form}"'
        return Response(
            content, media_type=MEDIA_TYPES[job.form], headers={"Content-Disposition": name}
        )


def _add_ends(made: APIRouter, services: Services) -> None:
    @made.post(
        "/jobs/{job_id}/cancel",
        summary="Cancel a print job",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def cancel(job_id: str, told: Telling) -> Response:
        """Before it is sent."""
        return json_answer(
            _shown(services, await services.write(lambda c: jobs.cancel(c, job_id, told)))
        )

    @made.post(
        "/jobs/{job_id}/reprint",
        status_code=201,
        summary="Print a job again",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def reprint(job_id: str, told: Telling, key: Key = None) -> Response:
        """The same labels as a new job, in tags the same EPCs: for labels that were spoilt."""
        command = command_id(key)
        done = await services.write(lambda c: jobs.reprint(c, job_id, command, told))
        return json_answer(_shown(services, done), 201)


def _printer(conn: Connection, services: Services, name: str) -> PrinterSection:
    found = services.labels.printers.get(name)
    if found is None:
        known = ", ".join(services.labels.printers) or "none: add [[printers]] to the settings"
        raise NoSuchLabel(f"there is no printer {name}; there are {known}")
    jobs.check_place(conn, found.place)
    return found


def _within(conn: Connection, found: Iterable[PrinterSection]) -> list[PrinterSection]:
    mine = []
    for one in found:
        try:
            jobs.check_place(conn, one.place)
        except OutOfReach:
            continue
        mine.append(one)
    return mine


def _shown(services: Services, job: Job) -> dict[str, object]:
    shown = msgspec.structs.asdict(job)
    if job.state == "queued" and job.printer not in services.labels.printers:
        shown["why"] = f"{job.printer} is no printer of the settings any more: cancel it"
    for name in ("next", "made", "changed"):
        shown[f"{name}_at"] = from_us(shown.pop(f"{name}_us"))
    if job.state != "queued":
        del shown["next_at"]
    return shown
