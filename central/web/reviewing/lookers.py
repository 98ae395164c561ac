"""Who looks at which review just now, so that two people do not take the same one. In memory: it
is a courtesy, and the conflict that the API tells is what protects the books.
"""

from __future__ import annotations

import time
from typing import NamedTuple

__all__ = ["Lookers"]

FOR_S = 25.0
"""Who has not been heard of for so long looks no more; pages tell every 10 s."""


class _Seen(NamedTuple):
    who: str
    review: str
    until_s: float


class Lookers:
    """By browser tab: each looks at one review at a time. ``changes`` counts what others see."""

    def __init__(self) -> None:
        self._tabs: dict[str, _Seen] = {}
        self.changes = 0

    def look(self, tab: str, who: str, review: str, now_s: float | None = None) -> bool:
        """A tab shows a review (none: an empty one); whether that is new to others."""
        at_s = time.monotonic() if now_s is None else now_s
        self._forget(at_s)
        before = self._tabs.pop(tab, None)
        if review:
            self._tabs[tab] = _Seen(who, review, at_s + FOR_S)
        changed = (before.review if before else "") != review
        self.changes += changed
        return changed

    def others(self, review: str, tab: str = "", now_s: float | None = None) -> list[str]:
        """Who else looks at a review, each once."""
        self._forget(time.monotonic() if now_s is None else now_s)
        seen = [one.who for key, one in self._tabs.items() if one.review == review and key != tab]
        return sorted({*seen})

    def _forget(self, at_s: float) -> None:
        gone = [key for key, one in self._tabs.items() if one.until_s < at_s]
        for key in gone:
            del self._tabs[key]
        self.changes += bool(gone)
