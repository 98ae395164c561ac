"""What a pass came to and what people said of it since: types, and which way each tag went. Pure.

A tag's way is ``in``, ``out`` or ``none``. ``judged`` is what the sensors' decision was, ``now``
what holds: what a person said last, or else what was judged.
"""

from __future__ import annotations

import msgspec

from central.reconcile.verdict import Pass, TagVerdict
from central.stock.model import Posted, StockError

__all__ = [
    "CORRECTED", "WAYS", "CannotCorrect", "Correction", "NoSuchPass", "Standing", "TagNow",
    "flipped",
]  # fmt: skip

WAYS = ("in", "out", "none")
CORRECTED = "corrected-"
"""How the names begin under which what a correction teaches is kept."""


class NoSuchPass(StockError):
    """No pass has this id."""

    status = 404


class CannotCorrect(StockError):
    """What is asked for cannot be posted; nothing was."""


class TagNow(msgspec.Struct, frozen=True, kw_only=True):
    """One tag of a pass. ``moves`` are the movements of it that came of the pass and of what
    people said of it, oldest first; ``place`` is where the ledger has it now; ``review`` is the
    open question that asks about it, if there is one.
    """

    verdict: TagVerdict
    judged: str
    now: str
    moves: tuple[Posted, ...] = ()
    place: str | None = None
    review: str | None = None

    @property
    def epc(self) -> str:
        """Its EPC."""
        return self.verdict.epc


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What a person put right and nobody took back: ``ways`` are the tags' new ones, ``movements``
    the ids of what was posted for it.
    """

    id: str
    by: str
    at_us: int
    says: str
    ways: dict[str, str]
    movements: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A pass as it stands. ``reviews`` are the ids of the questions it led to."""

    told: Pass
    log_id: int
    tags: tuple[TagNow, ...]
    movements: tuple[Posted, ...] = ()
    reviews: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def tag(self, epc: str) -> TagNow:
        """One of its tags. Raises ``CannotCorrect``."""
        for one in self.tags:
            if one.epc == epc:
                return one
        raise CannotCorrect(f"tag {epc} was not heard in this pass")


def flipped(standing: Standing, way: str) -> dict[str, str]:
    """The whole pass another way: every tag that crossed as things stand goes ``way``."""
    return {one.epc: way for one in standing.tags if one.now not in {"none", way}}
