"""What time alone brings to light, and what devices say: places, devices, papers, reviews.

Each answers what is wrong now; what was wrong and is not among it any more is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from central import schema
from central.alerts.calibrations import calibrations
from central.alerts.differing import differing
from central.alerts.looking import clock_of, paths_of
from central.alerts.model import Finding, Kind, Rule, key_of
from central.alerts.nearest import Measured, measured
from central.alerts.there import There, under
from central.catalogue.places import list_read_points
from central.catalogue.tree import Listed, list_locations
from central.database.moments import from_us
from central.documents.books import list_documents
from central.orders import store as orders
from central.receiving import overdue as inbound
from central.reviews import store as reviews
from central.stock import watched
from central.stock.model import LocationKind

__all__ = ["found_now"]

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_WELL = ("running", "starting", "held", "unknown")
"""``held``: a technician is at it; the edge takes it back when nobody is."""
_PAGE = 500


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
    ill: list[There] = []
    for row in conn.execute(select(schema.device).order_by(device.edge, device.device)):
        place = places.get(row.read_point, "")
        where.setdefault(row.edge, place)
        complains = row.state == "running" and row.cause and row.device != row.edge
        if row.edge not in away and (complains or row.state not in _WELL):
            why = ": ".join(part for part in (row.state, row.cause, row.hint) if part)
            ill.append(There(f"{row.edge}/{row.device}", place, 1, f"device {row.device} of "
                              f"edge {row.edge} is {why}"))  # fmt: skip
    # What an edge complains of itself is the reason of its presence, which outruns its backlog.
    # Of an edge that is away nothing is known of its devices: one cause, one alert.
    ill += [
        There(edge, where.get(edge, ""), 1, f"edge {edge}: {why}") for edge, why in away.items()
    ]
    yield from under(conn, rules, ill)


def _late(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    late: list[There] = []
    after = ""
    while found := list_documents(conn, status="open", after=after, limit=_PAGE):
        after = found[-1].document.id
        for one in (each.document for each in found):
            if one.until_us is not None and one.until_us <= now_us:
                minutes = (now_us - one.until_us) // _MINUTE_US
                ends = (one.destination, one.source)
                place = next((code for code in ends if code not in tuple(LocationKind)), "")
                says = f"{one.kind.replace('_', ' ')} {one.id} is late by {minutes} minutes"
                late.append(There(one.id, place, minutes, says))
    late += _late_orders(conn, now_us)
    yield from under(conn, rules, late)


def _late_orders(conn: Connection, now_us: int) -> Iterator[There]:
    """Orders of which something is still to come or to leave, past the time that was promised."""
    coming = inbound.overdue(conn, now_us)
    leaving = orders.overdue(conn, now_us)
    places = {one.order.location for one in coming} | {one.warehouse for one in leaving}
    paths = paths_of(conn, places)
    zones = {code: clock_of(conn, path) for code, path in paths.items()}
    for one, missing in coming:
        assert one.expected_us is not None, "it was asked for by it"
        by, minutes = _promised(one.expected_us, zones[one.location], now_us)
        says = f"inbound order {one.id} was expected by {by}: {missing} units have not come"
        yield There(f"inbound order {one.id}", one.location, minutes, says)
    for order in leaving:
        assert order.due_us is not None, "it was asked for by it"
        by, minutes = _promised(order.due_us, zones[order.warehouse], now_us)
        left = sum(line.quantity - line.shipped for line in order.lines)
        says = f"order {order.id} is due by {by}: {left} units have not left"
        yield There(f"order {order.id}", order.warehouse, minutes, says)


def _promised(at_us: int, zone: str, now_us: int) -> tuple[str, int]:
    """A moment as the clocks of its place show it, and how many minutes ago it was."""
    told = from_us(at_us).astimezone(ZoneInfo(zone))
    return f"{told:%Y-%m-%d %H:%M} ({zone})", (now_us - at_us) // _MINUTE_US


def _reviews(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    places = {point.code: point.location for point in list_read_points(conn)}
    waiting = []
    for one in reviews.waiting(conn):
        minutes = (now_us - one.oldest_us) // _MINUTE_US
        says = f"{one.open} reviews of {one.read_point} wait, the oldest for {minutes} minutes"
        place = places.get(one.read_point, "")
        waiting.append(There(one.read_point, place, minutes, says))
    yield from under(conn, rules, waiting)


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
    Kind.CALIBRATION: calibrations,
    Kind.DISCREPANCY: differing,
}
