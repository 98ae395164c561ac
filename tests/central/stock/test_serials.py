"""A piece lies in one place at a time, whoever moves it, and where follows from the ledger."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.catalogue.items import Item, add_item
from central.catalogue.tags import Binding, bind
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock import ledger, queries, serials
from central.stock.mending import mend
from central.stock.model import Movement, Posted
from tests.central.shop import PLACES, moving, open_shop

NAMES = ("S1", "S2", "S3")


def drills(conn: Connection) -> None:
    """A shop that has an item which is tracked by serial numbers."""
    open_shop(conn)
    add_item(conn, Item(sku="DRILL", name="Drill", tracking="serial"))


async def test_a_tag_carries_the_serial_that_it_is_bound_to(database: Database) -> None:
    def work(conn: Connection) -> None:
        drills(conn)
        bind(conn, Binding(epc="AA", sku="DRILL", serial="S1"))
        seen = moving(1, "supplier", "dock", 1, "DRILL", epcs=("AA",), origin="portal")
        said = moving(2, "dock", "hall", 1, "DRILL", epcs=("AA",))
        for one in (seen, said):
            (posted,) = ledger.post(conn, [one], record_us=1)
            assert posted.movement.serials == ("S1",)
            (again,) = ledger.post(conn, [one], record_us=2)
            assert again.repeated
        assert serials.piece(conn, "DRILL", "S1") == ("", "hall", "available", 2)

    await database.write(work)


async def test_wrong_and_missing_pieces_are_named_and_mended(database: Database) -> None:
    def work(conn: Connection) -> None:
        drills(conn)
        both = moving(1, "supplier", "dock", 2, "DRILL", serials=("S1", "S2"))
        ledger.post(conn, [both], record_us=1)
        conn.execute(text("UPDATE serial_place SET location = 'hall' WHERE serial = 'S1'"))
        conn.execute(text("DELETE FROM serial_place WHERE serial = 'S2'"))
        assert ledger_faults(conn) == [
            "piece S1 of DRILL is said to be at hall (available), its movements say at dock "
            "(available)",
            "piece S2 of DRILL is said to be nowhere, its movements say at dock (available)",
        ]
        assert len(mend(conn, actor="anna", at_us=1)) == 2
        assert ledger_faults(conn) == []

    await database.write(work)


_ENDS = st.sampled_from([*PLACES, "supplier", "customer"])
_MOVES = st.lists(
    st.builds(
        lambda number, source, destination, names: moving(
            number, source, destination, len(names), "DRILL", serials=tuple(names)
        ),
        st.integers(0, 40), _ENDS, _ENDS,
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    ),
    max_size=25,
)  # fmt: skip


class Undo(Exception):
    """Nothing of it is to stay."""


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=_MOVES)
def test_every_piece_inside_is_in_one_place_and_counted_there(
    database: Database, wanted: list[Movement]
) -> None:
    def work(conn: Connection) -> None:
        drills(conn)
        where: dict[str, str] = {}
        for one, result in zip(wanted, ledger.post_each(conn, wanted, record_us=1), strict=True):
            if isinstance(result, Posted) and not result.repeated:
                assert len(set(one.serials)) == one.quantity
                if one.source in PLACES:
                    assert {where[name] for name in one.serials} == {one.source}
                else:
                    assert not {where.get(name) for name in one.serials} & set(PLACES)
                where |= dict.fromkeys(one.serials, one.destination)
        for place in PLACES:
            named = {name for name, at in where.items() if at == place}
            assert set(serials.pieces_at(conn, "DRILL", "", place)) == named
            held = queries.on_hand(conn, sku="DRILL", location=place)
            assert sum(one.on_hand for one in held) == len(named)
        assert ledger_faults(conn) == []
        raise Undo

    with pytest.raises(Undo):
        database.write_now(work)
