"""Measurements for charts: what there is, samples, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from central.access import behalf
from central.api.permits import needs
from central.api.problems import Problem
from central.api.series import happenings
from central.api.series.export import csv_lines
from central.api.series.feeds import (
    GROUPS,
    Key,
    check,
    in_order,
    names_of,
    read_key,
    told,
    words_of,
)
from central.api.series.feeds import reached as in_reach
from central.api.services import Services, json_answer, now_us
from central.insight.series import Sample
from central.insight.windows import SECOND_US, Bucket, Fold, Window, window

_LONGEST_S = 10 * 366 * 86_400
_SERIES_MOST = 24
_FOUND_MOST = 5_000
_LATEST_S = 4_102_444_800  # the year 2100
FeedKey = Annotated[str, Query(max_length=500, description="A `key` of /series/feeds.")]
FeedKeys = Annotated[list[str], Query(max_length=_SERIES_MOST, description="See `feed`.")]
Moment = Annotated[
    float | None, Query(ge=0, le=_LATEST_S, description="Seconds since 1970 UTC; now without it.")
]
Seconds = Annotated[int, Query(ge=10, le=_LONGEST_S, description="How long before `to_s`.")]
_NONE: list[str] = []


def router(services: Services) -> APIRouter:
    """Routes of the measurements."""
    made = APIRouter(tags=["measurements"])
    shows = needs("read:screens", "own")

    @made.get("/series/feeds", summary="List what is measured", openapi_extra=shows)
    async def feeds(
        search: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
        feed: FeedKeys = _NONE,
    ) -> Response:
        """Each feed's `key` goes into `feed` of `/series`. Every word of `search` must stand in
        the device, read point, item, place or quantity. `more` says that there are others. With
        `feed`, what is known of these.
        """
        if feed:
            named = await _reached(services, feed)
            known = await services.read(lambda conn: names_of(conn, named))
            return json_answer({"feeds": [told(key, known) for key in named], "more": False})
        words = await services.read(lambda conn: words_of(conn, search))
        # Where only some places are shown, what is found elsewhere must not crowd them out.
        most = limit + 1 if behalf.roots() is None else _FOUND_MOST
        found = await services.series.find(words, most)
        every = [
            Key(feed.measurement, feed.tags, field)
            for feed, field in found
            if feed.measurement in GROUPS
        ]
        keys = await services.read(lambda conn: in_reach(conn, every))
        names = await services.read(lambda conn: names_of(conn, keys[:limit]))
        rows = [told(key, names) for key in in_order(keys[:limit])]
        more = len(keys) > limit or len(found) == most
        return json_answer({"feeds": rows, "more": more})

    @made.get("/series", summary="Samples of one feed", openapi_extra=shows)
    async def series(
        feed: FeedKey,
        seconds: Seconds = 300,
        to_s: Moment = None,
        max_points: Annotated[int, Query(ge=2, le=4_000)] = 300,
    ) -> Response:
        """A span in at most `max_points` equal stretches of `step_s`, those without a point left
        out. `low` and `high` are what a stretch saw at least and at most; `before` is the last
        value before the span, of what keeps its value; `began_s` when it was first measured.
        """
        (key,) = await _reached(services, [feed])
        asked = _window(seconds, to_s, max_points)
        stretch_us, rows = await services.series.buckets(*key, asked)
        before = None
        if key.shown.fold is Fold.LAST:
            before = await services.series.newest(*key, before_us=asked.from_us)
        began_us = await services.series.began(*key)
        began = {"began_s": None if began_us is None else began_us / SECOND_US}
        return json_answer(_chart(key, asked, stretch_us, rows, before) | began)

    _add_whole(made, services)
    return made


def _add_whole(made: APIRouter, services: Services) -> None:
    shows = needs("read:screens", "own")

    @made.get("/series/export", summary="Every sample of feeds, as CSV", openapi_extra=shows)
    async def export(feed: FeedKeys, seconds: Seconds = 300, to_s: Moment = None) -> Response:
        """Feed by feed, oldest first: `time` (UTC), `feed`, `quantity`, `unit`, `value`. Of what
        is older than single points are kept, nothing.
        """
        keys = await _reached(services, feed)
        from_us, to_us = _span(seconds, to_s)
        names = await services.read(lambda conn: names_of(conn, keys))
        return StreamingResponse(
            csv_lines(services.series, keys, names, from_us=from_us, to_us=to_us),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="feeds.csv"'},
        )

    @made.get("/series/happenings", summary="What happened meanwhile", openapi_extra=shows)
    async def happened(feed: FeedKeys, seconds: Seconds = 300, to_s: Moment = None) -> Response:
        """Passes, movements, reviews, alerts, calibrations and faults of what the feeds are about:
        the newest of the span, oldest first, each with the page that tells more.
        """
        keys = await _reached(services, feed)
        from_us, to_us = _span(seconds, to_s)
        about = await services.read(lambda conn: happenings.about(conn, keys))
        span = happenings.Span(from_us, to_us)
        found = await services.read(lambda conn: happenings.found(conn, about, span))
        found += await happenings.faults(services.series, about, span)
        return json_answer(happenings.told(found))


async def _reached(services: Services, feeds: Sequence[str]) -> list[Key]:
    """Feeds that whoever asks may see. Raises ``OutOfReach``, ``Problem``."""
    keys = _keys(feeds)
    await services.read(lambda conn: check(conn, keys))
    return keys


def _keys(feeds: Sequence[str]) -> list[Key]:
    if not feeds:
        raise Problem(422, "say at least one `feed`, a `key` of /series/feeds")
    return [read_key(text) for text in feeds]


def _span(seconds: int, to_s: float | None) -> tuple[int, int]:
    """The wanted span in microseconds; up to the end of this second without a time."""
    to_us = (now_us() // SECOND_US + 1) * SECOND_US if to_s is None else round(to_s * SECOND_US)
    return max(0, to_us - seconds * SECOND_US), to_us


def _window(seconds: int, to_s: float | None, most: int) -> Window:
    return window(*_span(seconds, to_s), most)


def _chart(
    key: Key, asked: Window, stretch_us: int, rows: Sequence[Bucket], before: Sample | None
) -> dict[str, object]:
    fold, passed = key.shown.fold, now_us()

    def value(one: Bucket) -> float:
        """Of the stretch that is now, as much as is over."""
        over_us = min(stretch_us, max(SECOND_US, passed - one.time_us))
        return one.value(fold, over_us)

    return {
        "from_s": asked.from_us / SECOND_US,
        "to_s": asked.to_us / SECOND_US,
        "step_s": stretch_us / SECOND_US,
        "unit": key.shown.unit,
        "times_s": [one.time_us / SECOND_US for one in rows],
        "values": [value(one) for one in rows],
        "low": [one.low for one in rows],
        "high": [one.high for one in rows],
        "before": None if before is None else before.value,
        "before_s": None if before is None else before.time_us / SECOND_US,
    }
