"""Which places lie behind a portal."""

from __future__ import annotations

import pytest

from central.reconcile.portal.sides import Sides
from central.reconcile.portal.track import INSIDE, OUTSIDE, UNKNOWN
from central.reconcile.verdict import Context, ReadPoint

TREE = {
    "dock-1": "site", "dock-2": "site", "aisle": "site", "bin": "aisle",
    "hall-b": "site", "dock-b": "hall-b", "bin-b": "hall-b",
    "freezer": "site", "shelf": "freezer", "other-bin": "other",
}  # fmt: skip


def enclosing(place: str) -> tuple[str, ...]:
    parent = TREE.get(place)
    return (place,) if parent is None else (*enclosing(parent), place)


def portal(code: str, location: str, *, before: str = "") -> ReadPoint:
    ends = {"inbound_from": before, "outbound_to": before} if before else {}
    return ReadPoint(code=code, kind="portal", location=location, **ends)  # type: ignore[arg-type]


POINTS = {
    one.code: one
    for one in (
        portal("door-1", "dock-1"),
        portal("door-2", "dock-2"),
        portal("door-b", "dock-b"),
        portal("freezer-door", "freezer", before="aisle"),
        portal("flat-door", "flat"),
        ReadPoint(code="desk", kind="scan", location="bin"),
    )
}
SIDES = {
    "door-1": {
        "dock-1": INSIDE, "aisle": INSIDE, "bin": INSIDE, "site": INSIDE,
        "dock-2": UNKNOWN, "bin-b": UNKNOWN, "hall-b": UNKNOWN, "shelf": UNKNOWN,
        "other-bin": UNKNOWN, "flat": UNKNOWN, "never heard of": UNKNOWN,
        "customer": OUTSIDE, "supplier": OUTSIDE, "unknown": OUTSIDE, None: OUTSIDE,
    },
    "door-b": {"bin-b": INSIDE, "hall-b": INSIDE, "bin": INSIDE, "dock-1": UNKNOWN},
    "freezer-door": {
        "shelf": INSIDE, "freezer": INSIDE, "bin": OUTSIDE, "aisle": OUTSIDE, "dock-1": UNKNOWN,
        "site": UNKNOWN, "customer": OUTSIDE,
    },
    "flat-door": {"flat": INSIDE, "bin": UNKNOWN, "site": UNKNOWN},
}  # fmt: skip
EVERY = [(door, place, side) for door, told in SIDES.items() for place, side in told.items()]


@pytest.mark.parametrize(("door", "place", "side"), EVERY)
def test_the_tree_of_places_tells_what_lies_behind_a_portal(
    door: str, place: str | None, side: int
) -> None:
    known = Context(read_points=POINTS, enclosing=enclosing)
    assert Sides(POINTS[door], known).of(place) == side


def test_without_a_tree_only_the_portals_own_places_have_sides() -> None:
    sides = Sides(POINTS["freezer-door"], Context(read_points=POINTS))
    assert [sides.of(place) for place in ("freezer", "aisle", "bin")] == [INSIDE, OUTSIDE, UNKNOWN]
