"""Which disk states to look at, and how: drawn from a seed, so that each can be seen again."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.powercut.disk import MODELS, SURVIVALS, Disk, Model, Survival
from benchmarks.powercut.recording import Op

_LYING_SPAN = 400
"""So many operations at most a lying card may be behind: some seconds of a busy edge."""


class State(NamedTuple):
    """A cut after ``cut`` operations. ``lying_since`` is the operation after which syncs did
    nothing; None on an honest disk. ``again`` says that the power is cut a second time while the
    program recovers.
    """

    number: int
    cut: int
    model: Model
    survival: Survival
    lying_since: int | None = None
    again: bool = False


def draw(count: int, ops: Sequence[Op], seed: int, *, lies: bool) -> list[State]:
    """``count`` states of a recording, by cut. One in five is of a disk that lies (if ``lies``);
    one in four of the others is cut again while it recovers. Most cuts come right after
    something that is not synced: elsewhere there is little to lose.
    """
    chance = random.Random(seed)
    changes = [at for at, op in enumerate(ops, start=1) if op.kind in "CWTUR"]
    made = []
    for number in range(count):
        cut = chance.choice(changes) if chance.random() < 0.8 else chance.randint(1, len(ops))
        lying, again = lies and chance.random() < 0.2, chance.random() < 0.25
        since = max(0, cut - chance.randint(1, _LYING_SPAN)) if lying else None
        survival = chance.choice(SURVIVALS)
        model = chance.choice(MODELS)
        made.append(State(number, cut, model, survival, since, again and not lying))
    return sorted(made, key=lambda state: state.cut)


def rebuild(
    ops: Sequence[Op], states: Sequence[State], seed: int
) -> Iterator[tuple[State, dict[str, bytes]]]:
    """The disk of each state. ``states`` come by cut; the recording began on an empty folder."""
    disks = {model: Disk(model=model) for model in MODELS}
    at = dict.fromkeys(MODELS, 0)
    kept: dict[Model, list[tuple[int, Disk]]] = {model: [] for model in MODELS}
    for state in states:
        chance = random.Random(f"{seed} {state.number}")
        model = state.model
        while at[model] < state.cut:
            if at[model] % _LYING_SPAN == 0:
                kept[model] = [*kept[model][-2:], (at[model], disks[model].copy())]
            disks[model].apply(ops[at[model]])
            at[model] += 1
        disk = disks[model]
        if state.lying_since is not None:
            disk = _lying(ops, kept[model], state)
        yield state, disk.after_cut(state.survival, chance)


def _lying(ops: Sequence[Op], kept: Sequence[tuple[int, Disk]], state: State) -> Disk:
    """From the newest kept disk before the lies began."""
    since = state.lying_since or 0
    begin, disk = kept[bisect_right([at for at, _ in kept], since) - 1]
    disk = disk.copy()
    for op in ops[begin:since]:
        disk.apply(op)
    disk.lie()
    for op in ops[since : state.cut]:
        disk.apply(op)
    return disk
