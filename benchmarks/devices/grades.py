"""How well a kind of device is known: bronze, silver or gold, by what there is to show for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import IntEnum

NEEDED: dict[str, tuple[str, ...]] = {
    "bronze": ("sample", "capture", "emulator"),
    "silver": ("reconnect", "split", "fuzz", "rate"),
    "gold": ("hardware",),
}
"""What each grade needs, beyond what the one below needs."""

IN_WORDS = {
    "sample": "a sample in firmware_configs that loads",
    "capture": "a capture that a test decodes",
    "emulator": "a test of the driver on its emulator",
    "reconnect": "a test that a lost device is heard again",
    "split": "a test that any split of the bytes reads the same",
    "fuzz": "a fuzz target",
    "rate": "a measured rate (`tallyport bench devices --write 1`)",
    "hardware": "a recording of named hardware and firmware",
}


class Grade(IntEnum):
    """``NONE`` is a kind that lacks a piece of bronze."""

    NONE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3

    @property
    def words(self) -> str:
        """As the page says it."""
        return "none yet" if self is Grade.NONE else self.name.lower()


@dataclass(slots=True)
class Record:
    """What there is to show for one kind. ``evidence``: claim to the ids of its tests."""

    kind: str
    samples: list[str] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=dict)
    rate: int | None = None
    hardware: list[str] = field(default_factory=list)

    @property
    def shown(self) -> frozenset[str]:
        """Which of the needed pieces are there."""
        claims = {claim for claim, tests in self.evidence.items() if tests}
        own = {"sample": self.samples, "rate": self.rate, "hardware": self.hardware}
        return frozenset(claims | {piece for piece, there in own.items() if there})


def grade(shown: Collection[str]) -> Grade:
    """The highest grade of which, as of those below, nothing is missing."""
    reached = Grade.NONE
    for step, needed in zip(Grade, [(), *NEEDED.values()], strict=True):
        if not set(needed) <= set(shown):
            break
        reached = step
    return reached


def missing(shown: Collection[str]) -> list[str]:
    """What the next grade still needs, in words; empty at gold."""
    for needed in NEEDED.values():
        lacking = [IN_WORDS[piece] for piece in needed if piece not in shown]
        if lacking:
            return lacking
    return []
