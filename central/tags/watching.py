"""Tags follow their goods through moves that name none: see ``along`` for which.

What is found is a witness of the move (``central.stock.witnesses``): it moves nothing, tells where
the tags are, and stands on the ledger in its order, so that a replay knows it when judging did.
Pieces with serial numbers are moved by name, and their tags go with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from central.catalogue.context import ContextCache
from central.catalogue.tags import serials_of
from central.database.bulk import BulkLookup
from central.database.moments import from_us, to_us
from central.judging.effective import judged_upto
from central.reconcile.identity import derived_id
from central.reconcile.serials import serial_in
from central.reconcile.witness import BY_RULE, Witness
from central.reservations.following import Watcher
from central.stock import witnesses
from central.stock.carried import carried_from
from central.stock.holdings import TAGS_AT
from central.stock.model import VIRTUAL_LOCATIONS, Movement, Posted
from central.tags.along import Move, Tag, along

__all__ = ["TagWatcher"]

_EMPTIED = BulkLookup(
    "SELECT k.sku, k.place FROM {keys} WHERE EXISTS (SELECT 1 FROM tag_place t "
    "WHERE t.location = k.place AND t.sku = k.sku) AND NOT EXISTS (SELECT 1 FROM balance b "
    "WHERE b.location = k.place AND b.sku = k.sku AND b.on_hand <> 0)",
    (("sku", "text"), ("place", "text")),
)
_Place = tuple[str, str]
"""An item and a place."""


class TagWatcher(Watcher):
    """See the module."""

    def __init__(self) -> None:
        self._contexts = ContextCache()

    def moved(self, conn: Connection, posted: Sequence[Posted], at_us: int) -> None:
        """Let the tags of goods that were moved go with them."""
        moved = [one for one in posted if _leaves_a_place(one.movement)]
        self._named(conn, [one for one in moved if _names_pieces(one.movement)], at_us)
        due = deque(dict.fromkeys((one.movement.sku, one.movement.source) for one in moved))
        while due:
            places, due = list(dict.fromkeys(due)), deque()
            for row in _EMPTIED.run(conn, places):
                due += self._emptied(conn, (row.sku, row.place), at_us)

    def _named(self, conn: Connection, moved: Sequence[Posted], at_us: int) -> None:
        """The tags of the pieces that moves name, one after another."""
        lying: dict[_Place, dict[str, Tag]] = {}
        for seq, one in ((posted.seq, posted.movement) for posted in moved):
            place = (one.sku, one.source)
            if place not in lying:
                lying[place] = _by_serial(conn, place)
            there = lying[place]
            named = [name for name in one.serials if name in there and there[name].seq < seq]
            went = [there.pop(name) for name in named]
            self._keep(conn, [_witness(one.id, to_us(one.event_time), went)], at_us)
            if went:
                lying.pop((one.sku, one.destination), None)

    def _emptied(self, conn: Connection, place: _Place, at_us: int) -> Iterable[_Place]:
        """All tags that lie where nothing of their item is left; where they went."""
        tags = self._tags(conn, TAGS_AT.run(conn, [place]))
        since = min(one.seq for one in tags)
        carried = {one.id: one for one in carried_from(conn, *place, since)}
        went = along(tags, [Move(one.id, one.seq, one.units) for one in carried.values()])
        found = [_witness(name, carried[name].event_us, ones) for name, ones in went.items()]
        self._keep(conn, found, at_us)
        onward = {carried[name].destination for name in went} - set(VIRTUAL_LOCATIONS)
        return [(place[0], destination) for destination in sorted(onward)]

    def _tags(self, conn: Connection, rows: Sequence[Row[Any]]) -> list[Tag]:
        context = self._contexts.load(conn)
        packs = {row.epc: context.pack_of(row.epc) for row in rows}
        return [
            Tag(row.epc, row.last_seq, 1 if (pack := packs[row.epc]) is None else pack.quantity)
            for row in rows
        ]

    def _keep(self, conn: Connection, found: Sequence[Witness], at_us: int) -> None:
        told = [one for one in found if one.epcs]
        if told:
            witnesses.add(conn, told, record_us=at_us, log_id=judged_upto(conn))


def _by_serial(conn: Connection, place: _Place) -> dict[str, Tag]:
    """The tags of an item at a place, by the serial numbers of their pieces."""
    tags = [Tag(row.epc, row.last_seq, 1) for row in TAGS_AT.run(conn, [place])]
    bound = serials_of(conn, [tag.epc for tag in tags]) if tags else {}
    return {bound[tag.epc][1] if tag.epc in bound else serial_in(tag.epc): tag for tag in tags}


def _names_pieces(movement: Movement) -> bool:
    return bool(movement.serials) and not movement.epcs


def _leaves_a_place(movement: Movement) -> bool:
    return movement.source != movement.destination and movement.source not in VIRTUAL_LOCATIONS


def _witness(movement_id: str, event_us: int, tags: Sequence[Tag]) -> Witness:
    epcs = tuple(sorted(one.epc for one in tags))
    return Witness(
        id=derived_id(BY_RULE, movement_id, *epcs),
        movement_id=movement_id,
        quantity=sum(one.units for one in tags),
        origin=BY_RULE,
        read_point="",
        event_time=from_us(event_us),
        epcs=epcs,
        evidence={"along": len(epcs)},
    )
