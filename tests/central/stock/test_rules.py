"""What places take, at posting: by hand refused, sensed posted with what it broke."""
# ruff: noqa: E501 (a table of sentences)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from central.catalogue.items import Item, add_item
from central.catalogue.tree import Location, add_location, change_location
from central.database.store import Database
from central.stock import ledger, queries
from central.stock.model import Movement, RuleBroken
from central.stock.rules import Goods, Held, Rules, Size, broken, full, room_left
from central.stock.totals import Total
from tests.central.shop import moving

NUTS = Goods("NUT", "", 5, "steel", Size(2_000, 30))


def holding(goods: dict[tuple[str, str], int], sizes: dict[str, Size]) -> Held:
    held = Total()
    for (sku, _), units in goods.items():
        held = held.plus(units, sizes.get(sku, Size()))
    return Held(*held, goods)


@pytest.mark.parametrize(
    ("rules", "held", "said"),
    [
        (Rules(), {("BOLT", ""): 10**9}, []),
        (Rules(max_units=15), {("BOLT", ""): 10}, []),
        (Rules(max_units=14), {("BOLT", ""): 10}, ["bin takes 14 units and holds 10: no room for 5 more"]),
        (Rules(max_mass_mg=20_000), {("NUT", "A"): 5}, []),
        (Rules(max_mass_mg=19_999), {("NUT", "A"): 5}, ["bin bears 19999 mg and holds 10000 mg: 10000 mg more are too heavy"]),
        (Rules(max_mass_mg=10_000), {("AIR", ""): 99}, []),
        (Rules(max_volume_mm3=300), {("NUT", "A"): 5, ("AIR", ""): 99}, []),
        (Rules(max_volume_mm3=299), {("NUT", "A"): 5}, ["bin has 299 mm3 and 150 mm3 are taken: no room for 150 mm3 more"]),
        (Rules(categories=("steel",)), {}, []),
        (Rules(categories=("food",), items=("NUT",)), {}, []),
        (Rules(categories=("food",)), {}, ["bin takes only food, and NUT is not among these"]),
        (Rules(items=("BOLT",)), {}, ["bin takes only BOLT, and NUT is not among these"]),
        (Rules(mixes_items=False), {("NUT", "A"): 1, ("BOLT", ""): 0}, []),
        (Rules(mixes_items=False), {("BOLT", ""): 1}, ["bin mixes no items, and holds BOLT"]),
        (Rules(mixes_lots=False), {("NUT", ""): 1, ("BOLT", "B"): 1}, []),
        (Rules(mixes_lots=False), {("NUT", "A"): 1}, ["bin mixes no lots, and holds A of NUT"]),
    ],
)  # fmt: skip
def test_each_rule_says_what_it_does_not_take(
    rules: Rules, held: dict[tuple[str, str], int], said: list[str]
) -> None:
    there = holding(held, {"NUT": Size(2_000, 30), "BOLT": Size(1_000)})
    assert broken("bin", rules, NUTS, there) == said


def test_what_is_full_is_told_in_figures() -> None:
    rules = Rules(max_units=6, max_mass_mg=1, max_volume_mm3=100, items=("BOLT",))
    there = holding({("NUT", ""): 2}, {"NUT": Size(2_000, 30)})
    assert full("bin", rules, NUTS, there) == [
        ("bin", "max_units", 6, 2, 5),
        ("bin", "max_mass_mg", 1, 4_000, 10_000),
        ("bin", "max_volume_mm3", 100, 60, 150),
    ]
    unknown = NUTS._replace(size=Size())
    assert [one.rule for one in full("bin", rules, unknown, there)] == ["max_units"]


LIMITS = st.none() | st.integers(0, 40)
ANY_RULES = st.builds(
    Rules,
    max_units=LIMITS,
    max_mass_mg=LIMITS,
    max_volume_mm3=LIMITS,
    items=st.sampled_from([(), ("NUT",), ("BOLT",)]),
    mixes_items=st.booleans(),
    mixes_lots=st.booleans(),
)
KEYS = st.tuples(st.sampled_from(["NUT", "BOLT"]), st.sampled_from(["", "A"]))


SIZES = st.builds(Size, st.none() | st.integers(1, 3), st.none() | st.integers(1, 3))


@given(ANY_RULES, st.dictionaries(KEYS, st.integers(0, 15)), st.integers(1, 30), SIZES)
def test_what_fits_breaks_no_rule_and_one_more_does(
    rules: Rules, held: dict[tuple[str, str], int], quantity: int, size: Size
) -> None:
    there = holding(held, {"NUT": size, "BOLT": Size(2, 1)})
    goods = Goods("NUT", "", quantity, "steel", size)
    units = room_left("bin", rules, goods, there)
    assert 0 <= units <= quantity
    fitting = goods._replace(quantity=units)
    assert not units or broken("bin", rules, fitting, there) == []
    more = goods._replace(quantity=units + 1)
    assert units == quantity or broken("bin", rules, more, there) != []


def racks(conn: Connection) -> None:
    """A rack of at most ten units with two bins, one of which mixes no lots; a dock beside it."""
    for sku in ("NUT", "BOLT"):
        add_item(conn, Item(sku=sku, name=sku, category="steel", unit_mg=1_000))
    add_location(conn, Location(code="dock", name="Dock"))
    add_location(conn, Location(code="rack", name="Rack", type="rack", rules=Rules(max_units=10)))
    add_location(conn, Location(code="bin-1", name="Bin", parent="rack", type="bin"))
    single = Rules(mixes_lots=False)
    add_location(conn, Location(code="bin-2", name="Bin", parent="rack", rules=single))
    ledger.post(conn, [moving(1, "supplier", "dock", 40)], record_us=1)


def test_a_rack_holds_what_its_bins_hold_together(database: Database) -> None:
    def work(conn: Connection) -> None:
        racks(conn)
        batch = [
            moving(2, "dock", "bin-1", 6), moving(3, "dock", "bin-2", 4),
            moving(4, "bin-1", "bin-2", 6), moving(5, "bin-2", "dock", 1),
            moving(6, "dock", "bin-1", 1),
        ]  # fmt: skip
        ledger.post(conn, batch, record_us=2)
        full = "^rack takes 10 units and holds 10: no room for 1 more: choose another place"
        with pytest.raises(RuleBroken, match=full):
            ledger.post(conn, [moving(7, "dock", "bin-1", 1)], record_us=3)
        with pytest.raises(RuleBroken, match="bin-2 mixes no lots, and holds no lot of NUT"):
            ledger.post(conn, [moving(8, "supplier", "bin-2", lot="L2")], record_us=3)

    database.write_now(work)


def test_within_a_batch_the_next_sees_what_the_last_brought(database: Database) -> None:
    def work(conn: Connection) -> list[str]:
        racks(conn)
        batch = [moving(n, "dock", "bin-1", 4) for n in (2, 3, 4)]
        return [type(one).__name__ for one in ledger.post_each(conn, batch, record_us=2)]

    assert database.write_now(work) == ["Posted", "Posted", "RuleBroken"]


@pytest.mark.parametrize("origin", ["portal", "shelf", "scan", "zone", "review"])
def test_what_was_sensed_is_posted_and_says_what_it_broke(database: Database, origin: str) -> None:
    def work(conn: Connection) -> None:
        racks(conn)
        seen = moving(2, "dock", "bin-1", 12, origin=origin)
        (posted,) = ledger.post(conn, [seen], record_us=2)
        assert posted.broken == ("rack takes 10 units and holds 0: no room for 12 more",)
        (again,) = ledger.post(conn, [seen], record_us=3)
        assert (again.repeated, again.broken) == (True, ())
        (held,) = queries.on_hand(conn, location="rack", below=True)
        assert (held.location, held.on_hand) == ("bin-1", 12)

    database.write_now(work)


def test_a_retired_place_takes_nothing_by_hand(database: Database) -> None:
    def work(conn: Connection) -> None:
        racks(conn)
        change_location(conn, "bin-1", {"status": "retired"})
        with pytest.raises(RuleBroken, match="bin-1 is retired"):
            ledger.post(conn, [moving(2, "dock", "bin-1")], record_us=2)
        seen: Movement = moving(3, "dock", "bin-1", origin="scan")
        assert ledger.post(conn, [seen], record_us=2)[0].broken == ("bin-1 is retired",)
        ledger.post(conn, [moving(4, "bin-1", "dock")], record_us=3)

    database.write_now(work)
