"""Movements by what they tell, for who follows the ledger and asks for some of it. Read-only."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, false, or_, select

from central import schema
from central.access import reach
from central.reconcile.serials import contents_of
from central.stock import rows
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS, LocationKind, Posted

__all__ = ["Sought", "find", "is_somewhere", "names_behind"]

_VIRTUAL = tuple(str(kind) for kind in VIRTUAL_LOCATIONS)
_columns = [schema.movement.c[name] for name, _type in rows.COLUMNS]
_moved = schema.movement.c
_CORRECTING = _moved.corrects.is_not(None)
_SPECIAL = (
    (_moved.destination == LocationKind.SCRAP.value)
    | (_moved.source == _moved.destination)
    | (_moved.destination_status != AVAILABLE)
)


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """``None`` asks nothing, an empty collection finds nothing. ``seen_at`` are the places where a
    movement is seen: the destination, or the source of what leaves; ``left_at`` where the goods are
    afterwards. ``goods`` are SKUs with a lot, or with any (``None``). What came in ``units`` is
    found beside ``epcs``. ``correcting``: only what corrects another movement, which is found
    whatever places are asked for. What is scrapped or becomes another status is found whatever
    ``biz_steps`` and ``dispositions`` ask: it has others besides. What was posted with the log
    entries ``heard`` is found beside ``references``.
    """

    ge_event_us: int | None = None
    lt_event_us: int | None = None
    ge_record_us: int | None = None
    lt_record_us: int | None = None
    biz_steps: Collection[str] | None = None
    dispositions: Collection[str] | None = None
    seen_at: Collection[str] | None = None
    left_at: Collection[str] | None = None
    epcs: Collection[str] | None = None
    units: Collection[str] = ()
    references: Collection[str] | None = None
    heard: Collection[int] = ()
    correcting: bool = False
    goods: Collection[tuple[str, str | None]] | None = None
    without_origin: str = ""


def find(conn: Connection, sought: Sought, *, after_seq: int, limit: int) -> list[Posted]:
    """Movements behind number ``after_seq``, oldest first."""
    query = select(*_columns).where(_moved.seq > after_seq, *_times(sought), *_goods(conn, sought))
    for words, column in (
        (sought.biz_steps, _moved.biz_step), (sought.dispositions, _moved.disposition),
    ):  # fmt: skip
        if words is not None:
            query = query.where(column.in_(words) | _SPECIAL)
    if sought.left_at is not None:
        query = query.where(_moved.destination.in_(sought.left_at) | _CORRECTING)
    if sought.seen_at is not None:
        leaves = _moved.destination.in_(_VIRTUAL) & _moved.source.in_(sought.seen_at)
        query = query.where(_moved.destination.in_(sought.seen_at) | leaves | _CORRECTING)
    if sought.references is not None:
        heard = _moved.log_id.in_(sought.heard) & (_moved.log_id > 0)  # as its index is
        query = query.where(_moved.reference.in_(sought.references) | heard)
    if sought.correcting:
        query = query.where(_CORRECTING)
    if sought.without_origin:
        query = query.where(_moved.origin != sought.without_origin)
    if (granted := reach.within(_moved.source, _moved.destination)) is not None:
        query = query.where(granted)
    found = conn.execute(query.order_by(_moved.seq).limit(limit))
    return [rows.from_row(tuple(row)) for row in found]


def names_behind(conn: Connection, after: str, limit: int) -> list[str]:
    """What tags and units are called that lie somewhere within reach, in the order of these names,
    from the one behind ``after`` on.
    """
    tag = schema.tag_place.c
    query = select(tag.epc).where(tag.epc > after).order_by(tag.epc).limit(limit)
    if (granted := reach.within(tag.location)) is not None:
        query = query.where(granted)
    return list(conn.execute(query).scalars())


def is_somewhere(conn: Connection, epcs: Collection[str], units: Collection[str]) -> bool:
    """Whether a tag of these names lies somewhere, or what came in one of these units."""
    return conn.execute(select(exists().where(_named(epcs, units)))).scalar_one()


def _named(epcs: Collection[str], units: Collection[str]) -> ColumnElement[bool]:
    epc = schema.tag_place.c.epc
    return or_(
        epc.in_(epcs), *(epc.startswith(contents_of(unit), autoescape=True) for unit in units)
    )


def _times(sought: Sought) -> list[ColumnElement[bool]]:
    asked = (
        (sought.ge_event_us, _moved.event_us.__ge__), (sought.lt_event_us, _moved.event_us.__lt__),
        (sought.ge_record_us, _moved.record_us.__ge__),
        (sought.lt_record_us, _moved.record_us.__lt__),
    )  # fmt: skip
    return [compare(value) for value, compare in asked if value is not None]


def _goods(conn: Connection, sought: Sought) -> list[ColumnElement[bool]]:
    """A tag's movements are those of its items (there is an index of them) that name the tag."""
    found: list[ColumnElement[bool]] = []
    if sought.goods is not None:
        found.append(
            or_(
                *(
                    (_moved.sku == sku) & (_moved.lot == lot)
                    if lot is not None
                    else _moved.sku == sku
                    for sku, lot in sought.goods
                ),
                false(),
            )
        )
    if sought.epcs is not None:
        tag, named = schema.tag_place.c, _named(sought.epcs, sought.units)
        known = conn.execute(select(tag.epc, tag.sku).where(named)).all()
        skus = {row.sku for row in known}
        carried = or_(
            *(_moved.epcs.contains(f'"{row.epc}"', autoescape=True) for row in known), false()
        )
        found.append(_moved.sku.in_(skus) & carried)
    return found
