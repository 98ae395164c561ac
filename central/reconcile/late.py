"""Data that come after their turn: what was decided without them is decided again with them.

A read point that several edges hear keeps a memory of itself of about every minute, of longer ago
at longer distances. When something of an earlier time has come late, judging goes back to the
memory from before it and folds the log again from there, once without what came late and once with
it. Where the two differ, the late data are why, and the difference is put right by movements that
name the ones they correct: what is posted is never edited. From there on judging goes on as if
everything had come in time.

Where that is too much, only the time around what came late is judged again, and judging goes
on with the memory it has. Of longest ago only the place in the log is remembered: then it is judged
with no memory but how the devices are set up, and posted only where nothing speaks against it.

It is a person's turn where one has dealt with the matter meanwhile, where what was posted is not
what judging would post today, and where the late data cast doubt on what was posted.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from central.reconcile.ordering import Order
from central.reconcile.verdict import Logged
from central.stock.model import Movement

EVERY_US = 60_000_000
SNAPSHOTS = 32
BYTES = 512 * 1024
MOVES = 4_000
"""What a read point remembers of itself: so often, at most so many, so large, and so many
movements of tags between them."""
TOGETHER, PATIENCE_US = 5_000, 30_000_000
"""So many late observations wait at most before they are judged, and while others go on by so
much: who is late all the time never rests."""
AGAIN = 50_000
"""So many observations are folded again at most, ..."""
FURTHER = 500_000
"""... and so many entries of the log looked through for them: of more, only the time around."""
AROUND_US = 60_000_000
"""The time around what came late goes on for so long."""
SET_ASIDE = 64


class Snapshot(msgspec.Struct, array_like=True):
    """A read point's memory when ``log_id`` was the last entry taken: judged up to ``passed_us``,
    without the entries ``held``. ``told`` is how far each edge had told of what was judged,
    ``moves`` how many movements of tags there had been. An empty ``state`` is forgotten: a place
    in the log, and nothing else.
    """

    log_id: int
    passed_us: int
    told: dict[str, int]
    held: list[int]
    state: bytes
    moves: int

    @property
    def first(self) -> int:
        """The first log entry that was not judged yet."""
        return min(self.held, default=self.log_id + 1)


class Past(msgspec.Struct):
    """What one read point must know to judge again. ``taken`` is the last log entry it heard;
    ``late`` are those that came late and wait, the oldest from ``late_us``, the first since others
    had got to ``since_us``; ``moves`` where tags were before they moved; ``stands`` on which posted
    movement one rests that was decided again.
    """

    taken: int = 0
    snapshots: list[Snapshot] = []
    moves: list[tuple[str, str]] = []
    forgotten: int = 0
    late: list[int] = []
    late_us: int = 0
    since_us: int = 0
    apart: list[tuple[str, int, int]] = []
    aside: list[int] = []
    stands: dict[str, str] = {}

    # ---- keeping -------------------------------------------------------------------------
    def wants(self, order: Order) -> bool:
        """Whether it is time for another snapshot."""
        if len(order.sources) < 2 or self.late:
            return False
        if not self.snapshots:
            return True
        passed_us, last_us = order.passed[0], self.snapshots[-1].passed_us
        return not last_us <= passed_us < last_us + EVERY_US

    def keep(self, order: Order, state: bytes) -> None:
        """Take a snapshot; those of a clock that was ahead go."""
        while self.snapshots and self.snapshots[-1].passed_us > order.passed[0]:
            del self.snapshots[-1]
        told = {
            edge: source.held[0].at_us if source.held else source.at_us
            for edge, source in order.sources.items()
            if not source.apart
        }
        held = [one.logged.log_id for one in order.held()]
        self.add(Snapshot(self.taken, order.passed[0], told, held, state, self.moves_so_far))

    def add(self, snapshot: Snapshot) -> None:
        """Keep it: of many, every second of the older half goes; of large ones, the oldest become
        places in the log.
        """
        self.snapshots.append(snapshot)
        if len(self.snapshots) > SNAPSHOTS:
            del self.snapshots[1 : len(self.snapshots) // 2 : 2]
        size = 0
        for one in reversed(self.snapshots):
            size += len(one.state)
            if size > BYTES:
                one.state = b""
        self._forget_moves()

    @property
    def moves_so_far(self) -> int:
        """How many movements of tags there have been."""
        return self.forgotten + len(self.moves)

    def began(self, log_id: int, state: bytes) -> None:
        """Nothing was heard before this log entry."""
        self.add(Snapshot(log_id - 1, 0, {}, [], state, self.moves_so_far))

    def forget(self) -> None:
        """Tags moved of which nothing is remembered here."""
        self.snapshots.clear()
        self._forget_moves()

    def moved(self, movements: Iterable[Movement]) -> None:
        """Remember where tags were before these movements."""
        if self.snapshots:
            self.moves += [(epc, one.source) for one in movements for epc in one.epcs]
            while len(self.moves) > MOVES and self.snapshots:
                del self.snapshots[0]
                self._forget_moves()

    def came_late(self, log_id: int, at_us: int, passed_us: int) -> None:
        """Something of ``at_us`` came after its turn, when others had got to ``passed_us``."""
        if not self.late:
            self.late_us, self.since_us = at_us, passed_us
        self.late_us = min(self.late_us, at_us)
        self.late.append(log_id)

    def waits_no_longer(self, passed_us: int) -> bool:
        """Whether what came late is to be judged though more of it may come."""
        return len(self.late) >= TOGETHER or passed_us - self.since_us >= PATIENCE_US

    def went_apart(self, edge: str, log_id: int, *, anew: bool) -> None:
        """An entry was judged apart from the others."""
        if anew or not any(name == edge for name, _, _ in self.apart):
            self.apart = [*self.apart, (edge, log_id, log_id)][-SET_ASIDE:]
            return
        place = max(n for n, (name, _, _) in enumerate(self.apart) if name == edge)
        self.apart[place] = (edge, self.apart[place][1], log_id)

    def set_aside(self, log_id: int) -> None:
        """Judging fails on this entry: it is left out from now on."""
        self.aside = [*self.aside, log_id][-SET_ASIDE:]

    def _forget_moves(self) -> None:
        oldest = self.snapshots[0].moves if self.snapshots else self.moves_so_far
        del self.moves[: oldest - self.forgotten]
        self.forgotten = oldest

    # ---- going back ----------------------------------------------------------------------
    def go_back(self) -> Snapshot | None:
        """The last snapshot from before what came late, the later ones being void."""
        while self.snapshots and self.snapshots[-1].passed_us > self.late_us:
            del self.snapshots[-1]
        return self.snapshots[-1] if self.snapshots else None

    def places(self, since: Snapshot) -> dict[str, str]:
        """Where the tags that have moved since were then."""
        places: dict[str, str] = {}
        for epc, source in self.moves[since.moves - self.forgotten :]:
            places.setdefault(epc, source)
        return places

    def to_fold(self, log: Iterable[Logged], since: Snapshot, held: set[int]) -> list[Logged]:
        """Those of some entries that judging from ``since`` on takes, while ``held`` wait."""
        left_out = held.union(self.aside)
        return [
            one
            for one in log
            if (one.log_id > since.log_id or one.log_id in since.held)
            and one.log_id not in left_out
            and not self._was_apart(one)
        ]

    def _was_apart(self, one: Logged) -> bool:
        return any(
            edge == one.edge and first <= one.log_id <= last for edge, first, last in self.apart
        )
