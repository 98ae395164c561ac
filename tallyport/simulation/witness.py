"""What really happened, seen from outside: the truth that the checker holds central against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.journal import Journal
from edge.segments import Row

Stream = tuple[str, str]
"""An edge and an epoch."""


@dataclass
class Witness:
    """``written`` is every row that a card ever took, ``kept`` those that it acknowledged.

    ``may_lose`` names the faults of a run after which something may be missing, if it is told;
    ``jumped`` the edges whose clock was set while they ran.
    """

    written: dict[Stream, dict[int, bytes]] = field(default_factory=dict)
    kept: dict[Stream, dict[int, bytes]] = field(default_factory=dict)
    may_lose: set[str] = field(default_factory=set)
    jumped: set[str] = field(default_factory=set)
    foreign: int = 0

    def saw_written(self, edge: str, epoch: str, row: Row) -> None:
        """A card took a row, acknowledged or not."""
        self.written.setdefault((edge, epoch), {})[row[0]] = row[1]

    def saw_kept(self, edge: str, epoch: str, seqs: range, bodies: Sequence[bytes]) -> None:
        """The journal acknowledged rows."""
        rows = self.kept.setdefault((edge, epoch), {})
        assert not rows.keys() & set(seqs), "a number was given twice"
        rows.update(zip(seqs, bodies, strict=True))


class WitnessedJournal(Journal):
    """A journal that tells what it acknowledged."""

    def __init__(self, witness: Witness, edge: str, *args: Any, **more: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **more)
        self._witness = witness
        self._edge = edge

    def append(self, bodies: Sequence[bytes]) -> range:
        """See ``Journal``."""
        seqs = super().append(bodies)
        self._witness.saw_kept(self._edge, self.epoch, seqs, bodies)
        return seqs
