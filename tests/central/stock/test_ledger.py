"""Conservation, refusals, repeats and the chain, on both engines."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.catalogue.items import set_item_status
from central.database.store import Database
from central.stock import chain, ledger, projection, queries
from central.stock.model import (
    ConflictingRepeat,
    InsufficientStock,
    Movement,
    NotReceived,
    Posted,
    StockError,
    UnknownLocation,
)
from tests.central.shop import PLACES, SKUS, moving, open_shop


class _Undo(Exception):
    """Rolls a trial back, so that the next begins with an empty ledger."""


def _trial(database: Database, work: object) -> None:
    def run(conn: Connection) -> None:
        open_shop(conn)
        work(conn)  # type: ignore[operator]
        raise _Undo

    with pytest.raises(_Undo):
        database.write_now(run)


_ENDS = st.sampled_from([*PLACES, "supplier", "customer", "adjustment", "nowhere"])
_WANTED = st.lists(
    st.builds(
        lambda number, ends, quantity, sku, lot: moving(
            number, ends[0], ends[1], quantity, sku, lot=lot
        ),
        st.integers(0, 15), st.tuples(_ENDS, _ENDS), st.integers(1, 9),
        st.sampled_from([*SKUS, "GHOST"]), st.sampled_from(["", "L1"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=_WANTED, cuts=st.lists(st.integers(1, 8), min_size=1, max_size=8))
def test_stock_is_conserved_however_it_is_cut(
    database: Database, wanted: list[Movement], cuts: list[int]
) -> None:
    """Against a model of five lines: the same acceptances, balances, and a whole chain."""
    model: Counter[tuple[str, str, str]] = Counter()
    first: dict[str, tuple[object, ...]] = {}

    def expect(m: Movement) -> str:
        content = (m.sku, m.lot, m.quantity, m.source, m.destination)
        if m.id in first:
            return "repeat" if first[m.id] == content else "refused"
        known = m.sku in SKUS and "nowhere" not in {m.source, m.destination}
        short = m.source in PLACES and model[m.sku, m.lot, m.source] < m.quantity
        if not known or m.source == m.destination or short:
            return "refused"
        first[m.id] = content
        model[m.sku, m.lot, m.source] -= m.quantity
        model[m.sku, m.lot, m.destination] += m.quantity
        return "posted"

    def work(conn: Connection) -> None:
        rest, turn = list(wanted), 0
        while rest:
            size = cuts[turn % len(cuts)]
            part, rest, turn = rest[:size], rest[size:], turn + 1
            for movement, result in zip(
                part, ledger.post_each(conn, part, record_us=turn), strict=True
            ):
                said = "refused" if isinstance(result, StockError) else (
                    "repeat" if result.repeated else "posted"
                )  # fmt: skip
                assert said == expect(movement), (movement, result)
        page = queries.on_hand(conn, virtual=True)
        assert {(b.sku, b.lot, b.location): b.on_hand for b in page} == {
            key: value for key, value in model.items() if value
        }
        assert projection.check_balances(conn) == []
        assert chain.verify(conn) == []
        before = queries.on_hand(conn, virtual=True, zero=True)
        assert projection.rebuild_balances(conn) == len(before)
        assert queries.on_hand(conn, virtual=True, zero=True) == before

    _trial(database, work)


def test_the_first_receipt_into_a_new_location_has_a_balance(database: Database) -> None:
    def work(conn: Connection) -> None:
        ledger.post(conn, [moving(1, "supplier", "dock", 7)], record_us=1)
        assert [(b.location, b.on_hand) for b in queries.stock_of(conn, "NUT")] == [
            ("dock", 7), ("supplier", -7),
        ]  # fmt: skip

    _trial(database, work)


def test_a_batch_is_posted_as_a_whole_or_not_at_all(database: Database) -> None:
    def work(conn: Connection) -> None:
        batch = [moving(1, "supplier", "dock", 5), moving(2, "dock", "hall", 6)]
        with pytest.raises(InsufficientStock, match="dock holds 5 of NUT, 6 were asked for"):
            ledger.post(conn, batch, record_us=1)
        assert queries.last_seq(conn) == 0
        assert chain.head(conn).no == 0

    _trial(database, work)


def test_the_same_batch_twice_counts_once_and_other_content_is_refused(database: Database) -> None:
    def work(conn: Connection) -> None:
        batch = [moving(1, "supplier", "dock", 5, evidence={"reads": 3}), moving(2, "dock", "hall")]
        once = ledger.post(conn, batch, record_us=1)
        again = ledger.post(conn, batch, record_us=99)
        assert [p.repeated for p in again] == [True, True]
        assert [(p.seq, p.movement, p.record_time) for p in again] == [
            (p.seq, p.movement, p.record_time) for p in once
        ]
        with pytest.raises(ConflictingRepeat, match="number 1"):
            ledger.post(conn, [moving(1, "supplier", "dock", 6)], record_us=2)
        assert queries.last_seq(conn) == 2

    _trial(database, work)


def test_retired_and_unknown_are_refused(database: Database) -> None:
    def work(conn: Connection) -> None:
        set_item_status(conn, "BOLT", "retired")
        results = ledger.post_each(
            conn,
            [
                moving(1, "supplier", "dock", sku="BOLT"),
                moving(2, "supplier", "attic"),
                moving(3, "supplier", "dock"),
            ],
            record_us=1,
        )
        assert [type(r) for r in results] == [NotReceived, UnknownLocation, Posted]

    _trial(database, work)


def test_tags_are_where_the_last_movement_took_them(database: Database) -> None:
    def work(conn: Connection) -> None:
        epc = "30340789AB00000000000001"
        ledger.post(conn, [moving(1, "supplier", "dock", epcs=(epc,))], record_us=1)
        ledger.post(conn, [moving(2, "dock", "hall", epcs=(epc,))], record_us=2)
        place = conn.execute(text("SELECT location, last_seq FROM tag_place")).one()
        assert tuple(place) == ("hall", 2)

    _trial(database, work)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE movement SET quantity = quantity + 1 WHERE seq = 4", r"block 2 \(rows 3 to 4\)"),
        ("DELETE FROM movement WHERE seq = 3", "block 2 .* row 3 is missing"),
        ("DELETE FROM block WHERE no = 3", r"2 rows \(5 to 6\) stand outside every block"),
        ("UPDATE block SET hash = prev_hash WHERE no = 1", r"block 1 "),
    ],
)
def test_whoever_edits_the_past_is_found_out(database: Database, harm: str, told: str) -> None:
    import re

    def work(conn: Connection) -> None:
        for n in (1, 3, 5):
            batch = [moving(n, "supplier", "dock", 2), moving(n + 1, "dock", "hall")]
            ledger.post(conn, batch, record_us=n)
        _take_the_locks_off(conn)
        conn.execute(text(harm))
        (fault,) = chain.verify(conn)
        assert re.search(told, fault), fault

    _trial(database, work)


def test_a_wrong_balance_is_named(database: Database) -> None:
    def work(conn: Connection) -> None:
        ledger.post(conn, [moving(1, "supplier", "dock", 2)], record_us=1)
        conn.execute(text("UPDATE balance SET on_hand = 3 WHERE location = 'dock'"))
        faults = projection.check_balances(conn)
        assert "NUT  at dock (available) says 3, its movements say 2" in faults[0]
        assert "item NUT sums to 1" in faults[1]

    _trial(database, work)


def _take_the_locks_off(conn: Connection) -> None:
    """What somebody with the database's keys could do."""
    for table in ("movement", "block"):
        if conn.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                conn.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        else:
            conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
