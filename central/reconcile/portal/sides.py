"""Which places lie behind a portal, and which before it, by the tree of places. Pure.

Goods that came in through a portal are put away: from the dock to a bin, from the hall to a rack.
They are as much inside as where they were put down. How near two places are is how much of their
ways down from the root they share. A place lies

- inside of a portal that it is nearer to than to the portal's outside;
- outside of one whose outside it is nearer to;
- on neither side if both are as near, if neither is in the same tree, or if the place is nearer to
  another portal: what lies in the next hall may come in through this door, or be there already.

What is no place of the tree (supplier, customer and the like) is outside, and so is what the ledger
has never met.
"""

from __future__ import annotations

from functools import cached_property

from central.reconcile.portal.track import INSIDE, OUTSIDE, UNKNOWN
from central.reconcile.verdict import Context, ReadPoint
from central.stock.model import LocationKind

__all__ = ["VIRTUAL", "Sides"]

VIRTUAL = {kind.value for kind in LocationKind if kind is not LocationKind.INTERNAL}
"""What is no place of the tree."""


class Sides:
    """The sides of one portal, as of a log entry."""

    def __init__(self, point: ReadPoint, context: Context) -> None:
        self._point = point
        self._context = context
        self._known: dict[str, int] = {}

    def of(self, place: str | None) -> int:
        """The side of a place: ``INSIDE``, ``OUTSIDE``, or ``UNKNOWN`` for neither."""
        if place is None:
            return OUTSIDE
        if place not in self._known:
            self._known[place] = self._look(place)
        return self._known[place]

    def _look(self, place: str) -> int:
        if place == self._point.location:
            return INSIDE
        if place in VIRTUAL or place == self._point.outbound_to:
            return OUTSIDE
        path = self._context.enclosing(place)
        inside, outside, source = (_shared(path, other) for other in self._ends)
        nearest = max(inside, outside, source)
        if not nearest or any(_shared(path, other) > nearest for other in self._others):
            return UNKNOWN
        if inside > max(outside, source):
            return INSIDE
        return OUTSIDE if outside > inside and outside >= source else UNKNOWN

    @cached_property
    def _ends(self) -> tuple[tuple[str, ...], ...]:
        ends = (self._point.location, self._point.outbound_to, self._point.inbound_from)
        return tuple(map(self._context.enclosing, ends))

    @cached_property
    def _others(self) -> list[tuple[str, ...]]:
        """Where the other portals lead to."""
        points = self._context.read_points.values()
        led = {one.location for one in points if one.kind == "portal"} - {self._point.location}
        return [self._context.enclosing(place) for place in sorted(led)]


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many places enclose both."""
    for deep, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return deep
    return min(len(one), len(other))
