"""Many items at once: added or changed as ``changes`` does one, with a handful of statements.

Each item is judged on its own, over the books as they stand and the items before it; what is
refused leaves no trace. What judging knows changes once, at one place in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from central import audit, schema
from central.audit import Change
from central.catalogue import changes
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, CatalogueError, NotFound, NotValid
from central.catalogue.items import MOST_GENERATIONS, Item, check_alone, item_of, row_of
from central.catalogue.packs import NO_PACK
from central.database.bulk import BulkInsert, BulkLookup
from central.events import log as events
from central.judging.effective import next_log_id
from central.stock import totals
from central.stock.rules import Size

__all__ = ["Done", "Proposal", "put_items"]

Done = Literal["created", "changed", "unchanged"]
_TYPES = {
    "unit_mg": "bigint", "unit_cv": "float8", "price_micros": "bigint", "length_mm": "bigint",
    "width_mm": "bigint", "height_mm": "bigint", "family": "boolean", "created_us": "bigint",
}  # fmt: skip
_NAMES = Item.__struct_fields__
_WRITE = BulkInsert(
    "item",
    [(name, _TYPES.get(name, "text")) for name in _NAMES],
    "ON CONFLICT (sku) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}" for name in _NAMES if name not in {"sku", "created_us"}
    ),
)
_WRITE_PACK = BulkInsert(
    "pack",
    (("valid_from_log", "bigint"), ("gtin", "text"), ("sku", "text"), ("quantity", "bigint")),
)
_ITEMS = BulkLookup("SELECT i.* FROM {keys} JOIN item i ON i.sku = k.sku", (("sku", "text"),))
_IN_FORCE = (
    "WHERE p.quantity <> 0 "
    "AND NOT EXISTS (SELECT 1 FROM pack q WHERE q.gtin = p.gtin AND q.id > p.id)"
)
_PACKS_OF, _PACKS_AS = (
    BulkLookup(
        "SELECT p.gtin, p.sku, p.quantity FROM {keys} "  # noqa: S608 (our own words)
        f"JOIN pack p ON p.{column} = k.named {_IN_FORCE}",
        (("named", "text"),),
    )
    for column in ("sku", "gtin")
)


class Proposal(msgspec.Struct, frozen=True):
    """An item as it shall be, with all the GTINs (of 14 digits) that shall stand for it."""

    item: Item
    gtins: dict[str, int] = {}


def put_items(
    conn: Connection, wanted: Sequence[Proposal], told: Told, *, dry: bool = False
) -> list[Done | CatalogueError]:
    """Let these items be so; for each what came of it. ``dry``: only say so."""
    batch = _Batch(conn, wanted, told)
    found = [batch.take(one) for one in wanted]
    if not dry:
        batch.write(conn)
    return found


class _Batch:
    """What the books have of the batch's items, and what becomes of it."""

    def __init__(self, conn: Connection, wanted: Sequence[Proposal], told: Told) -> None:
        self._conn, self._told = conn, told
        skus = [(one.item.sku,) for one in wanted]
        gtins = [(gtin,) for one in wanted for gtin in one.gtins]
        self._items = {row.sku: item_of(row._mapping) for row in _ITEMS.run(conn, skus)}  # noqa: SLF001
        self._packs: dict[str, dict[str, int]] = {}
        self._owner: dict[str, str] = {}
        for row in (*_PACKS_OF.run(conn, skus), *_PACKS_AS.run(conn, gtins)):
            self._packs.setdefault(row.sku, {})[row.gtin] = row.quantity
            self._owner[row.gtin] = row.sku
        every = select(schema.item.c.sku, schema.item.c.parent)
        self._parents: dict[str, str | None] = {row[0]: row[1] for row in conn.execute(every)}
        self._written: dict[str, Item] = {}
        self._new_packs: list[tuple[str, str, int]] = []
        self._before: dict[str, dict[str, object] | None] = {}
        self._sizes: dict[str, Size] = {}

    def take(self, one: Proposal) -> Done | CatalogueError:
        """Accept it, or say why not."""
        item = one.item
        before = self._items.get(item.sku)
        if before is not None:
            item = msgspec.structs.replace(item, created_us=before.created_us)
        held = self._packs.get(item.sku, {})
        if item == before and one.gtins == held:
            return "unchanged"
        try:
            self._check(item, one.gtins, before)
        except CatalogueError as refused:
            return refused
        self._before.setdefault(
            item.sku, None if before is None else changes.shown(before, held.items())
        )
        if before is not None:
            self._sizes.setdefault(item.sku, before.size)
        self._items[item.sku] = self._written[item.sku] = item
        self._parents[item.sku] = item.parent
        self._give(item.sku, held, one.gtins)
        return "created" if before is None else "changed"

    def _give(self, sku: str, held: dict[str, int], wanted: dict[str, int]) -> None:
        for gtin in held.keys() - wanted.keys():
            self._new_packs.append((gtin, sku, NO_PACK))
            del self._owner[gtin]
        for gtin, quantity in wanted.items():
            if held.get(gtin) != quantity:
                self._new_packs.append((gtin, sku, quantity))
                self._owner[gtin] = sku
        self._packs[sku] = dict(wanted)

    def _check(self, item: Item, gtins: dict[str, int], before: Item | None) -> None:
        check_alone(item)
        above, steps = item.parent, 0
        while above is not None:
            if above == item.sku:
                raise NotValid(f"{item.sku} would be its own ancestor by way of {item.parent}")
            if above not in self._parents:
                raise NotFound(
                    f"there is no item {above}: add it to the catalogue first, or before it"
                )
            above, steps = self._parents[above], steps + 1
            if steps >= MOST_GENERATIONS:
                raise NotValid(f"items lie at most {MOST_GENERATIONS} deep in each other")
        for gtin in gtins:
            owner = self._owner.get(gtin, item.sku)
            if owner != item.sku:
                raise AlreadyExists(f"GTIN {gtin} stands for {owner}: take it from there first")
        if item.family and gtins:
            raise NotValid(f"{item.sku} is a family: give the GTIN to one of its variants")
        if before is not None:
            changes.check_tracking(self._conn, before, item)
            if item.family and not before.family:
                changes.check_family(self._conn, item.sku)

    def _other_sizes(self) -> dict[str, tuple[Size, Size]]:
        sizes = {sku: (before, self._written[sku].size) for sku, before in self._sizes.items()}
        return {sku: (before, after) for sku, (before, after) in sizes.items() if before != after}

    def write(self, conn: Connection) -> None:
        """Put what was accepted into the catalogue, the audit and the events."""
        at_log = next_log_id(conn)
        totals.measure_anew(conn, self._other_sizes())
        _WRITE.run(
            conn,
            [tuple(row_of(one)[name] for name in _NAMES) for one in self._written.values()],
        )
        _WRITE_PACK.run(conn, [(at_log, *one) for one in self._new_packs])
        after = {
            sku: changes.shown(item, sorted(self._packs[sku].items()))
            for sku, item in self._written.items()
        }
        for action, new in (("add item", True), ("change item", False)):
            told = [
                Change(f"item {sku}", self._before[sku], shown)
                for sku, shown in after.items()
                if (self._before[sku] is None) == new
            ]
            audit.record(conn, told, actor=self._told.by, action=action, at_us=self._told.at_us)
        events.record_each(
            conn,
            [
                events.Happening("ProductCreated", sku, shown)
                for sku, shown in after.items()
                if self._before[sku] is None
            ],
            at_us=self._told.at_us,
        )
