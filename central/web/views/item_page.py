"""All that is known of one item, as far as it lies within reach."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.access import reach
from central.alerts import book, rules
from central.alerts.model import Kind, Rule
from central.attachments import store as attachments
from central.attachments.model import Attachment
from central.catalogue import items, packs, places, planogram, substitutes, tags
from central.catalogue.items import Item
from central.catalogue.tags import Binding
from central.lots import store as lots
from central.natural import natural
from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.reconcile.verdict import Pack, PlatePlan
from central.stock import queries
from central.web.views import open_orders, stock

__all__ = ["MOVEMENTS", "Lying", "facts", "now", "where"]

MOVEMENTS = 15
PLACES = 100
"""So many places of an item are shown at once."""
_TAGS_SHOWN = 24
_PLACES_OFFERED = 150
"""Every other place can be typed, or scanned."""
_NO_PICTURE = ("pdf", "text")
_reserved = schema.reserved.c


class Lying(msgspec.Struct, frozen=True, kw_only=True):
    """Units of the item at a place, of a lot, in a status; ``reserved`` of them are promised."""

    location: str
    name: str
    lot: str
    status: str
    on_hand: int
    reserved: int
    expires_on: date | None


def now(connection: Connection, sku: str, *, at_us: int) -> dict[str, Any]:
    """What changes as goods move. Raises ``NotFound``."""
    item = items.get_item(connection, sku)
    lying = _lying(connection, sku)
    coming = open_orders.inbound(connection, now_us=at_us, sku=sku)
    wanted = open_orders.outbound(connection, now_us=at_us, sku=sku)
    sold = sum(one.on_hand for one in lying if one.status == "available")
    reserved = sum(one.reserved for one in lying)
    alerts = book.listing(connection, states=("raised", "acknowledged"), sku=sku, limit=20)
    return {
        **_shown(item, lying, 0),
        "on_hand": sum(one.on_hand for one in lying),
        "reserved": reserved,
        "available": sold - reserved,
        "coming": coming,
        "wanted": wanted,
        "units_coming": sum(one.open for one in coming),
        "units_wanted": sum(one.open for one in wanted),
        "alerts": alerts,
        "movements": stock.movements(connection, sku=sku, limit=MOVEMENTS + 1),
        "shown": MOVEMENTS,
    }


def where(connection: Connection, sku: str, skipped: int) -> dict[str, Any]:
    """Further places where it lies. Raises ``NotFound``."""
    return _shown(items.get_item(connection, sku), _lying(connection, sku), skipped)


def _shown(item: Item, lying: list[Lying], skipped: int) -> dict[str, Any]:
    return {
        "item": item,
        "lying": lying[skipped : skipped + PLACES],
        "more_lying": max(0, len(lying) - skipped - PLACES),
        "skipped": skipped,
        "step": PLACES,
        "today": date.today(),  # noqa: DTZ011 (an expiry is a day where the goods lie)
    }


def facts(connection: Connection, sku: str, *, at_us: int) -> dict[str, Any]:
    """What rarely changes. Raises ``NotFound``."""
    item = items.get_item(connection, sku)
    files: list[Attachment] = attachments.listed(connection, "items", sku)
    gtins: list[Pack] = packs.list_packs(connection, sku)
    bound, more = _bound(connection, sku)
    return {
        "item": item,
        "gtins": gtins,
        "picture": next((one for one in files if one.media not in _NO_PICTURE), None),
        "files": files,
        "plates": _plates(connection, sku, at_us),
        "tags": bound,
        "more_tags": more,
        "substitutes": substitutes.list_substitutes(connection, sku),
        "levels": _levels(connection, sku),
        "places": _own_places(connection),
    }


def _lying(connection: Connection, sku: str) -> list[Lying]:
    held = queries.stock_of(connection, sku, virtual=False)
    names = stock.location_names(connection, {one.location for one in held})
    ends = lots.expiring(connection, [sku])
    kept = select(_reserved.lot, _reserved.location, _reserved.units).where(_reserved.sku == sku)
    promised = {(row.lot, row.location): row.units for row in connection.execute(kept)}
    found = [
        Lying(
            location=one.location,
            name=names.get(one.location, one.location),
            lot=one.lot,
            status=one.status,
            on_hand=one.on_hand,
            reserved=promised.get((one.lot, one.location), 0) if one.status == "available" else 0,
            expires_on=ends.get((sku, one.lot)),
        )
        for one in held
    ]
    return sorted(found, key=lambda one: (natural(one.name), one.location, one.lot, one.status))


def _plates(connection: Connection, sku: str, at_us: int) -> list[tuple[PlatePlan, int]]:
    """The plates that hold it, each with how many pieces at once are told from one more."""
    mine = {one.code for one in places.list_read_points(connection, granted=True)}
    return [
        (one, countable(one.unit_mg, one.unit_cv, USUAL_NOISE_MG))
        for one in planogram.list_plates(connection, at_us=at_us)
        if one.sku == sku and one.read_point in mine
    ]


def _bound(connection: Connection, sku: str) -> tuple[list[Binding], bool]:
    """Tags that stand for it, as far as where they were last is within reach."""
    found = tags.list_bindings(connection, sku=sku, limit=_TAGS_SHOWN + 1)
    at = schema.tag_place.c
    granted = reach.within(at.location)
    if granted is not None:
        here = select(at.epc).where(at.epc.in_([one.epc for one in found]), granted)
        near = set(connection.execute(here).scalars())
        found = [one for one in found if one.epc in near]
    return found[:_TAGS_SHOWN], len(found) > _TAGS_SHOWN


def _levels(connection: Connection, sku: str) -> list[Rule]:
    """The rules of low and over that name this item, or all within reach."""
    found = rules.for_items(connection, [sku])
    levels = [one for one in found if one.kind in {Kind.LOW, Kind.OVER} and one.limit is not None]
    return [one for one in levels if one.location is None or reach.inside(connection, one.location)]


def _own_places(connection: Connection) -> list[tuple[str, str]]:
    """Places that goods can be moved to, for the forms: those that hold goods already and the
    first others, by name.
    """
    place = schema.location.c
    query = select(place.code, place.name).where(place.kind == "internal", place.status == "active")
    granted = reach.within(place.code)
    if granted is not None:
        query = query.where(granted)
    return [
        tuple(row) for row in connection.execute(query.order_by(place.name).limit(_PLACES_OFFERED))
    ]
