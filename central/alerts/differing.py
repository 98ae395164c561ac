"""Where what sensors and people see stands against the books: scales, zones, counts.

None of it moves stock. A difference is told only as far as it is sure: of a scale, what weight
cannot explain by the scatter of the pieces; of a zone, tags that it has heard for a while, never
those that it does not hear; of a count, what it found and nobody approved or refused so far.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from central.alerts.model import Finding, Rule
from central.alerts.there import There, under
from central.catalogue.places import list_read_points
from central.catalogue.tree import codes_under
from central.counts.lines import lines_of
from central.counts.model import State, Task
from central.counts.tasks import list_tasks
from central.judging import on_plates, whereabouts
from central.reconcile.verdict import ReadPoint
from central.stock import watched

__all__ = ["differing", "surely_apart"]

SURE_Z = 2.576
"""What is left out is what chance does in 1 of 100 (normal, both sides)."""
_HEARD_US = 60_000_000
"""A tag that only goes by is not heard for so long."""
_PAGE = 100
_OPEN = (State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW)


def differing(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    """Everything that differs, under the rule that is nearest to its place."""
    points = list_read_points(conn)
    things = [*_plates(conn, points, now_us), *_zones(conn, points, now_us), *_counts(conn)]
    yield from under(conn, rules, [one for one in things if one.value])


def surely_apart(pieces: float, variance: float, on_hand: int) -> int:
    """By how many units books and scale differ at least: what weight can explain is left out."""
    return max(0, round(abs(pieces - on_hand) - SURE_Z * math.sqrt(variance)))


def _plates(conn: Connection, points: Sequence[ReadPoint], now_us: int) -> Iterator[There]:
    seen = on_plates.weighed(conn, points, now_us)
    held: dict[tuple[str, str], int] = defaultdict(int)
    for one in watched.balances_of(conn, sorted({one.sku for one in seen})):
        held[one.location, one.sku] += one.on_hand
    for there in seen:
        on_hand = held[there.location, there.sku]
        apart = surely_apart(there.pieces, there.variance, on_hand)
        says = (
            f"the plates at {there.location} carry {there.pieces:.1f} of {there.sku}, "
            f"the books say {on_hand}"
        )
        subject = f"scale {there.location} {there.sku}"
        yield There(subject, there.location, apart, says, there.sku)


def _zones(conn: Connection, points: Sequence[ReadPoint], now_us: int) -> Iterator[There]:
    zones = {one.code: one.location for one in points if one.kind == "zone"}
    if not zones:
        return
    inside = {code: codes_under(conn, [code]) for code in set(zones.values())}
    strangers: dict[str, list[whereabouts.Elsewhere]] = defaultdict(list)
    for one in whereabouts.elsewhere(conn, since_us=now_us - _HEARD_US):
        location = zones.get(one.read_point)
        if location is not None and one.location not in inside[location]:
            strangers[one.read_point].append(one)
    for code, found in sorted(strangers.items()):
        first = found[0]
        says = (
            f"zone {code} hears {len(found)} tags that the books have elsewhere, such as "
            f"{first.epc} of {first.sku} at {first.location}"
        )
        yield There(f"zone {code}", zones[code], len(found), says)


def _counts(conn: Connection) -> Iterator[There]:
    for task in _finished(conn):
        lines = [one for one in lines_of(conn, task) if not one.disturbed]
        most = max(lines, key=lambda one: abs(one.difference), default=None)
        if most is not None and most.difference:
            says = (
                f"count {task.id} found {most.counted} of {most.sku} at {most.location}, "
                f"the books say {most.expected}"
            )
            units = abs(most.difference)
            yield There(f"count {task.id}", most.location, units, says, most.sku)


def _finished(conn: Connection) -> Iterator[Task]:
    for state in _OPEN:
        after = ""
        while found := list_tasks(conn, state=state, after=after, limit=_PAGE):
            yield from found
            after = found[-1].id
