"""What judging is given and what it answers. Pure types; the rules live beside them.

Judging is a fold over the observation log: ``(state, logged observation, context) ->
(state, Verdict)``. No clock, no randomness, no I/O: the same log and context give the same
verdicts, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from central.reconcile.expected import NOTHING_BROUGHT, Brought, Document, Note
from central.reconcile.holdings import NOTHING_HELD, Holdings
from central.reconcile.serials import gtin_of
from central.reconcile.witness import NOTHING_RECENT, Recent, Witness
from central.stock.model import Cause, Movement
from gateway.contract import Observation


class Logged(NamedTuple):
    """An observation as it stands in the log: ``log_id`` orders all edges' observations."""

    log_id: int
    edge: str
    epoch: str
    seq: int
    observation: Observation


Heard = Callable[[str, int, int], Iterable[Logged]]
"""The observations of a read point from one log entry to another, in the order of the log."""

Enclosing = Callable[[str], tuple[str, ...]]
"""The places that enclose one, outermost first, and itself last."""


def alone(place: str) -> tuple[str, ...]:
    """``Enclosing`` where no place lies in another one."""
    return (place,)


class ReadPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a read point means for stock.

    ``kind`` is ``portal``, ``shelf``, ``scan`` or ``zone``. A portal's tags that come in go from
    ``inbound_from`` to ``location``, those that go out from where they are to
    ``outbound_to``; a shelf's plates hold stock at ``location``, refilled from
    ``inbound_from`` and picked to ``outbound_to``; scans receive into ``location``.
    A zone's tags are at the places that its antennas' aliases name, or at ``location``, and
    gone after a silence of at most ``gone_after_s``; they move stock into ``location`` only with
    ``moves_stock``, and never out of it (``zone.goods``).
    Through a portal of ``one_way`` (``in`` or ``out``) goods never go the other way; empty: both.

    What another kind of sensor moved within ``fuse_s`` seconds of event time between the same
    places may be the same event (0: never; see ``fusion``). ``inferred`` says what becomes of
    pieces that a document puts into a unit that moved and nobody read: ``review`` or ``auto``.
    """

    code: str
    kind: str
    location: str
    inbound_from: str = "supplier"
    outbound_to: str = "customer"
    fuse_s: int = 600
    inferred: str = "review"
    gone_after_s: float = 60.0
    moves_stock: bool = False
    one_way: str = ""


class PlatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which item lies on a plate: ``unit_mg`` a piece's mass, ``unit_cv`` its relative SD.
    ``valid_from_us`` is when that begins, in event time (microseconds since 1970; 0: ever since).
    """

    read_point: str
    plate: int
    sku: str
    unit_mg: int
    unit_cv: float = 0.01
    valid_from_us: int = 0


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """What one carrier stands for: ``quantity`` units of ``sku``.

    A GTIN (14 digits) stands for them on every piece that bears it; a tag that is bound to an item
    has no ``gtin`` here, and may tell the ``lot``.
    """

    sku: str
    gtin: str = ""
    quantity: int = 1
    lot: str = ""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that judging may know besides the log.

    ``placed`` says where a tag's goods are on the ledger now (missing: never seen), ``recent``
    what sensors moved lately, ``held`` what lies where. ``plates`` are plans that hold whatever the
    time, ``dated`` those that begin at a time, the latest last. ``documents`` are the open ones by
    the locations at their ends, and ``brought`` tells what came of them so far. ``bound`` are the
    tags of which people said what they stand for: that goes before what is written in a tag.
    ``enclosing`` is the tree of places. ``heard`` reads the log again; without it nothing is judged
    again that was decided.
    """

    read_points: Mapping[str, ReadPoint] = {}
    plates: Mapping[tuple[str, int], PlatePlan] = {}
    dated: Mapping[tuple[str, int], tuple[PlatePlan, ...]] = {}
    packs: Mapping[str, Pack] = {}
    bound: Mapping[str, Pack] = {}
    placed: Mapping[str, str] = {}
    recent: Recent = NOTHING_RECENT
    held: Holdings = NOTHING_HELD
    documents: Mapping[str, tuple[Document, ...]] = {}
    brought: Brought = NOTHING_BROUGHT
    version: int = 0
    enclosing: Enclosing = alone
    heard: Heard | None = None

    def pack_of(self, epc: str) -> Pack | None:
        """What a tag, or the label of a piece, stands for; ``None`` when nobody knows."""
        return self.bound.get(epc) or self.packs.get(gtin_of(epc))

    def plan(self, read_point: str, plate: int, at_us: int) -> PlatePlan | None:
        """What is planned for a plate at an event's time, as far as it was said by then."""
        for one in reversed(self.dated.get((read_point, plate), ())):
            if one.valid_from_us <= at_us:
                return one
        return self.plates.get((read_point, plate))


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """One way to read what was sensed. ``says`` it in a sentence for people; ``movements`` would
    follow (none: stock stays as it is).

    A tag that a movement names crossed as that says; ``crossed`` adds tags that crossed without
    moving stock (EPC to ``in`` or ``out``); no other tag of the review crossed.
    """

    says: str
    probability: float
    movements: tuple[Movement, ...] = ()
    crossed: dict[str, str] = {}


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that a person must take, with the ``hypotheses`` to choose from, best first;
    ``id`` is derived from the causes.
    """

    id: str
    read_point: str
    reason: str
    event_time: datetime
    hypotheses: tuple[Hypothesis, ...] = ()
    causes: tuple[Cause, ...] = ()
    evidence: dict[str, object] = {}

    @property
    def proposals(self) -> tuple[Movement, ...]:
        """What would move if the best hypothesis were true."""
        return self.hypotheses[0].movements if self.hypotheses else ()


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


class PresenceEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A tag in a zone arrived, moved or departed (``kind``). No stock moves by it.

    ``place`` is where it is then, or was until it departed; ``was`` where it was before it
    moved. ``event_time`` is when it became true and ``decided_at`` how far the log's time was
    when that was known: an arrival is true from the first read, a departure from the moment at
    which the tag had been silent for too long since ``heard_at``, its last read. ``confidence``
    is in the place (arrived, moved), or that a present tag would have been heard (departed).
    ``reads`` are those since its arrival; ``reader`` (edge and device) heard it last.
    """

    id: str
    read_point: str
    reader: str
    epc: str
    kind: str
    place: str
    event_time: datetime
    decided_at: datetime
    heard_at: datetime
    confidence: float
    reads: int
    was: str = ""
    causes: tuple[Cause, ...] = ()


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """An observation that was looked at and did not become stock, and why."""

    log_id: int
    reason: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of judging saw and made of it, in JSON's kinds of values. ``name`` is one of
    ``heard``, ``pass``, ``tags``, ``cohort``, ``weight``, ``code``, ``documents``, ``decision`` ...
    """

    name: str
    facts: dict[str, object]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Why judging decided what it did: ``of`` are the ids of the movements, reviews and passes
    that it explains. Numbers are those that were decided by, so that it stays true when weights
    and thresholds are others.
    """

    of: tuple[str, ...]
    stages: tuple[Stage, ...]


class LeftAlone(msgspec.Struct, frozen=True, kw_only=True):
    """A group of tags that went by and moved nothing, and why: for whoever misses it on the ledger.
    Only its likeliest tags are in it.
    """

    told: Pass
    why: Trace


class Rezeroed(msgspec.Struct, frozen=True, kw_only=True):
    """An empty plate's level had moved, and is its zero now. Moves no stock; goes to the audit."""

    read_point: str
    plate: int
    sku: str
    event_time: datetime
    before_mg: int
    after_mg: int
    error_mg: int
    unit_mg: int
    cause: Cause


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """What came late changes a decision: all of it is posted, or a person is asked.

    ``movements`` put right what the posted ``originals`` did and answer the reviews ``answers``.
    It may only be posted while nobody has dealt with either, and every tag lies where it did.
    """

    id: str
    read_point: str
    event_time: datetime
    originals: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    movements: tuple[Movement, ...] = ()
    causes: tuple[Cause, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What judging a stretch of the log came to. ``witnesses`` are evidence of what had moved
    before, ``notes`` what was seen of announced documents.
    """

    movements: tuple[Movement, ...] = ()
    reviews: tuple[Review, ...] = ()
    passes: tuple[Pass, ...] = ()
    presence: tuple[PresenceEvent, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    traces: tuple[Trace, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    notes: tuple[Note, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    rezeroed: tuple[Rezeroed, ...] = ()


def together(parts: Iterable[Verdict]) -> Verdict:
    """Verdicts one after another, as one."""
    every = list(parts)
    return Verdict(
        movements=tuple(one for part in every for one in part.movements),
        reviews=tuple(one for part in every for one in part.reviews),
        passes=tuple(one for part in every for one in part.passes),
        presence=tuple(one for part in every for one in part.presence),
        ignored=tuple(one for part in every for one in part.ignored),
        traces=tuple(one for part in every for one in part.traces),
        witnesses=tuple(one for part in every for one in part.witnesses),
        notes=tuple(one for part in every for one in part.notes),
        amendments=tuple(one for part in every for one in part.amendments),
        left_alone=tuple(one for part in every for one in part.left_alone),
        rezeroed=tuple(one for part in every for one in part.rezeroed),
    )
