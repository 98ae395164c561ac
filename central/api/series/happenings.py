"""What happened while something was measured, for the flags over a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, and_, or_, select, true, tuple_

from central import schema
from central.access import reach
from central.api.series.feeds import Key
from central.insight.series import SeriesStore
from central.insight.windows import SECOND_US, window

__all__ = ["About", "Happening", "Span", "about", "faults", "found", "told"]

_MOST = 200
"""Of each kind: more flags than that nobody tells apart."""
_FAULT_COLUMNS = 500
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class About(NamedTuple):
    """What some feeds are about. Devices are (edge, device), goods (SKU, location or any)."""

    devices: frozenset[tuple[str, str]]
    read_points: frozenset[str]
    goods: frozenset[tuple[str, str | None]]
    plates: frozenset[tuple[str, int]]

    @property
    def skus(self) -> frozenset[str]:
        """The items alone."""
        return frozenset(sku for sku, _ in self.goods)


class Span(NamedTuple):
    """[from_us, to_us), microseconds since 1970 UTC."""

    from_us: int
    to_us: int


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something at a time; ``href`` tells more, ``tone`` is good, warn, bad or plain."""

    at_us: int
    kind: str
    says: str
    href: str
    tone: str = "plain"


def about(conn: Connection, keys: Iterable[Key]) -> About:
    """The devices, read points and goods behind the feeds."""
    known = list(keys)
    devices = {one.tags["device"] for one in known if "device" in one.tags}
    plates = {
        (one.tags["read_point"], int(one.tags["plate"]))
        for one in known
        if one.tags.get("plate", "").isdecimal() and "read_point" in one.tags
    }
    device = schema.device.c
    standing = device.read_point.in_({point for point, _ in plates})
    rows = conn.execute(
        select(device.edge, device.device, device.read_point, device.description).where(
            or_(device.device.in_(devices), standing)
        )
    ).all()
    of_plates = [r for r in rows if (r.read_point, _decode(r.description).get("plate")) in plates]
    named = [row for row in rows if row.device in devices]
    goods: set[tuple[str, str | None]] = {
        (one.tags["sku"], one.tags.get("location")) for one in known if "sku" in one.tags
    }
    return About(
        devices=frozenset((row.edge, row.device) for row in named + of_plates),
        read_points=frozenset({row.read_point for row in named} | {point for point, _ in plates}),
        goods=frozenset(goods | _lying(conn, plates)),
        plates=frozenset(plates),
    )


def _lying(conn: Connection, plates: set[tuple[str, int]]) -> set[tuple[str, str | None]]:
    """The items planned on plates now."""
    plan = schema.plate_plan.c
    wanted = select(plan.read_point, plan.plate, plan.sku).order_by(plan.id)
    rows = conn.execute(wanted.where(tuple_(plan.read_point, plan.plate).in_(plates))).all()
    newest = {(row.read_point, row.plate): row.sku for row in rows}
    return {(sku, None) for sku in newest.values()}


def found(conn: Connection, of: About, span: Span) -> list[Happening]:
    """All that the books know of, in the span."""
    return [
        *_passes(conn, of, span),
        *_movements(conn, of, span),
        *_reviews(conn, of, span),
        *_alerts(conn, of, span),
        *_settings(conn, of, span),
    ]


def _newest(
    conn: Connection, at: Column[Any], of: ColumnElement[bool], span: Span
) -> Sequence[Row[Any]]:
    """The newest rows of a table in the span, and one more than is shown."""
    wanted = select(at.table).where(of, at >= span.from_us, at < span.to_us)
    return conn.execute(wanted.order_by(at.desc()).limit(_MOST + 1)).all()


def _passes(conn: Connection, of: About, span: Span) -> Iterable[Happening]:
    table = schema.portal_pass
    of_these = and_(table.c.read_point.in_(of.read_points), table.c.tags != "[]")
    says = {"in": "came in", "out": "went out"}
    for row in _newest(conn, table.c.closed_us, of_these, span):
        yield Happening(
            at_us=row.closed_us,
            kind="pass",
            says=f"Goods {says.get(row.direction, 'passed')} at {row.read_point}",
            href=f"/screen/passes/{quote(row.id, safe='')}",
        )


def _movements(conn: Connection, of: About, span: Span) -> Iterable[Happening]:
    m = schema.movement.c
    ways = [
        and_(m.sku == sku, true() if at is None else or_(m.source == at, m.destination == at))
        for sku, at in sorted(of.goods, key=str)
    ]
    if not ways:
        return
    of_these = or_(*ways)
    if (granted := reach.within(m.source, m.destination)) is not None:
        of_these = and_(of_these, granted)
    for row in _newest(conn, m.event_us, of_these, span):
        yield Happening(
            at_us=row.event_us,
            kind="movement",
            says=f"{row.quantity} of {row.sku} from {row.source} to {row.destination}",
            href=f"/screen/movements/{quote(row.id, safe='')}",
            tone="good",
        )


def _reviews(conn: Connection, of: About, span: Span) -> Iterable[Happening]:
    table = schema.review
    of_these = table.c.read_point.in_(of.read_points)
    for row in _newest(conn, table.c.event_us, of_these, span):
        yield Happening(
            at_us=row.event_us,
            kind="review",
            says=f"Review at {row.read_point}: {row.reason}",
            href=f"/screen/reviews/{quote(row.id, safe='')}",
            tone="warn",
        )


def _alerts(conn: Connection, of: About, span: Span) -> Iterable[Happening]:
    table = schema.alert
    subjects = of.read_points | {name for _, name in of.devices}
    of_these = or_(table.c.sku.in_(of.skus), table.c.subject.in_(subjects))
    if (granted := reach.within(table.c.location)) is not None:
        of_these = and_(of_these, granted)
    for row in _newest(conn, table.c.raised_us, of_these, span):
        yield Happening(
            at_us=row.raised_us,
            kind="alert",
            says=row.says,
            href=f"/screen/items/{quote(row.sku, safe='')}" if row.sku else "",
            tone="bad" if row.severity == "critical" else "warn",
        )


def _settings(conn: Connection, of: About, span: Span) -> Iterable[Happening]:
    """Calibrations, zeros set anew, what lies on a plate: the audit has them all."""
    table = schema.audit
    subjects = {f"plate {point}/{plate}" for point, plate in of.plates}
    subjects |= {f"device {edge}/{device}" for edge, device in of.devices}
    of_these = table.c.subject.in_(subjects)
    for row in _newest(conn, table.c.at_us, of_these, span):
        yield Happening(
            at_us=row.at_us,
            kind="setting",
            says=f"{row.subject}: {row.action}",
            href="",
        )


async def faults(store: SeriesStore, of: About, span: Span) -> list[Happening]:
    """When devices stopped running, by what they said of their health."""
    columns, made = window(*span, _FAULT_COLUMNS), list[Happening]()
    for edge, device in sorted(of.devices):
        tags = {"edge": edge, "device": device}
        _, rows = await store.buckets("device", tags, "up", columns)
        before = await store.newest("device", tags, "up", before_us=columns.from_us)
        was_up = before is None or before.value > 0
        for row in rows:
            if row.low < 1 and was_up:
                made.append(
                    Happening(
                        at_us=row.time_us,
                        kind="fault",
                        says=f"{device} stopped running",
                        href=f"/devices/{quote(edge, safe='')}/device/{quote(device, safe='')}",
                        tone="bad",
                    )
                )
            was_up = row.last > 0
    return made


def told(found: Sequence[Happening]) -> dict[str, object]:
    """For an answer: the newest, oldest first; ``more`` when some were left out."""
    by_kind: dict[str, list[Happening]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    newest = [
        one
        for each in by_kind.values()
        for one in sorted(each, key=lambda o: o.at_us, reverse=True)[:_MOST]
    ]
    newest.sort(key=lambda one: one.at_us)
    return {
        "rows": [
            {
                "at_s": one.at_us / SECOND_US,
                "kind": one.kind,
                "says": one.says,
                "href": one.href,
                "tone": one.tone,
            }
            for one in newest
        ],
        "more": len(newest) < len(found),
    }
