"""Expected documents as they are kept: what was announced, and what passes and scans made of it.

A row says how a document stands from a log entry on, as with read points and packs; the newest row
of an id holds. Nothing here moves stock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, insert, select

from central import schema
from central.access import reach
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.items import get_item
from central.catalogue.places import get_location
from central.database.bulk import BulkInsert
from central.database.moments import to_us
from central.judging.effective import next_log_id
from central.reconcile.expected import KINDS, Document, Line, Note, units_of
from central.stock import witnesses

__all__ = [
    "BroughtByNotes",
    "Listed",
    "add_document",
    "change_lines",
    "changed_documents",
    "close_document",
    "get_document",
    "heard_for",
    "keep_notes",
    "list_documents",
    "note_row",
    "notes_of",
    "notes_of_events",
    "open_documents",
    "open_to",
    "progress",
]

MOST_LINES = 1_000
_HIGHEST = 2**62
MOST_NAMED = 20_000
"""EPCs in one document: a full truck."""
_NOTES = BulkInsert(
    "document_note",
    (
        ("id", "text"),
        ("document", "text"),
        ("event_id", "text"),
        ("read_point", "text"),
        ("event_us", "bigint"),
        ("log_id", "bigint"),
        ("body", "text"),
        ("height", "bigint"),
    ),
    "ON CONFLICT (id) DO NOTHING",
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Document).decode
_decode_note = msgspec.json.Decoder(Note).decode
_table = schema.document.c


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A document with when it was last changed (microseconds since 1970)."""

    document: Document
    changed_us: int


def add_document(conn: Connection, document: Document, *, at_us: int) -> tuple[Listed, bool]:
    """Announce goods from the next observation on; the document, and whether it was known before.

    The same document again changes nothing. Raises ``AlreadyExists`` for another one of the same
    id, ``NotFound`` and ``NotValid``.
    """
    _check(conn, document)
    _check_reach(conn, document)
    there = _newest(conn, document.id)
    if there is None:
        return _keep(conn, document, at_us), False
    first = msgspec.structs.replace(there.document, status="open")
    if first != document:
        raise AlreadyExists(
            f"document {document.id} was announced before with other content: use another id"
        )
    return there, True


def close_document(conn: Connection, name: str, *, at_us: int) -> Listed:
    """Nothing more is expected of it from the next observation on. Closing again changes nothing.

    Raises ``NotFound``.
    """
    there = get_document(conn, name)
    _check_reach(conn, there.document)
    if there.document.status == "closed":
        return there
    return _keep(conn, msgspec.structs.replace(there.document, status="closed"), at_us)


def change_lines(conn: Connection, name: str, lines: tuple[Line, ...], *, at_us: int) -> Listed:
    """Expect these lines of it from the next observation on, instead of what it listed so far.

    Raises ``NotFound``, ``NotValid``.
    """
    changed = msgspec.structs.replace(get_document(conn, name).document, lines=lines)
    _check(conn, changed)
    return _keep(conn, changed, at_us)


def get_document(conn: Connection, name: str) -> Listed:
    """The document as it stands, if one of its ends is within reach; raises ``NotFound``."""
    there = _newest(conn, name, granted=reach.within(_table.source, _table.destination))
    if there is None:
        raise NotFound(f"there is no document {name}")
    return there


def list_documents(
    conn: Connection, *, status: str | None = "open", after: str = "", limit: int = 100
) -> list[Listed]:
    """Documents with an end within reach by id, those behind ``after``."""
    query = _standing().where(_table.document > after).order_by(_table.document).limit(limit)
    if status is not None:
        query = query.where(_table.status == status)
    if (granted := reach.within(_table.source, _table.destination)) is not None:
        query = query.where(granted)
    return [_listed(row.body, row.changed_us) for row in conn.execute(query)]


def open_documents(conn: Connection, at_log: int) -> list[Document]:
    """Those that were open at a log entry, by id."""
    query = _standing(at_log).where(_table.status == "open").order_by(_table.document)
    return [_decode(row.body) for row in conn.execute(query)]


def open_to(conn: Connection, places: Collection[str]) -> list[Document]:
    """Those that are open now and whose goods go to some places, by id."""
    query = _standing().where(_table.status == "open", _table.destination.in_(places))
    return [_decode(row.body) for row in conn.execute(query.order_by(_table.document))]


def changed_documents(conn: Connection, after: int, upto: int) -> list[Document]:
    """How documents stood from row ``after`` (exclusive) to ``upto``, in order of the changes."""
    rows = select(_table.body).where(_table.id > after, _table.id <= upto).order_by(_table.id)
    return [_decode(body) for body in conn.execute(rows).scalars()]


def keep_notes(conn: Connection, notes: Sequence[Note], *, log_id: int, stands: bool) -> None:
    """Write down what events meant for documents, once, after what they moved was posted and
    attested. ``stands`` says that it was: what stock refused brought nothing.
    """
    if not notes:
        return
    height = witnesses.height(conn) if stands else 0
    lines = [(one.id, *note_row(one).values()) for one in notes]
    _NOTES.run(conn, [(*line[:5], log_id, *line[5:], height) for line in lines])


def note_row(one: Note) -> dict[str, object]:
    """What of a note depends on the log alone, by column."""
    return {
        "document": one.document,
        "event_id": one.of,
        "read_point": one.read_point,
        "event_us": to_us(one.event_time),
        "body": _encode(one).decode(),
    }


def notes_of(
    conn: Connection, name: str, *, limit: int = 200, standing: bool = False
) -> list[Note]:
    """What passes and scans meant for a document, oldest first; only ``standing`` ones: of what
    stock did not refuse.
    """
    note = schema.document_note.c
    query = select(note.body).where(note.document == name).order_by(note.log_id, note.id)
    if standing:
        query = query.where(note.height > 0)
    return [_decode_note(body) for body in conn.execute(query.limit(limit)).scalars()]


def notes_of_events(conn: Connection, events: Collection[str]) -> list[Note]:
    """What some passes or scans meant for documents, by their ids, where stock did not refuse."""
    note = schema.document_note.c
    query = select(note.body).where(note.event_id.in_(events), note.height > 0)
    return [_decode_note(body) for body in conn.execute(query.order_by(note.id)).scalars()]


def heard_for(conn: Connection, names: Collection[str]) -> list[int]:
    """The log entries with which something of these documents came."""
    note = schema.document_note.c
    query = select(note.log_id).where(note.document.in_(names), note.height > 0).distinct()
    return list(conn.execute(query.order_by(note.log_id).limit(MOST_NAMED)).scalars())


class BroughtByNotes:
    """``Brought`` over the database: the notes of what stood on the ledger at a height."""

    def __init__(self, conn: Connection, height: Callable[[], int] = lambda: _HIGHEST) -> None:
        self._conn = conn
        self._height = height

    def of(self, document: str) -> Mapping[str, int]:
        """As ``Brought.of``."""
        note = schema.document_note.c
        query = select(note.body).where(note.document == document, note.height > 0)
        bodies = self._conn.execute(query.where(note.height <= self._height())).scalars()
        return units_of(_decode_note(body) for body in bodies)


def progress(document: Document, notes: Sequence[Note]) -> list[dict[str, object]]:
    """Each line with what was read and inferred of it in all, and how it stands. Pure."""
    read: Counter[str] = Counter()
    inferred: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for note in notes:
        again.update(note.again)
        for told_of in note.lines:
            read[told_of.line] += told_of.read_qty
            inferred[told_of.line] += told_of.inferred_qty
    for line in document.lines:
        twice = min(again[line.sku], read[line.line])
        again[line.sku] -= twice
        read[line.line] -= twice
    for counts in (inferred, read):
        _spill(document.lines, read, inferred, counts)
    told = []
    for line in document.lines:
        counted = read[line.line] + inferred[line.line]
        state = "matched" if counted == line.quantity else "over"
        if counted < line.quantity:
            state = "short" if counted or document.status == "closed" else "expected"
        told.append(
            {
                "line": line.line,
                "sku": line.sku,
                "lot": line.lot,
                "expected_qty": line.quantity,
                "read_qty": read[line.line],
                "inferred_qty": inferred[line.line],
                "state": state,
            }
        )
    return told


def _spill(
    lines: Sequence[Line], read: Counter[str], inferred: Counter[str], counts: Counter[str]
) -> None:
    """What events counted beyond a line goes to others of its item that have room."""
    room = {one.line: one.quantity - read[one.line] - inferred[one.line] for one in lines}
    for over in lines:
        for other in lines:
            units = min(-room[over.line], room[other.line], counts[over.line])
            if other.sku == over.sku and units > 0:
                counts[over.line] -= units
                counts[other.line] += units
                room[over.line] += units
                room[other.line] -= units


def _check(conn: Connection, document: Document) -> None:
    if document.kind not in KINDS:
        raise NotValid(f"a document is one of {', '.join(KINDS)}, not {document.kind!r}")
    if document.source == document.destination:
        raise NotValid("a document's goods go from one place to another")
    for code in (document.source, document.destination):
        get_location(conn, code)
    names = [line.line for line in document.lines]
    if len(set(names)) != len(names):
        raise NotValid("each line of a document has a name of its own")
    named = sum(len(line.epcs) for line in document.lines)
    named += sum(len(unit.epcs) for unit in document.units)
    if len(names) > MOST_LINES or named > MOST_NAMED:
        raise NotValid(f"a document has at most {MOST_LINES} lines and {MOST_NAMED} EPCs")
    skus = {line.sku for line in document.lines}
    skus |= {content.sku for unit in document.units for content in unit.contents}
    for sku in sorted(skus):
        get_item(conn, sku)


def _check_reach(conn: Connection, document: Document) -> None:
    """Raises ``OutOfReach`` where not all that it is about is within reach."""
    ends = (document.source, document.destination)
    reach.check(conn, ends)
    if not any(reach.holds(conn, code) for code in ends):
        reach.everywhere("a document of no place")
    if document.read_point is not None:
        reach.check_read_point(conn, document.read_point)


def _keep(conn: Connection, document: Document, at_us: int) -> Listed:
    conn.execute(
        insert(schema.document).values(
            valid_from_log=next_log_id(conn),
            document=document.id,
            kind=document.kind,
            status=document.status,
            changed_us=at_us,
            body=_encode(document).decode(),
            source=document.source,
            destination=document.destination,
        )
    )
    return Listed(document=document, changed_us=at_us)


def _newest(
    conn: Connection, name: str, *, granted: ColumnElement[bool] | None = None
) -> Listed | None:
    query = _standing().where(_table.document == name)
    if granted is not None:
        query = query.where(granted)
    row = conn.execute(query).one_or_none()
    return None if row is None else _listed(row.body, row.changed_us)


def _listed(body: str, changed_us: int) -> Listed:
    return Listed(document=_decode(body), changed_us=changed_us)


def _standing(at_log: int | None = None) -> Select[Any]:
    """The newest row of each document, as of a log entry."""
    newer = schema.document.alias("newer")
    later = (newer.c.document == _table.document) & (newer.c.id > _table.id)
    if at_log is not None:
        later &= newer.c.valid_from_log <= at_log
    query = select(schema.document).where(~select(newer.c.id).where(later).exists())
    return query if at_log is None else query.where(_table.valid_from_log <= at_log)
