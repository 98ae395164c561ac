"""How scans go wrong between a label and a computer, and at what pace people make them.

A label is torn or read from the side and ends early; a trigger is pulled twice; a keyboard
scanner set to another country's layout swaps letters and signs; a wedge loses the group
separator, the suffix, or single characters where the host is slow. ``Typist`` draws such
mistakes from a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import NamedTuple

from drivers.scanners.key_layouts import Layout, characters

GROUP_SEPARATOR = "\x1d"
DOUBLE_PULL_S = 0.35


class Typed(NamedTuple):
    """What comes out of a scanner: after ``pause_s``, a text, and perhaps the suffix."""

    text: str
    suffix: bool = True
    pause_s: float = 0.0


def dropped(text: str, rng: Random) -> str:
    """A character got lost."""
    at = rng.randrange(len(text))
    return text[:at] + text[at + 1 :]


def doubled(text: str, rng: Random) -> str:
    """A key bounced."""
    at = rng.randrange(len(text))
    return text[: at + 1] + text[at:]


def truncated(text: str, rng: Random) -> str:
    """The label is torn, at the earliest after the first character."""
    return text[: rng.randrange(1, len(text))] if len(text) > 1 else text


def without_gs(text: str, _rng: Random) -> str:
    """The keyboard knows no group separator."""
    return text.replace(GROUP_SEPARATOR, "")


def of_layout(text: str, set_to: Layout, read_as: Layout) -> str:
    """A scanner that types by one country's layout, at a computer that reads by another's."""
    table = _crossed(set_to, read_as)
    return "".join(table.get(character, character) for character in text)


@lru_cache
def _crossed(set_to: Layout, read_as: Layout) -> Mapping[str, str]:
    table: dict[str, str] = {}
    reads = characters(read_as)
    for key, typed in characters(set_to).items():
        for mine, theirs in zip(typed, reads[key], strict=True):
            if mine != " ":
                table.setdefault(mine, theirs)
    return table


CHANGES: dict[str, Callable[[str, Random], str]] = {
    "dropped": dropped,
    "doubled": doubled,
    "truncated": truncated,
    "lost-gs": without_gs,
    "wrong-layout": lambda text, _rng: of_layout(text, "us", "de"),
}
MISTAKES = (*CHANGES, "missing-suffix", "double-scan")
"""Every mistake, by the word for it."""


class Typist:
    """Draws mistakes: ``likely`` has each one's probability per scan, by its word."""

    def __init__(self, likely: Mapping[str, float], *, seed: int = 0) -> None:
        unknown = sorted(set(likely) - set(MISTAKES))
        if unknown:
            raise ValueError(f"No mistakes: {', '.join(unknown)}. There are: {', '.join(MISTAKES)}")
        self._likely = {name: likely[name] for name in MISTAKES if likely.get(name, 0.0) > 0.0}
        self._rng = Random(f"typist {seed}")  # noqa: S311 (chance, not secrets)

    def typed(self, text: str) -> list[Typed]:
        """What comes out when ``text`` is scanned, one thing after the other."""
        made = {name for name, chance in self._likely.items() if self._rng.random() < chance}
        for name, change in CHANGES.items():
            if name in made and text:
                text = change(text, self._rng)
        first = Typed(text, suffix="missing-suffix" not in made)
        return [first, Typed(text, pause_s=DOUBLE_PULL_S)] if "double-scan" in made else [first]

    def pause_s(self) -> float:
        """How long a person takes to the next label: some two seconds, now and then ten."""
        return min(max(self._rng.lognormvariate(0.7, 0.6), 0.5), 20.0)
