"""What the lines of an order become when it is changed, and what forbids that. Pure.

A line never becomes less than what was done of it: brought, packed or gone. Where others stand in
for some of it, units are taken off in this order: what it waits for, what the others give (the one
that came last first), what is set aside of the item itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from central.orders.model import Line, Order

__all__ = ["Revised", "misfits", "revise"]


class Revised(NamedTuple):
    """All ``lines`` as they are then, the ``dropped`` ones, and by line how many units ``more``
    are to be set aside (fewer where negative; all of them where it is of other goods now).
    """

    lines: tuple[Line, ...]
    dropped: tuple[Line, ...]
    more: dict[str, int]


def misfits(there: Order, wanted: Order, done: Mapping[str, int]) -> list[str]:
    """Why an order cannot become what is wanted; ``done`` are units by line that cannot be undone
    by changing it.
    """
    wrong = []
    if wanted.warehouse != there.warehouse:
        wrong.append(
            f"its goods come from {there.warehouse}, and from {wanted.warehouse} it would be "
            "another order: cancel this one"
        )
    if wanted.ship_from != there.ship_from and there.wave:
        wrong.append(
            f"it is on wave {there.wave}, and its goods are brought to {there.ship_from}: that "
            "can be changed before it is let go"
        )
    asked = {line.line: line for line in wanted.lines}
    for before in there.lines:
        wrong += _misfit(there, before, asked.get(before.line), done)
    return wrong


def _misfit(
    there: Order, before: Line, after: Line | None, done: Mapping[str, int]
) -> Iterator[str]:
    if before.substituted_for:
        if after is not None:
            yield (
                f"line {before.line} stands in for line {before.substituted_for}: give yours "
                "another name, or leave it out"
            )
        return
    least = sum(done.get(one.line, 0) for one in _family(there, before))
    if not least:
        return
    said = f"{least} units of line {before.line} are picked, packed or gone"
    back = "put them back first (POST /api/picking/picks/ID/put-back)"
    if after is None:
        yield f"{said}, and it is no longer on it: {back}"
    elif (after.sku, after.lot) != (before.sku, before.lot):
        yield f"{said}, and it is of another item or lot now: add a line of that"
    elif after.quantity < least:
        yield f"{said}, which is more than {after.quantity}: {back}"


def revise(
    there: Order, wanted: Order, done: Mapping[str, int], missing: Mapping[str, int]
) -> Revised:
    """The lines as they are wanted, where nothing forbids it. ``missing`` are units on backorder,
    by line.
    """
    asked = {line.line: line for line in wanted.lines}
    kept = list[Line]()
    dropped = list[Line]()
    more = dict[str, int]()
    for before in there.lines:
        if before.substituted_for:
            continue
        after = asked.pop(before.line, None)
        own, *others = _family(there, before)
        if after is None:
            dropped += (own, *others)
        elif (after.sku, after.lot) != (before.sku, before.lot):
            dropped += others
            kept.append(msgspec.structs.replace(after, picked=0))
            more[after.line] = after.quantity
        else:
            change = after.quantity - own.quantity - own.substituted
            units = _units(own, others, change, done, missing)
            for one in others:
                (kept if units[one.line] or done.get(one.line) else dropped).append(
                    _resized(one, units[one.line])
                )
                more[one.line] = units[one.line] - one.quantity
            given = sum(units[one.line] for one in others)
            now = _resized(own, units[own.line])
            kept.append(msgspec.structs.replace(
                now, substituted=given, substitution=after.substitution
            ))  # fmt: skip
            more[own.line] = now.quantity - own.quantity
    for fresh in asked.values():
        kept.append(fresh)
        more[fresh.line] = fresh.quantity
    return Revised(tuple(kept), tuple(dropped), more)


def _family(order: Order, line: Line) -> list[Line]:
    """A line, and those that stand in for it, as they came."""
    return [line, *(one for one in order.lines if one.substituted_for == line.line)]


def _units(
    own: Line,
    others: list[Line],
    change: int,
    done: Mapping[str, int],
    missing: Mapping[str, int],
) -> dict[str, int]:
    """How many units a line and those that stand in for it are of then."""
    units = {one.line: one.quantity for one in (own, *others)}
    if change >= 0:
        units[own.line] += change
        return units
    cut = -change
    unmet = min(cut, missing.get(own.line, 0))
    units[own.line] -= unmet
    cut -= unmet
    for one in reversed(others):
        less = min(cut, one.quantity - done.get(one.line, 0))
        units[one.line] -= less
        cut -= less
    units[own.line] -= cut
    return units


def _resized(line: Line, quantity: int) -> Line:
    """What lies ready without having been brought is not picked for it any more."""
    return msgspec.structs.replace(line, quantity=quantity, picked=min(line.picked, quantity))
