"""What judging knows of the tree of places, as it stood at each entry of the log."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import Connection, text

from central.catalogue.context import ContextCache, context_changes, load_context, next_change
from central.catalogue.tree import Location, add_location, change_location
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.stock import ledger, queries
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth, Observation
from tests.central.shop import moving
from tests.central.test_ingest_and_judge import judge_all, set_up, whole, wire
from tests.fakes import portal_log
from tests.fakes.portal_scenes import epcs_of

GOODS = epcs_of(1, 8)


def add(conn: Connection, code: str, parent: str | None = None) -> None:
    add_location(conn, Location(code=code, name=code, parent=parent))


def test_a_place_lies_where_it_was_put_from_the_next_entry_on(database: Database) -> None:
    def work(conn: Connection) -> None:
        cache = ContextCache()
        assert cache.load(conn).enclosing("bin") == ("bin",)
        for code, parent in (("site", None), ("hall", "site"), ("bin", "hall"), ("yard", "site")):
            add(conn, code, parent)
        assert cache.load(conn).enclosing("bin") == ("site", "hall", "bin")
        conn.execute(text("UPDATE partition SET position = 41"))
        change_location(conn, "hall", {"parent": None})
        change_location(conn, "bin", {"parent": "yard"})
        now = cache.load(conn)
        assert [now.enclosing(one) for one in ("hall", "bin")] == [
            ("hall",), ("site", "yard", "bin"),
        ]  # fmt: skip
        assert now.version == 42
        then = load_context(conn, at_log=41)
        assert then.enclosing("bin") == ("site", "hall", "bin")
        assert context_changes(conn)[-1] == next_change(conn, 41) == 42

    database.write_now(work)


def test_names_alone_change_nothing_that_judging_knows(database: Database) -> None:
    def work(conn: Connection) -> None:
        add(conn, "site")
        add(conn, "bin", "site")
        conn.execute(text("UPDATE partition SET position = 41"))
        change_location(conn, "bin", {"name": "Bin 1"})
        assert next_change(conn, 1) is None

    database.write_now(work)


def test_how_places_lay_before_judging_knew_is_known_from_the_next_entry_on(
    database: Database,
) -> None:
    database.migrate("0061")
    known = "INSERT INTO location (code, name, parent, created_us) VALUES (:code, 'x', :parent, 1)"
    for code, parent in (("site", None), ("bin", "site")):
        row = {"code": code, "parent": parent}
        database.write_now(lambda c, r=row: c.execute(text(known), r))  # type: ignore[misc]
    database.write_now(lambda c: c.execute(text("UPDATE partition SET position = 41")))
    database.migrate()

    def work(conn: Connection) -> None:
        assert load_context(conn).enclosing("bin") == ("site", "bin")
        assert load_context(conn, at_log=41).enclosing("bin") == ("bin",)

    database.read_now(work)


# ---- goods that were put away ------------------------------------------------------------
def going_out() -> list[Observation]:
    """A pallet goes out, and only the antennas inside hear it."""
    antennas = tuple(one for one in dock_antennas() if one.side == "inside")
    tags = pallet(GOODS, Path.through(4.0, speed=1.0, inwards=False), Random(1))
    reads = simulate(Scene(antennas=antennas, tags=tuple(tags), seed=1), 0.0, 18.0)
    beat = DeviceHealth(event_time=portal_log.moment(100.0), state="running", **portal_log.WHO)
    return [portal_log.described(antennas), *portal_log.fold(reads), beat]


def put_away(conn: Connection) -> None:
    """The pallet's cases were received, and lie in a bin of the hall."""
    set_up(conn)
    add(conn, "bin", "hall")
    cases = enumerate(GOODS)
    ledger.post(
        conn,
        [
            moving(number, "supplier", "bin", pack.quantity, pack.sku, epcs=(epc,))
            for number, epc in cases
            if (pack := load_context(conn).pack_of(epc)) is not None
        ],
        record_us=1,
    )


@pytest.mark.parametrize("lies", ["in the hall", "by itself"])
async def test_goods_that_were_put_away_go_out(database: Database, lies: str) -> None:
    """The ledger tells the way, as it knows that the bin is in the hall; the replay agrees."""
    await database.write(put_away)
    if lies == "by itself":
        await database.write(lambda c: change_location(c, "bin", {"parent": None}))
    await Ingest(database, Tide()).receive([wire(1, going_out())])
    await judge_all(database)
    await database.write(lambda c: change_location(c, "bin", {"parent": "hall"}))
    held = await database.read(lambda c: queries.on_hand(c, location="bin"))
    reviews = await database.read(lambda c: c.execute(text("SELECT reason FROM review")).all())
    if lies == "in the hall":
        assert (held, reviews) == ([], [])
    else:
        assert (sum(one.on_hand for one in held), reviews) == (17, [("low confidence",)])
    assert await database.read(whole) == []
