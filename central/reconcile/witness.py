"""What one sensor says of a movement that another one led to. Pure types.

A ``Known`` is a movement on the ledger as fusion sees it; a ``Witness`` is later evidence of the
same physical event: it is kept beside the movement, tells where its tags are, and moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from central.stock.model import Cause

__all__ = [
    "BOOKED",
    "BY_RULE",
    "NOTHING_RECENT",
    "SENSED",
    "Known",
    "Recent",
    "Witness",
    "is_counted",
    "sensed_by",
]

SENSED = ("portal", "shelf", "scan", "zone")
"""The origins of movements that sensors led to."""
BOOKED = "api"
"""The origin of what a person, or a person's software, booked."""

BY_RULE = "rule"
"""The origin of witnesses that no sensor is: tags went along with what was moved without them."""


def is_counted(origin: str, evidence: Mapping[str, object]) -> bool:
    """Whether it claims to be all there was: a scan does only if its label told a count, and a
    zone never, as it is sure of its tags one by one.
    """
    return origin not in {"scan", "zone"} or "counted" in evidence


def sensed_by(origin: str, evidence: Mapping[str, object]) -> str:
    """Which kind of sensor saw it; of what a person decided in a review, the one that asked."""
    if origin != "review":
        return origin
    if "pass" in evidence:
        return "portal"
    words = {"plate": "shelf", "code": "scan", "presence": "zone"}
    return next((kind for word, kind in words.items() if word in evidence), origin)


class Known(NamedTuple):
    """A movement on the ledger that was sensed or booked. ``quantity`` is what of it was not taken
    back since; ``counted`` says whether whoever sensed it claims to have counted all there was (a
    scan of one pack does not). ``attested`` tells to how many pieces each kind of sensor bore
    witness; ``read_point`` is empty for what was booked.
    """

    id: str
    sku: str
    quantity: int
    source: str
    destination: str
    origin: str
    event_us: int
    counted: bool = True
    lot: str = ""
    epcs: tuple[str, ...] = ()
    attested: Mapping[str, int] = {}
    read_point: str = ""

    def left(self, origin: str) -> int:
        """Pieces that a sensor of this kind has not seen yet."""
        return max(0, self.quantity - self.attested.get(origin, 0))


class Recent(Protocol):
    """The ledger's sensed movements and bookings, as of the log entry that is judged."""

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> Sequence[Known]:
        """Those of one item with an event time in between (inclusive), in order of posting, without
        those of the origin ``besides``: a busy scanner does not read all its own again each time.
        """
        ...


class _NothingRecent:
    """A ledger on which nothing was sensed."""

    def of(self, _sku: str, _from_us: int, _upto_us: int, *, besides: str = "") -> Sequence[Known]:
        assert besides in {"", *SENSED}
        return ()


NOTHING_RECENT: Recent = _NothingRecent()


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence of a movement that is on the ledger already: ``quantity`` of its pieces were seen
    by another kind of sensor. ``epcs`` are tags that this one knows to have moved with it.
    """

    id: str
    movement_id: str
    quantity: int
    origin: str
    read_point: str
    event_time: datetime
    confidence: float = 1.0
    causes: tuple[Cause, ...] = ()
    epcs: tuple[str, ...] = ()
    evidence: dict[str, object] = {}
