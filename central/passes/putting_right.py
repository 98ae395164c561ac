"""The movements that make a pass say what a person says. Pure.

Nothing is edited: what the pass posted for a tag is taken back by a movement that names it in
``corrects``, and what should have been posted is posted as judging would have. A movement of which
only some tags are wrong is taken back in part, where its units are those of its tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from central.passes.model import WAYS, CannotCorrect, Standing, TagNow
from central.reconcile.identity import derived_id
from central.reconcile.verdict import ReadPoint
from central.stock.model import LocationKind, Movement, Posted
from central.stock.taking_back import reversed_of

__all__ = ["in_force", "planned", "said"]

_OUTSIDE = {kind.value for kind in LocationKind if kind is not LocationKind.INTERNAL}
_SAYS = {"in": "came in", "out": "went out", "none": "did not cross"}


class _Step(msgspec.Struct, frozen=True):
    """Tags that move together; a hashable key, so that equal ones are one movement."""

    source: str
    destination: str
    sku: str
    lot: str
    corrects: str
    forward: str


def planned(
    standing: Standing, wanted: Mapping[str, str], point: ReadPoint, *, name: str, by: str
) -> list[Movement]:
    """What to post so that each tag of ``wanted`` (EPC to way) went that way. ``name`` is the
    correction's. Raises ``CannotCorrect``.
    """
    steps: dict[_Step, list[TagNow]] = {}
    for epc, way in wanted.items():
        tag = _checked(standing.tag(epc), way)
        if tag.now != way:
            for step in _steps(tag, way, point):
                steps.setdefault(step, []).append(tag)
    known = {one.movement.id: one for one in standing.movements}
    ordered = sorted(steps.items(), key=lambda pair: bool(pair[0].forward))
    return [
        _movement(step, tags, known, standing, name=f"{name}-{place}", by=by)
        for place, (step, tags) in enumerate(ordered)
    ]


def said(ways: Mapping[str, str]) -> str:
    """A correction in words: "3 tags did not cross"."""
    counts: dict[str, int] = {}
    for way in ways.values():
        counts[way] = counts.get(way, 0) + 1
    return ", ".join(
        f"{counts[way]} tag{'' if counts[way] == 1 else 's'} {_SAYS[way]}"
        for way in WAYS
        if way in counts
    )


def _checked(tag: TagNow, way: str) -> TagNow:
    if way not in WAYS:
        raise CannotCorrect(f"a tag goes {', '.join(WAYS)}, not {way}")
    if tag.now == way:
        return tag
    if tag.verdict.sku is None:
        raise CannotCorrect(
            f"tag {tag.epc} stands for no item: bind it to one, or add its item, first"
        )
    here = _left_at(tag)
    if here is not None and tag.place not in {None, here}:
        raise CannotCorrect(
            f"tag {tag.epc} is at {tag.place} by now, not at {here} where this pass left it: "
            "correct what moved it there first"
        )
    return tag


def _left_at(tag: TagNow) -> str | None:
    """Where the pass, and what people said of it, left a tag on the ledger."""
    return tag.moves[-1].movement.destination if tag.moves else None


def in_force(moves: Sequence[Posted]) -> list[Movement]:
    """Of one tag's movements those that nothing took back, oldest first."""
    stack: list[Movement] = []
    for movement in (one.movement for one in moves):
        undone = next((old for old in reversed(stack) if _undoes(movement, old)), None)
        if undone is None:
            stack.append(movement)
        else:
            stack.remove(undone)
    return stack


def _undoes(movement: Movement, old: Movement) -> bool:
    back = (movement.source, movement.destination) == (old.destination, old.source)
    return back and movement.corrects is not None


def _steps(tag: TagNow, way: str, point: ReadPoint) -> list[_Step]:
    """Back to where it was before the pass, and from there as it went."""
    found = [
        _Step(old.destination, old.source, old.sku, old.lot, old.id, "")
        for old in reversed(in_force(tag.moves))
    ]
    first = tag.moves[0].movement if tag.moves else None
    before = tag.place if first is None else first.source
    if way == "in":
        source, destination = before or point.inbound_from, point.location
    elif way == "out":
        strange = before is None or (before in _OUTSIDE and before != point.outbound_to)
        source = LocationKind.UNKNOWN.value if strange else str(before)
        destination = point.outbound_to
    else:
        return found
    if source != destination:
        sku, lot = (first.sku, first.lot) if first else (str(tag.verdict.sku), "")
        last = tag.moves[-1].movement.id if tag.moves else ""
        found.append(_Step(source, destination, sku, lot, last, way))
    return found


def _movement(
    step: _Step,
    tags: list[TagNow],
    known: Mapping[str, Posted],
    standing: Standing,
    *,
    name: str,
    by: str,
) -> Movement:
    epcs = tuple(sorted(tag.epc for tag in tags))
    told = standing.told
    evidence: dict[str, object] = {
        "pass": told.id,
        "read_point": told.read_point,
        "correction": name.rpartition("-")[0],
        "decided_by": by,
        "tags": len(epcs),
    }
    if step.forward:
        evidence["direction"] = step.forward
    old = known[step.corrects].movement if step.corrects else None
    if old is not None and not step.forward:
        back = reversed_of(old, derived_id(name), by=by, why="a person says otherwise")
        return msgspec.structs.replace(
            back, epcs=epcs, quantity=_quantity(old, tags), serials=(), evidence=evidence
        )
    inward = step.forward == "in"
    return Movement(
        id=derived_id(name),
        sku=step.sku,
        lot=step.lot,
        quantity=sum(tag.verdict.quantity or 1 for tag in tags),
        source=step.source,
        destination=step.destination,
        biz_step="receiving" if inward else "shipping",
        disposition="in_progress" if inward else "in_transit",
        event_time=told.closed_at if old is None else old.event_time,
        origin="review",
        confidence=1.0,
        causes=told.causes if old is None else old.causes,
        epcs=epcs,
        evidence=evidence,
        corrects=step.corrects or None,
        reason="a person says that these tags crossed",
        actor=by,
    )


def _quantity(old: Movement, tags: list[TagNow]) -> int:
    """The units of these tags in a movement. Raises ``CannotCorrect`` where that cannot be told."""
    if {tag.epc for tag in tags} == {*old.epcs}:
        return old.quantity
    units = sum(tag.verdict.quantity or 1 for tag in tags)
    if units >= old.quantity:
        raise CannotCorrect(
            f"movement {old.id} is of {old.quantity} {old.sku}, which is not what its tags stand "
            "for: correct all of its tags together"
        )
    return units
