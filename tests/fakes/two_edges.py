"""One dock that two edges hear, the one its outer antennas and the other its inner ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from central.reconcile.ordering import told_us
from central.reconcile.verdict import Logged
from drivers.emulators.portal_physics import dock_antennas
from gateway.contract import DeviceHealth, Observation
from tests.fakes.portal_log import described, fold, moment
from tests.fakes.portal_scenes import dock

OUTSIDE = {antenna.antenna for antenna in dock_antennas() if antenna.side == "outside"}
END = 1_000.0


class Told(NamedTuple):
    """What an edge tells, and when it is complete."""

    at_us: int
    edge: str
    seq: int
    seen: Observation


class Scene(NamedTuple):
    told: list[Told]
    placed: dict[str, str]


@lru_cache(maxsize=4)
def scene(seed: int, passes: int = 2) -> Scene:
    """A dock whose outer antennas are one edge's and whose inner ones another's."""
    made = dock(seed, passes=passes, cases=(4, 7), strays=4)
    reads = list(made.reads)
    told: list[Told] = []
    for edge, mine in (("edge-in", False), ("edge-out", True)):
        seen: list[Observation] = [described(dock_antennas())]
        seen += fold((t, read) for t, read in reads if (read.antenna in OUTSIDE) is mine)
        seen.append(
            DeviceHealth(
                device=f"reader-{edge}", read_point="dock-1", event_time=moment(END),
                state="running",
            )
        )  # fmt: skip
        told += [
            Told(told_us(one), edge, n, msgspec.structs.replace(one, device=f"reader-{edge}"))
            for n, one in enumerate(seen, 1)
        ]
    return Scene(told, made.placed)


def log_of(told: Iterable[Told]) -> list[Logged]:
    return [Logged(n, one.edge, "epoch0001", one.seq, one.seen) for n, one in enumerate(told, 1)]


def in_time(told: Sequence[Told]) -> list[Told]:
    return sorted(told, key=lambda one: (one.seq > 1, one.at_us, one.edge, one.seq))


def us(t: float) -> int:
    return round(moment(t).timestamp() * 1e6)


def away(made: Scene, edge: str, from_s: float, to_s: float) -> list[Logged]:
    """An edge is cut off for a while, and what it heard meanwhile comes 3 s after that."""
    order = in_time(made.told)
    back_us = us(to_s + 3.0)
    kept = [
        one
        for one in order
        if one.edge == edge and one.seq > 1 and us(from_s) < one.at_us < back_us
    ]
    others = [one for one in order if one not in kept]
    until = [one for one in others if one.seq == 1 or one.at_us < back_us]
    return log_of([*until, *kept, *others[len(until) :]])
