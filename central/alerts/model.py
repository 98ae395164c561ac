"""What is watched for, and what was found. Pure types.

A rule says what is too little, too much, too old or too late of some items in some places. What is
found of one thing under the rule that is nearest to it is a ``Finding``; what came of findings over
time is an ``Alert``, which lives from its first finding until it is cleared.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

__all__ = [
    "OF_ITEMS", "OF_PLACES", "SEVERITIES", "TOLD_OF", "Alert", "Channel", "ChannelKind", "Finding",
    "Happened", "Hours", "Kind", "Rule", "Severity", "State", "Units", "What",
    "key_of",
]  # fmt: skip


class Kind(StrEnum):
    """What a rule watches for, and the unit of its ``limit`` and ``margin``."""

    LOW = "low"
    """Less than so many units, of those that nobody has reserved."""
    OVER = "over"
    """More than so many units."""
    EXPIRY = "expiry"
    """A lot that expires within so many days."""
    STILL = "still"
    """An item of which nothing moved for so many days."""
    UNEXPLAINED = "unexplained"
    """So many units came from or went nobody knows where."""
    BACKORDER = "backorder"
    """So many units that reservations wait for."""
    SHRINKAGE = "shrinkage"
    """So many units more were lost than found within ``window_days``."""
    IDLE = "idle"
    """A place where nothing moved for so many hours."""
    DEVICE = "device"
    """An edge or a device that is away or complains; no limit."""
    LATE = "late"
    """Announced goods, or an order, so many minutes past their time."""
    REVIEW = "review"
    """A question to a person that waits for so many minutes."""
    CALIBRATION = "calibration"
    """A scale that is to be calibrated again within so many days, whose zero moved too far since
    its calibration, or that failed it."""
    DISCREPANCY = "discrepancy"
    """Scales, zones or a count and the books are so many units apart."""


OF_ITEMS = (
    Kind.LOW, Kind.OVER, Kind.EXPIRY, Kind.STILL, Kind.BACKORDER, Kind.UNEXPLAINED, Kind.SHRINKAGE,
)  # fmt: skip
"""Looked at again when the item moves, or is reserved."""
OF_PLACES = (
    Kind.IDLE, Kind.DEVICE, Kind.LATE, Kind.REVIEW, Kind.CALIBRATION, Kind.DISCREPANCY,
)  # fmt: skip
"""Looked at by the clock; their rules name no item."""

Units = Literal["available", "on_hand"]
"""What ``low`` counts: units less those that are reserved, or all of them."""
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""The least first."""
State = Literal["waiting", "raised", "acknowledged", "cleared"]
What = Literal["raised", "acknowledged", "snoozed", "woken", "escalated", "cleared"]
"""What can happen to an alert; ``woken``: its snooze ended and it is still there."""
TOLD_OF: tuple[What, ...] = ("raised", "woken", "escalated", "cleared")
"""Of what people are told unless they ask for something else."""

Clock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of the day at a place: ``start`` to ``end``, over midnight where that comes first.
    ``days`` are those on which they begin; none: every day.
    """

    start: Clock
    end: Clock
    days: tuple[Day, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched.

    Of which items: ``sku`` (or its family's), ``category``, or all. Where: ``location`` with all
    places within it together; with ``each``, each place within it by itself; without one,
    everywhere together. ``limit`` is in the kind's unit; ``None`` says that nothing is told where
    this rule is the nearest; ``of`` is what ``low`` counts. It is raised beyond ``limit``, after
    ``for_s`` seconds of it, and cleared once it is ``margin`` on the right side again. ``tell`` and
    ``escalate_to`` are codes of channels; none in ``tell``: whoever wants to hear of it. While
    ``muted`` nobody is told.
    """

    id: str
    kind: Kind
    limit: int | None = None
    margin: int = 0
    of: Units = "available"
    sku: str | None = None
    category: str | None = None
    location: str | None = None
    each: bool = False
    window_days: int = 7
    for_s: int = 0
    severity: Severity = "warning"
    tell: tuple[str, ...] = ()
    escalate_to: tuple[str, ...] = ()
    escalate_after_s: int = 0
    muted: tuple[Hours, ...] = ()
    enabled: bool = True
    note: str = ""
    version: int = 1


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing stands under its nearest rule. ``key`` names the thing; ``met`` is true
    beyond the limit, false on the right side by the margin, ``None`` between. ``instead_of`` are
    the ids of the rules that would have held without this one.
    """

    key: str
    rule: Rule
    met: bool | None
    value: int
    says: str
    sku: str = ""
    location: str = ""
    subject: str = ""
    instead_of: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one thing. Times are microseconds since 1970; ``due_us`` is when time
    alone changes it next. ``version`` counts its changes.
    """

    no: int
    key: str
    kind: Kind
    rule: str
    severity: Severity
    state: State
    says: str
    value: int
    limit: int | None
    since_us: int
    sku: str = ""
    location: str = ""
    subject: str = ""
    raised_us: int | None = None
    acknowledged_us: int | None = None
    acknowledged_by: str = ""
    snoozed_until_us: int | None = None
    escalated_us: int | None = None
    cleared_us: int | None = None
    due_us: int | None = None
    version: int = 1


def key_of(kind: Kind, *parts: str | bool | None) -> str:
    """The name of what an alert is about: no two things have the same."""
    return msgspec.json.encode((kind, *parts)).decode()


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an alert; ``by`` is a person, or nobody."""

    what: What
    at_us: int
    by: str = ""
    note: str = ""


ChannelKind = Literal["email", "webhook", "mqtt", "apprise"]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to tell, and how. ``to``: addresses of mail, one URL, or one topic.

    It hears of alerts within ``location``, of some ``kinds`` (none: all) and not below ``least``,
    of what ``hears`` names; with ``only_named`` only of rules that name it. In its ``quiet`` hours,
    by ``time_zone``, it waits, but not with what is as severe as ``rings``. With ``digest_s`` all
    of so many seconds comes as one message.
    """

    code: str
    kind: ChannelKind
    name: str = ""
    to: tuple[str, ...] = ()
    location: str | None = None
    kinds: tuple[Kind, ...] = ()
    least: Severity = "info"
    hears: tuple[What, ...] = TOLD_OF
    only_named: bool = False
    quiet: tuple[Hours, ...] = ()
    time_zone: str = "UTC"
    rings: Severity | None = "critical"
    digest_s: int = 0
    enabled: bool = True
    version: int = 1
