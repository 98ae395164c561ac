"""Witnesses: later evidence beside the movements of the ledger, and what of both is recent.

A witness moves nothing, but it tells which tags moved with what was counted without them; so it
stands in one order with the movements. ``height`` counts both: it grows with every row of either,
and a replay can bring back the ledger with its witnesses as of any height. It is sealed with
the ledger's blocks (``chain``): evidence is kept as safe as what it explains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, text

from central.database.bulk import BulkInsert, BulkLookup
from central.database.moments import from_us, to_us
from central.reconcile.witness import BOOKED, BY_RULE, Known, Witness, is_counted, sensed_by
from central.stock import chain, rows
from central.stock.model import Cause

__all__ = [
    "PUT_TAGS",
    "TAG_PLACE",
    "Bound",
    "Placing",
    "RecentMovements",
    "add",
    "everything",
    "height",
    "of_movement",
    "row_of",
]

_END = 2**62
_INSERT = BulkInsert("witness", rows.WITNESS_COLUMNS)
_MOVED = BulkLookup(
    "SELECT m.id, m.sku, m.destination, m.destination_status, m.seq FROM {keys} "
    "JOIN movement m ON m.id = k.id",
    (("id", "text"),),
)
_KNOWN = BulkLookup("SELECT w.id FROM {keys} JOIN witness w ON w.id = k.id", (("id", "text"),))
TAG_PLACE = (
    ("epc", "text"),
    ("sku", "text"),
    ("location", "text"),
    ("status", "text"),
    ("last_seq", "bigint"),
)
PUT_TAGS = BulkInsert(
    "tag_place",
    TAG_PLACE,
    "ON CONFLICT (epc) DO UPDATE SET sku = excluded.sku, location = excluded.location, "
    "status = excluded.status, last_seq = excluded.last_seq",
)
"""Rows of ``TAG_PLACE``: where and how tags lie now."""
_HEADS = text(
    "SELECT (SELECT coalesce(max(seq), 0) FROM movement), "
    "(SELECT coalesce(max(no), 0) FROM witness)"
)
_TAKEN_BACK = (
    "(SELECT coalesce(sum(c.quantity), 0) FROM movement c WHERE c.corrects = m.id "
    "AND c.source = m.destination AND c.seq <= :seq)"
)
_RECENT = text(
    "SELECT m.id, m.sku, m.quantity - "  # noqa: S608 (our own words)
    f"{_TAKEN_BACK} AS quantity, m.source, m.destination, m.origin, m.event_us, m.lot, m.epcs, "
    "m.evidence FROM movement m WHERE m.sku = :sku AND m.source <> m.destination "
    "AND (m.origin IN ('portal', 'shelf', 'scan', 'zone', 'review') "
    "OR m.origin = 'api' AND m.corrects IS NULL) AND m.origin <> :besides "
    "AND m.event_us BETWEEN :from_us AND :upto_us AND m.seq <= :seq ORDER BY m.seq"
)
_ATTESTED = text(
    "SELECT movement_id, origin, quantity, epcs FROM witness "
    "WHERE movement_id IN :ids AND no <= :no ORDER BY no"
).bindparams(bindparam("ids", expanding=True))
_PLACED_BY = text(
    "SELECT w.no, w.after_seq, w.log_id, w.epcs, m.sku, m.destination, m.destination_status, "
    "m.seq, w.origin FROM witness w JOIN movement m ON m.id = w.movement_id "
    "WHERE w.no > :after ORDER BY w.no LIMIT 1000"
)
_encode = msgspec.json.Encoder().encode
_causes = msgspec.json.Decoder(tuple[Cause, ...]).decode
_epcs = msgspec.json.Decoder(tuple[str, ...]).decode
_evidence = msgspec.json.Decoder(dict[str, object]).decode


class Bound(NamedTuple):
    """The last movement and the last witness that are looked at."""

    seq: int = _END
    no: int = _END


class Placing(NamedTuple):
    """A witness as far as tags' places go: it stands behind movement ``after_seq``."""

    no: int
    after_seq: int
    log_id: int
    epcs: tuple[str, ...]
    sku: str
    location: str
    status: str
    seq: int
    origin: str


def height(conn: Connection) -> int:
    """How many movements and witnesses there are."""
    seq, no = conn.execute(_HEADS).one()
    return int(seq) + int(no)


def add(
    conn: Connection, witnesses: Sequence[Witness], *, record_us: int, log_id: int
) -> list[str]:
    """Keep witnesses of movements that are on the ledger, once; the ids of those that are new."""
    known = {row[0] for row in _KNOWN.run(conn, [(one.id,) for one in witnesses])}
    fresh = list({one.id: one for one in witnesses if one.id not in known}.values())
    if not fresh:
        return []
    seq, no = conn.execute(_HEADS).one()
    lines: list[tuple[object, ...]] = []
    for place, one in enumerate(fresh, 1):
        told = row_of(one)
        when = {"no": no + place, "id": one.id, "after_seq": seq, "log_id": log_id}
        row = told | when | {"record_us": record_us}
        lines.append(tuple(row[name] for name, _kind in rows.WITNESS_COLUMNS))
    _INSERT.run(conn, lines)
    chain.seal(conn, (), lines)
    _place(conn, fresh)
    return [one.id for one in fresh]


def _place(conn: Connection, witnesses: Sequence[Witness]) -> None:
    named = [one for one in witnesses if one.epcs]
    moved = {row[0]: row for row in _MOVED.run(conn, [(one.movement_id,) for one in named])}
    tags: dict[str, tuple[object, ...]] = {}
    for one in named:
        place = tuple(moved[one.movement_id][1:])
        tags |= {epc: (epc, *place) for epc in one.epcs}
    PUT_TAGS.run(conn, [tags[epc] for epc in sorted(tags)])


def everything(conn: Connection) -> Iterator[Placing]:
    """All witnesses, in their order, with where they say that tags are."""
    after = 0
    while found := conn.execute(_PLACED_BY, {"after": after}).all():
        for row in found:
            epcs = _epcs(row.epcs)
            yield Placing(row.no, row.after_seq, row.log_id, epcs, *row[4:])
        after = found[-1].no


def row_of(one: Witness) -> dict[str, object]:
    """What of a witness depends on the log alone, by column."""
    return {
        "movement_id": one.movement_id,
        "event_us": to_us(one.event_time),
        "origin": one.origin,
        "read_point": one.read_point,
        "quantity": one.quantity,
        "confidence": float(one.confidence),
        "causes": _encode(one.causes).decode(),
        "epcs": _encode(one.epcs).decode(),
        "evidence": _encode(one.evidence).decode(),
    }


def of_movement(conn: Connection, movement_id: str) -> list[Witness]:
    """The witnesses of one movement, in their order."""
    query = text("SELECT * FROM witness WHERE movement_id = :id ORDER BY no")
    return [
        Witness(
            id=row.id,
            movement_id=row.movement_id,
            quantity=row.quantity,
            origin=row.origin,
            read_point=row.read_point,
            event_time=from_us(row.event_us),
            confidence=row.confidence,
            causes=_causes(row.causes),
            epcs=_epcs(row.epcs),
            evidence=_evidence(row.evidence),
        )
        for row in conn.execute(query, {"id": movement_id})
    ]


class RecentMovements:
    """``Recent`` over the database, as of what ``bound`` says when it is asked."""

    def __init__(self, conn: Connection, bound: Callable[[], Bound] = Bound) -> None:
        self._conn = conn
        self._bound = bound

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> Sequence[Known]:
        """As ``Recent.of``."""
        bound = self._bound()
        asked: dict[str, object] = {"sku": sku, "from_us": from_us, "upto_us": upto_us}
        found = self._conn.execute(_RECENT, asked | {"seq": bound.seq, "besides": besides}).all()
        if not found:
            return ()
        attested: dict[str, Counter[str]] = {}
        along: dict[str, tuple[str, ...]] = {}
        of_them = {"ids": [row.id for row in found], "no": bound.no}
        for movement_id, origin, quantity, epcs in self._conn.execute(_ATTESTED, of_them):
            if origin == BY_RULE:
                along[movement_id] = along.get(movement_id, ()) + _epcs(epcs)
            else:
                attested.setdefault(movement_id, Counter())[origin] += quantity
        return [
            Known(
                row.id,
                row.sku,
                int(row.quantity),
                str((evidence := _evidence(row.evidence)).get(rows.DRAWN_FOR, row.source)),
                row.destination,
                origin := sensed_by(row.origin, evidence),
                row.event_us,
                is_counted(origin, evidence),
                row.lot,
                _epcs(row.epcs) + (along.get(row.id, ()) if origin == BOOKED else ()),
                attested.get(row.id, Counter()),
                str(evidence.get("read_point", "")),
            )
            for row in found
        ]
