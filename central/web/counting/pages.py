"""The routes of counts: the list, one count, what of it changes, and the schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access import behalf
from central.access import model as access
from central.api.pages import Cursor
from central.api.permits import needs
from central.api.services import Services, now_us
from central.catalogue import tree
from central.counts import tasks
from central.counts.model import REASONS, State, Task
from central.stock.model import LocationKind
from central.web.counting import words
from central.web.desk import Desk, may_at, place_choices
from central.web.pages import Pages
from central.web.views import count_list, count_page
from central.web.views.stock import location_names

__all__ = ["CountPages"]

_CURSOR: Cursor[count_list.Key] = Cursor(count_list.Key)  # type: ignore[arg-type]
_Place = Annotated[str, Query(max_length=100)]
_Word = Annotated[str, Query(max_length=300)]
_WORDS = {"states": words.STATES, "reasons": words.REASONS}
assert set(REASONS) == set(words.REASONS), "every reason has its words"


class CountPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._desk = Desk(services, pages)

    def router(self) -> APIRouter:
        """The list, one count, and the schedules."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/counts", self.listed),
            ("/screen/counts/{count_id}/now", self.now),
            ("/screen/counts/{count_id}", self.one),
            ("/screen/count-schedules", self.schedules),
        ):
            made.add_api_route(path, page, openapi_extra=needs("read:counts", "own"))
        return made

    async def listed(
        self, choice: count_list.Choice = "decide", place: _Place = "", after: _Word | None = None
    ) -> Response:
        """Counts by what is to be done with them."""
        wanted = count_list.Wanted(choice=choice, place=place.strip(), after=_CURSOR.read(after))

        def read(conn: Connection) -> Mapping[str, Any]:
            found = count_list.listed(conn, wanted, limit=count_list.ROWS + 1)
            rows, more = found[: count_list.ROWS], len(found) > count_list.ROWS
            said = {"choice": choice, "place": wanted.place}
            totals = count_list.totals(conn)
            return _WORDS | _choices(conn) | {
                "rows": rows,
                "wanted": wanted,
                "older": _address(said | {"after": _CURSOR.told(rows[-1].key)}) if more else "",
                "first": _address(said) if after else "",
                "chips": [
                    (name, _address(said | {"choice": one}), one == choice, totals.get(one))
                    for one, (name, _) in count_list.CHOICES.items()
                ],
            }  # fmt: skip

        return await self._desk.page("counting/list.html", read)

    async def one(self, count_id: str) -> Response:
        """A count: how far it is, what differs, and what can be done with it."""
        return await self._desk.page("counting/count.html", lambda c: _count(c, count_id))

    async def now(self, count_id: str) -> Response:
        """What of it changes while it is counted."""
        return await self._desk.page("counting/now.html", lambda c: _under_way(c, count_id))

    async def schedules(self) -> Response:
        """Which counts come by the clock."""

        def read(conn: Connection) -> Mapping[str, Any]:
            return {"plans": count_list.plans(conn), "now_us": now_us()} | _choices(conn)

        return await self._desk.page("counting/schedules.html", read)


def _choices(conn: Connection) -> dict[str, Any]:
    """What the forms that ask for a count propose."""
    places = place_choices(conn)
    return {"places": places, "zones": count_page.zones(conn, [code for code, _ in places])}


def _under_way(conn: Connection, count_id: str) -> dict[str, Any]:
    task = tasks.get_task(conn, count_id)
    names = location_names(conn, [task.location])
    return _WORDS | count_page.progress(conn, task) | {
        "task": task, "place": names.get(task.location, task.location),
        "may_count": may_at(conn, "write:counts", task.location),
    }  # fmt: skip


def _count(conn: Connection, count_id: str) -> dict[str, Any]:
    found = _under_way(conn, count_id)
    task: Task = found["task"]
    inside = tree.codes_under(conn, [task.location]) if task.below else {task.location}
    waits = count_page.open_for_decision(task)
    may_see = may_at(conn, "read:count-reviews", task.location)
    rows = count_page.compared(conn, task) if waits and may_see else []
    differing = [one for one in rows if one.line.difference or one.line.disturbed]
    return found | {
        "may_see": may_see,
        "may_decide": may_at(conn, "write:count-reviews", task.location),
        "waits": waits,
        "differing": differing,
        "agreeing": len(rows) - len(differing),
        "value": count_page.worth(one.value for one in differing),
        "results": count_page.report(conn, task)
        if task.state == State.REVIEWED and may_see else [],
        "posts": _posts(differing),
        "cannot": _cannot(conn, task, differing),
        "zones": count_page.zones(conn, inside),
        "inside": sorted(inside) if task.below else [],
        "nowhere": LocationKind.ADJUSTMENT.value,
    }  # fmt: skip


def _posts(differing: list[count_page.Differing]) -> list[count_page.Differing]:
    """The lines whose difference goes into the books when the count is approved."""
    return [
        one for one in differing
        if one.settled and one.line.decision is not None and one.line.decision.accept
    ]  # fmt: skip


def _cannot(conn: Connection, task: Task, differing: list[count_page.Differing]) -> str:
    """Why whoever looks cannot approve this count as it stands, in one sentence; or nothing. The
    rules are those of ``central.counts.reviewing.approve``, told before somebody tries.
    """
    left = [one for one in differing if not one.settled]
    if any(one.line.disturbed for one in left):
        return "Stock moved while some of it was counted, so nobody can tell. Count it again."
    if left:
        many = "1 difference has" if len(left) == 1 else f"{len(left)} differences have"
        return f"{many} no reason yet: say why, or count again."
    actor = behalf.asker()
    if actor is access.OPEN:  # whoever approves says who that is: the API judges
        return ""
    most = max((abs(one.line.difference) for one in _posts(differing)), default=0)
    if (
        actor is None
        or most <= task.threshold
        or actor.name not in tasks.counters_of(conn, task.id)
    ):
        return ""
    return (
        f"You counted this, and a difference of {most} is more than the {task.threshold} that who "
        "counted may approve: somebody else has to."
    )


def _address(chosen: Mapping[str, str]) -> str:
    plain = {("choice", "decide")}
    said = {one: told for one, told in chosen.items() if told and (one, told) not in plain}
    return f"/screen/counts?{urlencode(said)}" if said else "/screen/counts"
