"""What a device said, once: many, cheap, never stored as they are.

A reading carries integer microseconds since 1970-01-01T00:00:00Z in every field that
ends in ``_us``, so that it can neither be naive nor lose precision. Readings are folded
into durable observations by the edge.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec


class TagRead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of an LLRP tag report: one tag heard by one antenna.

    ``first_seen_us``/``last_seen_us`` are on the reader's clock (``None`` when the reader
    sent no timestamp); ``uptime_clock`` is true when that clock counts from the reader's
    boot instead of 1970. ``count`` is LLRP's TagSeenCount (at least 1). ``phase_rad`` is in
    [0, 2*pi), ``doppler_hz`` signed, ``peak_rssi_dbm`` with the reader's resolution.
    ``epc`` is upper-case hexadecimal of the bytes sent, ``epc_bits`` the length announced.
    """

    epc: str
    epc_bits: int
    antenna: int | None = None
    peak_rssi_dbm: float | None = None
    first_seen_us: int | None = None
    last_seen_us: int | None = None
    uptime_clock: bool = False
    count: int = 1
    phase_rad: float | None = None
    doppler_hz: float | None = None
    channel: int | None = None


class WeightStatus(StrEnum):
    """What a scale says of its own value."""

    OK = "ok"
    OVERLOAD = "overload"
    UNDERLOAD = "underload"
    BUSY = "busy"
    ERROR = "error"


class WeightReading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One weight frame. ``value`` keeps the digits the scale sent (they are its resolution).

    ``unit`` is lower case as sent (``g``, ``kg``, ``lb``, ``oz``, ``pcs``) or ``None``;
    ``stable``, ``net`` and ``zero`` (the centre of zero) are ``None`` where the protocol does
    not say. ``value`` is ``None`` whenever ``status`` is not ``ok``. ``digits`` is the figure in
    the scale's own writing where its leading zeros belong to it, without a sign of plus.
    ``tare`` is true for a figure that is no load but the tare that the scale remembers.
    ``compare`` is its comparator's verdict as sent (``LO``, ``OK``, ``HI``), ``device`` the
    number that it sends of itself.
    ``calibration`` is the version of the calibration that made grams of a load cell's counts.
    ``spread`` is the standard deviation, in ``unit``, of the samples of which ``value`` is the
    mean, where a device says.
    """

    value: Decimal | None
    unit: str | None = None
    stable: bool | None = None
    net: bool | None = None
    status: WeightStatus = WeightStatus.OK
    zero: bool | None = None
    digits: str | None = None
    tare: bool = False
    compare: str | None = None
    device: int | None = None
    calibration: int | None = None
    spread: Decimal | None = None


class LoadCellWindow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A load-cell node's samples of some 0.2 s, in raw counts: never a weight by itself.

    ``mean`` is ``None`` when there were no ``samples``, ``std`` (of the samples, n - 1) when
    there were fewer than two; ``saturated`` samples lay at an end of the converter's range.
    ``seq`` counts the node's windows and ``up_ms`` its time since it started; ``boot`` differs
    from start to start. ``temp_c`` is the load cell's temperature, where it is measured.
    """

    node: str
    seq: int
    up_ms: int
    samples: int
    mean: Decimal | None
    std: Decimal | None
    saturated: int = 0
    boot: str | None = None
    temp_c: Decimal | None = None


class CodeScan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scanned code. ``symbology`` is the AIM identifier (``]C1``) or ``None``;
    ``data`` is the text after it, group separators kept as ``\\x1d``."""

    data: str
    symbology: str | None = None


class DeviceEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something a device reports about itself.

    ``name`` is one of ``gpi`` (``port``, ``state``), ``antenna`` (``port``, ``state``),
    ``connected``, ``reader_restarted``, ``restarted`` (a node), ``frame_error``, ``info``;
    ``detail`` is for people; ``raw_hex`` is what made no sense of a frame, as far as it is shown.
    ``at_us`` is on the device's clock, which counts from its boot where ``uptime_clock`` is true.
    That of ``connected`` is what this clock says now, not when something was noted.
    """

    name: str
    port: int | None = None
    state: bool | None = None
    at_us: int | None = None
    detail: str = ""
    uptime_clock: bool = False
    raw_hex: str = ""


Reading = TagRead | WeightReading | LoadCellWindow | CodeScan | DeviceEvent
