"""What a batch of movements would bring into which places, and which rules that would break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.database.bulk import BulkLookup
from central.stock import totals
from central.stock.model import LocationKind, Movement
from central.stock.rules import Full, Goods, Held, Rules, Size, broken, full, room_left
from central.stock.totals import Total

__all__ = ["ItemFacts", "Room"]

_UPWARDS = BulkLookup(
    "WITH RECURSIVE ends AS MATERIALIZED (SELECT l.code, l.kind, l.parent, l.status, l.rules "
    "FROM {keys} JOIN location l ON l.code = k.code), "
    "up(code) AS (SELECT e.parent FROM ends e WHERE e.parent IS NOT NULL "
    "UNION SELECT l.parent FROM up JOIN location l ON l.code = up.code "
    "WHERE l.parent IS NOT NULL) "
    "SELECT code, kind, parent, status, rules FROM ends UNION ALL "
    "SELECT l.code, l.kind, l.parent, l.status, l.rules FROM up "
    "JOIN location l ON l.code = up.code",
    (("code", "text"),),
)
"""Places and all that enclose them; some of them twice."""
_LOTS = BulkLookup(
    "WITH RECURSIVE below(root, sku, code) AS (SELECT k.code, k.sku, k.code FROM {keys} "
    "UNION ALL SELECT b.root, b.sku, l.code FROM below b JOIN location l ON l.parent = b.code) "
    "SELECT b.root, h.sku, h.lot, sum(h.on_hand) FROM below b "
    "JOIN balance h ON h.location = b.code AND h.sku = b.sku "
    "WHERE h.on_hand > 0 GROUP BY b.root, h.sku, h.lot",
    (("code", "text"), ("sku", "text")),
)
"""What places hold of some items, by lot."""
_STRANGERS = BulkLookup(
    "WITH asked AS (SELECT code, sku FROM {keys}) "
    "SELECT a.code, (WITH RECURSIVE below(code) AS (SELECT a.code "
    "UNION ALL SELECT l.code FROM below b JOIN location l ON l.parent = b.code) "
    "SELECT h.sku FROM below b JOIN balance h ON h.location = b.code WHERE h.on_hand > 0 "
    "AND h.sku NOT IN (SELECT s.sku FROM asked s WHERE s.code = a.code) LIMIT 1) "
    "FROM (SELECT DISTINCT code FROM asked) AS a",
    (("code", "text"), ("sku", "text")),
)
"""Any item that places hold besides those."""
_decode = msgspec.json.Decoder(Rules).decode
_NONE = Rules()


class ItemFacts(NamedTuple):
    """What posting must know of an item; ``size`` is a piece's, ``tracking`` is ``none``, ``lot``
    or ``serial``.
    """

    status: str
    family: bool
    category: str
    tracking: str = "none"
    size: Size = Size()


class _Place(NamedTuple):
    kind: str
    parent: str | None
    status: str
    rules: Rules | None


class Room:
    """The ends of some movements, all places around them, and what those with rules hold.

    How much a place with a capacity holds is kept as a total, which moves along with the
    balances. What a place holds that mixes no goods is looked up in and below it: one item
    besides those that are moved, and of these the lots.
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
        self._kinds: dict[str, str] = {code: one.kind for code, one in self._places.items()}
        self._strict = any(
            one.rules is not None or one.status != "active" for one in self._places.values()
        )
        limited = [code for code, one in self._places.items() if one.rules and one.rules.limits]
        self._totals = totals.kept(conn, limited)
        self._moved: set[str] = set()
        self._lying: dict[str, Counter[tuple[str, str]]] = {}
        self._look_into(conn, movements)

    def _look_into(self, conn: Connection, movements: Iterable[Movement]) -> None:
        """What lies in the places that mix no goods, as far as these movements ask for it."""
        ruled = ((code, one.rules) for code, one in self._places.items() if one.rules is not None)
        apart = {code: rules for code, rules in ruled if rules.separates}
        if not apart:
            return
        asked = dict.fromkeys(
            (code, m.sku)
            for m in movements
            for end in (m.source, m.destination)
            for code in self.upwards(end)
            if code in apart
        )
        self._lying = {code: Counter() for code, _ in asked}
        for root, sku, lot, units in _LOTS.run(conn, list(asked)):
            self._lying[root][sku, lot] = int(units)
        alone = [pair for pair in asked if not apart[pair[0]].mixes_items]
        for root, sku in _STRANGERS.run(conn, alone):
            if sku is not None:
                self._lying[root][sku, ""] = 1

    def kind(self, code: str) -> str | None:
        """A location's kind; ``None`` where there is no such location."""
        return self._kinds.get(code)

    def lies_in(self, code: str, roots: frozenset[str]) -> bool:
        """Whether a place is one of these, or lies within one."""
        return not roots.isdisjoint(self.upwards(code))

    def broken(self, movement: Movement) -> list[str]:
        """What forbids that these goods come to their destination, a sentence each."""
        if not self._strict:
            return []
        goods, found = self._goods(movement), []
        for code in self._entered(movement):
            place = self._places[code]
            if place.status != "active":
                found.append(f"{code} is {place.status}")
            if place.rules is not None:
                found += broken(code, place.rules, goods, self._held(code))
        return found

    def full(self, movement: Movement) -> list[Full]:
        """The capacities that these goods would exceed."""
        goods, found = self._goods(movement), []
        for code in self._entered(movement):
            if (rules := self._places[code].rules) is not None:
                found += full(code, rules, goods, self._held(code))
        return found

    def fits(self, movement: Movement) -> int:
        """So many of a movement's units may come to its destination, 0 where none may."""
        goods = self._goods(movement)
        for code in self._entered(movement):
            place = self._places[code]
            if place.status != "active":
                return 0
            if place.rules is not None:
                units = room_left(code, place.rules, goods, self._held(code))
                goods = goods._replace(quantity=units)
            if not goods.quantity:
                return 0
        return goods.quantity

    def add(self, movement: Movement) -> None:
        """The movement is posted: what follows it finds the goods at their destination."""
        if not (self._totals or self._lying):
            return
        key = (movement.sku, movement.lot)
        size = self._items[movement.sku].size
        for end, change in (
            (movement.source, -movement.quantity),
            (movement.destination, movement.quantity),
        ):
            if self.kind(end) != LocationKind.INTERNAL:
                continue
            for code in self.upwards(end):
                if code in self._lying:
                    self._lying[code][key] += change
                if code in self._totals:
                    self._totals[code] = self._totals[code].plus(change, size)
                    self._moved.add(code)

    def write(self, conn: Connection) -> None:
        """Keep the totals as the movements that were added left them."""
        totals.put(conn, {code: self._totals[code] for code in sorted(self._moved)})

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
        return Goods(movement.sku, movement.lot, movement.quantity, item.category, item.size)

    def _entered(self, movement: Movement) -> list[str]:
        """The places that the goods were not in before: the destination and what encloses it."""
        if self.kind(movement.destination) != LocationKind.INTERNAL:
            return []
        left = set(self.upwards(movement.source))
        return [code for code in self.upwards(movement.destination) if code not in left]

    def _held(self, code: str) -> Held:
        return Held(*self._totals.get(code, Total()), self._lying.get(code, {}))
