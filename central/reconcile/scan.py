"""A scanned code to stock: what is received at a scanning read point.

The quantity is what the label says: AI 37 counts trade items of the GTIN, each of which
stands for its pack's quantity; AI 30 counts units; a label without a count is one pack.
A label of ours (a command, a place) moves nothing: what it asks for is put before a person.

A label with a serial names one piece, which is received once: scanned again, or after a portal has
heard its tag, it only bears witness. An SSCC names a unit: what an open document puts into it is
received with it, as ``containment`` says, but for what is there already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from central.database.moments import to_us
from central.reconcile import containment, documents
from central.reconcile.containment import Carried, Confirmed
from central.reconcile.documents import Moved, Open
from central.reconcile.expected import Note
from central.reconcile.identity import cause_of, derived_id
from central.reconcile.serials import (
    names_of_label,
    of_contents,
    of_label,
    of_unit,
    places_of,
    serial_of,
    whereabouts,
)
from central.reconcile.verdict import (
    Context,
    Hypothesis,
    Ignored,
    Logged,
    Pack,
    ReadPoint,
    Review,
    Verdict,
)
from central.reconcile.witness import Known, Recent, Witness
from central.stock.model import Movement
from gateway.command_codes import CodeError, CommandCode, parse_code
from gateway.contract import CodeScanned
from gateway.gs1 import ScanParse, parse_scan

MOST_UNITS = 2**53


class _Scan(NamedTuple):
    """A scan with all that it is judged by."""

    logged: Logged
    seen: CodeScanned
    parsed: ScanParse
    point: ReadPoint
    context: Context
    recent: Recent
    placed: Mapping[str, str]

    @property
    def id(self) -> str:
        """Its name: it is itself the event."""
        return derived_id("scan", self.logged.edge, self.logged.epoch, self.logged.seq)

    @property
    def opened(self) -> list[Open]:
        """Documents that are expected here now."""
        return documents.open_at(self.point, self.context, to_us(self.seen.event_time))


def judge_scan(
    logged: Logged,
    seen: CodeScanned,
    point: ReadPoint,
    context: Context,
    *,
    recent: Recent,
    placed: Mapping[str, str],
) -> Verdict:
    """One scan is one receipt, or a question; or it tells what is known. ``placed`` says where
    pieces are now, ``recent`` what sensors moved lately.
    """
    told = _label(seen.data)
    if told:
        return _ask(logged, seen, told, ScanParse())
    parsed = parse_scan(seen.data, seen.symbology)
    scan = _Scan(logged, seen, parsed, point, context, recent, placed)
    if parsed.sscc and not (parsed.error or parsed.gtin):
        return _unit(scan)
    pack = context.packs.get(parsed.gtin) if parsed.gtin else None
    quantity = units_told(parsed, pack) if pack is not None else 0
    doubt = _doubt(parsed, pack, quantity)
    if doubt or pack is None:
        return _ask(logged, seen, doubt, parsed)
    return _piece(scan, pack.sku, quantity)


def _doubt(parsed: ScanParse, pack: Pack | None, quantity: int) -> str:
    """Why nobody can tell what was scanned; empty when it is clear."""
    if parsed.error:
        return f"unreadable code: {parsed.error}"
    if parsed.gtin is None:
        return "the code carries no GS1 identifier"
    if pack is None:
        return "unknown item"
    return "" if 1 <= quantity <= MOST_UNITS else f"the label counts {quantity} units"


def _piece(scan: _Scan, sku: str, quantity: int) -> Verdict:
    """Goods in a hand: received, unless it is a piece that is here already."""
    name, place = _whereabouts(scan)
    if place == scan.point.location:
        return _again(scan, sku, quantity)
    movement = Movement(
        id=scan.id,
        sku=sku,
        quantity=quantity,
        source=place or scan.point.inbound_from,
        destination=scan.point.location,
        biz_step="receiving",
        event_time=scan.seen.event_time,
        lot=scan.parsed.lot or "",
        origin="scan",
        causes=(cause_of(scan.logged),),
        epcs=(name,) if name else (),
        evidence=_evidence(scan.seen, scan.parsed),
    )
    return Verdict(movements=(movement,), notes=_notes(scan, [_received(movement)]))


# ---- pieces with a serial ------------------------------------------------------------------
def _whereabouts(scan: _Scan) -> tuple[str, str | None]:
    """The name of the piece on the ledger, and where it is; an empty name without a serial."""
    gtin, serial = scan.parsed.gtin, scan.parsed.serial
    if gtin is None or not serial:
        return "", None
    found = whereabouts(names_of_label(gtin, serial), scan.placed)
    return found or (of_label(gtin, serial), None)


def _again(scan: _Scan, sku: str, quantity: int) -> Verdict:
    """The piece is here already: evidence of what brought it, if that was just now."""
    name = of_label(scan.parsed.gtin or "", scan.parsed.serial or "")
    for known in reversed(_lately(scan, sku)):
        if known.origin != "scan" and name in map(serial_of, known.epcs):
            return Verdict(witnesses=(_witness(scan, known, quantity),))
    return _nothing_new(scan, "this piece is")


def _nothing_new(scan: _Scan, what: str) -> Verdict:
    reason = f"{what} at {scan.point.location} already"
    return Verdict(ignored=(Ignored(log_id=scan.logged.log_id, reason=reason),))


def _lately(scan: _Scan, sku: str) -> Sequence[Known]:
    at_us, window_us = to_us(scan.seen.event_time), scan.point.fuse_s * 1_000_000
    found = scan.recent.of(sku, at_us - window_us, at_us + window_us)
    return [known for known in found if known.destination == scan.point.location]


def _witness(scan: _Scan, known: Known, quantity: int) -> Witness:
    return Witness(
        id=derived_id("witness", scan.id, known.id),
        movement_id=known.id,
        quantity=quantity,
        origin="scan",
        read_point=scan.seen.read_point,
        event_time=scan.seen.event_time,
        causes=(cause_of(scan.logged),),
        evidence=_evidence(scan.seen, scan.parsed),
    )


# ---- units ---------------------------------------------------------------------------------
def _unit(scan: _Scan) -> Verdict:
    """A pallet's label: its contents, if an open document tells them."""
    opened, name = scan.opened, of_unit(scan.parsed.sscc or "")
    told = containment.unit_named(name, opened, "in")
    if told is None:
        what = "the code carries an SSCC, which names no item"
        return _ask(scan.logged, scan.seen, what, scan.parsed)
    contents = [of_contents(name, one.sku, one.lot) for one in told[1].contents]
    places = places_of([*told[1].epcs, *contents], scan.placed)
    here = {epc for epc, place in places.items() if place == scan.point.location}
    witnesses = _witnesses_of_unit(scan, here)
    confirmed = Confirmed(name, "in", to_us(scan.seen.event_time), 1.0)
    heard = {serial_of(epc): 0 for epc in here}
    movements: list[Movement] = []
    reviews: list[Review] = []
    for absent in containment.absent_of(confirmed, opened, Carried(), scan.context, heard):
        answer = containment.ask_or_post(
            absent,
            confirmed,
            scan.point,
            origin="scan",
            of=scan.id,
            causes=(cause_of(scan.logged),),
            places=places,
        )
        if isinstance(answer, Review):
            reviews.append(answer)
        elif answer is not None:
            movements += answer
    if not (witnesses or movements or reviews):
        return _nothing_new(scan, "what is in this unit is")
    return Verdict(
        movements=tuple(movements),
        reviews=tuple(reviews),
        witnesses=witnesses,
        notes=_notes(scan, [_received(one, inferred=True) for one in movements]),
    )


def _witnesses_of_unit(scan: _Scan, here: set[str]) -> tuple[Witness, ...]:
    """The scan bears witness to whatever lately brought the unit's pieces here."""
    packs = {serial_of(epc): scan.context.pack_of(epc) for epc in here}
    answer = []
    for sku in sorted({pack.sku for pack in packs.values() if pack is not None}):
        for known in _lately(scan, sku):
            brought = [packs.get(serial_of(epc)) for epc in known.epcs]
            quantity = sum(pack.quantity for pack in brought if pack is not None)
            if quantity and known.origin != "scan":
                answer.append(_witness(scan, known, quantity))
    return tuple(answer)


# ---- documents -----------------------------------------------------------------------------
def _received(movement: Movement, *, inferred: bool = False) -> Moved:
    name = serial_of(movement.epcs[0]) if movement.epcs else movement.id
    return Moved(name, movement.sku, movement.quantity, "in", inferred)


def _notes(scan: _Scan, received: Sequence[Moved]) -> tuple[Note, ...]:
    """What it meant for announced documents: the lines that it is of."""
    return tuple(
        Note(
            id=derived_id("note", scan.id, one.document),
            document=one.document,
            of=scan.id,
            read_point=scan.point.code,
            event_time=scan.seen.event_time,
            lines=tuple(line for line in one.lines if line.read_qty or line.inferred_qty),
            unexpected=one.unexpected,
            wrong_direction=one.wrong_direction,
        )
        for one in documents.tally(scan.opened, received)
    )


def _label(data: str) -> str | None:
    """What a label of ours asks for, or why it cannot be read; ``None`` for any other code."""
    try:
        meaning = parse_code(data)
    except CodeError as error:
        return f"unreadable label: {error}"
    if meaning is None:
        return None
    if isinstance(meaning, CommandCode):
        return f"the command {meaning.verb}, which is not carried out by itself"
    return f"the place {meaning.place}, which is not acted on by itself"


def units_told(parsed: ScanParse, pack: Pack) -> int:
    """Units that a label stands for."""
    if parsed.quantity is None:
        return pack.quantity
    return parsed.quantity * pack.quantity if "37" in parsed.elements else parsed.quantity


def _evidence(seen: CodeScanned, parsed: ScanParse) -> dict[str, object]:
    told = {
        "code": seen.data,
        "symbology": seen.symbology,
        "gtin": parsed.gtin,
        "sscc": parsed.sscc,
        "lot": parsed.lot,
        "expiry": parsed.expiry,
        "serial": parsed.serial,
        "counted": parsed.quantity,
        "ambiguity": parsed.ambiguity,
    }
    return {key: value for key, value in told.items() if value is not None}


def _ask(logged: Logged, seen: CodeScanned, reason: str, parsed: ScanParse) -> Verdict:
    review = Review(
        id=derived_id("review", "scan", logged.edge, logged.epoch, logged.seq),
        read_point=seen.read_point,
        reason=reason,
        event_time=seen.event_time,
        hypotheses=(Hypothesis(says="this scan moves nothing", probability=1.0),),
        causes=(cause_of(logged),),
        evidence=_evidence(seen, parsed),
    )
    return Verdict(reviews=(review,))
