"""Balances and tags' places checked against the ledger they follow from, and rebuilt from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, text

from central.database.bulk import BulkInsert
from central.stock import witnesses

__all__ = [
    "DIFFERENT",
    "UNFOUNDED",
    "Disordered",
    "Place",
    "check_balances",
    "check_tags",
    "misplaced",
    "rebuild_balances",
    "rebuild_tags",
]

_LEGS = (
    "SELECT sku, lot, destination AS location, destination_status AS status, "
    "quantity AS change, seq FROM movement "
    "UNION ALL SELECT sku, lot, source, source_status, -quantity, seq FROM movement"
)
# sum() of bigint is numeric on PostgreSQL: the cast brings an integer back.
_TRUTH = (
    "SELECT sku, lot, location, status, CAST(sum(change) AS BIGINT) AS on_hand, "  # noqa: S608
    f"max(seq) AS last_seq FROM ({_LEGS}) AS legs GROUP BY sku, lot, location, status"
)
DIFFERENT = text(
    f"SELECT t.sku, t.lot, t.location, t.status, t.on_hand AS truth, t.last_seq AS truth_seq, "  # noqa: S608
    f"b.on_hand AS said, b.last_seq AS said_seq "
    f"FROM ({_TRUTH}) AS t LEFT JOIN balance b "
    "ON b.sku = t.sku AND b.lot = t.lot AND b.location = t.location AND b.status = t.status "
    "WHERE b.sku IS NULL OR b.on_hand <> t.on_hand OR b.last_seq <> t.last_seq "
    "ORDER BY t.sku, t.lot, t.location, t.status"
)
"""Balances that are not the sum of their movements; ``said`` is null where there is none."""
UNFOUNDED = text(
    "SELECT b.sku, b.lot, b.location, b.status, b.on_hand, b.last_seq FROM balance b "  # noqa: S608
    f"LEFT JOIN ({_TRUTH}) AS t "
    "ON t.sku = b.sku AND t.lot = b.lot AND t.location = b.location AND t.status = b.status "
    "WHERE t.sku IS NULL ORDER BY b.sku, b.lot, b.location, b.status"
)
"""Balances without any movement."""
_UNEVEN = text(
    "SELECT sku, CAST(sum(on_hand) AS BIGINT) AS total FROM balance GROUP BY sku "
    "HAVING sum(on_hand) <> 0 ORDER BY sku"
)
_NEGATIVE = text(
    "SELECT b.sku, b.lot, b.location, b.status, b.on_hand FROM balance b "
    "JOIN location l ON l.code = b.location "
    "WHERE l.kind = 'internal' AND b.on_hand < 0 ORDER BY b.sku, b.lot, b.location, b.status"
)


def check_balances(conn: Connection) -> list[str]:
    """Compare the balances with the ledger; a sentence for each that is wrong.

    Checks that each balance is the sum of its movements, that every item sums to zero over
    all locations, and that no internal location is negative.
    """
    faults = [
        f"the balance of {_named(row)} says {row.said}, its movements say {row.truth}"
        for row in conn.execute(DIFFERENT)
    ]
    faults += [
        f"the balance of {_named(row)} says {row.on_hand} without any movement"
        for row in conn.execute(UNFOUNDED)
    ]
    faults += [
        f"item {row.sku} sums to {row.total} over all locations instead of zero"
        for row in conn.execute(_UNEVEN)
    ]
    faults += [
        f"internal location {row.location} holds {row.on_hand} of {row.sku} {row.lot} "
        f"({row.status})"
        for row in conn.execute(_NEGATIVE)
    ]
    return faults


def _named(row: Row[Any]) -> str:
    return f"{row.sku} {row.lot} at {row.location} ({row.status})"


def rebuild_balances(conn: Connection) -> int:
    """Throw the balances away and sum them up from the ledger; returns how many there are.

    Those of an item come to lie beside each other: a movement changes two of them.
    """
    conn.execute(text("DELETE FROM balance"))
    into = "INSERT INTO balance (sku, lot, location, status, on_hand, last_seq)"
    made = conn.execute(text(f"{into} {_TRUTH} ORDER BY sku, lot, location, status"))
    return int(made.rowcount)


class Disordered(Exception):
    """A damaged table that gives its rows out of order: paging through it would not end."""


class Place(NamedTuple):
    """Where and how a tag lies, by the last movement that names it."""

    sku: str
    location: str
    status: str
    last_seq: int


_PAGE = 5_000
_MOST_TOLD = 100
_decode_epcs = msgspec.json.Decoder(tuple[str, ...]).decode
_INSERT_TAGS = BulkInsert("tag_place", witnesses.TAG_PLACE)


def check_tags(conn: Connection) -> list[str]:
    """Compare where tags lie with the ledger; a sentence for each that is wrong, at most 100."""
    faults = []
    for epc, said, truth in misplaced(conn):
        known = "nothing" if truth is None else f"{truth.sku} at {truth.location} ({truth.status})"
        if said is None:
            faults.append(f"tag {epc} is {known} by its movements, and is not known to be anywhere")
        else:
            faults.append(
                f"tag {epc} is said to be {said.sku} at {said.location} ({said.status}), its "
                f"movements say {known}"
            )
    return faults[:_MOST_TOLD]


def misplaced(conn: Connection) -> Iterator[tuple[str, Place | None, Place | None]]:
    """Each tag that is not where its movements put it: where it is said to be, where it is."""
    truth = _tags(conn)
    for row in conn.execute(
        text("SELECT epc, sku, location, status, last_seq FROM tag_place ORDER BY epc")
    ):
        place = truth.pop(row.epc, None)
        said = Place(*row[1:])
        if place != said:
            yield row.epc, said, place
    for epc, place in truth.items():
        yield epc, None, place


def rebuild_tags(conn: Connection) -> int:
    """Throw the tags' places away and take them from the ledger; returns how many there are."""
    truth = _tags(conn)
    conn.execute(text("DELETE FROM tag_place"))
    _INSERT_TAGS.run(conn, [(epc, *place) for epc, place in truth.items()])
    return len(truth)


def _tags(conn: Connection) -> dict[str, Place]:
    page = text(
        "SELECT seq, sku, destination, destination_status, epcs FROM movement "
        "WHERE seq > :after AND epcs <> '[]' ORDER BY seq LIMIT :limit"
    )
    placed: dict[str, Place] = {}
    told = _Told(conn)
    after = 0
    while found := conn.execute(page, {"after": after, "limit": _PAGE}).all():
        for row in found:
            told.bring(placed, before_seq=row.seq)
            place = Place(row.sku, row.destination, row.destination_status, row.seq)
            placed.update(dict.fromkeys(_decode_epcs(row.epcs), place))
        if found[-1].seq <= after:
            raise Disordered(f"movement {found[-1].seq} comes after movement {after}")
        after = found[-1].seq
    told.bring(placed)
    return placed


class _Told:
    """What witnesses say of tags, between the movements."""

    def __init__(self, conn: Connection) -> None:
        self._rows = witnesses.everything(conn)
        self._next = next(self._rows, None)

    def bring(self, placed: dict[str, Place], before_seq: int = 2**62) -> None:
        """Bring ``placed`` up to movement ``before_seq``, without it."""
        while self._next is not None and self._next.after_seq < before_seq:
            one = self._next
            place = Place(one.sku, one.location, one.status, one.seq)
            placed.update(dict.fromkeys(self._next.epcs, place))
            self._next = next(self._rows, None)
