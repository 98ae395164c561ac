"""The reader's half of LLRP, encoded: what ``drivers.emulators.llrp_reader`` sends.

Formats: LLRP 1.0.1 section 16; section numbers stand at each builder. The builders are
pure and share nothing with the decoder that they are used to test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import tau
from struct import pack
from typing import NamedTuple

from drivers.readings import TagRead

VERSION_1 = 1 << 10
CUSTOM = 1023
IMPINJ_PEN = 25882


class RfMode(NamedTuple):
    """One row of a reader's RF mode table; ``miller`` 0 is FM0, ``mask`` 0 not told, 3 for dense
    readers; the rate in bits per second, PIE in thousandths, Tari in nanoseconds.
    """

    identifier: int
    miller: int
    backscatter_bps: int
    mask: int = 2
    forward: int = 0
    pie: int = 1500
    tari_min_ns: int = 6250
    tari_max_ns: int = 25_000
    tari_step_ns: int = 0


def _autoset(identifier: int) -> RfMode:
    """A mode of Impinj's that chooses by itself: its row says nothing."""
    return RfMode(identifier, 0, 40_000, 0, 0, 1500, 6250, 6250)


RF_MODES = (
    RfMode(0, 0, 640_000, 2, 2, 1500, 6250, 6250),
    RfMode(1, 1, 640_000, 2, 2, 1500, 6250, 6250),
    RfMode(2, 2, 274_000, 3, 0, 2000, 20_000, 20_000),
    RfMode(3, 3, 170_600, 3, 0, 2000, 20_000, 20_000),
    RfMode(4, 2, 640_000, 2, 0, 1500, 7140, 7140),
    *(_autoset(identifier) for identifier in (1000, 1002, 1003, 1004, 1005)),
)
"""As an Impinj R420 tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFacts:
    """What the emulated reader is: everything its capabilities say.

    ``weakest_dbm`` is the signal that it can just hear, where ``sensitivities_db`` count from.
    With ``fixed_khz`` it keeps to these channels, without it hops.
    """

    antennas: int = 2
    vendor_pen: int = IMPINJ_PEN
    model: int = 2_001_002
    firmware: str = "5.14.0"
    gpis: int = 4
    gpos: int = 4
    rf_modes: Sequence[RfMode] = RF_MODES
    sensitivities_db: Sequence[int] = (0, *range(10, 51))
    weakest_dbm: float = -80.0
    max_filters: int = 2
    fixed_khz: Sequence[int] = ()
    holds_reports: bool = True
    power_min_dbm: float = 10.0
    power_max_dbm: float = 30.0
    power_step_db: float = 0.25
    has_utc_clock: bool = True
    identity: bytes = bytes.fromhex("001625FFFF005452")

    def power_table(self) -> list[float]:
        """Transmit powers in dBm; the index on the wire is the place in it plus one."""
        steps = round((self.power_max_dbm - self.power_min_dbm) / self.power_step_db)
        return [self.power_min_dbm + n * self.power_step_db for n in range(steps + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """Which optional fields the ROSpec wants in a tag report (16.2.7.1)."""

    rospec_id: bool = False
    antenna: bool = True
    channel: bool = True
    peak_rssi: bool = True
    first_seen: bool = True
    last_seen: bool = True
    seen_count: bool = True
    impinj_phase: bool = False
    impinj_rssi: bool = False
    impinj_doppler: bool = False


def message(kind: int, message_id: int, body: bytes = b"") -> bytes:
    """A whole message with its header (16.1)."""
    return pack(">HII", VERSION_1 | kind, 10 + len(body), message_id) + body


def parameter(kind: int, body: bytes = b"") -> bytes:
    """A TLV parameter (16.2)."""
    return pack(">HH", kind, 4 + len(body)) + body


def custom(subtype: int, body: bytes, vendor: int = IMPINJ_PEN) -> bytes:
    """A vendor's parameter (16.2.1.1 Custom)."""
    return parameter(CUSTOM, pack(">II", vendor, subtype) + body)


def status(code: int = 0, description: str = "") -> bytes:
    """LLRPStatus (16.2.8.1)."""
    text = description.encode()
    return parameter(287, pack(">HH", code, len(text)) + text)


def event(at_us: int, *found: bytes, uptime: bool = False) -> bytes:
    """READER_EVENT_NOTIFICATION (16.1.33) with its time stamp and events."""
    clock = parameter(129 if uptime else 128, pack(">Q", at_us))
    return message(63, 0, parameter(246, clock + b"".join(found)))


def connection_attempt(code: int) -> bytes:
    """ConnectionAttemptEvent (16.2.7.6.10): 0 accepted, 2 another client is connected."""
    return parameter(256, pack(">H", code))


def gpi_event(port: int, *, state: bool) -> bytes:
    """GPIEvent (16.2.7.6.2)."""
    return parameter(248, pack(">HB", port, 0x80 if state else 0))


def antenna_event(port: int, *, state: bool) -> bytes:
    """AntennaEvent (16.2.7.6.9)."""
    return parameter(255, pack(">BH", 1 if state else 0, port))


def tag_report_data(read: TagRead, content: ReportContent, rospec_id: int = 1) -> bytes:
    """TagReportData (16.2.7.3); fields that the read lacks are left out."""
    epc = bytes.fromhex(read.epc)
    if read.epc_bits == 96:
        parts = [b"\x8d", epc]
    else:
        parts = [parameter(241, pack(">H", read.epc_bits) + epc)]
    if content.rospec_id:
        parts.append(pack(">BI", 0x89, rospec_id))
    if content.antenna and read.antenna is not None:
        parts.append(pack(">BH", 0x81, read.antenna))
    if content.peak_rssi and read.peak_rssi_dbm is not None:
        parts.append(pack(">Bb", 0x86, max(-128, min(127, round(read.peak_rssi_dbm)))))
    if content.channel and read.channel is not None:
        parts.append(pack(">BH", 0x87, read.channel))
    first, last = (0x83, 0x85) if read.uptime_clock else (0x82, 0x84)
    if content.first_seen and read.first_seen_us is not None:
        parts.append(pack(">BQ", first, read.first_seen_us))
    if content.last_seen and read.last_seen_us is not None:
        parts.append(pack(">BQ", last, read.last_seen_us))
    if content.seen_count:
        parts.append(pack(">BH", 0x88, min(read.count, 0xFFFF)))
    return parameter(240, b"".join(parts) + _impinj_fields(read, content))


def _impinj_fields(read: TagRead, content: ReportContent) -> bytes:
    parts = []
    if content.impinj_phase and read.phase_rad is not None:
        parts.append(custom(56, pack(">H", round(read.phase_rad / tau * 4096) % 4096)))
    if content.impinj_rssi and read.peak_rssi_dbm is not None:
        parts.append(custom(57, pack(">h", round(read.peak_rssi_dbm * 100))))
    if content.impinj_doppler and read.doppler_hz is not None:
        parts.append(custom(68, pack(">h", max(-32768, min(32767, round(read.doppler_hz * 16))))))
    return b"".join(parts)


def tag_report(reads: Iterable[TagRead], content: ReportContent, message_id: int = 0) -> bytes:
    """RO_ACCESS_REPORT (16.1.30) of these reads."""
    return message(61, message_id, b"".join(tag_report_data(read, content) for read in reads))


def capabilities(facts: ReaderFacts) -> bytes:
    """The parameters of a GET_READER_CAPABILITIES_RESPONSE (16.1.2), all of them."""
    firmware = facts.firmware.encode()
    device = pack(
        f">HHIIH{len(firmware)}s",
        facts.antennas,
        0x4000 if facts.has_utc_clock else 0,
        facts.vendor_pen,
        facts.model,
        len(firmware),
        firmware,
    )
    for index, decibels in enumerate(facts.sensitivities_db, start=1):
        device += parameter(139, pack(">Hh", index, decibels))
    device += parameter(141, pack(">HH", facts.gpis, facts.gpos))
    for antenna in range(1, facts.antennas + 1):
        device += parameter(140, pack(">HHB", antenna, 1, 1))
    flags = 0b01001000 if facts.holds_reports else 0b01000000
    llrp = pack(">BBHIIIII", flags, 1, 0, 1, 32, 1, 1508, 8)
    power = b"".join(
        parameter(145, pack(">Hh", index, round(dbm * 100)))
        for index, dbm in enumerate(facts.power_table(), start=1)
    )
    frequencies = _frequencies(facts.fixed_khz)
    modes = b"".join(_rf_mode(mode) for mode in facts.rf_modes)
    band = parameter(144, power + frequencies + parameter(328, modes))
    return b"".join(
        (
            parameter(137, device),
            parameter(142, llrp),
            parameter(143, pack(">HH", 840, 1) + band),
            parameter(327, pack(">BH", 0x40, facts.max_filters)),
        )
    )


def _frequencies(fixed_khz: Sequence[int]) -> bytes:
    """FrequencyInformation: fixed channels, or one hop table."""
    if fixed_khz:
        table = pack(f">H{len(fixed_khz)}I", len(fixed_khz), *fixed_khz)
        return parameter(146, b"\x00" + parameter(148, table))
    channels = [902_750 + 500 * n for n in range(50)]
    return parameter(146, b"\x80" + parameter(147, pack(">BBH50I", 1, 0, 50, *channels)))


def _rf_mode(mode: RfMode) -> bytes:
    body = pack(
        ">IBBBBIIIII",
        mode.identifier, 0x80 if mode.mask else 0, mode.miller, mode.forward, mode.mask,
        mode.backscatter_bps, mode.pie, mode.tari_min_ns, mode.tari_max_ns, mode.tari_step_ns,
    )  # fmt: skip
    return parameter(329, body)


@dataclass(slots=True, kw_only=True)
class ReaderSettings:
    """What SET_READER_CONFIG changes and GET_READER_CONFIG_RESPONSE says."""

    events: dict[int, bool]
    gpi_enabled: dict[int, bool]
    gpi_state: dict[int, bool]
    gpo_state: dict[int, bool]
    antenna_connected: dict[int, bool]
    gpi_debounce_ms: dict[int, int] = field(default_factory=dict)
    keepalive_ms: int = 0
    hold_upon_reconnect: bool = False
    link_down_threshold: int = 0


def configuration(settings: ReaderSettings, facts: ReaderFacts) -> bytes:
    """The parameters of a GET_READER_CONFIG_RESPONSE (16.1.4), all of them."""
    parts = [parameter(218, pack(">BH", 0, len(facts.identity)) + facts.identity)]
    for antenna, connected in settings.antenna_connected.items():
        parts.append(parameter(221, pack(">BHh", 0x80 if connected else 0, antenna, 0)))
    parts += [_as_delivered(antenna, facts) for antenna in settings.antenna_connected]
    states = b"".join(
        parameter(245, pack(">HB", kind, 0x80 if enabled else 0))
        for kind, enabled in settings.events.items()
    )
    parts.append(parameter(244, states))
    parts.append(parameter(217, pack(">I", 1)))
    periodic = 1 if settings.keepalive_ms else 0
    parts.append(parameter(220, pack(">BI", periodic, settings.keepalive_ms)))
    for port, enabled in settings.gpi_enabled.items():
        state = int(settings.gpi_state[port]) if enabled else 2
        parts.append(parameter(225, pack(">HBB", port, 0x80 if enabled else 0, state)))
    for port, on in settings.gpo_state.items():
        parts.append(parameter(219, pack(">HB", port, 0x80 if on else 0)))
    parts.append(parameter(226, b"\x80" if settings.hold_upon_reconnect else b"\x00"))
    return b"".join(parts)


def _as_delivered(antenna: int, facts: ReaderFacts) -> bytes:
    """AntennaConfiguration (16.2.6.6): most sensitive, full power, the first way to send."""
    hop_table, channel = (0, 1) if facts.fixed_khz else (1, 0)
    receiver = parameter(223, pack(">H", 1)) if facts.sensitivities_db else b""
    transmitter = parameter(224, pack(">HHH", hop_table, channel, len(facts.power_table())))
    control = parameter(335, pack(">HH", facts.rf_modes[0].identifier, 0))
    singulation = parameter(336, pack(">BHI", 1 << 6, 32, 0))
    command = parameter(330, b"\x00" + control + singulation)
    return parameter(222, pack(">H", antenna) + receiver + transmitter + command)
