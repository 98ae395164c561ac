"""What a batch of movements would bring into which places, and which rules that would break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.bulk import BulkLookup
from central.stock.model import LocationKind, Movement
from central.stock.rules import Goods, Rules, broken, room_left

__all__ = ["ItemFacts", "Room"]

_UPWARDS = BulkLookup(
    "WITH RECURSIVE up(code, kind, parent, status, rules) AS ("
    "SELECT l.code, l.kind, l.parent, l.status, l.rules "
    "FROM {keys} JOIN location l ON l.code = k.code "
    "UNION SELECT l.code, l.kind, l.parent, l.status, l.rules "
    "FROM up JOIN location l ON l.code = up.parent) "
    "SELECT code, kind, parent, status, rules FROM up",
    (("code", "text"),),
)
_HELD = BulkLookup(
    "WITH RECURSIVE below(root, code) AS (SELECT k.code, k.code FROM {keys} "
    "UNION SELECT b.root, l.code FROM below b JOIN location l ON l.parent = b.code) "
    "SELECT b.root, h.sku, h.lot, sum(h.on_hand), max(i.unit_mg) FROM below b "
    "JOIN balance h ON h.location = b.code JOIN item i ON i.sku = h.sku "
    "WHERE h.on_hand > 0 GROUP BY b.root, h.sku, h.lot",
    (("code", "text"),),
)
_decode = msgspec.json.Decoder(Rules).decode
_NONE = Rules()


class ItemFacts(NamedTuple):
    """What posting must know of an item; ``unit_mg`` is a piece's mass in milligrams,
    ``tracking`` is ``none``, ``lot`` or ``serial``.
    """

    status: str
    family: bool
    category: str
    unit_mg: int | None
    tracking: str = "none"


class _Place(NamedTuple):
    kind: str
    parent: str | None
    status: str
    rules: Rules | None


class Room:
    """The ends of some movements, all places around them, and what those with rules hold.

    What a place holds is summed over everything below it, and only where one of its rules asks
    for that: capacities are cheap on a bin or a rack, and dear on a whole warehouse.
    """

    def __init__(
        self, conn: Connection, movements: Sequence[Movement], items: Mapping[str, ItemFacts]
    ) -> None:
        ends = dict.fromkeys(code for m in movements for code in (m.source, m.destination))
        self._items = items
        self._places = {
            row[0]: _Place(row[1], row[2], row[3], None if row[4] == "{}" else _decode(row[4]))
            for row in _UPWARDS.run(conn, [(code,) for code in ends])
        }
        self._unit_mg = {sku: item.unit_mg for sku, item in items.items()}
        self._held: dict[str, Counter[tuple[str, str]]] = {
            code: Counter() for m in movements for code in self._entered(m) if self._asks(code)
        }
        for root, sku, lot, units, unit_mg in _HELD.run(conn, [(code,) for code in self._held]):
            self._held[root][sku, lot] = int(units)
            self._unit_mg[sku] = unit_mg

    def kind(self, code: str) -> str | None:
        """A location's kind; ``None`` where there is no such location."""
        place = self._places.get(code)
        return None if place is None else place.kind

    def lies_in(self, code: str, roots: frozenset[str]) -> bool:
        """Whether a place is one of these, or lies within one."""
        return not roots.isdisjoint(self.upwards(code))

    def broken(self, movement: Movement) -> list[str]:
        """What forbids that these goods come to their destination, a sentence each."""
        goods, found = self._goods(movement), []
        for code in self._entered(movement):
            place = self._places[code]
            if place.status != "active":
                found.append(f"{code} is {place.status}")
            if place.rules is not None:
                found += broken(code, place.rules, goods, self._held.get(code, {}), self._unit_mg)
        return found

    def fits(self, movement: Movement) -> int:
        """So many of a movement's units may come to its destination, 0 where none may."""
        goods = self._goods(movement)
        for code in self._entered(movement):
            place = self._places[code]
            if place.status != "active":
                return 0
            if place.rules is not None:
                held: Mapping[tuple[str, str], int] = self._held.get(code, {})
                units = room_left(code, place.rules, goods, held, self._unit_mg)
                goods = goods._replace(quantity=units)
            if not goods.quantity:
                return 0
        return goods.quantity

    def add(self, movement: Movement) -> None:
        """The movement is posted: what follows it finds the goods at their destination."""
        if not self._held:
            return
        key = (movement.sku, movement.lot)
        for end, change in (
            (movement.source, -movement.quantity),
            (movement.destination, movement.quantity),
        ):
            for code in self.upwards(end):
                if code in self._held:
                    self._held[code][key] += change

    def rules_of(self, code: str) -> Rules:
        """A place's own rules."""
        return self._places[code].rules or _NONE

    def upwards(self, code: str) -> Iterator[str]:
        """A place and all that enclose it; nothing for an unknown one."""
        at: str | None = code
        while at is not None and at in self._places:
            yield at
            at = self._places[at].parent

    def _goods(self, movement: Movement) -> Goods:
        item = self._items[movement.sku]
        return Goods(movement.sku, movement.lot, movement.quantity, item.category, item.unit_mg)

    def _entered(self, movement: Movement) -> list[str]:
        """The places that the goods were not in before: the destination and what encloses it."""
        if self.kind(movement.destination) != LocationKind.INTERNAL:
            return []
        left = set(self.upwards(movement.source))
        return [code for code in self.upwards(movement.destination) if code not in left]

    def _asks(self, code: str) -> bool:
        rules = self._places[code].rules
        return rules is not None and rules.asks_what_is_there
