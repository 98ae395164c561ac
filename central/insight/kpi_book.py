"""Accuracy figures out of the ledger and the reviews, added up as both grow. Read-only.

The ledger is followed by its numbers: an answer costs what is new since the last one. At the
first one, and after long silence, it takes at most ``MOST_ROWS`` a time and says that it is still
catching up. What the balances show is asked again when it is older than ``KEPT_US``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select, text

from central import schema
from central.counts import results
from central.database.bulk import BulkLookup
from central.insight.kpi import DAY_US, SENSED, Books, Kpis, Tally, day_of
from central.stock.model import Cause
from central.stock.queries import first_seq_since

MOST_DAYS = 31
MOST_ROWS = 100_000
KEPT_US = 60_000_000
_CHUNK = 5_000
_moved = schema.movement.c
_COLUMNS = (
    _moved.seq, _moved.id, _moved.origin, _moved.event_us, _moved.record_us, _moved.evidence,
    _moved.corrects, _moved.causes,
)  # fmt: skip
_HELD = text(
    "SELECT count(*) AS pairs, coalesce(sum(held.on_hand), 0) AS on_hand FROM ("
    "SELECT b.sku, b.location, sum(b.on_hand) AS on_hand FROM balance b "
    "JOIN location l ON l.code = b.location "
    "WHERE l.kind = 'internal' AND (b.on_hand <> 0 OR b.last_seq >= :first) "
    "GROUP BY b.sku, b.location) AS held"
)
_CHANGED = text(
    "SELECT count(*) FROM ("
    "SELECT m.sku, m.source AS place FROM movement m JOIN location l ON l.code = m.source "
    "WHERE m.seq >= :first AND l.kind = 'internal' "
    "AND (m.corrects IS NOT NULL OR m.destination IN ('adjustment', 'unknown')) "
    "UNION "
    "SELECT m.sku, m.destination FROM movement m JOIN location l ON l.code = m.destination "
    "WHERE m.seq >= :first AND l.kind = 'internal' "
    "AND (m.corrects IS NOT NULL OR m.source IN ('adjustment', 'unknown'))) AS changed"
)
_UNEXPLAINED = text(
    "SELECT coalesce(sum(quantity), 0) FROM movement WHERE seq >= :first AND corrects IS NULL "
    "AND (source IN ('adjustment', 'unknown') OR destination IN ('adjustment', 'unknown'))"
)


_WHERE = BulkLookup(
    "SELECT k.id, o.read_point FROM {keys} JOIN observation o "
    "ON o.edge = k.edge AND o.epoch = k.epoch AND o.seq = k.seq",
    (("id", "text"), ("edge", "text"), ("epoch", "text"), ("seq", "bigint")),
)


class _Evidence(msgspec.Struct):
    """Of a movement's evidence, where it was sensed."""

    read_point: str = ""


_EVIDENCE = msgspec.json.Decoder(_Evidence)
_CAUSES = msgspec.json.Decoder(list[Cause])


class KpiBook:
    """Adds up along the ledger; several threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._position: int | None = None
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._corrected: dict[str, int] = {}
        self._books: dict[int, tuple[int, Books | None]] = {}
        self.catching_up = False

    def window(self, connection: Connection, *, now_us: int, days: int = 7) -> Kpis:
        """The last ``days``, today among them."""
        assert 1 <= days <= MOST_DAYS
        first_day = day_of(now_us) - days + 1
        with self._lock:
            self._catch_up(connection, day_of(now_us) - MOST_DAYS + 1)
            tallies = {
                key: msgspec.structs.replace(tally)
                for key, tally in self._tallies.items()
                if key[1] >= first_day
            }
            books = self._books_of(connection, first_day, now_us)
        for (point, day), counts in _reviews(connection, first_day * DAY_US).items():
            tally = tallies.setdefault((point, day), Tally())
            tally.asked, tally.resolved, tally.overruled = counts
        return Kpis(
            since_us=first_day * DAY_US, until_us=now_us, tallies=dict(sorted(tallies.items())),
            books=books,
        )  # fmt: skip

    # ---- the ledger ------------------------------------------------------------------------
    def _catch_up(self, connection: Connection, first_day: int) -> None:
        if self._position is None:
            self._position = first_seq_since(connection, first_day * DAY_US) - 1
        self._forget(first_day)
        for _ in range(MOST_ROWS // _CHUNK):
            fresh = select(*_COLUMNS).where(_moved.seq > self._position)
            rows = connection.execute(fresh.order_by(_moved.seq).limit(_CHUNK)).all()
            judged = [row for row in rows if _is_judged(row)]
            points = _read_points(connection, judged)
            for row in judged:
                tally = self._tally(points[row.id], row.record_us)
                tally.auto_posted += 1
                tally.delays.add((row.record_us - row.event_us) / 1e6)
            self._correct(connection, [row.corrects for row in rows if row.corrects], first_day)
            self._position = rows[-1].seq if rows else self._position
            self.catching_up = len(rows) == _CHUNK
            if not self.catching_up:
                return

    def _correct(self, connection: Connection, ids: Sequence[str], first_day: int) -> None:
        """Tell corrections on the days of what they correct, each movement once."""
        fresh = [one for one in dict.fromkeys(ids) if one not in self._corrected]
        if not fresh:
            return
        rows = connection.execute(select(*_COLUMNS).where(_moved.id.in_(fresh))).all()
        self._corrected.update((row.id, day_of(row.record_us)) for row in rows)
        judged = [row for row in rows if _is_judged(row) and day_of(row.record_us) >= first_day]
        for name, point in _read_points(connection, judged).items():
            (row,) = (row for row in judged if row.id == name)
            self._tally(point, row.record_us).corrected += 1

    def _tally(self, point: str, record_us: int) -> Tally:
        return self._tallies.setdefault((point, day_of(record_us)), Tally())

    def _forget(self, first_day: int) -> None:
        for key in [key for key in self._tallies if key[1] < first_day]:
            del self._tallies[key]
        for one in [one for one, day in self._corrected.items() if day < first_day]:
            del self._corrected[one]

    # ---- the balances ----------------------------------------------------------------------
    def _books_of(self, connection: Connection, first_day: int, now_us: int) -> Books:
        asked_us, books = self._books.get(first_day, (0, None))
        if books is None or not 0 <= now_us - asked_us < KEPT_US:
            books = _books(connection, first_day * DAY_US)
            if len(self._books) > MOST_DAYS:
                self._books.clear()
            self._books[first_day] = (now_us, books)
        return books


def _is_judged(row: Any) -> bool:  # noqa: ANN401 (a row of these columns)
    return row.origin in SENSED and row.corrects is None


def _read_points(connection: Connection, rows: Sequence[Any]) -> dict[str, str]:
    """Where each movement was sensed: as its evidence says, or else by the first observation that
    caused it; ``unknown`` where that is not kept any more.
    """
    points = {row.id: _EVIDENCE.decode(row.evidence).read_point for row in rows}
    causes = {row.id: _CAUSES.decode(row.causes) for row in rows if not points[row.id]}
    keys = [(name, c[0].edge, c[0].epoch, c[0].first_seq) for name, c in causes.items() if c]
    found = {row[0]: row[1] for row in _WHERE.run(connection, keys)}
    return {name: point or found.get(name, "unknown") for name, point in points.items()}


def _books(connection: Connection, since_us: int) -> Books:
    since = {"first": first_seq_since(connection, since_us)}
    held = connection.execute(_HELD, since).one()
    counted = results.accuracy(connection, since_us)
    return Books(
        pairs=int(held.pairs),
        on_hand=int(held.on_hand),
        changed=int(connection.execute(_CHANGED, since).scalar_one()),
        unexplained=int(connection.execute(_UNEXPLAINED, since).scalar_one()),
        counted=counted.cases,
        exact=counted.hits,
    )


def _reviews(connection: Connection, since_us: int) -> dict[tuple[str, int], tuple[int, int, int]]:
    """By read point and day: reviews opened, resolved, and resolved against the best. One that was
    answered as it was opened, by what was asked before, was put to nobody.
    """
    review = schema.review.c
    asked = select(review.read_point, review.opened_us, review.status, review.resolution)
    at_once = (review.status == "answered") & (review.resolved_us == review.opened_us)
    found: dict[tuple[str, int], tuple[int, int, int]] = {}
    for row in connection.execute(asked.where(review.opened_us >= since_us, ~at_once)):
        key = (row.read_point, day_of(row.opened_us))
        opened, resolved, overruled = found.get(key, (0, 0, 0))
        settled = row.status == "resolved"
        against = settled and is_overruled(row.resolution)
        found[key] = (opened + 1, resolved + settled, overruled + against)
    return found


class _Resolution(msgspec.Struct):
    """Of a resolution, whether a hypothesis was chosen, and which: 0 is the best."""

    how: str
    choice: int | None = None


def is_overruled(resolution: str | None) -> bool:
    """Whether a person said otherwise than the best hypothesis."""
    if resolution is None:
        return False
    said = msgspec.json.decode(resolution, type=_Resolution)
    return said.how == "quantities" or said.choice != 0
