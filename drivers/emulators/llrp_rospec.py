"""What a client asks of the emulated reader, taken out of its messages.

Reads ADD_ROSPEC (LLRP 1.0.1 section 16.2.4) as strictly as a reader does: what a reader
would refuse raises ``RefusedError`` with the status code and the words a reader would answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import error as struct_error
from struct import unpack_from

from drivers.emulators.llrp_encode import CUSTOM, IMPINJ_PEN, ReaderFacts, ReportContent
from drivers.llrp.events import Parameter, parameters
from drivers.readings import TagRead

DISABLED, INACTIVE, ACTIVE = range(3)

_START_GPI, _STOP_GPI = 3, 2


class RefusedError(Exception):
    """The reader answers with this LLRPStatus."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class GpiTrigger:
    """A GPI edge; ``timeout_ms`` 0 is none (16.2.4.1.1.1.2)."""

    port: int
    state: bool
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Filter:
    """A C1G2Filter on the EPC's bits from ``start``; ``action`` is of C1G2StateUnawareAction."""

    start: int
    bits: int
    mask: int
    action: int

    def matches(self, epc: int, epc_bits: int) -> bool:
        """Whether these bits of the EPC are the mask's; one that is too short never matches."""
        below = epc_bits - self.start - self.bits
        return below >= 0 and (epc >> below) & ((1 << self.bits) - 1) == self.mask


# C1G2StateUnawareAction -> what matching and other tags do: select, unselect, or nothing
_SELECTS = {
    0: (True, False), 1: (True, None), 2: (None, False), 3: (False, None), 4: (False, True),
    5: (None, True),
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Rospec:
    """One ROSpec as the reader keeps it; ``data`` is the parameter's body as it was sent."""

    rospec_id: int
    data: bytes
    state: int = DISABLED
    immediate: bool = False
    gpi_start: GpiTrigger | None = None
    gpi_stop: GpiTrigger | None = None
    antennas: frozenset[int] = frozenset()
    power_index: dict[int, int] = field(default_factory=dict)
    rf_mode: dict[int, int] = field(default_factory=dict)
    session: dict[int, int] = field(default_factory=dict)
    search_mode: dict[int, int] = field(default_factory=dict)
    channels: dict[int, tuple[int, ...]] = field(default_factory=dict)
    sensitivity_dbm: dict[int, float] = field(default_factory=dict)
    filters: dict[int, list[Filter]] = field(default_factory=dict)
    tags_per_report: int = 0
    content: ReportContent = field(default_factory=ReportContent)

    def hears(self, read: TagRead) -> bool:
        """Whether this ROSpec reads it: its antenna (0 in the list means all), loud enough, and
        selected by the filters.
        """
        antenna = read.antenna
        if antenna is None:
            return self._selects(read, 0)
        if 0 not in self.antennas and antenna not in self.antennas:
            return False
        weakest = self.sensitivity_dbm.get(antenna, self.sensitivity_dbm.get(0))
        if weakest is not None and (read.peak_rssi_dbm or 0.0) < weakest:
            return False
        return self._selects(read, antenna)

    def _selects(self, read: TagRead, antenna: int) -> bool:
        selected = True
        epc = int(read.epc or "0", 16) >> -read.epc_bits % 8
        for one in self.filters.get(antenna, self.filters.get(0, [])):
            matching, other = _SELECTS[one.action]
            does = matching if one.matches(epc, read.epc_bits) else other
            selected = selected if does is None else does
        return selected


def parse_rospec(message: bytes, facts: ReaderFacts) -> Rospec:
    """The ROSpec of a whole ADD_ROSPEC message; ``RefusedError`` where a reader would refuse."""
    try:
        found = [body for kind, body in parameters(message, 10) if kind == 177]
        if not found:
            raise RefusedError(103, "ADD_ROSPEC without ROSpec")
        return _rospec(found[0], facts)
    except (ValueError, IndexError, struct_error) as reason:
        raise RefusedError(100, f"ROSpec makes no sense: {reason}") from None


def _rospec(body: bytes, facts: ReaderFacts) -> Rospec:
    rospec_id, _priority, state = unpack_from(">IBB", body)
    if rospec_id == 0 or state != DISABLED:
        raise RefusedError(201, "a new ROSpec has an id above 0 and is disabled")
    rospec = Rospec(rospec_id=rospec_id, data=body)
    kinds = set()
    for kind, inner in parameters(body, 6):
        kinds.add(kind)
        if kind == 178:
            _boundary(rospec, inner, facts)
        elif kind == 183:
            _aispec(rospec, inner, facts)
        elif kind == 237:
            _, rospec.tags_per_report = unpack_from(">BH", inner)
            rospec.content = _content(inner)
    if not {178, 183} <= kinds:
        raise RefusedError(203, "a ROSpec needs a ROBoundarySpec and an AISpec")
    return rospec


def _boundary(rospec: Rospec, body: bytes, facts: ReaderFacts) -> None:
    for kind, inner in parameters(body):
        if kind == 179:
            rospec.immediate = inner[0] == 1
            if inner[0] == _START_GPI:
                rospec.gpi_start = _gpi_trigger(inner[1:], facts)
        elif kind == 182 and inner[0] == _STOP_GPI:
            rospec.gpi_stop = _gpi_trigger(inner[5:], facts)


def _gpi_trigger(body: bytes, facts: ReaderFacts) -> GpiTrigger:
    for kind, inner in parameters(body):
        if kind == 181:
            port, flags, timeout_ms = unpack_from(">HBI", inner)
            if not 1 <= port <= facts.gpis:
                raise RefusedError(301, f"this reader has GPI 1 to {facts.gpis}, not {port}")
            return GpiTrigger(port, bool(flags & 0x80), timeout_ms)
    raise RefusedError(203, "a GPI trigger needs a GPITriggerValue (type 181)")


def _aispec(rospec: Rospec, body: bytes, facts: ReaderFacts) -> None:
    count = unpack_from(">H", body)[0]
    antennas = unpack_from(f">{count}H", body, 2)
    for antenna in antennas:
        _check_antenna(antenna, facts)
    rospec.antennas |= frozenset(antennas)
    for kind, inner in parameters(body, 2 + 2 * count):
        if kind == 184 and inner[0] == 3:
            raise RefusedError(209, "unsupported StopTrigger 3")
        if kind == 186:
            for antenna_kind, settings in parameters(inner, 3):
                if antenna_kind == 222:
                    _antenna(rospec, settings, facts)


def _check_antenna(antenna: int, facts: ReaderFacts) -> None:
    if not 0 <= antenna <= facts.antennas:
        raise RefusedError(301, f"this reader has antennas 1 to {facts.antennas}, not {antenna}")


def _antenna(rospec: Rospec, body: bytes, facts: ReaderFacts) -> None:
    antenna = unpack_from(">H", body)[0]
    _check_antenna(antenna, facts)
    for kind, inner in parameters(body, 2):
        if kind == 223:
            index = unpack_from(">H", inner)[0]
            if not 1 <= index <= len(facts.sensitivities_db):
                raise RefusedError(301, f"receive sensitivity index {index} is not in the table")
            above = facts.sensitivities_db[index - 1]
            rospec.sensitivity_dbm[antenna] = facts.weakest_dbm + above
        elif kind == 224:
            hop_table, channel, power = unpack_from(">HHH", inner)
            if facts.fixed_khz and not 1 <= channel <= len(facts.fixed_khz):
                raise RefusedError(301, f"RFTransmitter parameter, invalid channel ({channel})")
            if not facts.fixed_khz and hop_table != 1:
                raise RefusedError(
                    301, f"RFTransmitter parameter, invalid HopTableID ({hop_table})"
                )
            if not 1 <= power <= len(facts.power_table()):
                raise RefusedError(301, f"transmit power index {power} is not in the table")
            rospec.power_index[antenna] = power
        elif kind == 330:
            for command in parameters(inner, 1):
                _inventory(rospec, antenna, command, facts)


def _inventory(rospec: Rospec, antenna: int, command: Parameter, facts: ReaderFacts) -> None:
    if command.kind == 331:
        filters = rospec.filters.setdefault(antenna, [])
        filters.append(_filter(command.body))
        if len(filters) > facts.max_filters:
            raise RefusedError(205, f"this reader takes {facts.max_filters} filters")
    elif command.kind == 335:
        mode, tari = unpack_from(">HH", command.body)
        rows = [row for row in facts.rf_modes if row.identifier == mode]
        if not rows:
            raise RefusedError(301, f"RF mode {mode} is not in the table")
        if tari and not rows[0].tari_min_ns <= tari <= rows[0].tari_max_ns:
            raise RefusedError(301, f"RF mode {mode} has no Tari of {tari} ns")
        rospec.rf_mode[antenna] = mode
    elif command.kind == 336:
        rospec.session[antenna] = command.body[0] >> 6
    elif command.kind == CUSTOM:
        _custom(rospec, antenna, command.body, facts)


def _filter(body: bytes) -> Filter:
    start = bits = mask = action = -1
    if body[0] & 0xC0:
        raise RefusedError(209, "EPCs are not truncated")
    for kind, inner in parameters(body, 1):
        if kind == 332:
            bank, start, bits = unpack_from(">BHH", inner)
            if bank >> 6 != 1 or start < 32:
                raise RefusedError(209, "this emulator compares EPCs only")
            if len(inner) != 5 + (bits + 7) // 8:
                raise RefusedError(201, f"a mask of {bits} bits in {len(inner) - 5} bytes")
            mask = int.from_bytes(inner[5:], "big") >> -bits % 8
        elif kind == 334:
            action = inner[0]
    if bits < 0 or action not in _SELECTS:
        raise RefusedError(203, "a filter needs a mask, and an action from 0 to 5")
    return Filter(start - 32, bits, mask, action)


def _custom(rospec: Rospec, antenna: int, body: bytes, facts: ReaderFacts) -> None:
    vendor, subtype, value = unpack_from(">IIH", body)
    if (vendor, facts.vendor_pen) != (IMPINJ_PEN, IMPINJ_PEN):
        raise RefusedError(209, "unsupported custom parameter")
    if subtype == 23:
        if value > 6:
            raise RefusedError(301, f"there is no search mode {value}")
        rospec.search_mode[antenna] = value
    elif subtype == 26 and value:
        count = unpack_from(">H", body, 12)[0]
        channels = unpack_from(f">{count}H", body, 14)
        if not facts.fixed_khz or not set(channels) <= set(range(1, len(facts.fixed_khz) + 1)):
            raise RefusedError(301, "these channels are not of this region")
        rospec.channels[antenna] = channels


def _content(report_spec: bytes) -> ReportContent:
    flags, impinj = 0, set()
    for kind, body in parameters(report_spec, 3):
        if kind == 238:
            flags = unpack_from(">H", body)[0]
        elif kind == CUSTOM and unpack_from(">II", body) == (IMPINJ_PEN, 50):
            for inner_kind, inner in parameters(body, 8):
                if inner_kind == CUSTOM:
                    _, subtype, mode = unpack_from(">IIH", inner)
                    impinj |= {subtype} if mode else set()
    return ReportContent(
        rospec_id=bool(flags & 0x8000),
        antenna=bool(flags & 0x1000),
        channel=bool(flags & 0x0800),
        peak_rssi=bool(flags & 0x0400),
        first_seen=bool(flags & 0x0200),
        last_seen=bool(flags & 0x0100),
        seen_count=bool(flags & 0x0080),
        impinj_phase=52 in impinj,
        impinj_rssi=53 in impinj,
        impinj_doppler=67 in impinj,
    )
