"""What is in a unit: cases on a pallet, that move with it even when one is not heard.

A unit's own tag or label (SSCC, GRAI, a truck's tag) is never stock. It says two things: which
pieces came together, and, when a document or the past tells what is in it, which pieces were not
heard. Those are *inferred*: never counted as read. By default a person is asked; a read point whose
``inferred`` is ``auto`` posts them, apart from what was read and marked ``inferred_qty``, but only
what a document declares. What was merely seen together before is always a question: a case may have
been taken off meanwhile.

A unit is *confirmed* when its own tag crossed, at least ``SURE_UNIT`` sure, or its label was
scanned. A child is not inferred that was heard at all in the pass (the antennas have judged it), or
that the ledger has where it would go.

Seen together (the idea of co-location counts is SPIRE's): per read point, what crossed with a unit
the last time, for the ``MOST_UNITS`` units that came last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from central.database.moments import from_us
from central.reconcile.documents import Open
from central.reconcile.expected import Unit
from central.reconcile.identity import derived_id
from central.reconcile.portal.weighing import CROSSED_AT, Crossing
from central.reconcile.serials import of_contents, serial_of
from central.reconcile.verdict import Context, Hypothesis, ReadPoint, Review
from central.stock.model import Cause, LocationKind, Movement

__all__ = ["Absent", "Carried", "Confirmed", "absent_of", "ask_or_post", "confirmed", "unit_named"]

SURE_UNIT = 0.8
TOGETHER_US = 2_000_000
"""A case belongs to the unit whose tag was nearest within this of the case's own."""
MOST_UNITS = 32
MOST_CHILDREN = 120
ENOUGH_ALONG = 0.6
"""Of a load that was seen together before, so many must be along for the others to be missed."""

_OUTSIDE = {kind.value for kind in LocationKind if kind is not LocationKind.INTERNAL}


class Carried(msgspec.Struct):
    """What crossed together with which unit, at one read point; the last units come last."""

    loads: dict[str, list[str]] = {}

    def learn(self, unit: str, epcs: Sequence[str]) -> None:
        """The unit crossed with these cases."""
        self.loads.pop(unit, None)
        self.loads[unit] = sorted(epcs)[:MOST_CHILDREN]
        while len(self.loads) > MOST_UNITS:
            del self.loads[next(iter(self.loads))]


class Confirmed(NamedTuple):
    """A unit that crossed, and the cases that were nearest with it."""

    name: str
    way: str
    at_us: int
    confidence: float
    along: tuple[Crossing, ...] = ()


class Absent(NamedTuple):
    """Pieces of one item in a confirmed unit that nobody read: those named by ``epcs``, of
    ``quantity`` units each. What has no names of its own goes by the unit's.
    """

    unit: str
    sku: str
    quantity: int
    declared: bool
    document: str = ""
    lot: str = ""
    epcs: tuple[str, ...] = ()


def unit_named(name: str, opened: Iterable[Open], way: str) -> tuple[str, Unit] | None:
    """The document that tells what is in a unit, and what it tells."""
    for document, goes, _brought in opened:
        for unit in document.units:
            if unit.name == name and goes == way:
                return document.id, unit
    return None


def confirmed(crossings: Sequence[Crossing]) -> list[Confirmed]:
    """The units whose own tags crossed, each with the cases nearest to it."""
    crossed = [one for one in crossings if one.odds.crossed >= CROSSED_AT]
    units = [one for one in crossed if _is_unit(one) and one.confidence >= SURE_UNIT]
    along: dict[str, list[Crossing]] = {one.track.epc: [] for one in units}
    for one in crossed:
        mine = [u for u in units if u.direction == one.direction]
        if one.pack is None or not mine:
            continue
        near = min(mine, key=lambda u: (abs(u.odds.centre_us - one.odds.centre_us), u.track.epc))
        if abs(near.odds.centre_us - one.odds.centre_us) <= TOGETHER_US:
            along[near.track.epc].append(one)
    return [
        Confirmed(
            serial_of(one.track.epc),
            one.direction,
            one.odds.centre_us,
            one.confidence,
            tuple(along[one.track.epc]),
        )
        for one in sorted(units, key=lambda one: one.track.epc)
    ]


def _is_unit(one: Crossing) -> bool:
    return one.pack is None and one.epc.gtin is None and one.epc.scheme != "raw"


def absent_of(
    unit: Confirmed,
    opened: Sequence[Open],
    carried: Carried,
    context: Context,
    heard: Mapping[str, int],
) -> list[Absent]:
    """What of a confirmed unit was not heard. ``heard`` are the names that the pass has judged,
    with the units of stock that crossed by each (0: it was heard and did not cross).
    """
    told = unit_named(unit.name, opened, unit.way)
    if told is None:
        return _as_before(unit, carried, context, heard)
    document, declared = told
    packs = _packs((epc for epc in declared.epcs if serial_of(epc) not in heard), context)
    absent = [
        Absent(unit.name, sku, quantity, True, document, lot, tuple(epcs))
        for (sku, quantity, lot), epcs in sorted(packs.items())
    ]
    read = _units_by_sku(unit.along)
    for content in declared.contents:
        covered = min(read.get(content.sku, 0), content.quantity)
        read[content.sku] = read.get(content.sku, 0) - covered
        if content.quantity > covered:
            quantity = content.quantity - covered
            name = of_contents(unit.name, content.sku, content.lot)
            absent.append(
                Absent(unit.name, content.sku, quantity, True, document, content.lot, (name,))
            )
    return absent


def _as_before(
    unit: Confirmed, carried: Carried, context: Context, heard: Mapping[str, int]
) -> list[Absent]:
    before = carried.loads.get(unit.name, [])
    along = {serial_of(one.track.epc) for one in unit.along}
    came = [epc for epc in before if serial_of(epc) in along]
    if not before or len(came) < ENOUGH_ALONG * len(before):
        return []
    packs = _packs((epc for epc in before if serial_of(epc) not in heard), context)
    return [
        Absent(unit.name, sku, quantity, False, lot=lot, epcs=tuple(epcs))
        for (sku, quantity, lot), epcs in sorted(packs.items())
    ]


def _packs(epcs: Iterable[str], context: Context) -> dict[tuple[str, int, str], list[str]]:
    """Pieces by item, by how many units each of them is, and by lot."""
    found: dict[tuple[str, int, str], list[str]] = {}
    for epc in sorted(epcs):
        pack = context.pack_of(epc)
        if pack is not None:
            found.setdefault((pack.sku, pack.quantity, pack.lot), []).append(epc)
    return found


def _units_by_sku(ones: Iterable[Crossing]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in ones:
        if one.pack is not None:
            found[one.pack.sku] = found.get(one.pack.sku, 0) + one.pack.quantity
    return found


def ask_or_post(
    absent: Absent,
    unit: Confirmed,
    point: ReadPoint,
    *,
    origin: str,
    of: str,
    causes: tuple[Cause, ...],
    places: Mapping[str, str],
) -> tuple[Movement, ...] | Review | None:
    """The movements of what was not read, or the question whether it moved; ``None`` when the
    ledger has all of it where it would go. ``of`` is what was seen: a pass, a scan.
    """
    movements = _movements(absent, unit, point, origin=origin, of=of, causes=causes, places=places)
    if not movements:
        return None
    if absent.declared and point.inferred == "auto":
        return movements
    quantity = sum(one.quantity for one in movements)
    basis = f"document {absent.document}" if absent.declared else "what came together before"
    return Review(
        id=derived_id("review", "inferred", of, unit.name, absent.sku, absent.lot),
        read_point=point.code,
        reason=f"{quantity} of {absent.sku} in a unit that moved were not read",
        event_time=from_us(unit.at_us),
        hypotheses=(
            Hypothesis(
                says=f"they moved with it, as {basis} tells",
                probability=round(unit.confidence * (0.9 if absent.declared else 0.6), 4),
                movements=movements,
            ),
            Hypothesis(
                says="they are not in it",
                probability=round(1.0 - unit.confidence * (0.9 if absent.declared else 0.6), 4),
            ),
        ),
        causes=causes,
        evidence={
            "unit": unit.name,
            "document": absent.document,
            "inferred_qty": quantity,
            "read_qty": sum(_units_by_sku(unit.along).values()),
            "epcs": list(absent.epcs),
        },
    )


def _movements(
    absent: Absent,
    unit: Confirmed,
    point: ReadPoint,
    *,
    origin: str,
    of: str,
    causes: tuple[Cause, ...],
    places: Mapping[str, str],
) -> tuple[Movement, ...]:
    inward = unit.way == "in"
    default = point.inbound_from if inward else point.location
    destination = point.location if inward else point.outbound_to
    sources: dict[str, list[str]] = {}
    for epc in absent.epcs:
        place = places.get(epc)
        gone = place == destination or (not inward and (place is None or place in _OUTSIDE))
        if not gone:
            sources.setdefault(place or default, []).append(epc)
    return tuple(
        Movement(
            id=derived_id("inferred", of, unit.name, absent.sku, absent.lot, source, *epcs),
            sku=absent.sku,
            lot=absent.lot,
            quantity=absent.quantity * len(epcs),
            source=source,
            destination=destination,
            biz_step="receiving" if inward else "shipping",
            disposition="in_progress" if inward else "in_transit",
            event_time=from_us(unit.at_us),
            origin=origin,
            confidence=round(unit.confidence, 4),
            causes=causes,
            epcs=tuple(epcs),
            evidence={
                "of": of,
                "read_point": point.code,
                "unit": unit.name,
                "document": absent.document,
                "read_qty": 0,
                "inferred_qty": absent.quantity * len(epcs),
                "counted": absent.quantity * len(epcs),
            },
        )
        for source, epcs in sorted(sources.items())
        if source != destination
    )
