"""A small picture of what a sensor saw: lines in a box, for a review and beside a story."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.database.moments import to_us
from central.reviews.model import Stored
from central.web.views.sightings import Seen, ears_of, sightings
from gateway.contract import WeightSettled

__all__ = ["HEIGHT", "WIDTH", "Line", "Picture", "of_review", "of_sightings"]

WIDTH, HEIGHT = 320, 96
_BINS = 80
_PAD = 6
_BEFORE_US, _AFTER_US = 900_000_000, 120_000_000
_log, _device = schema.observation.c, schema.device.c
_SETTLED = msgspec.json.Decoder(WeightSettled)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: its ``name`` for the legend, its ``tone`` (a class), and SVG points."""

    name: str
    tone: str
    points: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over time. ``low`` and ``high`` are the values at the edges, with ``unit``."""

    title: str
    lines: tuple[Line, ...]
    from_us: int
    to_us: int
    low: str
    high: str


def of_review(conn: Connection, review: Stored) -> Picture | None:
    """What was seen of a review, where the log still has it."""
    tags = review.evidence.get("tags")
    if isinstance(tags, list) and review.causes:
        epcs = {tag["epc"] for tag in tags}
        seen = sightings(conn, review.causes, review.read_point, epcs)
        sides = {ear: one.side for ear, one in ears_of(conn, review.read_point).items()}
        return of_sightings(seen, sides)
    if "plate" in review.evidence:
        return _of_weights(conn, review, int(review.evidence["plate"]))
    return None


def of_sightings(seen: Sequence[Seen], sides: dict[str, str]) -> Picture | None:
    """How loud the tags were outside and inside: the loudest in each small stretch of time."""
    heard = [one for one in seen if one.rssi_dbm is not None]
    if not heard:
        return None
    start, end = heard[0].at_us, max(heard[-1].at_us, heard[0].at_us + 1)
    low = min(one.rssi_dbm for one in heard if one.rssi_dbm is not None)
    high = max(one.rssi_dbm for one in heard if one.rssi_dbm is not None)
    lines = []
    for side in ("outside", "inside", "unknown"):
        bins: dict[int, float] = {}
        for one in heard:
            if sides.get(one.ear, "unknown") == side and one.rssi_dbm is not None:
                place = (one.at_us - start) * (_BINS - 1) // (end - start)
                bins[place] = max(bins.get(place, -400.0), one.rssi_dbm)
        if bins:
            spots = [(place / (_BINS - 1), level) for place, level in sorted(bins.items())]
            lines.append(Line(name=side, tone=side, points=_points(spots, low, high)))
    return Picture(
        title="How loud the tags were at the antennas of each side",
        lines=tuple(lines), from_us=start, to_us=end, low=f"{low:.0f} dBm", high=f"{high:.0f} dBm",
    )  # fmt: skip


def _of_weights(conn: Connection, review: Stored, plate: int) -> Picture | None:
    about = to_us(review.event_time)
    start, end = about - _BEFORE_US, about + _AFTER_US
    devices = select(_device.device).where(_device.read_point == review.read_point)
    query = select(_log.body).where(
        _log.device.in_(list(conn.execute(devices).scalars())),
        _log.event_us.between(start, end),
        _log.kind == str(WeightSettled.__struct_config__.tag),
    )
    found = [_SETTLED.decode(body) for body in conn.execute(query.limit(2_000)).scalars()]
    levels = sorted((to_us(one.event_time), one.gross_mg) for one in found if one.plate == plate)
    levels = levels or _told_weights(review.evidence, start, about)
    if not levels:
        return None
    low, high = min(mg for _, mg in levels), max(mg for _, mg in levels)
    spots = list(_stepped(levels, start, end))
    line = Line(name=f"plate {plate}", tone="weight", points=_points(spots, low, high))
    return Picture(
        title=f"Weight on plate {plate}", lines=(line,), from_us=start, to_us=end,
        low=f"{low / 1000:,.0f} g", high=f"{high / 1000:,.0f} g",
    )  # fmt: skip


def _told_weights(evidence: dict[str, Any], start: int, about: int) -> list[tuple[int, int]]:
    """The two levels that it was decided by, where the log has none."""
    if {"before_mg", "after_mg"} <= evidence.keys():
        return [(start, int(evidence["before_mg"])), (about, int(evidence["after_mg"]))]
    return []


def _stepped(
    levels: Sequence[tuple[int, int]], start: int, end: int
) -> Iterable[tuple[float, float]]:
    """Corners of a line that stays at each level until the next."""
    before = levels[0][1]
    for at_us, level in levels:
        x = (at_us - start) / (end - start)
        yield x, before
        yield x, level
        before = level
    yield 1.0, before


def _points(spots: Collection[tuple[float, float]], low: float, high: float) -> str:
    span = (high - low) or 1.0
    return " ".join(
        f"{x * WIDTH:.1f},{HEIGHT - _PAD - (y - low) / span * (HEIGHT - 2 * _PAD):.1f}"
        for x, y in spots
    )
