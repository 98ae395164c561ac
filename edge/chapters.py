"""The journal's chapters: what each start wrote, under an epoch of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from edge.segments import Segment


class Chapter(NamedTuple):
    """What one start wrote: numbers 1 to ``last_seq`` under ``epoch``; central has committed
    those up to ``trimmed_upto``. Before it the journal wrote ``after_epoch``, up to ``after_seq``.
    """

    epoch: str
    last_seq: int = 0
    trimmed_upto: int = 0
    after_epoch: str = ""
    after_seq: int = 0


class Stretch(NamedTuple):
    """Consecutive rows of a chapter: ``first_seq``, ``first_seq + 1``, ... ``lost_before``
    sequence numbers directly before them are gone for ever.
    """

    first_seq: int
    lost_before: int
    bodies: list[bytes]


class Source(Protocol):
    """The journal, for whoever sends from it; ``chapters`` are never empty, the oldest first."""

    chapters: tuple[Chapter, ...]

    async def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        """Consecutive observations of a chapter after ``after_seq``."""
        ...

    async def trim(self, epoch: str, upto_seq: int) -> None:
        """Central has everything of a chapter up to ``upto_seq``."""
        ...

    async def set_aside(self, epoch: str, why: str) -> int:
        """Central will never take the rest of an earlier chapter; how many that are."""
        ...


def in_order(known: Iterable[str], found: Iterable[Segment]) -> list[str]:
    """Epochs as saved, and such as an old position does not know where their numbers put them."""
    epochs = list(known)
    begins: dict[str, int] = {}
    for segment in found:
        begins.setdefault(segment.epoch, segment.number)
    for epoch, number in begins.items():
        if epoch not in epochs:
            later = (at for at, one in enumerate(epochs) if begins.get(one, 0) > number)
            epochs.insert(next(later, len(epochs)), epoch)
    return epochs


def following(earlier: list[Chapter], epoch: str) -> Chapter:
    """A new chapter that knows the last one before it in which anything was written."""
    for before in reversed(earlier):
        if before.last_seq:
            return Chapter(epoch, after_epoch=before.epoch, after_seq=before.last_seq)
        if before.after_epoch:
            return before._replace(epoch=epoch)
    return Chapter(epoch)


def read_chapters(position: dict[str, object]) -> dict[str, Chapter]:
    """The chapters of a saved position, as far as it can be believed."""
    try:
        chapters = msgspec.convert(position.get("chapters", []), list[Chapter])
    except msgspec.ValidationError:
        return {}
    return {one.epoch: one for one in chapters if 0 <= one.trimmed_upto <= one.last_seq}
