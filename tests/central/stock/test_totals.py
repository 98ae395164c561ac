"""Places' totals follow whatever changes what lies there, and a wrong one is found and mended."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from central.catalogue.bulk_items import Proposal, put_items
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.catalogue.items import Item, add_item, change_item, get_item
from central.catalogue.tree import Location, add_location, change_location, get_location
from central.cli import app
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock import ledger, totals
from central.stock.mending import mend
from central.stock.model import Movement, Posted, RuleBroken
from central.stock.rules import Goods, Held, Rules, broken
from central.stock.totals import Total
from tests.central.dying import settings_for
from tests.central.shop import moving

SKUS, LOTS = ("NUT", "BOLT"), ("", "L")
PLACES = ("site", "zone", "rack", "bin-1", "bin-2", "dock")
NONE = Rules()
LIMITED = st.builds(
    Rules,
    max_units=st.none() | st.integers(0, 60),
    max_mass_mg=st.none() | st.integers(0, 90),
    max_volume_mm3=st.none() | st.integers(0, 90),
    mixes_items=st.booleans(),
    mixes_lots=st.booleans(),
)
MOVES = st.lists(
    st.tuples(
        st.sampled_from(SKUS), st.sampled_from(LOTS), st.sampled_from(("supplier", *PLACES)),
        st.sampled_from((*PLACES, "customer")), st.integers(1, 30),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), MOVES),
        st.tuples(st.just("rules"), st.sampled_from(PLACES), LIMITED),
        st.tuples(st.just("parent"), st.sampled_from(PLACES), st.sampled_from((None, *PLACES))),
        st.tuples(
            st.sampled_from(("size", "sizes")),
            st.sampled_from(SKUS),
            st.none() | st.integers(1, 5),
            st.none() | st.integers(1, 3),
        ),
    ),
    min_size=4,
    max_size=14,
)


def site(conn: Connection) -> None:
    """A site of a zone with a rack of two bins, and a dock; everything weighs 2 mg in 3 mm3."""
    for sku in SKUS:
        add_item(conn, Item(sku=sku, name=sku, unit_mg=2, length_mm=1, width_mm=3, height_mm=1))
    parents = {"zone": "site", "rack": "zone", "bin-1": "rack", "bin-2": "rack", "dock": "site"}
    for code in PLACES:
        limits = Rules(max_units=80) if code == "site" else NONE
        add_location(conn, Location(code=code, name=code, parent=parents.get(code), rules=limits))
    ledger.post(conn, [moving(10_000, "supplier", "bin-1", 20)], record_us=1)


class Oracle:
    """What lies where, and what posting must say of it, asked of the balances alone."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def forbids(self, movement: Movement) -> list[str]:
        up, left = self.path(movement.destination), self.path(movement.source)
        size = get_item(self.conn, movement.sku).size
        goods = Goods(movement.sku, movement.lot, movement.quantity, "", size)
        found = []
        for code in up:
            if code not in left:
                found += broken(code, get_location(self.conn, code).rules, goods, self.held(code))
        return found

    def path(self, code: str) -> list[str]:
        found, at = [], get_location(self.conn, code)
        while True:
            found.append(at.code)
            if at.parent is None:
                return found if at.kind == "internal" else []
            at = get_location(self.conn, at.parent)

    def held(self, code: str) -> Held:
        every = self.conn.execute(text("SELECT * FROM balance WHERE on_hand > 0")).all()
        rows = [one for one in every if code in self.path(one.location)]
        sizes = [(row.on_hand, get_item(self.conn, row.sku).size) for row in rows]
        mass = sum(units * (size.mg or 0) for units, size in sizes)
        room = sum(units * (size.mm3 or 0) for units, size in sizes)
        goods: dict[tuple[str, str], int] = {}
        for row in rows:
            goods[row.sku, row.lot] = goods.get((row.sku, row.lot), 0) + row.on_hand
        return Held(sum(r.on_hand for r in rows), mass, room, goods)


def does(conn: Connection, step: tuple[Any, ...], numbers: itertools.count[int]) -> None:
    match step:
        case ("post", moves):
            batch = [
                moving(next(numbers), source, end, units, sku, lot=lot)
                for sku, lot, source, end, units in moves
                if source != end
            ]
            posts(conn, batch)
        case ("rules", code, rules):
            change_location(conn, code, {"rules": rules})
        case ("parent", code, parent):
            try:
                change_location(conn, code, {"parent": parent})
            except NotValid as refused:
                assert "below itself" in str(refused)
        case (how, sku, unit_mg, side):
            sides = dict.fromkeys(("length_mm", "width_mm", "height_mm"), side)
            item = msgspec.structs.replace(get_item(conn, sku), unit_mg=unit_mg, **sides)
            if how == "size":
                change_item(conn, item)
            else:
                put_items(conn, [Proposal(item)], Told(by="test", at_us=1))


def posts(conn: Connection, batch: list[Movement]) -> None:
    """A batch is decided as its movements would be, one after the other, over the balances."""
    said = []
    with conn.begin_nested() as one_by_one:
        for movement in batch:
            forbidden = Oracle(conn).forbids(movement)
            (result,) = ledger.post_each(conn, [movement], record_us=2)
            if isinstance(result, RuleBroken):
                assert forbidden
            elif isinstance(result, Posted):
                assert not forbidden
            said.append(type(result))
        one_by_one.rollback()
    assert [type(one) for one in ledger.post_each(conn, batch, record_us=2)] == said


@given(STEPS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_totals_are_what_lies_there(database: Database, steps: list[Any]) -> None:
    def work(conn: Connection) -> None:
        with conn.begin_nested() as undone:
            site(conn)
            numbers = itertools.count(1)
            for step in steps:
                does(conn, step, numbers)
                assert totals.check(conn) == []
            undone.rollback()

    database.write_now(work)


def total_of(conn: Connection, place: str) -> Total | None:
    asked = text("SELECT units, mass_mg, volume_mm3 FROM place_total WHERE place = :place")
    row = conn.execute(asked, {"place": place}).one_or_none()
    return None if row is None else Total(*row)


def test_places_without_a_capacity_have_no_total(database: Database) -> None:
    def work(conn: Connection) -> None:
        site(conn)
        assert (total_of(conn, "site"), total_of(conn, "rack")) == (Total(20, 40, 60), None)
        change_location(conn, "rack", {"rules": Rules(max_mass_mg=50)})
        assert total_of(conn, "rack") == Total(20, 40, 60)
        change_location(conn, "zone", {"rules": Rules(max_volume_mm3=50)})
        assert total_of(conn, "zone") == Total(20, 40, 60)
        change_location(conn, "site", {"rules": Rules(mixes_items=False)})
        assert total_of(conn, "site") is None

    database.write_now(work)


def test_more_than_a_column_holds_is_counted_when_asked(database: Database) -> None:
    def work(conn: Connection) -> None:
        site(conn)
        change_item(conn, Item(sku="NUT", name="x", unit_mg=2**60))
        assert conn.execute(text("SELECT mass_mg FROM place_total")).scalars().all() == [None]
        assert totals.kept(conn, ["site"]) == {"site": Total(20, 20 * 2**60)}
        ledger.post(conn, [moving(1, "bin-1", "customer", 19)], record_us=2)
        assert total_of(conn, "site") == Total(1, 2**60)
        assert totals.check(conn) == []

    database.write_now(work)


WRONG = [
    ("UPDATE place_total SET units = 7", "site holds 20 units of 40 mg and 60 mm3 by its balances, "
     "and the total says 7 units of 40 mg and 60 mm3"),
    ("DELETE FROM place_total", "site holds 20 units of 40 mg and 60 mm3 by its balances, and no "
     "total is kept"),
    ("INSERT INTO place_total VALUES ('rack', 1, 1, 1)", "a total is kept of rack, whose rules "
     "limit nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "says"), WRONG)
def test_a_wrong_total_is_found_and_mended(database: Database, harm: str, says: str) -> None:
    def work(conn: Connection) -> None:
        site(conn)
        conn.execute(text(harm))
        assert ledger_faults(conn) == [says]
        assert mend(conn, actor="Ada", at_us=1) == [says]
        assert ledger_faults(conn) == []
        kept = conn.execute(text("SELECT subject FROM audit ORDER BY id")).scalars().all()
        assert kept[-1] == ("total rack" if "rack" in harm else "total site")

    database.write_now(work)


def test_the_commands_find_and_mend_it(books_url: str, tmp_path: Path) -> None:
    def harmed(work: Callable[[Connection], object]) -> None:
        with closing(Database(books_url)) as database:
            database.write_now(work)

    harmed(site)
    harmed(lambda c: c.execute(text("UPDATE place_total SET units = 7")))
    config = str(settings_for(books_url, tmp_path))
    found = CliRunner().invoke(app, ["verify", "-c", config])
    assert (found.exit_code, "the total says 7 units" in found.output) == (1, True)
    CliRunner().invoke(app, ["replay", "-c", config, "--mend", "--by", "Ada"])
    assert CliRunner().invoke(app, ["verify", "-c", config]).exit_code == 0


def test_books_of_before_get_their_totals(database: Database) -> None:
    database.write_now(site)
    for before in ("0047", "0038"):
        database.migrate(before)
        database.migrate()
        assert database.read_now(lambda c: total_of(c, "site")) == Total(20, 40, 60)
    assert database.read_now(ledger_faults) == []
