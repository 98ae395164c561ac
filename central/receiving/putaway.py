"""Where goods should be put away: rules that rank places, each with its reasons. Pure.

In this order: a place whose rules name the item; one where its lot lies already; one where the
item lies; one in a part of the warehouse whose rules name its category; one that is made to store
goods; one that takes all of it at once; first expired, first out (goods that expire before what
lies there come in front of it; those that expire later go where nothing must leave before them);
one where nothing else lies; the nearest, and of these the first on the walk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["STORING", "Candidate", "Goods", "Proposal", "propose", "steps_between"]

STORING = ("bin", "shelf", "rack")
"""Types of places that are made to store goods."""


class Goods(NamedTuple):
    """What is to be put away. ``expires_on`` is an ISO date; empty: unknown, or never."""

    sku: str
    lot: str
    quantity: int
    category: str = ""
    expires_on: str = ""


class Candidate(NamedTuple):
    """A place that may take ``room`` units of the goods.

    ``fixed``: its rules, or those of what encloses it, name the item; ``meant``: they name its
    category. ``lots`` are those of the item that lie there, by when they expire; ``others`` lie
    there too. ``steps`` is how far it is in the tree of places, ``walk`` its number on the walk.
    """

    place: str
    room: int
    type: str = ""
    fixed: bool = False
    meant: bool = False
    lots: tuple[tuple[str, str], ...] = ()
    others: bool = False
    steps: int = 0
    walk: int = 0


class Proposal(NamedTuple):
    """Put ``quantity`` units into ``location``, and why. Proposals are alternatives."""

    location: str
    quantity: int
    reasons: tuple[str, ...]


def propose(goods: Goods, candidates: Iterable[Candidate], most: int = 5) -> list[Proposal]:
    """The best places, the best first; none that has no room."""
    fitting = [one for one in candidates if one.room > 0]
    ranked = sorted(fitting, key=lambda one: _rank(goods, one))
    return [
        Proposal(one.place, min(one.room, goods.quantity), tuple(_reasons(goods, one)))
        for one in ranked[:most]
    ]


def steps_between(here: list[str], there: list[str]) -> int:
    """How many steps two places are apart in the tree; of each its code and those of all that
    enclose it, upwards. Trees of their own stand beside each other.
    """
    shared = len(set(here) & set(there))
    return len(here) + len(there) - 2 * shared


def _rank(goods: Goods, one: Candidate) -> tuple[bool | int, ...]:
    return (
        not one.fixed,
        not _same_lot(goods, one),
        not one.lots,
        not one.meant,
        one.type not in STORING,
        one.room < goods.quantity,
        _behind(goods, one),
        one.others,
        one.steps,
        one.walk,
    )


def _same_lot(goods: Goods, one: Candidate) -> bool:
    return any(lot == goods.lot for lot, _ in one.lots)


def _behind(goods: Goods, one: Candidate) -> bool:
    """Whether the goods would lie in front of a lot that must leave before them."""
    return bool(goods.expires_on) and any(
        expires_on and expires_on < goods.expires_on for _, expires_on in one.lots
    )


def _reasons(goods: Goods, one: Candidate) -> Iterable[str]:
    if one.fixed:
        yield f"its rules name {goods.sku}"
    if goods.lot and _same_lot(goods, one):
        yield f"lot {goods.lot} lies there already"
    elif one.lots:
        yield f"{goods.sku} lies there already"
    if one.meant:
        yield f"it is meant for {goods.category}"
    if one.type in STORING:
        yield f"it is a {one.type}"
    if one.room >= goods.quantity:
        yield f"it has room for all {goods.quantity}"
    else:
        yield f"it has room for {one.room} of {goods.quantity}"
    if goods.expires_on and one.lots:
        before = _behind(goods, one)
        yield "what lies there expires before it" if before else "nothing there expires before it"
    yield "other items lie there" if one.others else "no other items lie there"
    yield f"it is {one.steps} steps away"
