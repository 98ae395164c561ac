"""Tags that people bound to items move those items' stock, and replay agrees."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy import Connection

from central.catalogue import items, packs, tags
from central.catalogue.context import ContextCache, load_context
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.tags import Binding
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.reconcile.verdict import Pack
from central.stock import queries
from drivers.emulators.portal_physics import dock_antennas
from gateway.contract import Observation, TagSighting
from gateway.gs1 import decode_epc
from tests.central.test_ingest_and_judge import judge_all, set_up, whole, wire
from tests.fakes import portal_log, portal_scenes

BARE = "E28011700000020F1A2B3C4D"


def bare(epc: str) -> str:
    """The same piece with a tag that names nothing."""
    return f"E280{epc[4:]}"


def dock() -> tuple[list[Observation], list[portal_scenes.Truth]]:
    """Two pallets into the hall, all of whose tags are bare."""
    scene = portal_scenes.dock(5, passes=2, cases=(4, 6), strays=3)
    seen: list[Observation] = [portal_log.described(dock_antennas())]
    for one in portal_log.fold(scene.reads):
        if isinstance(one, TagSighting):
            seen.append(msgspec.structs.replace(one, epc=bare(one.epc)))
        else:
            seen.append(one)
    return seen, scene.truths


def bind_all(conn: Connection, epcs: Sequence[str], sku: str, lot: str) -> None:
    for epc in epcs:
        tags.bind(conn, Binding(epc=epc, sku=sku, quantity=2, lot=lot))


async def judged(database: Database, seen: Sequence[Observation], first: int) -> None:
    messages = [wire(first + n, seen[n : n + 700]) for n in range(0, len(seen), 700)]
    await Ingest(database, Tide()).receive(messages)
    await judge_all(database)


def test_a_bare_tag_names_no_item() -> None:
    assert decode_epc(BARE).scheme == "raw"


async def test_bound_tags_move_the_items_stock_in_their_lot(database: Database) -> None:
    seen, truths = dock()
    first, second = ([bare(epc) for epc in sorted(one.epcs)] for one in truths)
    between = next(
        n for n, one in enumerate(seen) if one.event_time > portal_log.moment(truths[0].at_s + 6)
    )
    await database.write(set_up)
    await database.write(lambda c: bind_all(c, first, "SKU-2", "L7"))
    await judged(database, seen[:between], 1)
    await database.write(lambda c: bind_all(c, second, "SKU-1", ""))
    await judged(database, seen[between:], between + 1)
    await database.write(lambda c: tags.unbind(c, first[0]))
    moved = [one.movement for one in await database.read(queries.movements)]
    told = {(one.sku, one.lot): one for one in moved if one.origin == "portal"}
    assert set(told) == {("SKU-2", "L7"), ("SKU-1", "")}
    for (sku, lot), epcs in ((("SKU-2", "L7"), first), (("SKU-1", ""), second)):
        assert set(told[sku, lot].epcs) <= set(epcs)
        assert told[sku, lot].quantity == 2 * len(told[sku, lot].epcs) > 0
    held = await database.read(lambda c: queries.stock_of(c, "SKU-2", virtual=False))
    assert [(one.lot, one.location) for one in held] == [("L7", "hall")]
    assert await database.read(whole) == []  # each judged with what was bound when it was


async def test_without_a_binding_bare_tags_move_nothing(database: Database) -> None:
    await database.write(set_up)
    await judged(database, dock()[0], 1)
    assert await database.read(queries.movements) == []


def test_a_binding_holds_until_the_next_word_and_goes_before_what_is_written(
    database: Database,
) -> None:
    def work(conn: Connection) -> None:
        set_up(conn)
        epc = portal_scenes.epcs_of(1, 1)[0]
        written = load_context(conn).pack_of(epc)
        assert written == portal_scenes.PACKS[portal_scenes.GTINS[1]]
        cache = ContextCache()
        assert dict(cache.load(conn).bound) == {}
        assert tags.bind(conn, Binding(epc=epc, sku="SKU-1", lot="A"))
        assert not tags.bind(conn, Binding(epc=epc, sku="SKU-1", lot="A"))
        told = cache.load(conn)
        assert told.pack_of(epc) == Pack(sku="SKU-1", lot="A")
        assert dict(told.bound) == {epc: Pack(sku="SKU-1", lot="A")}
        assert BARE not in told.bound
        with pytest.raises(AlreadyExists, match="stands for SKU-1: unbind it first"):
            tags.bind(conn, Binding(epc=epc, sku="SKU-2"))
        assert tags.unbind(conn, epc).lot == "A"
        assert cache.load(conn).pack_of(epc) == written
        assert len(cache.load(conn).bound) == 0
        with pytest.raises(NotFound, match="bound to nothing"):
            tags.unbind(conn, epc)

    database.write_now(work)


def test_bindings_are_listed_as_they_stand(database: Database) -> None:
    def work(conn: Connection) -> None:
        set_up(conn)
        epcs = [f"E2801170000002{n:010X}" for n in range(5)]
        bind_all(conn, epcs, "SKU-2", "")
        tags.unbind(conn, epcs[1])
        tags.unbind(conn, epcs[2])
        tags.bind(conn, Binding(epc=epcs[2], sku="SKU-3", serial="SN-1"))
        first = tags.list_bindings(conn, limit=2)
        assert [one.epc for one in first] == [epcs[0], epcs[2]]
        rest = tags.list_bindings(conn, after=first[-1].epc)
        assert [one.epc for one in rest] == [epcs[3], epcs[4]]
        assert [one.serial for one in tags.list_bindings(conn, sku="SKU-3")] == ["SN-1"]

    database.write_now(work)


def test_what_cannot_be_bound_is_told(database: Database) -> None:
    def work(conn: Connection) -> None:
        items.add_item(conn, items.Item(sku="MICE", name="Mice", family=True))
        items.add_item(conn, items.Item(sku="MOUSE", name="Mouse", parent="MICE"))
        with pytest.raises(NotValid, match="a family"):
            tags.bind(conn, Binding(epc=BARE, sku="MICE"))
        with pytest.raises(NotValid, match="one piece"):
            tags.bind(conn, Binding(epc=BARE, sku="MOUSE", serial="1", quantity=2))
        with pytest.raises(NotFound, match="no item NONE"):
            tags.bind(conn, Binding(epc=BARE, sku="NONE"))
        with pytest.raises(NotValid, match="a family"):
            packs.put_pack(conn, portal_scenes.GTINS[0], "MICE")

    database.write_now(work)


def test_a_gtin_that_was_taken_away_stands_for_nothing(database: Database) -> None:
    def work(conn: Connection) -> None:
        set_up(conn)
        gtin = portal_scenes.GTINS[0]
        packs.set_packs(conn, "SKU-1", [])
        assert gtin not in load_context(conn).packs
        assert packs.find_pack(conn, gtin) is None
        with pytest.raises(NotFound, match="no item has the GTIN"):
            packs.known_pack(conn, gtin)
        packs.set_packs(conn, "SKU-2", [(gtin, 4), (portal_scenes.GTINS[1], 2)])
        assert load_context(conn).packs[gtin].quantity == 4
        with pytest.raises(AlreadyExists, match="stands for SKU-2"):
            packs.set_packs(conn, "SKU-1", [(gtin, 1)])

    database.write_now(work)
