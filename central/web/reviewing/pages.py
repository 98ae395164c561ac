"""The routes of the review queue: the page, its parts, and who looks at what."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, select

from central import schema
from central.access import model, reach
from central.access.behalf import asker
from central.api.access.gate import actor_of
from central.api.permits import needs
from central.api.services import Services, now_us
from central.database.moments import from_us, to_us
from central.reviews import effects, store, undoing
from central.reviews.effects import Weighed
from central.reviews.model import NoSuchReview, Stored, told
from central.stock.model import LocationKind
from central.web.changes import REVIEWS
from central.web.pages import Pages
from central.web.reviewing import words
from central.web.reviewing.lookers import Lookers
from central.web.views import picture, queue
from central.web.views.stock import item_names, location_names

__all__ = ["ReviewPages"]

_MOST_PLACES = 500
_MOST_TAGS = 100
"""So many tags of a question stand on its page, the most doubtful first."""


class QueueAsked(BaseModel):
    """What of the queue is shown."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    kind: str = ""
    place: str = ""
    age: str = ""
    open: str = ""

    def filter(self) -> queue.Filter:
        """As the database is asked."""
        return queue.Filter(kind=self.kind, place=self.place, age=self.age)


class ReviewPages:
    """The routes, over the parts they are handed. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services, self._pages = services, pages
        self._lookers = Lookers()
        pages.changes.also[REVIEWS] = lambda: self._lookers.changes

    def router(self) -> APIRouter:
        """The queue, one review, and who looks at it."""
        made = APIRouter(include_in_schema=False)
        read = needs("read:reviews", "own")
        made.add_api_route("/screen/reviews", self.whole, openapi_extra=read)
        made.add_api_route("/screen/reviews/list", self.listed, openapi_extra=read)
        made.add_api_route("/screen/reviews/{review_id}", self.one, openapi_extra=read)
        made.add_api_route(
            "/screen/reviews/{review_id}/looking", self.looking, methods=["POST"],
            openapi_extra=needs("read:reviews", "none"),
        )  # fmt: skip
        return made

    async def whole(self, request: Request, asked: Annotated[QueueAsked, Query()]) -> Response:
        """The page: the list, and the review that is looked at (the first, where none is said)."""
        listed = await self._listed(asked)
        first = asked.open or next((one.id for one in listed["queue"].waiting), "")
        facts = listed | {"asked": asked, "review": None}
        if first:
            try:
                facts |= await self._facts(first, "")
            except NoSuchReview:
                facts["lost"] = first
        return self._pages.page("reviewing/page.html", facts | self._may(request))

    async def listed(self, asked: Annotated[QueueAsked, Query()]) -> Response:
        """The list alone, for what is new."""
        facts = await self._listed(asked)
        return self._pages.page("reviewing/list.html", facts | {"asked": asked})

    async def one(self, request: Request, review_id: str, tab: str = "") -> Response:
        """One review: what was seen, and what it may have been."""
        try:
            facts = await self._facts(review_id, tab)
        except NoSuchReview as error:
            return self._pages.page("missing.html", {"what": str(error)}, 404)
        return self._pages.page("reviewing/review.html", facts | self._may(request))

    async def looking(self, review_id: str, tab: Annotated[str, Query(max_length=32)]) -> Response:
        """A tab shows this review; tells the others' tabs when that is new."""
        actor = asker()
        who = "somebody" if actor is None or actor is model.OPEN else actor.name
        if self._lookers.look(tab, who, "" if review_id == "none" else review_id):
            self._services.tide.rise()
        return Response(status_code=204)

    async def _listed(self, asked: QueueAsked) -> dict[str, Any]:
        at_us, version = now_us(), self._pages.changes.version
        found = await self._services.read(
            lambda c: queue.queue(
                c, asked.filter(), now_us=at_us, since_us=_midnight_us(at_us, self._pages.zone)
            )
        )
        return {
            "queue": found, "version": version, "now_us": at_us,
            "headline": words.asked, "kind_of": words.kind_of,
            "kind_names": words.KINDS, "looking": self._lookers.others,
        }  # fmt: skip

    async def _facts(self, review_id: str, tab: str) -> dict[str, Any]:
        found = await self._services.read(lambda c: _read(c, review_id))
        others = self._lookers.others(review_id, tab)
        me = asker()
        if not tab and me is not None:  # a page that is loaded anew: its own tab is no other
            others = [who for who in others if who != me.name]
        return found | {
            "headline": words.asked,
            "others": others,
            "moves_told": words.moves_told,
            "outage": _outage(found["review"]),
        }

    def _may(self, request: Request) -> dict[str, Any]:
        actor = actor_of(request)
        return {
            "may_answer": model.may(actor, "write:reviews", "own"),
            "may_see_passes": model.may(actor, "read:screens", "own"),
        }


def _midnight_us(at_us: int, zone: str) -> int:
    """When today began at the site."""
    here = from_us(at_us).astimezone(ZoneInfo(zone or "UTC"))
    return to_us(here.replace(hour=0, minute=0, second=0, microsecond=0))


def _read(conn: Connection, review_id: str) -> dict[str, Any]:
    review = store.get(conn, review_id)
    weighed = effects.weighed(conn, review)
    skus = {one.sku for each in weighed for one in each.movements}
    skus |= {one.sku for each in weighed for one in each.effect}
    codes = {
        end for each in weighed for one in each.movements for end in (one.source, one.destination)
    }
    codes |= {one.location for each in weighed for one in each.effect}
    return {
        "review": review,
        "event_us": to_us(review.event_time),
        "opened_us": to_us(review.opened_at),
        "resolved_us": None if review.resolution is None else to_us(review.resolution.at),
        "weighed": weighed,
        "items": item_names(conn, skus),
        "places": location_names(conn, codes),
        "every_place": _places(conn),
        "picture": picture.of_review(conn, review),
        "pass_id": review.evidence.get("pass"),
        "tags": _doubtful(_tags(review)),
        "tags_asked": len(_tags(review)),
        "ended": told(review) if review.resolution is not None else "",
        "cannot_undo": undoing.why_not(review),
        "again": _again(conn, review),
        "suggested": _suggested(weighed),
    }


def _outage(review: Stored) -> dict[str, Any] | None:
    """The time in which the portal did not hear, where that is why it is asked."""
    told = words.outage(review.evidence)
    if told is None:
        return None
    what, since, until = told
    return {
        "what": what,
        "device": msgspec.to_builtins(review.evidence["outage"])["device"],
        "from_us": to_us(since),
        "until_us": None if until is None else to_us(until),
    }


def _tags(review: Stored) -> list[dict[str, Any]]:
    tags = review.evidence.get("tags")
    return tags if isinstance(tags, list) else []


def _doubtful(tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All, of many those that were nearest to being decided otherwise."""
    if len(tags) <= _MOST_TAGS:
        return tags
    return sorted(tags, key=lambda tag: abs(tag.get("crossed", 0.5) - 0.5))[:_MOST_TAGS]


def _suggested(weighed: list[Weighed]) -> dict[str, Any]:
    """What the form of "something else" begins with: the likeliest movement."""
    moves = [one for each in weighed for one in each.movements]
    return msgspec.to_builtins(moves[0]) if moves else {}


def _places(conn: Connection) -> list[tuple[str, str]]:
    place = schema.location.c
    query = select(place.code, place.name)
    if (granted := reach.within(place.code)) is not None:
        query = query.where(granted | (place.kind != LocationKind.INTERNAL.value))
    return [tuple(row) for row in conn.execute(query.order_by(place.code).limit(_MOST_PLACES))]


def _again(conn: Connection, review: Stored) -> str:
    """The question that took this one's place in the queue, when its answer was taken back."""
    name = undoing.again(review.id)
    found = select(schema.review.c.id).where(schema.review.c.id == name)
    return name if conn.execute(found).first() else ""
