"""What time alone brings to light, and what devices say: places, devices, documents, reviews.

Each answers what is wrong now; what was wrong and is not among it any more is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from central import schema
from central.alerts.looking import paths_of
from central.alerts.model import Finding, Kind, Rule, key_of
from central.alerts.nearest import Measured, measured
from central.catalogue.places import list_read_points
from central.catalogue.tree import Listed, list_locations
from central.documents.books import list_documents
from central.reviews import store as reviews
from central.stock import watched
from central.stock.model import LocationKind

__all__ = ["found_now"]

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_WELL = ("running", "starting", "unknown")
_PAGE = 500


class _There(NamedTuple):
    """Something at a place: how it stands in the rule's unit, and in words."""

    subject: str
    location: str
    value: int
    says: str


def found_now(conn: Connection, rules: Sequence[Rule], now_us: int) -> list[Finding]:
    """Everything that is wrong by ``rules``, which are of places."""
    found: list[Finding] = []
    for kind, look in _LOOKS.items():
        of_kind = [one for one in rules if one.kind == kind]
        if of_kind:
            found.extend(look(conn, of_kind, now_us))
    return found


def _devices(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    del now_us
    places = {point.code: point.location for point in list_read_points(conn)}
    device, presence = schema.device.c, schema.edge_presence.c
    away: dict[str, str] = {}
    for row in conn.execute(select(presence.edge, presence.state, presence.reason)):
        if row.state != "online" or row.reason:
            away[row.edge] = row.reason or f"it is {row.state}"
    where: dict[str, str] = {}
    ill: list[_There] = []
    for row in conn.execute(select(schema.device).order_by(device.edge, device.device)):
        place = places.get(row.read_point, "")
        where.setdefault(row.edge, place)
        if row.edge not in away and row.state not in _WELL:
            why = ": ".join(part for part in (row.state, row.cause, row.hint) if part)
            ill.append(_There(f"{row.edge}/{row.device}", place, 1, f"device {row.device} of "
                              f"edge {row.edge} is {why}"))  # fmt: skip
    # Of an edge that is away nothing is known of its devices: one cause, one alert.
    ill += [
        _There(edge, where.get(edge, ""), 1, f"edge {edge}: {why}") for edge, why in away.items()
    ]
    yield from _under(conn, rules, ill)


def _late(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    late: list[_There] = []
    after = ""
    while found := list_documents(conn, status="open", after=after, limit=_PAGE):
        after = found[-1].document.id
        for one in (each.document for each in found):
            if one.until_us is not None and one.until_us <= now_us:
                minutes = (now_us - one.until_us) // _MINUTE_US
                ends = (one.destination, one.source)
                place = next((code for code in ends if code not in tuple(LocationKind)), "")
                says = f"{one.kind.replace('_', ' ')} {one.id} is late by {minutes} minutes"
                late.append(_There(one.id, place, minutes, says))
    yield from _under(conn, rules, late)


def _reviews(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    places = {point.code: point.location for point in list_read_points(conn)}
    waiting = []
    for one in reviews.waiting(conn):
        minutes = (now_us - one.oldest_us) // _MINUTE_US
        says = f"{one.open} reviews of {one.read_point} wait, the oldest for {minutes} minutes"
        place = places.get(one.read_point, "")
        waiting.append(_There(one.read_point, place, minutes, says))
    yield from _under(conn, rules, waiting)


def _under(conn: Connection, rules: Sequence[Rule], things: Sequence[_There]) -> Iterator[Finding]:
    """Each thing under the rule that is nearest to its place, if that finds it wrong."""
    paths = paths_of(conn, {one.location for one in things} - {""})
    for one in things:
        path = paths.get(one.location, ())
        competing = [
            (0, -len(path) if rule.location is None else -path.index(rule.location), rule)
            for rule in rules
            if rule.location is None or rule.location in path
        ]
        if not competing:
            continue
        rule = measured(one.location, competing, each=True).rule
        if rule.limit is not None and one.value >= rule.limit:
            yield Finding(
                key=key_of(rule.kind, one.subject), rule=rule, met=True, value=one.value,
                says=one.says, location=one.location, subject=one.subject,
            )  # fmt: skip


def _idle(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    each: dict[str, list[tuple[int, int, Rule]]] = {}
    for rule in rules:
        assert rule.location is not None, "checked when it was said"
        inside = [(one.location.code, one.depth) for one in _within(conn, rule.location)]
        last = watched.last_moved(conn, [code for code, _depth in inside])
        if rule.each:
            for code, depth in inside:
                if code in last:
                    each.setdefault(code, []).append((0, -depth, rule))
        elif last:
            newest = max(last.values())
            yield from _found_idle(Measured(rule.location, False, rule, ()), newest, now_us)
    last = watched.last_moved(conn, list(each))
    for code, competing in each.items():
        yield from _found_idle(measured(code, competing, each=True), last[code], now_us)


def _within(conn: Connection, root: str) -> Iterator[Listed]:
    after = ""
    while found := list_locations(conn, under=root, after=after):
        yield from found
        after = found[-1].location.code


def _found_idle(one: Measured, last_us: int, now_us: int) -> Iterable[Finding]:
    hours = (now_us - last_us) // _HOUR_US
    if one.rule.limit is not None and hours >= one.rule.limit:
        word = "at" if one.each else "in"
        yield Finding(
            key=key_of(one.rule.kind, one.place, one.each), rule=one.rule,
            met=True, value=hours, says=f"nothing moved {word} {one.place} for {hours} hours",
            location=one.place or "",
        )  # fmt: skip


_LOOKS: dict[Kind, Callable[[Connection, Sequence[Rule], int], Iterable[Finding]]] = {
    Kind.DEVICE: _devices,
    Kind.LATE: _late,
    Kind.REVIEW: _reviews,
    Kind.IDLE: _idle,
}
