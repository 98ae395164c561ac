"""The rules of counts: whatever moves meanwhile, approving a count makes the books true."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.counts.model import (
    CountError,
    Entry,
    Key,
    Moved,
    abc_classes,
    difference,
    tallied,
)
from central.counts.weighing import countable_maximum, pieces, spread

KEY = Key("NUT", "", "bin", "available")


class Books:
    """One account: what truly lies there, and what the ledger says."""

    def __init__(self, error: int) -> None:
        self.now = 0
        self.truth = 0
        self.ledger = [Moved(1, 0, error)]
        self.happened: list[tuple[int, int]] = []
        self.counts: list[Entry] = []

    def move(self, change: int, *, late: bool) -> None:
        self.now += 1
        self.truth += change
        self.happened.append((self.now, change))
        if not late:
            self.tell()

    def tell(self, upto: int = 2**62) -> None:
        """Movements that had not been told come to the ledger, with when they happened."""
        told = [one for one in self.happened if one[0] <= upto]
        self.happened = [one for one in self.happened if one[0] > upto]
        for event_us, change in told:
            self.ledger.append(Moved(len(self.ledger) + 1, event_us, change))

    def count(self) -> None:
        self.now += 1
        name = f"entry-{self.now}"
        as_of = len(self.ledger)
        self.counts.append(
            Entry(
                id=name, round=0, method="hand", key=KEY, quantity=self.truth, since=as_of,
                as_of=as_of, counted_us=self.now, by="anna",
            )
        )  # fmt: skip

    def approve(self) -> None:
        """The oldest count, once all that had happened before it was told."""
        one = self.counts.pop(0)
        self.tell(one.counted_us)
        tally = tallied([one])[KEY]
        balance = sum(moved.change for moved in self.ledger)
        expected, disturbed = difference(tally, balance, self.ledger[tally.since :])
        assert not disturbed
        change = tally.counted - expected
        self.ledger.append(Moved(len(self.ledger) + 1, one.counted_us, change))


MOVE = st.tuples(st.just("move"), st.integers(-20, 20), st.booleans())
STEPS = st.lists(st.one_of(MOVE, st.just(("count",)), st.just(("approve",))), max_size=30)


@given(error=st.integers(-50, 50), steps=STEPS)
def test_any_interleaving_of_movements_and_counts_gives_the_true_stock(
    error: int, steps: list[tuple[object, ...]]
) -> None:
    books = Books(error)
    for step in steps:
        match step:
            case ("move", int(change), bool(late)):
                books.move(change, late=late)
            case ("count",):
                books.count()
            case _ if books.counts:
                books.approve()
    books.count()
    while books.counts:
        books.approve()
    books.tell()
    assert sum(one.change for one in books.ledger) == books.truth


def entry(number: int, quantity: int, **more: object) -> Entry:
    values: dict[str, object] = {
        "id": f"entry-{number}", "round": 0, "method": "hand", "key": KEY, "quantity": quantity,
        "since": number, "as_of": number, "counted_us": number, "by": "anna",
    }  # fmt: skip
    return Entry(**values | more)  # type: ignore[arg-type]


def test_entries_add_up_and_a_recount_takes_their_place() -> None:
    first = [entry(1, 4), entry(2, 3)]
    assert tallied(first)[KEY].counted == 7
    again = tallied([*first, entry(3, 6, round=1)])[KEY]
    assert (again.counted, again.since, again.as_of) == (6, 3, 3)


def test_doubles_a_piece_that_two_people_scan_counts_once() -> None:
    names = [{"a": 1, "b": 1}, {"b": 1, "c": 1}]
    found = tallied(entry(n, 2, pieces=one) for n, one in enumerate(names, 1))
    assert found[KEY].counted == 3


def test_what_moves_while_an_account_is_counted_makes_it_uncertain() -> None:
    tally = tallied([entry(1, 4), entry(5, 3)])[KEY]
    assert difference(tally, 7, [Moved(3, 3, -1)]) == (7, True)
    assert difference(tally, 6, [Moved(6, 6, -1)]) == (7, False)
    # It happened before the count and came late: the count has seen it.
    assert difference(tally, 6, [Moved(6, 4, -1)]) == (6, False)


def test_weight_counts_as_far_as_one_piece_can_be_told() -> None:
    assert pieces(1_000_000, 10_000, 0.01, 100).quantity == 100
    assert pieces(0, 10_000, 0.01, 100).quantity == 0
    most = countable_maximum(0.02, 1_000, 10_000)
    assert most is not None
    assert spread(most, 0.02, 1_000, 10_000) <= 0.5 / 2.576 < spread(most + 1, 0.02, 1_000, 10_000)
    assert pieces(most * 10_000, 10_000, 0.02, 1_000).quantity == most
    with pytest.raises(CountError, match="cannot be told from one more"):
        pieces((most + 1) * 10_000, 10_000, 0.02, 1_000)
    with pytest.raises(CountError, match="no whole number"):
        pieces(104_000, 10_000, 0.01, 100)
    with pytest.raises(CountError, match="check the tare"):
        pieces(-5_000, 10_000, 0.01, 100)
    assert countable_maximum(0.0, 100, 10_000) is None
    assert countable_maximum(0.01, 10_000, 10_000) == 0
    assert math.isclose(spread(100, 0.01, 500, 10_000), math.sqrt(100 * 0.01**2 + 0.05**2))


def test_classes_go_by_the_value_that_moved() -> None:
    values = {"car": 800, "cup": 140, "pin": 60, "nil": 0}
    assert abc_classes(values) == {"car": "A", "cup": "B", "pin": "B", "nil": "C"}
    assert abc_classes({"a": 0}) == {"a": "C"}
