"""Books that are loaded from a seed are sound, and the baseline beside them does what it says."""

from __future__ import annotations

import itertools
from contextlib import closing

from sqlalchemy import text

from benchmarks.books import ledger
from benchmarks.books.document_style import DocumentStyle
from benchmarks.books.load import load
from benchmarks.books.world import Size, World, sku
from central.database.store import Database
from central.stock import chain, projection, queries

SIZE = Size(skus=40, balances=400, movements=1_500)


def test_every_item_lies_where_the_world_says_and_nothing_is_amiss(database: Database) -> None:
    world = World(SIZE, seed=3)
    load(database, world)
    assert database.read_now(chain.verify) == []
    assert database.read_now(projection.check_balances) == []
    there = database.read_now(lambda c: queries.on_hand(c, limit=10_000, zero=True))
    assert {(b.sku, b.location): b.on_hand for b in there} == {
        (sku(index // world.each), world.place(index)): held
        for index, held in enumerate(world.on_hand)
    }
    assert min(world.on_hand) >= 0


def test_a_seed_is_the_same_history() -> None:
    first, second, other = (list(World(SIZE, seed).movements()) for seed in (3, 3, 4))
    assert first == second
    assert first != other


def test_both_styles_move_the_same(books_url: str) -> None:
    world = World(SIZE, seed=3)
    with closing(Database(books_url)) as database, closing(DocumentStyle(books_url)) as style:
        load(database, world)
        style.prepare()
        numbers = itertools.count(SIZE.movements)
        moves = [world.movement(next(numbers)) for _ in range(50)]
        for one in moves:
            style.move(one)
        now = "SELECT sku, location, CAST(sum(quantity) AS BIGINT) FROM style_balance"
        internal = " WHERE location LIKE 'WH-%' GROUP BY sku, location"
        theirs = database.read_now(lambda c: c.execute(text(now + internal)).all())
        assert {(row[0], row[1]): row[2] for row in theirs} == {
            (sku(index // world.each), world.place(index)): held
            for index, held in enumerate(world.on_hand)
        }
        ahead = World(SIZE, seed=3)
        list(ahead.movements())
        rate, cpu_us = ledger._ours(database, ahead, itertools.count(SIZE.movements), 200, 100)
        assert min(rate, cpu_us) > 0
        assert database.read_now(queries.last_seq) == SIZE.movements + 200
