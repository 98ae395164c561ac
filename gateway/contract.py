"""The contract between edge and central, version 1: types, and bytes to and fro.

A batch is what crosses the wire: consecutive observations of one edge's journal. An
observation has no id of its own: it is ``(edge, epoch, first_seq + index)``. Fields are
added with defaults and never changed; unknown fields are ignored; a payload that is not of
this version raises ``ContractError`` and goes to quarantine with its bytes.

Times on the wire are RFC 3339 with a zone, UTC by us. Masses are integer milligrams.

Every number has bounds, far beyond what devices say and well within what databases, calendars
and sums hold: one absurd value must not stop what comes behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

VERSION = 1
MAX_BATCH = 1_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*\Z")]
"""Names of sites, edges, devices and read points: lower case, digits, ``. _ -``."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-F]{2}){0,64}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**40)]
"""2**40 is 35 years of 1,000 a second; millions of such numbers add up in 64 bits."""
Reads = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
Small = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""What a device numbers: antennas, channels, plates, bits."""
Milligrams = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
Level = Annotated[float, msgspec.Meta(ge=-400.0, le=400.0)]
"""A power in dBm: powers of ten and their sums stay finite."""
Real = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Moments lie between these: in every zone there is a day before and after."""


class ContractError(ValueError):
    """A payload that is not of this contract: ``reason`` for people, bytes kept by the caller."""


def _check_moments(*moments: datetime | None) -> None:
    """Raises ValueError, which decoding tells with its place."""
    for at in moments:
        # A moment without a zone is refused by its type.
        if at is not None and at.tzinfo is not None and not EARLIEST <= at <= LATEST:
            raise ValueError(f"{at.isoformat()} is no time of any device")


class _Observed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    device: Name
    read_point: Name
    event_time: Moment

    def __post_init__(self) -> None:
        _check_moments(self.event_time)


class TagSighting(_Observed, frozen=True, kw_only=True, tag="tag_sighting", gc=False):
    """One tag, one antenna, at most 100 ms: what judging needs of up to dozens of reads.

    ``event_time`` is the first read's time, corrected to the edge's clock. ``count`` is the
    number of reads folded in, so that the counts of all sightings and residents add up to
    the reads heard. ``phase_rad`` and ``channel`` are the last read's, ``doppler_hz`` a mean.
    """

    epc: Hex
    antenna: Small
    count: Reads
    peak_rssi_dbm: Level | None = None
    mean_rssi_dbm: Level | None = None
    phase_rad: Real | None = None
    doppler_hz: Real | None = None
    channel: Small | None = None
    epc_bits: Small = 96


class TagResident(_Observed, frozen=True, kw_only=True, tag="tag_resident", gc=False):
    """A tag that lies in the field unchanged, summarised instead of flooding.

    Covers ``event_time`` to ``until``; ``count`` reads stand behind it.
    """

    epc: Hex
    antenna: Small
    until: Moment
    count: Reads
    mean_rssi_dbm: Level | None = None
    peak_rssi_dbm: Level | None = None
    low_rssi_dbm: Level | None = None
    epc_bits: Small = 96

    def __post_init__(self) -> None:
        _check_moments(self.event_time, self.until)


class GateWindow(_Observed, frozen=True, kw_only=True, tag="gate_window", gc=False):
    """A portal was active from ``event_time`` to ``closed_at``; empty windows count too.

    ``closed_by`` is ``quiet`` (no fresh tag for a while), ``gpi`` (photo-eye) or ``limit``
    (open too long). Everything of the window precedes it in the journal. Closed by ``beam`` it is
    no window but the time for which a photo-eye's beam was dark, beside whatever windows; that
    is told twice, and without length (``closed_at`` is ``event_time``) when it begins.
    """

    closed_at: Moment
    closed_by: str
    reads: Count = 0
    tags: Count = 0

    def __post_init__(self) -> None:
        _check_moments(self.event_time, self.closed_at)


class WeightSettled(_Observed, frozen=True, kw_only=True, tag="weight_settled", gc=False):
    """A plate came to rest: the level that judging may trust. ``gross_mg`` is the mean.

    ``calibration`` is the version by which a load cell's raw counts were weighed; the device's
    ``DeviceDescribed`` says what it consists of. A scale that calibrates itself has none.
    ``zero`` is whether the scale itself showed its centre of zero; few tell.
    ``error_mg`` is how far the mean itself may be off (1 SD), ``before_mg`` the level when the
    disturbance began, drift included, and ``stepped_at`` when it left that level for good.
    ``lowest_mg`` and ``highest_mg`` are what means of 0.2 s reached from that level to this one: a
    hand that presses or lifts goes beyond both.
    """

    plate: Small
    gross_mg: Milligrams
    std_mg: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 0
    samples: Reads = 1
    disturbed_at: Moment | None = None
    calibration: Small | None = None
    zero: bool | None = None
    error_mg: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None
    before_mg: Milligrams | None = None
    stepped_at: Moment | None = None
    lowest_mg: Milligrams | None = None
    highest_mg: Milligrams | None = None

    def __post_init__(self) -> None:
        _check_moments(self.event_time, self.disturbed_at, self.stepped_at)


class WeightDisturbed(_Observed, frozen=True, kw_only=True, tag="weight_disturbed", gc=False):
    """A plate is not at rest, or not believable: ``reason`` is ``motion``, ``held`` (a hand
    rests), ``overload``, ``underload`` or ``error``. Never a movement by itself."""

    plate: Small
    reason: str
    gross_mg: Milligrams | None = None


class CodeScanned(_Observed, frozen=True, kw_only=True, tag="code_scanned", gc=False):
    """A barcode was scanned. ``symbology`` is the AIM identifier, ``data`` what followed it."""

    data: Annotated[str, msgspec.Meta(max_length=4096)]
    symbology: str | None = None


class DeviceHealth(_Observed, frozen=True, kw_only=True, tag="device_health", gc=False):
    """A device's state changed, or its counters are due.

    ``state`` is ``starting``, ``running``, ``retrying``, ``refused``, ``held`` (by a technician's
    operation, which ``cause`` names) or ``stopped``; ``cause`` and ``hint`` are sentences for a
    technician; ``counters`` only grow.
    """

    state: str
    cause: str = ""
    hint: str = ""
    counters: Annotated[dict[str, Count], msgspec.Meta(max_length=1_000)] = {}


class Antenna(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an antenna looks: ``side`` is ``outside``, ``inside`` or ``unknown``."""

    antenna: Small
    side: str = "unknown"
    alias: str = ""
    x_m: Real | None = None
    y_m: Real | None = None
    z_m: Real | None = None
    yaw_deg: Real | None = None


Figure = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,12})?\Z")]
"""A decimal figure, exactly as it stands in the settings."""


class CellCalibration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``counts = zero_counts + grams * counts_per_g``, measured ``on`` that day with ``mass_g``
    on the plate ``by`` somebody; the zero moves by ``zero_counts_per_k`` away from ``at_c``.
    """

    version: Small
    on: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    by: Annotated[str, msgspec.Meta(max_length=64)]
    mass_g: Figure
    zero_counts: Figure
    counts_per_g: Figure
    zero_counts_per_k: Figure | None = None
    at_c: Figure | None = None


class Certificate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a technician certified of a scale, ``on`` that day; it is to be calibrated again by
    ``due``. Its zero may move by ``zero_limit_mg`` until then, where that is known.
    """

    on: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    by: Annotated[str, msgspec.Meta(max_length=64)]
    due: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    passed: bool
    zero_limit_mg: Count | None = None


class DeviceDescribed(_Observed, frozen=True, kw_only=True, tag="device_described", gc=False):
    """How a device is set up, as of ``event_time``: in the log, so that replay knows it too."""

    driver: str
    model: str = ""
    antennas: Annotated[list[Antenna], msgspec.Meta(max_length=256)] = []
    plate: Small | None = None
    description: str = ""
    calibration: CellCalibration | None = None
    certificate: Certificate | None = None


Observation = (
    TagSighting
    | TagResident
    | GateWindow
    | WeightSettled
    | WeightDisturbed
    | CodeScanned
    | DeviceHealth
    | DeviceDescribed
)


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Consecutive observations of one edge: ``first_seq``, ``first_seq + 1``, ...

    ``lost_before`` says how many sequence numbers directly before ``first_seq`` the edge
    declares lost for ever (a quarantined segment, a full journal): central records the gap
    and goes on. An undeclared gap is refused. ``committed_seq`` is the newest number that the
    edge had made durable when it sent, and ``after_epoch`` with ``after_seq`` is where its
    journal stood before this epoch began: so central knows what is missing of an older epoch
    when a newer one has taken its place.
    """

    edge: Name
    epoch: Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[0-9a-z]+\Z")]
    first_seq: Seq
    observations: Annotated[list[Observation], msgspec.Meta(max_length=MAX_BATCH)]
    lost_before: Count = 0
    committed_seq: Count = 0
    after_epoch: str = ""
    after_seq: Count = 0
    sent_at: Moment
    v: int = VERSION


class Watermark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Central has committed everything of ``(edge, epoch)`` up to and including ``upto_seq``.

    ``fenced`` tells an edge that its epoch was replaced by a newer one and it must stop.
    ``again`` tells that what is on the way may have passed by everybody: send it again.
    """

    edge: Name
    epoch: str
    upto_seq: Count
    fenced: bool = False
    again: bool = False
    v: int = VERSION


class Presence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Retained under ``up/status``; the will says ``offline``."""

    edge: Name
    state: str
    since: Moment
    version: str = ""
    reason: str = ""
    v: int = VERSION

    def __post_init__(self) -> None:
        _check_moments(self.since)


class Digest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The head of the ledger's hash chain: block ``no`` ends at row ``last_seq``.

    Published outside the database and retained: whoever keeps one can prove later that nothing
    up to that row was rewritten, by whoever had the database in their hands.
    """

    no: Count
    last_seq: Count
    hash: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    at: Moment
    v: int = VERSION
