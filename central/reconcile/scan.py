"""A scanned code to stock: what is received at a scanning read point.

The quantity is what the label says: AI 37 counts trade items of the GTIN, each of which
stands for its pack's quantity; AI 30 counts units; a label without a count is one pack.
A label of ours (a command, a place) moves nothing: what it asks for is put before a person.
"""

from __future__ import annotations

from central.reconcile.identity import cause_of, derived_id
from central.reconcile.verdict import Context, Hypothesis, Logged, Pack, ReadPoint, Review, Verdict
from central.stock.model import Movement
from gateway.command_codes import CodeError, CommandCode, parse_code
from gateway.contract import CodeScanned
from gateway.gs1 import ScanParse, parse_scan

MOST_UNITS = 2**53


def judge_scan(logged: Logged, seen: CodeScanned, point: ReadPoint, context: Context) -> Verdict:
    """One scan is one receipt, or a question."""
    told = _label(seen.data)
    if told:
        return _ask(logged, seen, told, ScanParse())
    parsed = parse_scan(seen.data, seen.symbology)
    pack = context.packs.get(parsed.gtin) if parsed.gtin else None
    if parsed.error:
        return _ask(logged, seen, f"unreadable code: {parsed.error}", parsed)
    if parsed.gtin is None:
        what = "an SSCC, which names no item" if parsed.sscc else "no GS1 identifier"
        return _ask(logged, seen, f"the code carries {what}", parsed)
    if pack is None:
        return _ask(logged, seen, "unknown item", parsed)
    quantity = _quantity(parsed, pack)
    if not 1 <= quantity <= MOST_UNITS:
        return _ask(logged, seen, f"the label counts {quantity} units", parsed)
    movement = Movement(
        id=derived_id("scan", logged.edge, logged.epoch, logged.seq),
        sku=pack.sku,
        quantity=quantity,
        source=point.inbound_from,
        destination=point.location,
        biz_step="receiving",
        event_time=seen.event_time,
        lot=parsed.lot or "",
        origin="scan",
        causes=(cause_of(logged),),
        evidence=_evidence(seen, parsed),
    )
    return Verdict(movements=(movement,))


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


def _quantity(parsed: ScanParse, pack: Pack) -> int:
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
