"""What a reader really runs: the ROSpec read back, taken apart, and compared by name. Pure.

Our own codec, since sllurp can neither ask for ROSpecs nor decode one. What we sent and what
GET_ROSPECS_RESPONSE brings go through the same decoding into names and values; a reader may add
what we left to it, and may leave out what it does not tell. Formats: LLRP 1.0.1 sections 16.2.4,
16.2.6, 16.2.7 and 16.3.1; Impinj's parameters 23, 26 and 50 to 53, 67.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from struct import error as struct_error
from struct import unpack_from

from drivers.errors import DeviceRefused
from drivers.llrp.capabilities import Capabilities
from drivers.llrp.config import SEARCH_MODES
from drivers.llrp.events import parameters
from drivers.llrp.frames import HEADER_BYTES
from drivers.llrp.quirks import IMPINJ

ROSPEC, CUSTOM = 177, 1023
DISABLED, INACTIVE, ACTIVE = range(3)
_STATES = {DISABLED: "disabled", INACTIVE: "inactive"}

POWER, SENSITIVITY, MODE, SESSION = "transmit power", "receive sensitivity", "RF mode", "session"
ANTENNAS, FILTERS, SEARCH, CHANNELS = "antennas", "filters", "search mode", "channel list"
START, STOP, AISPEC_STOP = "start trigger", "stop trigger", "AISpec's stop trigger"
TARI = "Tari"

_MATTERS = frozenset({POWER, SENSITIVITY, MODE, SESSION, ANTENNAS, FILTERS, SEARCH, CHANNELS,
                      START, STOP, AISPEC_STOP})  # fmt: skip
"""What decides which tags are read, and when: with another value the reader must not start."""

_START_KINDS = {0: "by START_ROSPEC", 1: "immediately", 2: "periodically", 3: "by"}
_ACTIONS = {0: "only", 1: "also", 2: "not others", 3: "not", 4: "all except", 5: "and others"}
_REPORT_BITS = (
    "rospec", "spec index", "inventory spec", "antenna", "channel", "rssi", "first_seen",
    "last_seen", "count", "access",
)  # fmt: skip
_IMPINJ_REPORTS = {52: "phase", 53: "fine_rssi", 67: "doppler"}

Settings = dict[tuple[int, str], str]
"""Antenna (0: of the whole ROSpec) and name -> value in words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that runs otherwise than asked; ``runs`` is ``None`` where the reader is silent.

    ``matters``: other tags would be read, or at other times, so that the reader must not start.
    """

    name: str
    asked: str
    runs: str | None
    matters: bool

    def __str__(self) -> str:
        if self.runs is None:
            return f"{self.name}: {self.asked} was asked, the reader does not say what it runs"
        return f"{self.name}: {self.asked} was asked, {self.runs} runs"


@dataclass(frozen=True, slots=True)
class Rospec:
    """One ROSpec of a message: its id, its state, and the settings in it."""

    rospec_id: int
    state: int
    settings: Settings


def rospecs_of(message: bytes, found: Capabilities | None = None) -> list[Rospec]:
    """The ROSpecs of a whole ADD_ROSPEC or GET_ROSPECS_RESPONSE.

    With ``found``, powers and sensitivities are told in dBm and dB instead of indexes. Raises
    ``ValueError`` when the message makes no sense.
    """
    try:
        return [
            _rospec(body, found) for kind, body in parameters(message, HEADER_BYTES)
            if kind == ROSPEC
        ]  # fmt: skip
    except (struct_error, IndexError) as reason:
        raise ValueError(f"a ROSpec is cut short: {reason}") from None


def differences(asked: Rospec, runs: Rospec) -> list[Difference]:
    """What runs otherwise than asked, what matters first."""
    told: list[Difference] = []
    for (antenna, name), wanted in asked.settings.items():
        value = runs.settings.get((antenna, name), runs.settings.get((0, name)))
        if value == wanted or (name == TARI and wanted == "0"):  # 0: the reader's choice
            continue
        where = f"{name} of antenna {antenna}" if antenna else name
        told.append(Difference(where, wanted, value, value is not None and name in _MATTERS))
    return sorted(told, key=lambda one: not one.matters)


def _rospec(body: bytes, found: Capabilities | None) -> Rospec:
    rospec_id, _priority, state = unpack_from(">IBB", body)
    settings: Settings = {}
    antennas: set[int] = set()
    for kind, inner in parameters(body, 6):
        if kind == 178:
            settings.update(_boundary(inner))
        elif kind == 183:
            antennas |= _aispec(inner, settings, found)
        elif kind == 237:
            settings.update(_report(inner))
    if found is not None and 0 in antennas:  # all that there are
        antennas = set(range(1, found.antennas + 1))
    settings[0, ANTENNAS] = ", ".join(map(str, sorted(antennas)))
    return Rospec(rospec_id, state, settings)


def _boundary(body: bytes) -> Settings:
    told: Settings = {}
    for kind, inner in parameters(body):
        if kind == 179:
            trigger = "".join(_edges(inner[1:]))
            told[0, START] = f"{_START_KINDS.get(inner[0], inner[0])} {trigger}".strip()
        elif kind == 182:
            stops, milliseconds = unpack_from(">BI", inner)
            if stops == 2:
                told[0, STOP] = "by " + "".join(_edges(inner[5:], timeout=True))
            else:
                told[0, STOP] = f"after {milliseconds} ms" if stops == 1 else "by STOP_ROSPEC"
    return told


def _edges(body: bytes, *, timeout: bool = False) -> Iterator[str]:
    for kind, inner in parameters(body):
        if kind == 181:
            port, flags, milliseconds = unpack_from(">HBI", inner)
            yield f"input {port} {'on' if flags & 0x80 else 'off'}"
            if timeout:
                yield f" or after {milliseconds} ms" if milliseconds else ""


def _aispec(body: bytes, settings: Settings, found: Capabilities | None) -> set[int]:
    (count,) = unpack_from(">H", body)
    antennas = set(unpack_from(f">{count}H", body, 2))
    for kind, inner in parameters(body, 2 + 2 * count):
        if kind == 184:
            stops, milliseconds = unpack_from(">BI", inner)
            settings[0, AISPEC_STOP] = f"type {stops}, {milliseconds} ms" if stops else "never"
        elif kind == 186:
            for inner_kind, antenna in parameters(inner, 3):
                if inner_kind == 222:
                    _antenna(antenna, settings, found)
    return antennas


def _antenna(body: bytes, settings: Settings, found: Capabilities | None) -> None:
    (number,) = unpack_from(">H", body)
    for kind, inner in parameters(body, 2):
        if kind == 223:
            (index,) = unpack_from(">H", inner)
            table = {} if found is None else found.sensitivities_db
            settings[number, SENSITIVITY] = _in_words(index, table, "dB")
        elif kind == 224:
            _hop_table, _channel, index = unpack_from(">HHH", inner)
            powers = {} if found is None else found.powers_dbm
            settings[number, POWER] = _in_words(index, powers, "dBm")
        elif kind == 330:
            for name, value in _command(inner):
                settings[number, name] = value


def _in_words(index: int, table: Mapping[int, float], unit: str) -> str:
    return f"{table[index]:g} {unit}" if index in table else f"index {index}"


def _command(body: bytes) -> Iterator[tuple[str, str]]:
    filters: list[str] = []
    for kind, inner in parameters(body, 1):
        if kind == 331:
            filters.append(_filter(inner))
        elif kind == 335:
            mode, tari = unpack_from(">HH", inner)
            yield MODE, str(mode)
            yield TARI, str(tari)
        elif kind == 336:
            session, population, transit = unpack_from(">BHI", inner)
            yield SESSION, str(session >> 6)
            yield "tag population", str(population)
            yield "tag transit time", f"{transit} ms"
        elif kind == CUSTOM and len(inner) >= 10:
            yield from _impinj(inner)
    yield FILTERS, "; ".join(filters) or "none"


def _impinj(body: bytes) -> Iterator[tuple[str, str]]:
    vendor, subtype, value = unpack_from(">IIH", body)
    if vendor != IMPINJ:
        return
    if subtype == 23:
        names = {number: name for name, number in SEARCH_MODES.items()}
        yield SEARCH, names.get(value, str(value))
    elif subtype == 26 and value:
        (count,) = unpack_from(">H", body, 12)
        channels = ", ".join(map(str, unpack_from(f">{count}H", body, 14)))
        yield CHANNELS, channels if value == 2 else "chosen by the reader"


def _filter(body: bytes) -> str:
    where = action = ""
    for kind, inner in parameters(body, 1):
        if kind == 332:
            bank, pointer, bits = unpack_from(">BHH", inner)
            where = f"bank {bank >> 6} from bit {pointer}: {inner[5:].hex().upper()}/{bits}"
        elif kind == 334:
            action = _ACTIONS.get(inner[0], f"action {inner[0]}")
    return f"{action} {where}"


def _report(body: bytes) -> Settings:
    _trigger, every = unpack_from(">BH", body)
    fields: list[str] = []
    for kind, inner in parameters(body, 3):
        if kind == 238:
            (flags,) = unpack_from(">H", inner)
            fields += [name for bit, name in enumerate(_REPORT_BITS) if flags & (0x8000 >> bit)]
            for inner_kind, memory in parameters(inner, 2):
                if inner_kind == 348:
                    names = {0x80: "crc", 0x40: "pc"}
                    fields += [name for bit, name in names.items() if memory[0] & bit]
        elif kind == CUSTOM and unpack_from(">II", inner) == (IMPINJ, 50):
            for inner_kind, part in parameters(inner, 8):
                if inner_kind == CUSTOM:
                    _vendor, subtype, enabled = unpack_from(">IIH", part)
                    if enabled and subtype in _IMPINJ_REPORTS:
                        fields.append(_IMPINJ_REPORTS[subtype])
    return {(0, "report"): ", ".join(sorted(fields)), (0, "report after"): f"{every} tags"}


class ReadBack:
    """What was asked of one reader, to be compared with what it says it has.

    ``message`` is the ADD_ROSPEC that was sent.
    """

    def __init__(self, message: bytes, found: Capabilities) -> None:
        (self._asked,) = rospecs_of(message, found)
        self._found = found
        self._told: set[str] = set()

    def compare(self, answer: bytes, *, waits_for_input: bool | None) -> list[str]:
        """The differences that are new, in words; all of them harmless.

        ``answer`` is a whole GET_ROSPECS_RESPONSE. ``waits_for_input`` is ``None`` as long as
        the ROSpec is not started, else whether it may be inactive. Raises ``DeviceRefused`` for
        what matters.
        """
        try:
            listed = rospecs_of(answer, self._found)
        except ValueError as reason:
            return self._new([f"its ROSpec cannot be read back: {reason}"])
        runs = next((one for one in listed if one.rospec_id == self._asked.rospec_id), None)
        if runs is None:
            return self._new(["the reader does not list the ROSpec it accepted"])
        found = differences(self._asked, runs)
        serious = [str(one) for one in found if one.matters]
        if serious:
            raise DeviceRefused(
                f"The reader does not run what it was asked to: {'; '.join(serious)}",
                hint="It took the settings and changed them: set what it runs, or look for a "
                "limit in the reader's own configuration (region, power supply).",
            )
        lines = [str(one) for one in found]
        may_be = {None: {DISABLED, INACTIVE, ACTIVE}, True: {INACTIVE, ACTIVE}, False: {ACTIVE}}
        if runs.state not in may_be[waits_for_input]:
            lines.append(f"the ROSpec is {_STATES.get(runs.state, runs.state)}, not active")
        return self._new(lines)

    def _new(self, lines: list[str]) -> list[str]:
        fresh = [line for line in lines if line not in self._told]
        self._told.update(fresh)
        return fresh
