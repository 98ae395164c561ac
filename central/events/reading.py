"""What a subscriber is to be told next: letters, and where he stands who has been told of each."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from central.catalogue import tree
from central.events import kinds, stream
from central.events.deliveries import Standing
from central.events.model import Letter, Position, Subscription, letter, wants

__all__ = ["NEVER_S", "Chunk", "Happenings", "Reads"]

NEVER_S = 3_600.0
"""How long a reader may be left alone who wakes when something is committed."""
_CHUNK = 50


class Chunk(NamedTuple):
    """``letters`` in their order, each with where its reader stands then; ``behind`` is where he
    stands when all of them are told, ``passed`` how much was read. ``rest_s`` may pass until there
    is more, 0: there is more at once. ``looked_us``: what goes by a schedule was looked at then.
    """

    letters: list[tuple[Position, Letter]]
    behind: Position
    passed: int = 0
    rest_s: float = NEVER_S
    looked_us: int = 0


class Reads(Protocol):
    """Reads for one subscriber."""

    def __call__(self, conn: Connection, now: Standing) -> Chunk:
        """What comes behind where he stands."""
        ...


class Happenings:
    """The stream of all that happened, as far as a subscription asks for it."""

    def __init__(self, subscription: Subscription, source: str) -> None:
        self._subscription, self._source = subscription, source

    def __call__(self, conn: Connection, now: Standing) -> Chunk:
        """See ``Reads``."""
        found = stream.read(conn, now.position, _CHUNK)
        mine = self._subscription
        places = tree.codes_under(conn, mine.locations) if found else frozenset()
        known, letters = kinds.known(), list[tuple[Position, Letter]]()
        for one in found:
            kind = known.get(one.kind)
            topic, version = (kind.topic, kind.version) if kind else ("other", 1)
            if wants(mine, one, topic, places):
                told = letter(one, topic=topic, version=version, source=self._source)
                letters.append((one.position, told))
        return Chunk(
            letters,
            found[-1].position if found else now.position,
            passed=len(found),
            rest_s=0.0 if len(found) == _CHUNK else NEVER_S,
        )
