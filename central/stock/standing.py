"""In which status goods lie, as a batch of movements goes on.

A command says which status it takes from. What sensors saw happened without a word about that, and
the ledger says it for them: tags move in the status that they were put into; other goods in the
first status, sellable before others, of which there is enough. No movement takes from two.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from central.database.ahead import Ahead
from central.database.bulk import BulkInsert, BulkLookup
from central.stock.model import (
    AVAILABLE,
    STATUSES,
    InsufficientStock,
    Movement,
    Posted,
    Status,
    StockError,
)
from central.stock.rules import FACTS

__all__ = ["UPSERTED", "Standing"]

UPSERTED = (
    "ON CONFLICT (sku, lot, location, status) DO UPDATE SET "
    "on_hand = balance.on_hand + excluded.on_hand, last_seq = excluded.last_seq"
)
"""How a change comes to a balance."""
_UPSERT = BulkInsert(
    "balance",
    (
        ("sku", "text"),
        ("lot", "text"),
        ("location", "text"),
        ("status", "text"),
        ("on_hand", "bigint"),
        ("last_seq", "bigint"),
    ),
    UPSERTED,
)
_BALANCES = BulkLookup(
    "SELECT b.sku, b.lot, b.location, b.status, b.on_hand FROM {keys} JOIN balance b "
    "ON b.sku = k.sku AND b.lot = k.lot AND b.location = k.location",
    (("sku", "text"), ("lot", "text"), ("location", "text")),
)
_TAGS = BulkLookup(
    "SELECT t.epc, t.location, t.status FROM {keys} JOIN tag_place t ON t.epc = k.epc",
    (("epc", "text"),),
)
_Account = tuple[str, str, str, str]
_UNMOVED = (0, 0)


class Standing:
    """What the sources of some movements hold, by status, and where their tags lie. ``fresh``
    would say that their ids are taken to be new.
    """

    fresh = False

    def __init__(self, conn: Connection, movements: Sequence[Movement]) -> None:
        keys = dict.fromkeys([(m.sku, m.lot, m.source) for m in movements])
        self._on_hand: dict[_Account, int] = {
            (sku, lot, location, status): units
            for sku, lot, location, status, units in _BALANCES.run(conn, list(keys))
        }
        self._moved: dict[_Account, tuple[int, int]] = {}
        sensed = dict.fromkeys(epc for m in movements if m.origin in FACTS for epc in m.epcs)
        self._tags: dict[str, tuple[str, Status]] = {
            row[0]: (row[1], row[2]) for row in _TAGS.run(conn, [(epc,) for epc in sensed])
        }

    def settled(self, movement: Movement, *, bounded: bool) -> Movement | StockError:
        """The movement between the accounts that it takes from and goes to; what forbids it.

        ``bounded`` says that its source cannot give what it does not hold.
        """
        said = (movement.source_status, movement.destination_status) != (AVAILABLE, AVAILABLE)
        if movement.origin not in FACTS or said:
            return movement
        lying = {
            status
            for place, status in (self._tags[epc] for epc in movement.epcs if epc in self._tags)
            if place == movement.source
        }
        if len(lying) > 1:
            return StockError(
                f"the tags lie at {movement.source} as {' and as '.join(sorted(lying))}, and one "
                "movement takes from one of these: say the quantities of each"
            )
        status = self._of_tags_or_units(movement, lying, bounded=bounded)
        if status == AVAILABLE:
            return movement
        return msgspec.structs.replace(movement, source_status=status, destination_status=status)

    def _of_tags_or_units(self, movement: Movement, lying: set[Status], *, bounded: bool) -> Status:
        likely = next(iter(lying), AVAILABLE)
        there = self._held(movement)
        if not bounded or not there or there.get(likely, 0) >= movement.quantity:
            return likely
        enough = (one for one in STATUSES if there.get(one, 0) >= movement.quantity)
        return next(enough, likely)

    def _held(self, movement: Movement) -> dict[str, int]:
        """What its source holds, by status, as far as there ever was any."""
        place = (movement.sku, movement.lot, movement.source)
        keys = ((*place, status) for status in STATUSES)
        return {key[3]: self._on_hand[key] for key in keys if key in self._on_hand}

    def short(self, movement: Movement) -> StockError | None:
        """Whether its source lacks what it takes, and what lies there in other statuses."""
        key = (movement.sku, movement.lot, movement.source, movement.source_status)
        there = self._on_hand.get(key, 0)
        if there >= movement.quantity:
            return None
        held = self._held(movement)
        lot = f" of lot {movement.lot}" if movement.lot else ""
        others = [
            f"{units} {status}"
            for status, units in sorted(held.items())
            if units > 0 and status != movement.source_status
        ]
        only = f" that is {movement.source_status}" if movement.source_status != AVAILABLE else ""
        besides = f" (and {', '.join(others)})" if others else ""
        return InsufficientStock(
            f"{movement.source} holds {there} of {movement.sku}{lot}{only}{besides}, "
            f"{movement.quantity} were asked for: count the place, or post what is missing first",
            there=there,
        )

    def add(self, posted: Posted) -> None:
        """The movement is posted: what follows it finds the goods where they are now."""
        one, seq = posted.movement, posted.seq
        on_hand, moved = self._on_hand, self._moved
        for key, change in (
            ((one.sku, one.lot, one.source, one.source_status), -one.quantity),
            ((one.sku, one.lot, one.destination, one.destination_status), one.quantity),
        ):
            on_hand[key] = on_hand.get(key, 0) + change
            moved[key] = (moved.get(key, _UNMOVED)[0] + change, seq)
        for epc in one.epcs:
            self._tags[epc] = (one.destination, one.destination_status)

    def put(self, ahead: Ahead | None) -> None:
        """Nothing is written before the end."""

    def write(self, conn: Connection) -> None:
        """Bring the balances up to date."""
        _UPSERT.run(conn, [(*key, *moved) for key, moved in sorted(self._moved.items())])
