"""Events of the ledger and of others, as one list in the order in which central recorded them."""

from __future__ import annotations

import heapq
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, exists, select

from central import schema
from central.catalogue import packs
from central.database.moments import from_us, to_us
from central.epcis.errors import bare_reason
from central.epcis.from_ledger import event_of, moment
from central.epcis.hashing import word
from central.epcis.identifiers import canonical, gtin_of
from central.epcis.into_ledger import ORIGIN
from central.epcis.model import Wanted
from central.epcis.names import Names
from central.epcis.tags import hex_forms
from central.stock import found
from central.stock.found import Sought

__all__ = ["Place", "query"]

_event, _thing = schema.epcis_event, schema.epcis_thing
_FIELDS = (
    ("biz_steps", "bizStep", "biz_step"),
    ("dispositions", "disposition", "disposition"),
)
_FULL = {name: word(name, "x")[:-1] for _, name, _ in _FIELDS}


class Place(NamedTuple):
    """How far a reader has come: the last movement's number and the last captured event's."""

    ledger: int
    captured: int


class _Told(NamedTuple):
    record_us: int
    place: Place
    event: dict[str, Any]


def query(
    conn: Connection, wanted: Wanted, names: Names, *, after: Place, limit: int
) -> tuple[list[dict[str, Any]], Place | None]:
    """At most ``limit`` events behind ``after``, and where the next page begins; ``None`` at the
    end.
    """
    moved = _of_ledger(conn, wanted, names, after.ledger, limit + 1)
    others = _of_others(conn, wanted, after.captured, limit + 1)
    merged = list(islice(heapq.merge(moved, others, key=itemgetter(0)), limit + 1))
    at = after
    for one in merged[:limit]:
        at = Place(max(at.ledger, one.place.ledger), max(at.captured, one.place.captured))
    return [one.event for one in merged[:limit]], at if len(merged) > limit else None


def _of_ledger(
    conn: Connection, wanted: Wanted, names: Names, after: int, limit: int
) -> list[_Told]:
    """What the ledger cannot be asked (what a status is called here) is looked at afterwards."""
    sought = _sought(conn, wanted, names)
    if sought is None:
        return []
    told, gtins = list[_Told](), dict[str, str | None]()
    while True:
        page = found.find(conn, sought, after_seq=after, limit=limit)
        for posted in page:
            after, sku = posted.seq, posted.movement.sku
            if sku not in gtins:
                gtins[sku] = _unit_gtin(conn, sku)
            event = event_of(posted, names, gtins[sku])
            if _fits(event, wanted):
                told.append(_Told(to_us(posted.record_time), Place(posted.seq, 0), event))
        if len(told) >= limit or len(page) < limit:
            return told[:limit]


def _fits(event: dict[str, Any], wanted: Wanted) -> bool:
    if wanted.classes and "quantityList" not in event:
        return False
    for field, name, _ in _FIELDS:
        asked = {word(name, one) for one in getattr(wanted, field)}
        if asked and word(name, event[name]) not in asked:
            return False
    return True


def _bare(name: str, words: tuple[str, ...]) -> list[str] | None:
    """The words as the ledger has them; ``None`` where none is asked for."""
    return [word(name, one).removeprefix(_FULL[name]) for one in words] or None


def _unit_gtin(conn: Connection, sku: str) -> str | None:
    return next((one.gtin for one in packs.list_packs(conn, sku) if one.quantity == 1), None)


def _sought(conn: Connection, wanted: Wanted, names: Names) -> Sought | None:
    """What the ledger is asked; ``None`` where it has nothing of the kind."""
    if wanted.of_errors or (wanted.types and "ObjectEvent" not in wanted.types):
        return None
    epcs: set[str] | None = None
    for asked in (wanted.epcs, wanted.any_epcs):
        if asked:
            these = {form for uri in asked for form in hex_forms(uri)}
            epcs = these if epcs is None else epcs & these
    return Sought(
        ge_event_us=wanted.ge_event_us,
        lt_event_us=wanted.lt_event_us,
        ge_record_us=wanted.ge_record_us,
        lt_record_us=wanted.lt_record_us,
        biz_steps=_bare("bizStep", wanted.biz_steps),
        dispositions=_bare("disposition", wanted.dispositions),
        seen_at=_codes(wanted.read_points, names),
        left_at=_codes(wanted.biz_locations, names),
        epcs=epcs,
        goods=_goods(conn, wanted, names),
        without_origin=ORIGIN,
    )


def _codes(uris: tuple[str, ...], names: Names) -> list[str] | None:
    if not uris:
        return None
    return [code for uri in uris if (code := names.code(uri)) is not None]


def _goods(conn: Connection, wanted: Wanted, names: Names) -> list[tuple[str, str | None]] | None:
    """The items that classes name: a trade item's stands for all its lots."""
    if not wanted.classes:
        return None
    goods = list[tuple[str, str | None]]()
    for uri in wanted.classes:
        own, named = names.own_item(uri), gtin_of(uri)
        if own is not None:
            goods.append((own[0], own[1] or None))
        elif named is not None and (pack := packs.find_pack(conn, named[0])) is not None:
            goods.append((pack.sku, named[1] or None))
    return goods


def _of_others(conn: Connection, wanted: Wanted, after: int, limit: int) -> list[_Told]:
    asked = select(_event).where(_event.c.id > after).order_by(_event.c.id).limit(limit)
    rows = conn.execute(_narrowed(asked, wanted)).mappings()
    return [
        _Told(
            row["record_us"],
            Place(0, row["id"]),
            {**msgspec.json.decode(row["body"]), "recordTime": moment(from_us(row["record_us"]))},
        )
        for row in rows
    ]


def _narrowed(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    its = _event.c
    if wanted.types:
        asked = asked.where(its.type.in_(wanted.types))
    for value, compare in (
        (wanted.ge_event_us, its.event_us.__ge__), (wanted.lt_event_us, its.event_us.__lt__),
        (wanted.ge_record_us, its.record_us.__ge__), (wanted.lt_record_us, its.record_us.__lt__),
        (wanted.ge_declared_us, its.declared_us.__ge__),
        (wanted.lt_declared_us, its.declared_us.__lt__),
    ):  # fmt: skip
        if value is not None:
            asked = asked.where(compare(value))
    for field, name, column in _FIELDS:
        words = [word(name, one) for one in getattr(wanted, field)]
        if words:
            asked = asked.where(its[column].in_(words))
    asked = _of_errors(asked, wanted)
    for uris, column in (
        (wanted.read_points, "read_point"), (wanted.biz_locations, "biz_location"),
    ):  # fmt: skip
        if uris:
            asked = asked.where(its[column].in_([canonical(uri) for uri in uris]))
    for kind, uris in (
        ("epc", wanted.epcs), ("any", wanted.any_epcs), ("class", wanted.classes),
        ("corrective", wanted.correctives),
    ):  # fmt: skip
        if uris:
            named = _thing.c.uri.in_([canonical(uri) for uri in uris])
            asked = asked.where(
                exists().where(_thing.c.event == its.id, _thing.c.kind == kind, named)
            )
    return asked


def _of_errors(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    its = _event.c
    if wanted.of_errors:
        asked = asked.where(its.declared_us.is_not(None))
    if wanted.error_reasons:
        words = [bare_reason(one) for one in wanted.error_reasons]
        asked = asked.where(its.error_reason.in_(words))
    return asked
