"""One pass as a page: its tags, what was heard, why it was decided so, and putting it right."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from central import schema
from central.access import model
from central.api.access.gate import actor_of
from central.api.permits import needs
from central.api.services import Services, json_answer
from central.database.moments import to_us
from central.passes.model import NoSuchPass, Standing, TagNow
from central.passes.standing import standing
from central.stock.model import Posted
from central.web.pages import Pages
from central.web.views.beams import darks
from central.web.views.signal import Signal, signal
from central.web.views.stock import item_names, location_names
from central.why import sentences
from central.why.story import NothingKnown, Story, why

__all__ = ["PassPages", "shown_story"]

_AROUND_US = 2_000_000
_MOST_TABLE_TAGS = 8
_MOST_TAGS, _STEP = 16, 100
"""So many tags stand on a page at first, and so many more come when they are asked for: a page
stays small.
"""
_MOST_ROWS = 50
"""So many movements stand on a page, and tags on one that takes them in."""
_pass, _review = schema.portal_pass.c, schema.review.c


class PassPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services, self._pages = services, pages

    def router(self) -> APIRouter:
        """The page, more of its tags, and what its chart draws."""
        made = APIRouter(include_in_schema=False)
        read = needs("read:screens", "own")
        made.add_api_route("/screen/passes/{pass_id}", self.one, openapi_extra=read)
        made.add_api_route("/screen/passes/{pass_id}/tags", self.more, openapi_extra=read)
        made.add_api_route("/screen/passes/{pass_id}/signal", self.heard, openapi_extra=read)
        return made

    async def one(self, request: Request, pass_id: str) -> Response:
        """The pass; only its tags for a page that takes them in."""
        whole = "hx-request" not in request.headers
        template = "portals/pass.html" if whole else "pass_tags.html"
        return await self._shown(request, pass_id, template, 0, _MOST_TAGS if whole else _MOST_ROWS)

    async def more(
        self, request: Request, pass_id: str, skip: Annotated[int, Query(ge=0, le=2**31)]
    ) -> Response:
        """Further tags, for the foot of the list."""
        return await self._shown(request, pass_id, "portals/pass_tag_rows.html", skip, _STEP)

    async def _shown(
        self, request: Request, pass_id: str, template: str, skipped: int, most: int
    ) -> Response:
        try:
            facts = await self._services.read(lambda c: _read(c, pass_id))
        except NoSuchPass as error:
            return self._pages.page("missing.html", {"what": str(error)}, 404)
        actor, tags = actor_of(request), facts["tags"]
        return self._pages.page(template, facts | {
            "may_correct": model.may(actor, "write:reviews", "own"),
            "may_review": model.may(actor, "read:reviews", "own"),
            "skipped": skipped,
            "shown": tags[skipped : skipped + most],
            "left": max(len(tags) - skipped - most, 0),
            "step": _STEP,
            "most_rows": _MOST_ROWS,
        })  # fmt: skip

    async def heard(
        self, pass_id: str, tag: Annotated[list[str] | None, Query(max_length=_STEP)] = None
    ) -> Response:
        """What the antennas heard, as columns: of these tags, of every one where none is said."""
        return json_answer(await self._services.read(lambda c: _heard(c, pass_id, tag)))


def _heard(conn: Connection, pass_id: str, tags: list[str] | None) -> Signal:
    found = standing(conn, pass_id)
    told = found.told
    since, until = to_us(told.opened_at) - _AROUND_US, to_us(told.closed_at) + _AROUND_US
    dark = darks(conn, told.read_point, since, until)
    return signal(conn, found, dark, tags)


def _read(conn: Connection, pass_id: str) -> dict[str, Any]:
    found = standing(conn, pass_id)
    told = found.told
    skus = {one.verdict.sku for one in found.tags if one.verdict.sku is not None}
    skus |= {one.movement.sku for one in found.movements}
    moved = [one.movement for one in found.movements]
    ends = {end for one in moved for end in (one.source, one.destination)}
    places = location_names(conn, ends | {one.place for one in found.tags if one.place})
    before, after = _beside(conn, told.read_point, to_us(told.closed_at), told.id)
    return {
        "pass": found,
        "opened_us": to_us(told.opened_at),
        "closed_us": to_us(told.closed_at),
        "tags": sorted(found.tags, key=_order),
        "items": item_names(conn, skus),
        "places": places,
        "movements": [_move(one) for one in found.movements],
        "reviews": _reviews(conn, found),
        "summary": _summary(found),
        "before": before,
        "after": after,
        "kept": bool(found.log_id) and told.decision != "nothing",
    } | shown_story(_story(conn, pass_id))


def _story(conn: Connection, pass_id: str) -> Story | None:
    try:
        return why(conn, pass_id)
    except NothingKnown:
        return None


def shown_story(story: Story | None) -> dict[str, Any]:
    """A story for the templates: sentences, and the stages with their numbers."""
    if story is None:
        return {"sentences": [], "stages": [], "heard": ()}
    return {
        "sentences": sentences.told(story),
        "stages": [(stage.name, *_numbers(stage.facts)) for stage in story.stages],
        "heard": story.observations,
        "versions": story.versions,
    }


def _numbers(facts: dict[str, Any]) -> tuple[list[tuple[str, str]], dict[str, Any] | None]:
    """A stage's facts as pairs, and its table where it has one."""
    table = None
    if isinstance(facts.get("rows"), list) and "columns" in facts:
        rows = _doubtful_first(facts["columns"], facts["rows"])
        table = {"columns": facts["columns"], "rows": rows[:_MOST_TABLE_TAGS],
                 "left": max(len(rows) - _MOST_TABLE_TAGS, 0)}  # fmt: skip
    pairs = []
    for name, value in facts.items():
        if name in {"rows", "columns"} or (name == "tags" and isinstance(value, dict)):
            continue
        if isinstance(value, dict):
            pairs += [(f"{name}: {key}", _plain(each)) for key, each in value.items()]
        else:
            pairs.append((name, _plain(value)))
    return pairs, table


def _doubtful_first(columns: list[str], rows: list[list[Any]]) -> list[list[Any]]:
    """The rows of tags, those first that were nearest to being decided otherwise."""
    if "crossed" not in columns:
        return rows
    at = columns.index("crossed")
    return sorted(rows, key=lambda row: abs(row[at] - 0.5))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _order(one: TagNow) -> tuple[bool, bool, str, str]:
    return one.now == "none", one.review is None, one.verdict.sku or "~", one.epc


def _move(one: Posted) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "at_us": to_us(one.record_time),
        "took_back": "took_back" in one.movement.evidence or (
            one.movement.corrects is not None and "direction" not in one.movement.evidence
        ),
        **msgspec.structs.asdict(one.movement),
    }  # fmt: skip


def _summary(found: Standing) -> str:
    """What became of the pass, in a sentence."""
    waits = sum(one.review is not None for one in found.tags)
    if waits:
        return f"{_tags(waits)} wait{'s' if waits == 1 else ''} for a person."
    ways = {way: sum(one.now == way for one in found.tags) for way in ("in", "out", "none")}
    said = [f"{_tags(ways['in'])} came in"] if ways["in"] else []
    said += [f"{_tags(ways['out'])} went out"] if ways["out"] else []
    if not said:
        return "Nothing crossed."
    stayed = f"; {ways['none']} did not cross" if ways["none"] else ""
    return f"{' and '.join(said)}{stayed}."


def _tags(count: int) -> str:
    return f"{count} tag{'' if count == 1 else 's'}"


def _reviews(conn: Connection, found: Standing) -> list[Any]:
    query = select(_review.id, _review.reason, _review.status).where(_review.id.in_(found.reviews))
    return list(conn.execute(query.order_by(_review.opened_us, _review.id)).all())


def _beside(conn: Connection, read_point: str, closed_us: int, own: str) -> tuple[str, str]:
    """The passes with tags before and after this one."""
    query = select(_pass.id).where(
        _pass.read_point == read_point, _pass.tags != "[]", _pass.id != own
    )
    before = query.where(_pass.closed_us <= closed_us).order_by(_pass.closed_us.desc(), _pass.id)
    after = query.where(_pass.closed_us > closed_us).order_by(_pass.closed_us, _pass.id)
    found = (conn.execute(one.limit(1)).scalar() or "" for one in (before, after))
    return next(found), next(found)
