"""Passes of portals with their tags."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from central import schema
from central.reconcile.verdict import TagVerdict
from central.web.views.stock import item_names

PASSES_SHOWN = 6
_TAGS = msgspec.json.Decoder(tuple[TagVerdict, ...])


class PassRow(msgspec.Struct, frozen=True, kw_only=True):
    """One pass of a portal. ``moved`` and ``stayed`` count tags, ``items`` units by item."""

    id: str
    read_point: str
    opened_us: int
    closed_us: int
    direction: str
    decision: str
    moved: int
    stayed: int
    reads: int
    confidence: float
    items: tuple[tuple[str, int], ...]
    tags: tuple[TagVerdict, ...]


def last_passes(connection: Connection) -> tuple[PassRow, ...]:
    """The passes that closed last, newest first; those in which no tag was heard left out."""
    portal_pass = schema.portal_pass
    newest = select(portal_pass).where(portal_pass.c.tags != "[]")
    newest = newest.order_by(portal_pass.c.closed_us.desc(), portal_pass.c.id)
    return _pass_rows(connection, list(connection.execute(newest.limit(PASSES_SHOWN)).all()))


def one_pass(connection: Connection, pass_id: str) -> PassRow | None:
    """One pass, or ``None``."""
    wanted = select(schema.portal_pass).where(schema.portal_pass.c.id == pass_id)
    return next(iter(_pass_rows(connection, list(connection.execute(wanted).all()))), None)


def _pass_rows(connection: Connection, found: list[Row[Any]]) -> tuple[PassRow, ...]:
    tags = [_TAGS.decode(row.tags) for row in found]
    skus = {tag.sku for each in tags for tag in each if tag.sku is not None}
    names = item_names(connection, skus)
    return tuple(_pass_row(row, each, names) for row, each in zip(found, tags, strict=True))


def _pass_row(row: Row[Any], tags: tuple[TagVerdict, ...], names: dict[str, str]) -> PassRow:
    moved = [tag for tag in tags if tag.direction in {"in", "out"}]
    units: Counter[str] = Counter()
    for tag in moved:
        label = names.get(tag.sku, tag.sku) if tag.sku is not None else "Unknown tag"
        units[label] += tag.quantity or 1
    return PassRow(
        id=row.id,
        read_point=row.read_point,
        opened_us=row.opened_us,
        closed_us=row.closed_us,
        direction=row.direction,
        decision=row.decision,
        moved=len(moved),
        stayed=len(tags) - len(moved),
        reads=sum(tag.reads for tag in tags),
        confidence=min((tag.confidence for tag in moved), default=0.0),
        items=tuple(units.most_common()),
        tags=tuple(sorted(tags, key=lambda t: (t.direction == "none", t.sku or "~", t.epc))),
    )
