"""A count held against the ledger as it stands: line by line, computed anew whenever asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

from central.counts import pieces, sweeps, tasks
from central.counts.model import Key, Line, Moved, Tally, Task, difference, tallied
from central.database.bulk import BulkLookup
from central.stock import queries

__all__ = ["held_keys", "lines_of"]

_MOST_HELD = 100_000
_BALANCES = BulkLookup(
    "SELECT b.sku, b.lot, b.location, b.status, b.on_hand FROM {keys} JOIN balance b "
    "ON b.sku = k.sku AND b.lot = k.lot AND b.location = k.location AND b.status = k.status",
    (("sku", "text"), ("lot", "text"), ("location", "text"), ("status", "text")),
)
_MOVED = text(
    "SELECT seq, event_us, quantity, lot, source, source_status, destination, destination_status "
    "FROM movement WHERE sku = :sku AND seq > :since ORDER BY seq"
)


def lines_of(conn: Connection, task: Task) -> list[Line]:
    """Each account that was counted, and each tag or piece that differs, with what was decided."""
    entries = tasks.entries_of(conn, task.id)
    swept = [one for one in entries if one.method == sweeps.SWEEP]
    heard = pieces.heard(conn, task, entries)
    named = {sku for sku, _ in heard}
    by_hand = tallied(
        one for one in entries if one.method != sweeps.SWEEP and one.key.sku not in named
    )
    balances = _balances(conn, by_hand)
    moved = _moved(conn, by_hand)
    lines = []
    for key, tally in sorted(by_hand.items()):
        expected, disturbed = difference(tally, balances.get(key, 0), moved[key])
        lines.append(
            Line(
                kind="quantity",
                **key._asdict(),
                method=tally.method,
                counted=tally.counted,
                expected=expected,
                as_of=tally.as_of,
                counted_us=tally.counted_us,
                disturbed=disturbed,
            )
        )
    lines += pieces.lines(conn, heard)
    of_tags = sweeps.lines(conn, swept, without=named)
    lines += [one for one in of_tags if not task.skus or one.sku in task.skus]
    return tasks.with_decisions(lines, tasks.decisions_of(conn, task.id))


def held_keys(conn: Connection, task: Task) -> list[Key]:
    """The accounts in a task's places that hold anything, of its items."""
    held = queries.on_hand(conn, location=task.location, below=task.below, limit=_MOST_HELD)
    wanted = set(task.skus)
    return [
        Key(one.sku, one.lot, one.location, one.status)
        for one in held
        if not wanted or one.sku in wanted
    ]


def newest_seq(conn: Connection) -> int:
    """The ledger's newest movement."""
    return queries.last_seq(conn)


def _balances(conn: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    return {Key(*row[:4]): row[4] for row in _BALANCES.run(conn, [tuple(key) for key in keys])}


def _moved(conn: Connection, tallies: Mapping[Key, Tally]) -> Mapping[Key, list[Moved]]:
    """For each account its movements since it began to be counted."""
    since: dict[str, int] = {}
    for key, tally in tallies.items():
        since[key.sku] = min(since.get(key.sku, tally.since), tally.since)
    found: defaultdict[Key, list[Moved]] = defaultdict(list)
    for sku, seq in since.items():
        for row in conn.execute(_MOVED, {"sku": sku, "since": seq}):
            ends = (
                (row.source, row.source_status, -row.quantity),
                (row.destination, row.destination_status, row.quantity),
            )
            for place, status, change in ends:
                key = Key(sku, row.lot, place, status)
                if key in tallies and row.seq > tallies[key].since:
                    found[key].append(Moved(row.seq, row.event_us, change))
    return found
