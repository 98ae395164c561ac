"""The weather of one run, drawn from its seed: which faults, when, for how long, to whom."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from edge.journal import JournalLimits

HOUR_S = 3_600.0
SITE = "site"
"""The simulated site's name."""
KINDS = (
    "kill-edge", "power-cut", "torn-commit", "restart-edge", "slow-edge", "card-full", "rot",
    "clock-jump", "clone", "partition", "one-way", "reset", "slow-network", "broker-crash",
    "broker-forgets", "queue-limit", "doubles", "swaps", "replayed", "foreign", "denied",
    "kill-central", "kill-in-statement", "slow-central", "database-full", "restore", "outage",
)  # fmt: skip
"""``lying`` and ``small-journal`` are properties of a card, drawn apart."""
MAY_LOSE = frozenset({"rot", "restore", "clone", "lying", "small-journal"})
"""What may cost observations, if it is told; nothing else may."""
_WEIGHTS = {"clone": 0.3, "restore": 0.3, "rot": 0.5, "outage": 0.8, "power-cut": 2.0}


class Fault(NamedTuple):
    """``kind`` happens at ``at_s`` for ``lasts_s``; ``draw`` is its own randomness (0 to 1)."""

    at_s: float
    kind: str
    edge: int
    lasts_s: float
    draw: float


class Plan(NamedTuple):
    """One run. ``events`` are the times of what happens at each edge."""

    hours: float
    events: list[list[float]]
    faults: list[Fault]
    lying: list[bool]
    limits: JournalLimits
    small: bool
    commit_every_ms: int
    batch: int
    window: int

    def may_lose(self) -> set[str]:
        """The faults of this plan after which observations may be missing."""
        found = {fault.kind for fault in self.faults} & MAY_LOSE
        return (
            found
            | ({"lying"} if any(self.lying) else set())
            | ({"small-journal"} if self.small else set())
        )


def draw_plan(chance: Random) -> Plan:
    """A plan: mostly an hour or so, sometimes days."""
    hours = chance.choices(
        (chance.uniform(0.2, 2.0), chance.uniform(2.0, 24.0), chance.uniform(72.0, 80.0)),
        (6, 3, 1),
    )[0]
    edges = chance.choices((1, 2, 3), (5, 3, 1))[0]
    span_s = hours * HOUR_S
    events = [
        sorted(chance.uniform(60.0, span_s) for _ in range(chance.randint(4, 10)))
        for _ in range(edges)
    ]
    kinds = chance.choices(
        KINDS, [_WEIGHTS.get(kind, 1.0) for kind in KINDS], k=chance.randint(0, 12)
    )
    faults = sorted(_fault(kind, events, span_s, chance) for kind in kinds)
    small = chance.random() < 0.08
    limits = JournalLimits(
        max_bytes=60_000 if small else 2**30,
        segment_rows=chance.choice((20, 60, 200, 1_000)),
        segment_bytes=chance.choice((4_000, 40_000, 2**24)),
        when_full=chance.choice(("drop_oldest", "refuse_newest")),
    )
    lying = [chance.random() < 0.1 for _ in range(edges)]
    commit_every_ms = chance.choice((50, 250, 1_000, 1_000, 3_000, 3_000))
    batch, window = chance.choice((5, 20, 100, 200)), chance.choice((1, 4, 20))
    return Plan(hours, events, faults, lying, limits, small, commit_every_ms, batch, window)


def _fault(kind: str, events: list[list[float]], span_s: float, chance: Random) -> Fault:
    """Most faults fall where something happens: elsewhere they meet nobody."""
    edge = chance.randrange(len(events))
    at_s = chance.uniform(1.0, span_s)
    if chance.random() < 0.7:
        at_s = max(1.0, chance.choice(events[edge]) + chance.uniform(-3.0, 18.0))
    lasts_s = chance.choice((1.0, 15.0, 120.0, 1_800.0)) * chance.uniform(0.3, 1.5)
    if kind == "outage":
        lasts_s = chance.uniform(1.0, 72.0) * HOUR_S
    return Fault(at_s, kind, edge, lasts_s, chance.random())
