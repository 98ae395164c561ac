"""From what a person says, scans, weighs or hears to an entry of a count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.catalogue import tree
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.catalogue.items import get_item
from central.counts import tasks, weighing
from central.counts.model import CountError, Entry, Key, State, Task
from central.counts.pieces import PIECES
from central.counts.sweeps import SWEEP
from central.judging import whereabouts
from central.receiving.model import Seen
from central.receiving.scanning import Asked, one_seen, pack_of_tag
from central.stock import queries
from central.stock.model import Status

__all__ = ["Found", "count"]

_MOST_HEARD = 20_000


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody found, by one of: a ``quantity`` of a ``sku``, or the ``serials`` of one that
    is tracked by them (no piece: a quantity of 0); a scanned ``code``; a
    ``gross_mg`` on a scale whose reading is ``sigma_mg`` sure; the ``epcs`` that a hand-held
    heard; what the reader of a zone, ``read_point``, hears now and heard since counting began.

    ``counted_us`` is when, ``as_of`` the ledger's newest movement then, where the network was
    away; else it is now. ``replaces`` names an entry that was a mistake.
    """

    sku: str = ""
    lot: str = ""
    location: str = ""
    status: Status = "available"
    quantity: int | None = None
    serials: tuple[str, ...] = ()
    code: str | None = None
    symbology: str | None = None
    gross_mg: int | None = None
    tare_mg: int = 0
    sigma_mg: float = 0.0
    epcs: tuple[str, ...] | None = None
    read_point: str | None = None
    counted_us: int | None = None
    as_of: int | None = None
    replaces: str = ""


def count(conn: Connection, name: str, entry: str, found: Found, told: Told) -> tuple[Task, bool]:
    """Keep what was found; the task, and whether this was told before.

    Raises ``CountError`` for a count that nobody is at, ``NotValid`` for what is none of it, what
    reading a code raises, and ``ConflictingRepeat``.
    """
    task = tasks.get_task(conn, name)
    asked = msgspec.json.encode(found).decode()
    if tasks.entry_before(conn, name, entry, asked):
        return task, True
    tasks.check(task, State.COUNTING)
    place = found.location or task.location
    _check_place(conn, task, place)
    method, key, quantity, named, serials = _counted(conn, task, found, place)
    as_of, counted_us = _when(conn, task, found, told)
    made = Entry(
        id=entry,
        round=task.round,
        method=method,
        key=key,
        quantity=quantity,
        since=as_of,
        as_of=as_of,
        counted_us=counted_us,
        by=told.by,
        pieces=named,
        serials=serials,
    )
    tasks.add_entry(conn, name, made, asked=asked, replaces=found.replaces)
    return task, False


class _Counted(NamedTuple):
    method: str
    key: Key
    quantity: int
    pieces: dict[str, int] = {}  # noqa: RUF012 (never changed)
    serials: tuple[str, ...] = ()


def _counted(conn: Connection, task: Task, found: Found, place: str) -> _Counted:
    if found.epcs is not None or found.read_point is not None:
        epcs = found.epcs if found.epcs is not None else _heard(conn, task, found.read_point or "")
        swept = _swept(conn, task, epcs)
        return _Counted(SWEEP, Key("", "", place, "available"), len(epcs), swept)
    if found.code is not None:
        asked = Asked(
            code=found.code, symbology=found.symbology, quantity=found.quantity, lot=found.lot
        )
        return _seen(task, one_seen(conn, asked), found, place)
    item = get_item(conn, found.sku)
    _check_item(task, item.sku)
    if item.tracking == "serial" and (found.quantity != 0 or found.gross_mg is not None):
        asked = Asked(sku=item.sku, quantity=found.quantity, lot=found.lot, serials=found.serials)
        return _seen(task, one_seen(conn, asked), found, place)
    key = Key(item.sku, found.lot, place, found.status)
    if item.tracking == "serial":
        return _Counted(PIECES, key, 0)
    if found.serials:
        raise NotValid(f"item {item.sku} is not tracked by serial numbers: leave them out")
    if found.gross_mg is None:
        return _Counted("hand", key, found.quantity or 0)
    if item.unit_mg is None:
        raise CountError(f"nobody said what one {item.sku} weighs: count it by hand")
    net_mg = found.gross_mg - found.tare_mg
    weighed = weighing.pieces(net_mg, item.unit_mg, item.unit_cv or 0.0, found.sigma_mg)
    return _Counted("weight", key, weighed.quantity)


def _seen(task: Task, seen: Seen, found: Found, place: str) -> _Counted:
    _check_item(task, seen.sku)
    key = Key(seen.sku, seen.lot, place, found.status)
    named = {one.shared: one.units for one in seen.pieces}
    return _Counted(
        PIECES if seen.serials else "scan", key, seen.quantity, named, serials=seen.serials
    )


def _heard(conn: Connection, task: Task, read_point: str) -> tuple[str, ...]:
    """The tags in a zone now, and those that came since counting began, gone again or not."""
    there = whereabouts.present(conn, read_point=read_point, limit=_MOST_HEARD)
    came = whereabouts.events(conn, read_point=read_point, limit=_MOST_HEARD)
    since = task.started_us or 0
    heard = [row["epc"] for row in there]
    heard += [row["epc"] for row in came if row["kind"] == "arrived" and row["event_us"] >= since]
    return tuple(dict.fromkeys(heard))


def _swept(conn: Connection, task: Task, epcs: Iterable[str]) -> dict[str, int]:
    """Units by tag. A tag that stands for nothing is kept, too: it may be bound later on."""
    units = {}
    for epc in epcs:
        pack = pack_of_tag(conn, epc)
        if pack is None or not task.skus or pack.sku in task.skus:
            units[epc] = pack.quantity if pack is not None else 0
    return units


def _when(conn: Connection, task: Task, found: Found, told: Told) -> tuple[int, int]:
    """The ledger's newest movement when it was counted, and when that was."""
    newest = queries.last_seq(conn)
    if found.counted_us is None:
        return newest, told.at_us
    if found.counted_us > told.at_us or found.counted_us < (task.started_us or 0):
        raise NotValid("what is counted was counted since the count began, and not later than now")
    if found.as_of is not None:
        return min(found.as_of, newest), found.counted_us
    return queries.first_seq_since(conn, found.counted_us + 1) - 1, found.counted_us


def _check_place(conn: Connection, task: Task, place: str) -> None:
    if place == task.location:
        return
    found = tree.get_location(conn, place)
    if not task.below or task.location not in tree.path_of(conn, found):
        raise NotValid(f"count {task.id} is of {task.location}, and {place} is not in it")


def _check_item(task: Task, sku: str) -> None:
    if task.skus and sku not in task.skus:
        raise NotValid(f"count {task.id} is not of {sku}")
