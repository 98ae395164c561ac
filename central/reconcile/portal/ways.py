"""Doors through which goods go one way only: then nothing is asked of a direction. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from central.reconcile.portal.weighing import Crossing

ONE_WAY = ("", "in", "out")
"""What a read point's ``one_way`` may be; empty where goods go both ways."""


def directed(crossings: Sequence[Crossing], one_way: str) -> list[Crossing]:
    """Tags at a door of one way: whichever crossed went that way, whatever the antennas say."""
    if not one_way:
        return list(crossings)
    inwards = 1.0 if one_way == "in" else 0.0
    return [
        one._replace(odds=one.odds._replace(inwards=inwards), expected=one_way) for one in crossings
    ]
