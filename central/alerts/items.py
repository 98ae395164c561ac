"""How an item stands under the rules that hold for it. Pure.

All that is needed is where the item lies: each balance with the places around it. So the sum over a
whole warehouse costs what a single shelf costs, and no sum is kept that could be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

import msgspec

from central.alerts.model import Finding, Kind, Rule, key_of
from central.alerts.nearest import Measured, Thing, holding
from central.database.moments import from_us

__all__ = ["Held", "Seen", "findings"]

_DAY_US = 86_400_000_000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A balance. ``path`` is its place and those around it, up to the root; ``last_us`` when the
    newest movement of it was posted. What is damaged, held back or past its date is not
    ``sellable``; ``reserved`` of the units are promised.
    """

    path: tuple[str, ...]
    on_hand: int
    reserved: int = 0
    last_us: int = 0
    sellable: bool = True
    lot: str = ""
    last_day: date | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an item now. ``unknown`` is the balance of the location of that name;
    ``lost`` are pairs of when (microseconds since 1970) and how many units were lost; what was
    found counts less than nothing. ``wanted`` are units that reservations wait for, each with the
    places around where it waits for them: none where any will do.
    """

    thing: Thing
    held: tuple[Held, ...] = ()
    unknown: int = 0
    lost: tuple[tuple[int, int], ...] = ()
    wanted: tuple[tuple[tuple[str, ...], int], ...] = ()


def findings(seen: Seen, rules: Sequence[Rule], now_us: int) -> list[Finding]:
    """How everything that rules watch of an item stands."""
    found = [
        finding
        for kind, look in _BY_PLACE.items()
        for one in _measured(seen, rules, kind)
        if (finding := look(seen, one, now_us)) is not None
    ]
    for kind, of_all in _OF_ALL.items():
        everywhere = [one for one in rules if one.location is None and not one.each]
        found.extend(
            of_all(seen, one, now_us)
            for one in holding(everywhere, kind, seen.thing, [()])
            if one.rule.limit is not None
        )
    return found


def _measured(seen: Seen, rules: Iterable[Rule], kind: Kind) -> Iterator[Measured]:
    held = {one.path for one in seen.held}
    paths = {path for path, _units in seen.wanted} if kind == Kind.BACKORDER else held
    return holding(rules, kind, seen.thing, sorted(paths))


def _units(seen: Seen, one: Measured) -> list[Held]:
    """What lies in the place that is measured."""
    if one.each:
        return [held for held in seen.held if held.path[0] == one.place]
    return [held for held in seen.held if one.place is None or one.place in held.path]


def _low(seen: Seen, one: Measured, now_us: int) -> Finding | None:
    del now_us
    rule = one.rule
    if rule.limit is None or not seen.thing.active:
        return None
    sellable = [held for held in _units(seen, one) if held.sellable]
    units = sum(held.on_hand for held in sellable)
    reserved = sum(held.reserved for held in sellable) if rule.of == "available" else 0
    units -= reserved
    met = True if units < rule.limit else False if units >= rule.limit + rule.margin else None
    besides = f" besides {reserved} that are reserved" if reserved else ""
    return _finding(seen, one, met, units, f"{units} of {seen.thing.sku}{_where(one)}{besides}, "
                                           f"minimum {rule.limit}")  # fmt: skip


def _backorder(seen: Seen, one: Measured, now_us: int) -> Finding | None:
    del now_us
    rule = one.rule
    if rule.limit is None:
        return None
    units = sum(wanted for path, wanted in seen.wanted if one.place is None or one.place in path)
    least = max(1, rule.limit)
    met = True if units >= least else False if units < max(1, least - rule.margin) else None
    says = f"reservations wait for {units} of {seen.thing.sku}{_where(one)}"
    return _finding(seen, one, met, units, says)


def _over(seen: Seen, one: Measured, now_us: int) -> Finding | None:
    del now_us
    rule = one.rule
    if rule.limit is None:
        return None
    units = sum(held.on_hand for held in _units(seen, one))
    met = True if units > rule.limit else False if units <= rule.limit - rule.margin else None
    return _finding(seen, one, met, units, f"{units} of {seen.thing.sku}{_where(one)}, "
                                           f"maximum {rule.limit}")  # fmt: skip


def _expiry(seen: Seen, one: Measured, now_us: int) -> Finding | None:
    dated = [
        (held.last_day, held.lot)
        for held in _units(seen, one)
        if held.last_day is not None and held.on_hand > 0
    ]
    if one.rule.limit is None or not dated:
        return None
    last_day, lot = min(dated)
    days = (last_day - from_us(now_us).date()).days
    units = sum(held.on_hand for held in _units(seen, one) if held.lot == lot)
    limit = one.rule.limit
    met = True if days <= limit else False if days > limit + one.rule.margin else None
    return _finding(seen, one, met, days, f"{units} of {seen.thing.sku}{_where(one)} of lot {lot} "
                                          f"expire on {last_day}")  # fmt: skip


def _still(seen: Seen, one: Measured, now_us: int) -> Finding | None:
    held = _units(seen, one)
    if one.rule.limit is None or not held:
        return None
    days = (now_us - max(each.last_us for each in held)) // _DAY_US
    there = sum(each.on_hand for each in held)
    met = there > 0 and days >= one.rule.limit
    return _finding(seen, one, met, days, f"{there} of {seen.thing.sku}{_where(one)}, of which "
                                          f"nothing moved for {days} days")  # fmt: skip


def _unexplained(seen: Seen, one: Measured, now_us: int) -> Finding:
    del now_us
    rule = one.rule
    assert rule.limit is not None, "who calls has looked"
    units = abs(seen.unknown)
    went = "went" if seen.unknown > 0 else "came from"
    met = True if units >= rule.limit else False if units < rule.limit - rule.margin else None
    says = f"{units} of {seen.thing.sku} {went} nobody knows where"
    return _finding(seen, one, met, units, says)


def _shrinkage(seen: Seen, one: Measured, now_us: int) -> Finding:
    rule = one.rule
    assert rule.limit is not None, "who calls has looked"
    since_us = now_us - rule.window_days * _DAY_US
    units = sum(lost for at_us, lost in seen.lost if at_us >= since_us)
    met = True if units >= rule.limit else False if units < rule.limit - rule.margin else None
    says = f"{units} of {seen.thing.sku} were lost in {rule.window_days} days"
    return _finding(seen, one, met, units, says)


def _finding(seen: Seen, one: Measured, met: bool | None, value: int, says: str) -> Finding:
    rule, sku = one.rule, seen.thing.sku
    return Finding(
        key=key_of(rule.kind, one.place, one.each, sku),
        rule=rule,
        met=met,
        value=value,
        says=says,
        sku=sku,
        location=one.place or "",
        instead_of=tuple(other.id for other in one.others),
    )


def _where(one: Measured) -> str:
    return "" if one.place is None else f" at {one.place}" if one.each else f" in {one.place}"


_BY_PLACE: dict[Kind, Callable[[Seen, Measured, int], Finding | None]] = {
    Kind.LOW: _low,
    Kind.OVER: _over,
    Kind.EXPIRY: _expiry,
    Kind.STILL: _still,
    Kind.BACKORDER: _backorder,
}
_OF_ALL: dict[Kind, Callable[[Seen, Measured, int], Finding]] = {
    Kind.UNEXPLAINED: _unexplained,
    Kind.SHRINKAGE: _shrinkage,
}
