"""Counting by RFID: which tags a hand-held or a reader heard at a place, and which it should have.

A tag that was not heard may be shielded, broken or away: that is a line to look into, and never a
loss by itself. One that was heard and lies elsewhere by the books is put where it is once somebody
agrees. What has no tags is not counted by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from central.counts.model import Entry, Key, Line
from central.database.bulk import BulkLookup
from central.receiving.scanning import pack_of_tag
from central.reconcile.serials import names_pieces, serial_of
from central.reconcile.verdict import Pack
from central.stock.model import LocationKind

__all__ = ["NOWHERE", "SWEEP", "lines"]

SWEEP = "sweep"
NOWHERE = LocationKind.ADJUSTMENT.value
"""Where a tag comes from that the books have nowhere, and where one goes that is lost."""
_AT = text(
    "SELECT t.epc, t.sku, t.location, t.status, t.last_seq, m.lot FROM tag_place t "
    "JOIN movement m ON m.seq = t.last_seq WHERE t.location = :location"
)
_OF = BulkLookup(
    "SELECT t.epc, t.sku, t.location, t.status, t.last_seq, m.lot FROM {keys} "
    "JOIN tag_place t ON t.epc = k.epc JOIN movement m ON m.seq = t.last_seq",
    (("epc", "text"),),
)


class _Placed(NamedTuple):
    """A tag where the ledger has it."""

    epc: str
    sku: str
    location: str
    status: str
    last_seq: int
    lot: str


class _Heard(NamedTuple):
    """All tags of a place's last round of sweeps."""

    epcs: tuple[str, ...]
    as_of: int
    counted_us: int


def lines(
    conn: Connection, entries: Sequence[Entry], *, without: Collection[str] = ()
) -> list[Line]:
    """What is missing and what is strange at each place that was swept, ``without`` some items."""
    found: list[Line] = []
    for location, heard in sorted(_heard(entries).items()):
        names = {serial_of(epc) for epc in heard.epcs}
        placed = [_Placed(*row) for row in conn.execute(_AT, {"location": location})]
        # What the ledger has moved since the sweep is settled by that.
        missing = [
            one
            for one in placed
            if one.last_seq <= heard.as_of
            and names_pieces([one.epc])
            and serial_of(one.epc) not in names
        ]
        missing = [one for one in missing if one.sku not in without]
        found += _lines(conn, "missing", location, missing, heard)
        here = {serial_of(one.epc) for one in placed}
        strange = [epc for epc in heard.epcs if serial_of(epc) not in here]
        whence = [one for one in _whence(conn, strange, heard) if one.sku not in without]
        found += _lines(conn, "stranger", location, whence, heard)
    return found


def _heard(entries: Iterable[Entry]) -> dict[str, _Heard]:
    """By place, the union of its last round's sweeps: a tag that two hear is one."""
    last: dict[str, list[Entry]] = {}
    for one in entries:
        have = last.get(one.key.location)
        if have is None or have[0].round < one.round:
            last[one.key.location] = [one]
        elif have[0].round == one.round:
            have.append(one)
    return {
        place: _Heard(
            tuple({serial_of(epc): epc for one in found for epc in one.pieces}.values()),
            max(one.as_of for one in found),
            max(one.counted_us for one in found),
        )
        for place, found in last.items()
    }


def _whence(conn: Connection, epcs: Sequence[str], heard: _Heard) -> list[_Placed]:
    """Where tags that are not expected lie by the books; nowhere for those that it never had."""
    names = {name: epc for epc in epcs for name in (epc, serial_of(epc))}
    known: dict[str, _Placed] = {}
    for row in _OF.run(conn, [(name,) for name in names]):
        known[names[row[0]]] = _Placed(*row)
    found = []
    for epc in epcs:
        place = known.get(epc)
        if place is not None and place.last_seq > heard.as_of:
            continue
        pack = pack_of_tag(conn, epc)
        if place is not None:
            found.append(place)
        elif pack is not None:
            found.append(_Placed(epc, pack.sku, NOWHERE, "available", 0, pack.lot))
    return found


def _lines(
    conn: Connection, kind: str, location: str, tags: Sequence[_Placed], heard: _Heard
) -> list[Line]:
    together: defaultdict[tuple[Key, str], list[str]] = defaultdict(list)
    for one in tags:
        elsewhere = one.location if kind == "stranger" else ""
        key = Key(one.sku, one.lot, location, one.status)  # type: ignore[arg-type]
        together[key, elsewhere].append(one.epc)
    packs: Mapping[str, Pack | None] = {one.epc: pack_of_tag(conn, one.epc) for one in tags}
    made = []
    for (key, elsewhere), epcs in sorted(together.items()):
        units = sum(pack.quantity if (pack := packs[epc]) else 1 for epc in epcs)
        made.append(
            Line(
                kind=kind,
                **key._asdict(),
                method=SWEEP,
                counted=units if kind == "stranger" else 0,
                expected=units if kind == "missing" else 0,
                as_of=heard.as_of,
                counted_us=heard.counted_us,
                epcs=tuple(sorted(epcs)),
                elsewhere=elsewhere,
            )
        )
    return made
