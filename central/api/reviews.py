"""Reviews: what waits for a person, what each answer would do to stock, and answering."""

from __future__ import annotations

from typing import Literal

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import CLIENT, Asker, Telling
from central.api.bodies import ResolveBody
from central.api.pages import Count, Cursor, Limit, following, page
from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services, json_answer, now_us
from central.api.stock.commands import Key, command_id
from central.database.moments import to_us
from central.receiving import asking, lots
from central.reviews import effects, store, undoing
from central.reviews.model import Choice, Line, Stored

Status = Literal["open", "resolved", "dismissed", "expired", "answered", "all"]
_CURSOR = Cursor(tuple[Count, str])


def router(services: Services) -> APIRouter:
    """Routes of reviews."""
    made = APIRouter(tags=["reviews"])
    _add_taking_back(made, services)

    @made.get("/reviews", summary="List reviews", openapi_extra=needs("read:reviews", "own"))
    async def reviews(
        status: Status = "open",
        *,
        read_point: str | None = None,
        reason: str | None = None,
        escalated: bool | None = None,
        after: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Decisions that wait for a person, newest first, with what may have happened, the most
        probable first, and the movements that would follow from each.
        """
        wanted = None if status == "all" else status
        before = _CURSOR.read(after)
        found = await services.read(
            lambda c: store.page(
                c,
                status=wanted,
                read_point=read_point,
                reason=reason,
                escalated=escalated,
                before=before,
                limit=limit,
            )
        )
        behind = following(found, limit, lambda one: _CURSOR.told((to_us(one.opened_at), one.id)))
        return page([_shown(one) for one in found], behind)

    @made.get(
        "/reviews/{review_id}", summary="One review", openapi_extra=needs("read:reviews", "own")
    )
    async def review(review_id: str) -> Response:
        """With the effect of each hypothesis on stock as it is now, and why one could not be
        posted any more; or with how the review ended.
        """
        found, told = await services.read(
            lambda c: (one := store.get(c, review_id), effects.weighed(c, one))
        )
        return json_answer(_shown(found) | {"hypotheses": told})

    @made.post(
        "/reviews/{review_id}/resolve",
        status_code=201,
        summary="Resolve a review",
        openapi_extra=needs("write:reviews", "own"),
    )
    async def resolve(review_id: str, body: ResolveBody, who: Asker, key: Key = None) -> Response:
        """By the hypothesis that is true, by the quantities that moved, or by dismissing it.

        What follows is posted at once, with the sensors' evidence. A repeat of a known id
        answers 200 with the first result. Where somebody was faster, 409 says who, when and
        what; where stock has changed so that this cannot be posted, 409 says that. A resolved
        review stays so: what turns out wrong is corrected by a further movement. `by` is who is
        logged in, and what you say only where nobody is.
        """
        choice = _choice(body, key, body.by if who == CLIENT else who)

        def work(connection: Connection) -> store.Resolved:
            at_us = now_us()
            answer = store.resolve(connection, review_id, choice, at_us=at_us)
            if not answer.repeated:
                asked = store.get(connection, review_id)
                asking.answered(connection, asked, answer.resolution)
                lots.answered(connection, asked, answer.resolution)
            return answer

        done, repeated = await services.write(work)
        answer = {"review": review_id, **msgspec.structs.asdict(done), "repeated": repeated}
        del answer["asked"]
        return json_answer(answer, 200 if repeated else 201)

    return made


def _add_taking_back(made: APIRouter, services: Services) -> None:
    @made.post(
        "/reviews/{review_id}/undo",
        status_code=201,
        summary="Take an answer back",
        openapi_extra=needs("write:reviews", "own"),
    )
    async def take_back(review_id: str, told: Telling) -> Response:
        """What the answer posted is posted the other way round, what it taught is forgotten, and
        the question is asked again: `review` is its new id. 409 says why that cannot be: tags have
        moved on, the answer belongs to a receipt, or it was taken back already.
        """
        done = await services.write(lambda c: undoing.undo(c, review_id, told))
        return json_answer(done, 201)


def _choice(body: ResolveBody, key: str | None, by: str) -> Choice:
    said = [body.hypothesis is not None, bool(body.movements), body.dismiss]
    if said.count(True) != 1:
        raise Problem(422, "say one of `hypothesis`, `movements` or `dismiss`")
    return Choice(
        id=body.id or command_id(key),
        by=by,
        hypothesis=body.hypothesis,
        lines=tuple(
            Line(
                sku=one.sku,
                quantity=one.quantity,
                source=one.source,
                destination=one.destination,
                lot=one.lot,
                epcs=tuple(one.epcs),
            )
            for one in body.movements
        ),
        note=body.note,
    )


def _shown(review: Stored) -> dict[str, object]:
    """A review, flat, with what the best hypothesis would move beside all of them."""
    shown = msgspec.structs.asdict(review)
    shown["proposals"] = review.hypotheses[0].movements if review.hypotheses else ()
    if review.resolution is not None:
        shown["resolution"] = msgspec.structs.replace(review.resolution, asked=None)
    return shown
