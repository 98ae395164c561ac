"""Goods lie in a status: changed by a movement in their place, and kept by what sensors see."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock import ledger, queries
from central.stock.model import AVAILABLE, STATUSES, InsufficientStock, Movement, Posted, StockError
from tests.central.shop import PLACES, moving, open_shop


def held(conn: Connection) -> dict[tuple[str, str], int]:
    """Units by place and status, of all that is inside."""
    return {(b.location, b.status): b.on_hand for b in queries.stock_of(conn, "NUT", virtual=False)}


async def test_a_change_of_status_is_a_movement_in_one_place(database: Database) -> None:
    def work(conn: Connection) -> None:
        open_shop(conn)
        arrived = moving(1, "supplier", "dock", 5, epcs=("AA",))
        damaged = moving(2, "dock", "dock", 2, destination_status="damaged", epcs=("AA",))
        ledger.post(conn, [arrived, damaged], record_us=1)
        assert held(conn) == {("dock", "available"): 3, ("dock", "damaged"): 2}
        assert conn.execute(text("SELECT status FROM tag_place")).scalar_one() == "damaged"
        with pytest.raises(InsufficientStock, match=r"holds 3 of NUT \(and 2 damaged\), 4 were"):
            ledger.post(conn, [moving(3, "dock", "hall", 4)], record_us=2)
        with pytest.raises(StockError, match="there it can only change a status"):
            ledger.post(conn, [moving(4, "dock", "dock")], record_us=2)
        with pytest.raises(StockError, match="a status is one of available, quarantined"):
            ledger.post(conn, [moving(5, "dock", "hall", source_status="lost")], record_us=2)
        mended = moving(6, "dock", "hall", 1, source_status="damaged")
        ledger.post(conn, [mended], record_us=2)
        assert held(conn)["hall", "available"] == 1
        assert ledger_faults(conn) == []

    await database.write(work)


async def test_what_sensors_see_keeps_the_status_in_which_it_lay(database: Database) -> None:
    def sensed(number: int, quantity: int, *epcs: str) -> Movement:
        return moving(number, "dock", "hall", quantity, origin="portal", epcs=epcs)

    def work(conn: Connection) -> None:
        open_shop(conn)
        arrived = moving(1, "supplier", "dock", 9, epcs=("AA", "BB"))
        kept = moving(2, "dock", "dock", 4, destination_status="quarantined", epcs=("AA",))
        ledger.post(conn, [arrived, kept], record_us=1)
        by_tag, by_units = ledger.post_each(conn, [sensed(3, 1, "AA"), sensed(4, 5)], record_us=2)
        assert isinstance(by_tag, Posted)
        assert by_tag.movement.destination_status == "quarantined"
        assert isinstance(by_units, Posted)
        assert by_units.movement.source_status == AVAILABLE
        assert held(conn) == {
            ("dock", "quarantined"): 3, ("hall", "available"): 5, ("hall", "quarantined"): 1,
        }  # fmt: skip
        (rest,) = ledger.post_each(conn, [sensed(6, 3)], record_us=3)
        assert isinstance(rest, Posted)  # nothing that can be sold is left: it takes what is there
        assert held(conn) == {("hall", "available"): 5, ("hall", "quarantined"): 4}
        (again,) = ledger.post_each(conn, [sensed(6, 3)], record_us=4)
        assert isinstance(again, Posted)
        assert again.repeated
        assert ledger_faults(conn) == []

    await database.write(work)


async def test_tags_in_two_statuses_are_asked_about(database: Database) -> None:
    def work(conn: Connection) -> None:
        open_shop(conn)
        arrived = moving(1, "supplier", "dock", 4, epcs=("AA", "BB"))
        kept = moving(2, "dock", "dock", 2, destination_status="expired", epcs=("BB",))
        ledger.post(conn, [arrived, kept], record_us=1)
        both = moving(3, "dock", "hall", 2, origin="portal", epcs=("AA", "BB"))
        (refused,) = ledger.post_each(conn, [both], record_us=2)
        assert isinstance(refused, StockError)
        assert "the tags lie at dock as available and as expired" in str(refused)

    await database.write(work)


_MOVES = st.lists(
    st.builds(
        lambda number, ends, statuses, quantity, origin: moving(
            number, ends[0], ends[1], quantity, origin=origin,
            source_status=statuses[0], destination_status=statuses[1],
        ),
        st.integers(0, 40),
        st.tuples(*[st.sampled_from([*PLACES, "supplier", "customer"])] * 2),
        st.tuples(*[st.sampled_from(STATUSES)] * 2),
        st.integers(1, 6),
        st.sampled_from(["api", "portal"]),
    ),
    max_size=30,
)  # fmt: skip


class Undo(Exception):
    """Nothing of it is to stay."""


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=_MOVES)
def test_no_account_inside_goes_below_zero_and_all_sum_to_what_was_posted(
    database: Database, wanted: list[Movement]
) -> None:
    def work(conn: Connection) -> None:
        open_shop(conn)
        model: Counter[tuple[str, str]] = Counter()
        results = ledger.post_each(conn, wanted, record_us=1)
        seen = set()
        for asked, result in zip(wanted, results, strict=True):
            if not isinstance(result, Posted) or asked.id in seen:
                continue
            seen.add(asked.id)
            one = result.movement
            model[one.source, one.source_status] -= one.quantity
            model[one.destination, one.destination_status] += one.quantity
            assert one.source not in PLACES or model[one.source, one.source_status] >= 0
            if asked.origin == "api":
                assert (one.source_status, one.destination_status) == (
                    asked.source_status, asked.destination_status,
                )  # fmt: skip
        inside = {key: units for key, units in model.items() if units and key[0] in PLACES}
        assert held(conn) == inside
        assert ledger_faults(conn) == []
        raise Undo

    with pytest.raises(Undo):
        database.write_now(work)
