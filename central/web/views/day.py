"""A portal's passes of a stretch of time, as a timeline and a list."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.access import reach
from central.catalogue import places
from central.judging import left_alone
from central.reconcile.portal.desk import SURE_TAG
from central.reconcile.verdict import ReadPoint, TagVerdict

__all__ = [
    "Bar", "DayPass", "PortalRow", "bars", "dark_bars", "is_portal", "names", "newest_us", "passes",
    "portals",
]  # fmt: skip

MOST = 5_000
"""So many passes of a day are looked at; the newest."""
_APART = 0.004
"""Passes nearer than this part of the strip are one bar, which zooms in."""
_TOGETHER = 0.03
"""A bar of several passes is no longer than this part."""
_LEAST, _LEAST_MANY = 0.004, 0.012
"""No bar is narrower than these parts of the strip."""
LOW = SURE_TAG
"""A pass with a tag less sure than this is of low confidence."""
_pass, _alone, _label = schema.portal_pass.c, schema.left_alone.c, schema.label.c
_review = schema.review.c
_TAGS = msgspec.json.Decoder(tuple[TagVerdict, ...])


class DayPass(msgspec.Struct, frozen=True, kw_only=True):
    """One pass in the list. ``way`` is in, out, mixed or none; ``kinds`` are the filters that it
    fits: asked, corrected, low, empty, moved, alone.
    """

    id: str
    opened_us: int
    closed_us: int
    way: str
    crossed: int
    stayed: int
    reads: int
    confidence: float
    kinds: frozenset[str]

    items: tuple[tuple[str, int], ...] = ()

    @property
    def tells(self) -> bool:
        """Whether it moved or asked something, or somebody corrected it."""
        return bool(self.kinds & {"moved", "asked", "corrected"})


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Passes on the strip: ``x`` and ``width`` in parts of it. ``count`` of them is one, or as
    many as stand too near to each other to be shown apart. ``inner``: it lies on the one before.
    """

    x: float
    width: float
    count: int
    passes: tuple[DayPass, ...]
    from_us: int
    until_us: int
    inner: bool = False


class PortalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A portal in the list of all: what went through today, and what waits."""

    point: ReadPoint
    passes: int
    tags_in: int
    tags_out: int
    waiting: int
    last: DayPass | None
    today: tuple[DayPass, ...]


def passes(conn: Connection, read_point: str, from_us: int, until_us: int) -> list[DayPass]:
    """The passes that closed in this time, oldest first; those that moved nothing among them, as
    far as they are kept.
    """
    query = select(schema.portal_pass).where(
        _pass.read_point == read_point, _pass.closed_us.between(from_us, until_us - 1)
    )
    rows = conn.execute(query.order_by(_pass.closed_us.desc()).limit(MOST)).mappings().all()
    corrected = _corrected(conn, [row["id"] for row in rows])
    found = [
        _told(
            row["id"], row["opened_us"], row["closed_us"], row["direction"], row["decision"],
            _TAGS.decode(row["tags"]), corrected=row["id"] in corrected,
        )
        for row in rows
    ]  # fmt: skip
    known = {one.id for one in found}
    alone = select(schema.left_alone).where(
        _alone.read_point == read_point, _alone.closed_us.between(from_us, until_us - 1)
    )
    for row in conn.execute(alone).mappings():
        if row["id"] not in known:
            told = left_alone.pass_of(row).told
            opened = round(told.opened_at.timestamp() * 1e6)
            found.append(
                _told(
                    told.id, opened, row["closed_us"], told.direction, "alone", told.tags,
                    corrected=bool(_corrected(conn, [told.id])),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.closed_us, one.id))


def _corrected(conn: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for first in range(0, len(ids), 500):
        query = select(_label["pass"]).where(
            _label["pass"].in_(ids[first : first + 500]), _label.review.startswith("corrected-")
        )
        found |= {*conn.execute(query.distinct()).scalars()}
    return found


def _told(  # noqa: PLR0917 (the columns, in order)
    name: str,
    opened_us: int,
    closed_us: int,
    direction: str,
    decision: str,
    tags: Sequence[TagVerdict],
    *,
    corrected: bool,
) -> DayPass:
    crossed = [tag for tag in tags if tag.direction in {"in", "out"}]
    confidence = min((tag.confidence for tag in crossed), default=0.0)
    units: dict[str, int] = {}
    for tag in crossed or tags:
        if tag.sku is not None:
            units[tag.sku] = units.get(tag.sku, 0) + (tag.quantity or 1)
    fits = {
        "asked": decision == "review",
        "corrected": corrected,
        "low": bool(crossed) and confidence < LOW,
        "empty": not tags,
        "moved": bool(crossed),
        "alone": bool(tags) and not crossed and decision != "review",
    }
    return DayPass(
        id=name,
        opened_us=opened_us,
        closed_us=closed_us,
        way=direction if direction in {"in", "out", "mixed"} else "none",
        crossed=len(crossed),
        stayed=len(tags) - len(crossed),
        reads=sum(tag.reads for tag in tags),
        confidence=confidence,
        kinds=frozenset(kind for kind, fit in fits.items() if fit),
        items=tuple(sorted(units.items(), key=lambda one: -one[1])),
    )


def bars(passed: Sequence[DayPass], from_us: int, until_us: int) -> list[Bar]:
    """The strip: each pass a bar, those that would lie on each other as one."""
    span = until_us - from_us
    groups: list[list[DayPass]] = []
    for one in passed:
        first = groups[-1][0].opened_us if groups else 0
        near = groups and (one.opened_us - groups[-1][-1].closed_us) / span < _APART
        if near and (one.closed_us - first) / span < _TOGETHER:
            groups[-1].append(one)
        else:
            groups.append([one])
    found = [_bar(each, from_us, span) for each in groups]
    return [
        msgspec.structs.replace(bar, inner=bool(place) and bar.x < _end(found[place - 1]))
        for place, bar in enumerate(found)
    ]


def _end(bar: Bar) -> float:
    return bar.x + bar.width


def _bar(each: Sequence[DayPass], from_us: int, span: int) -> Bar:
    first, last = min(one.opened_us for one in each), max(one.closed_us for one in each)
    x = _x(first, from_us, span)
    least = _LEAST if len(each) == 1 else _LEAST_MANY
    width = max(min((last - from_us) / span, 1.0) - x, least)
    return Bar(
        x=min(x, 1.0 - width), width=width, count=len(each), passes=tuple(each), from_us=first,
        until_us=last,
    )  # fmt: skip


def _x(at_us: int, from_us: int, span: int) -> float:
    return min(max((at_us - from_us) / span, 0.0), 1.0)


def dark_bars(
    dark: Sequence[tuple[int, int]], from_us: int, until_us: int
) -> list[tuple[float, float]]:
    """When the photo-eye was dark, as places and widths on the strip."""
    span = until_us - from_us
    return [
        (_x(since, from_us, span), max((max(until, since) - since) / span, 0.001))
        for since, until in dark
    ]


def portals(conn: Connection, from_us: int, until_us: int) -> list[PortalRow]:
    """Every portal within reach, with its day so far."""
    found = []
    for point in places.list_read_points(conn, granted=True):
        if point.kind != "portal":
            continue
        today = passes(conn, point.code, from_us, until_us)
        heard = [one for one in today if one.tells]
        waiting = select(func.count()).where(
            _review.read_point == point.code, _review.status == "open"
        )
        found.append(
            PortalRow(
                point=point,
                passes=len(heard),
                tags_in=sum(one.crossed for one in today if one.way == "in"),
                tags_out=sum(one.crossed for one in today if one.way == "out"),
                waiting=conn.execute(waiting).scalar_one(),
                last=heard[-1] if heard else None,
                today=tuple(heard),
            )
        )
    return found


def is_portal(conn: Connection, code: str) -> bool:
    """Whether a read point is one that is within reach, or has passes."""
    points = places.list_read_points(conn, granted=True)
    if any(one.code == code for one in points):
        return True
    query = select(_pass.id).where(_pass.read_point == code)
    if (granted := reach.at(_pass.read_point)) is not None:
        query = query.where(granted)
    return conn.execute(query.limit(1)).first() is not None


def newest_us(conn: Connection, read_point: str) -> int | None:
    """When its last pass closed."""
    query = select(func.max(_pass.closed_us)).where(_pass.read_point == read_point)
    return conn.execute(query).scalar()


def names(found: Sequence[DayPass]) -> set[str]:
    """The items of some passes."""
    return {sku for one in found for sku, _units in one.items}
