"""Measurements for charts."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response

from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services, json_answer, now_us
from central.insight.points import FIELDS
from central.insight.series import Feed, Fold

_GROUPS = {"antenna": "Antennas", "plate": "Plates", "stock": "Stock", "device": "Devices"}


def _name(feed: Feed) -> str:
    tags = feed.tags
    match feed.measurement:
        case "antenna":
            return f"{tags.get('device', '')}, antenna {tags.get('antenna', '')}"
        case "plate":
            return f"{tags.get('read_point', '')}, plate {tags.get('plate', '')}"
        case "stock":
            return f"{tags.get('sku', '')} at {tags.get('location', '')}"
    return tags.get("device", "")


def router(services: Services) -> APIRouter:
    """Routes of the measurements."""
    made = APIRouter(tags=["measurements"])

    @made.get("/series/feeds", summary="List what is measured", openapi_extra=needs("read:screens"))
    async def feeds() -> Response:
        """Each feed's `key` goes into `feed` of `/series`."""
        found = [
            {
                "key": json.dumps([feed.measurement, feed.tags, field], sort_keys=True),
                "group": _GROUPS.get(feed.measurement, feed.measurement),
                "label": f"{_name(feed)}: {shown.label.lower()}",
                "unit": shown.unit,
                "step": shown.fold is Fold.LAST,
            }
            for feed in await services.series.feeds()
            for field, shown in FIELDS.get(feed.measurement, {}).items()
        ]
        order = list(_GROUPS.values())
        found.sort(key=lambda f: order.index(str(f["group"])))  # stable: fields keep their order
        return json_answer({"feeds": found})

    @made.get("/series", summary="Samples of one feed", openapi_extra=needs("read:screens"))
    async def series(
        feed: Annotated[str, Query(max_length=500)],
        seconds: Annotated[int, Query(ge=10, le=90 * 86_400)] = 300,
        max_points: Annotated[int, Query(ge=2, le=2_000)] = 300,
    ) -> Response:
        """The last `seconds`, in at most `max_points` equal stretches."""
        try:
            measurement, tags, field = json.loads(feed)
            shown = FIELDS[measurement][field]
        except (ValueError, KeyError, TypeError) as error:
            raise Problem(422, "`feed` must be a `key` of /series/feeds") from error
        # Whole seconds a stretch: points stand a second apart, and shall not beat with it.
        stretch_s = -(-seconds // max_points)
        to_us = (now_us() // 1_000_000 + 1) * 1_000_000
        from_us = to_us - -(-seconds // stretch_s) * stretch_s * 1_000_000
        samples = await services.series.query(
            measurement, tags, field,
            from_us=from_us, to_us=to_us, max_points=-(-seconds // stretch_s), fold=shown.fold,
        )  # fmt: skip
        return json_answer(
            {
                "from_s": from_us / 1e6,
                "to_s": to_us / 1e6,
                "unit": shown.unit,
                "times_s": [sample.time_us / 1e6 for sample in samples],
                "values": [sample.value for sample in samples],
            }
        )

    return made
