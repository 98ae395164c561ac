"""Counts: ask for one, count, look into what differs, approve."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.acting import CLIENT, Telling
from central.api.bodies import Said
from central.api.counts.bodies import (
    ByBody,
    CountBody,
    DecisionsBody,
    EntryBody,
    FinishBody,
    StartBody,
)
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.catalogue.changes import Told
from central.counts import counting, lines, results, reviewing, tasks
from central.counts.model import State, Task

_REFUSED = shown_as(404, 409, 422)


def router(services: Services) -> APIRouter:
    """The routes of counts."""
    made = APIRouter(prefix="/api/counts", tags=["counts"])
    _add_lookups(made, services)
    _add_asking(made, services)
    _add_counting(made, services)
    _add_reviewing(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "",
        summary="List counts",
        responses=shown_as(422),
        openapi_extra=needs("read:counts", places="own"),
    )
    async def listed(
        state: State | None = None,
        location: Annotated[Said | None, Query(max_length=64)] = None,
        after: Annotated[Said, Query(max_length=64)] = "",
        limit: Limit = 100,
    ) -> Response:
        """By id."""
        found = await services.read(
            lambda c: tasks.list_tasks(c, state=state, location=location, after=after, limit=limit)
        )
        return page(found, following(found, limit, lambda one: one.id))

    @made.get(
        "/{count_id}",
        summary="One count",
        responses=shown_as(404),
        openapi_extra=needs("read:counts", places="own"),
    )
    async def one(count_id: str) -> Response:
        """With what was found so far; of a blind one not what is expected."""
        return json_answer(await services.read(lambda c: _shown(c, tasks.get_task(c, count_id))))

    @made.get(
        "/{count_id}/lines",
        summary="A count held against the books",
        responses=shown_as(404, 409),
        openapi_extra=needs("read:count-reviews", places="own"),
    )
    async def compared(count_id: str) -> Response:
        """Each account as counted and as expected at that moment, and tags that are missing or
        strange. Refused with 409 while a blind count is being counted.
        """

        def work(connection: Connection) -> list[object]:
            task = tasks.get_task(connection, count_id)
            if task.state == State.REVIEWED:
                return list(results.results_of(connection, count_id))
            if task.blind and task.state in {State.REQUESTED, State.COUNTING}:
                raise Problem(409, f"count {count_id} is blind: it is compared once it is finished")
            found = lines.lines_of(connection, task)
            return [
                msgspec.structs.asdict(line) | {"difference": line.difference} for line in found
            ]

        return page(await services.read(work))


def _add_asking(made: APIRouter, services: Services) -> None:
    @made.post(
        "",
        status_code=201,
        summary="Ask for a count",
        responses=_REFUSED,
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def ask(body: CountBody, told: Telling) -> Response:
        """Of a place. A repeat of a known id answers 200."""
        task, known = await services.write(lambda c: tasks.add_task(c, body.task(), told))
        return json_answer(task, 200 if known else 201)

    @made.post(
        "/{count_id}/start",
        summary="Begin to count",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:counts", places="own"),
    )
    async def start(count_id: str, told: Telling, body: StartBody | None = None) -> Response:
        """The ledger's newest movement is the count's snapshot; where it began without a network,
        the newest one that was known then. Again changes nothing.
        """
        began = body or StartBody()
        return await _answered(
            services,
            lambda c: tasks.start(c, count_id, told, began_us=began.began_us(), as_of=began.as_of),
        )

    @made.post(
        "/{count_id}/cancel",
        summary="Cancel a count",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def cancel(count_id: str) -> Response:
        """Nothing is posted of it. Again changes nothing."""
        return await _answered(services, lambda c: tasks.cancel(c, count_id))


def _add_counting(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{count_id}/entries",
        status_code=201,
        summary="Tell what was found",
        responses=_REFUSED,
        openapi_extra=needs("write:counts", places="own"),
    )
    async def found(count_id: str, body: EntryBody, told: Telling) -> Response:
        """By hand, by a scanned code, by weight, by the tags of a hand-held or of a zone. Entries
        of an account add up, a piece with a name counts once. A repeat of a known id answers 200
        and adds nothing; `replaces` takes a mistake back.
        """
        by = _named(told, body.by)

        def work(connection: Connection) -> tuple[dict[str, Any], bool]:
            task, known = counting.count(connection, count_id, body.id, body.found(), by)
            return _shown(connection, task), known

        shown, known = await services.write(work)
        return json_answer(shown, 200 if known else 201)

    @made.delete(
        "/{count_id}/entries/{entry_id}",
        summary="Take back what was found",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:counts", places="own"),
    )
    async def take_back(count_id: str, entry_id: str) -> Response:
        """It was a mistake, while the count is still being counted. Again changes nothing."""
        return await _answered(services, lambda c: tasks.take_back(c, count_id, entry_id))

    @made.post(
        "/{count_id}/finish",
        summary="End counting",
        responses=_REFUSED,
        openapi_extra=needs("write:counts", places="own"),
    )
    async def finish(count_id: str, body: FinishBody, told: Telling) -> Response:
        """It is held against the books as they were when each thing was counted. What agrees is
        REVIEWED at once; else it is COUNTED, for somebody to look into.
        """
        by = _named(told, body.by)
        return await _answered(
            services, lambda c: reviewing.finish(c, count_id, by, complete=body.complete)
        )

    @made.post(
        "/{count_id}/recount",
        summary="Count again",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def recount(count_id: str) -> Response:
        """What is counted from now on takes the place of its earlier count; all else keeps it."""
        return await _answered(services, lambda c: tasks.recount(c, count_id))


def _add_reviewing(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{count_id}/decisions",
        summary="Say why lines differ",
        responses=_REFUSED,
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def decide(count_id: str, body: DecisionsBody, told: Telling) -> Response:
        """`accept`: the books follow the count; else they stay. When every line that differs has
        a reason, the count is READY_TO_REVIEW.
        """
        by = _named(told, body.by)
        said = [one.said() for one in body.lines]
        return await _answered(services, lambda c: reviewing.decide(c, count_id, said, by))

    @made.post(
        "/{count_id}/review",
        summary="Approve a count",
        responses=_REFUSED,
        openapi_extra=needs("write:count-reviews", places="own"),
    )
    async def approve(count_id: str, body: ByBody, told: Telling) -> Response:
        """Posts what was accepted to and from `adjustment`. Refused with 409 for who counted and
        a difference above the count's threshold, and where a line differs otherwise by now than
        when it was decided. Again changes nothing.
        """
        by = _named(told, body.by)
        return await _answered(services, lambda c: reviewing.approve(c, count_id, by))


async def _answered(services: Services, work: Callable[[Connection], Task]) -> Response:
    shown: Awaitable[dict[str, Any]] = services.write(lambda c: _shown(c, work(c)))
    return json_answer(await shown)


def _named(told: Told, by: str) -> Told:
    """Who signed in, or else who somebody says that he is."""
    return Told(by=by, at_us=told.at_us) if by and told.by == CLIENT else told


def _shown(connection: Connection, task: Task) -> dict[str, Any]:
    return msgspec.structs.asdict(task) | {
        "ledger_seq": lines.newest_seq(connection),
        "entries": tasks.entries_of(connection, task.id),
    }
