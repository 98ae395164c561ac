"""What a client asks of the emulated reader, taken out of its messages.

Reads ADD_ROSPEC (LLRP 1.0.1 section 16.2.4) as strictly as a reader does: what a reader
would refuse raises ``RefusedError`` with the status code and the words a reader would answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import error as struct_error
from struct import unpack_from

from drivers.emulators.llrp_encode import CUSTOM, IMPINJ_PEN, ReaderFacts, ReportContent
from drivers.llrp_events import Parameter, parameters

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
    tags_per_report: int = 0
    content: ReportContent = field(default_factory=ReportContent)

    def hears(self, antenna: int | None) -> bool:
        """Whether this ROSpec reads through ``antenna``; 0 in its list means all."""
        return antenna is None or 0 in self.antennas or antenna in self.antennas


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
        if kind == 224:
            _hop_table, _channel, power = unpack_from(">HHH", inner)
            if not 1 <= power <= len(facts.power_table()):
                raise RefusedError(301, f"transmit power index {power} is not in the table")
            rospec.power_index[antenna] = power
        elif kind == 330:
            for command in parameters(inner, 1):
                _inventory(rospec, antenna, command, facts)


def _inventory(rospec: Rospec, antenna: int, command: Parameter, facts: ReaderFacts) -> None:
    if command.kind == 335:
        mode = unpack_from(">H", command.body)[0]
        if mode not in [row.identifier for row in facts.rf_modes]:
            raise RefusedError(301, f"RF mode {mode} is not in the table")
        rospec.rf_mode[antenna] = mode
    elif command.kind == 336:
        rospec.session[antenna] = command.body[0] >> 6


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
