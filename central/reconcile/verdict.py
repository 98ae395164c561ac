"""What judging is given and what it answers. Pure types; the rules live beside them.

Judging is a fold over the observation log: ``(state, logged observation, context) ->
(state, Verdict)``. No clock, no randomness, no I/O: the same log and context give the same
verdicts, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from central.stock.model import Cause, Movement
from gateway.contract import Observation


class Logged(NamedTuple):
    """An observation as it stands in the log: ``log_id`` orders all edges' observations."""

    log_id: int
    edge: str
    epoch: str
    seq: int
    observation: Observation


class ReadPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a read point means for stock.

    ``kind`` is ``portal``, ``shelf`` or ``scan``. A portal's tags that come in go from
    ``inbound_from`` to ``location``, those that go out from where they are to
    ``outbound_to``; a shelf's plates hold stock at ``location``, refilled from
    ``inbound_from`` and picked to ``outbound_to``; scans receive into ``location``.
    """

    code: str
    kind: str
    location: str
    inbound_from: str = "supplier"
    outbound_to: str = "customer"


class PlatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which item lies on a plate: ``unit_mg`` a piece's mass, ``unit_cv`` its relative SD."""

    read_point: str
    plate: int
    sku: str
    unit_mg: int
    unit_cv: float = 0.01


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A GTIN (14 digits) stands for ``quantity`` units of ``sku``."""

    gtin: str
    sku: str
    quantity: int = 1


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that judging may know besides the log.

    ``placed`` says where a tag's goods are on the ledger now (missing: never seen).
    """

    read_points: Mapping[str, ReadPoint] = {}
    plates: Mapping[tuple[str, int], PlatePlan] = {}
    packs: Mapping[str, Pack] = {}
    placed: Mapping[str, str] = {}
    version: int = 0


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that a person must take. ``proposals`` are the movements that would follow
    from each hypothesis, best first; ``id`` is derived from the causes.
    """

    id: str
    read_point: str
    reason: str
    event_time: datetime
    proposals: tuple[Movement, ...] = ()
    causes: tuple[Cause, ...] = ()
    evidence: dict[str, object] = {}


class TagVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided of one tag in a pass: ``direction`` in, out or none, and why."""

    epc: str
    direction: str
    confidence: float
    reads: int
    reason: str = ""
    sku: str | None = None
    quantity: int = 0
    peak_rssi_dbm: float | None = None
    sides: dict[str, int] = {}


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One activity of a portal, decided: shown on screens, kept as evidence."""

    id: str
    read_point: str
    opened_at: datetime
    closed_at: datetime
    direction: str
    decision: str
    tags: tuple[TagVerdict, ...] = ()
    causes: tuple[Cause, ...] = ()


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """An observation that was looked at and did not become stock, and why."""

    log_id: int
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What judging a stretch of the log came to."""

    movements: tuple[Movement, ...] = ()
    reviews: tuple[Review, ...] = ()
    passes: tuple[Pass, ...] = ()
    ignored: tuple[Ignored, ...] = ()
