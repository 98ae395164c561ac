"""What Bluetooth scales notify, to readings: the pure half of a BLE driver.

Sources: Bluetooth SIG Weight Scale Service (2A9D); aioacaia 0.1.7 for Acaia; the published API of
the Decent scale (decentespresso.com/decentscale_api); xiaomi-ble 1.21.2 and openScale for Xiaomi's
10 and 13 bytes. None was recorded here. Unverified: that FFFF in 2A9D is a failed measurement.
"""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import xor

from drivers.frames import FrameFormat, blank, measured
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.weights import fault, told

# ---- Weight Measurement, characteristic 2A9D ---------------------------------------------------
_POUNDS, _TIMED, _USER, _BODY, _RESERVED = 1, 2, 4, 8, 0xF0


def _gatt_length(data: bytes) -> int:
    flags = data[0]
    if flags & _RESERVED:
        return 0
    return 3 + 7 * bool(flags & _TIMED) + bool(flags & _USER) + 4 * bool(flags & _BODY)


def _gatt(frame: bytes) -> Reading:
    raw = int.from_bytes(frame[1:3], "little")
    if raw == 0xFFFF:
        return fault(WeightStatus.ERROR)  # "measurement unsuccessful"
    if frame[0] & _POUNDS:
        return WeightReading(value=Decimal(raw).scaleb(-2), unit="lb")
    return WeightReading(value=(Decimal(raw) * 5).scaleb(-3), unit="kg")


# ---- Acaia ------------------------------------------------------------------------------------
_ACAIA_OVERHEAD = 5  # EF DD, command, and two check bytes; the length byte counts itself
_SETTINGS, _EVENT = 8, 12
_WEIGHT, _BATTERY, _TIMER, _BUTTON, _HEARTBEAT = 5, 6, 7, 8, 11
_ACAIA_EVENTS = {_BATTERY: "battery", _TIMER: "timer", _BUTTON: "button", _HEARTBEAT: "heartbeat"}
_ACAIA_UNITS = {2: "g", 5: "oz"}


def acaia_message(command: int, payload: bytes) -> bytes:
    """A message to or from a scale, with its check bytes."""
    return bytes([0xEF, 0xDD, command]) + payload + bytes(_acaia_check(payload))


def _acaia_check(payload: bytes) -> tuple[int, int]:
    return sum(payload[0::2]) & 0xFF, sum(payload[1::2]) & 0xFF


def _acaia_length(data: bytes) -> int | None:
    if not b"\xef\xdd".startswith(data[:2]):
        return 0
    if len(data) < 4:
        return None
    return _ACAIA_OVERHEAD + data[3] if 1 <= data[3] <= 32 else 0


class _AcaiaReader:
    """Reads one scale's messages. A weight has the unit that the scale's settings told last."""

    def __init__(self) -> None:
        self._unit = "g"

    def __call__(self, frame: bytes) -> Reading:
        command, payload = frame[2], frame[3:-2]
        if _acaia_check(payload) != (frame[-2], frame[-1]):
            raise ValueError("The check bytes do not fit")
        if command == _SETTINGS and len(payload) > 2:
            self._unit = _ACAIA_UNITS.get(payload[2], self._unit)
            return told(f"settings: {self._unit}, battery {payload[1] & 0x7F} %".encode())
        if command != _EVENT or len(payload) < 2:
            return told(f"command {command}: {payload.hex(' ')}".encode())
        kind, rest = payload[1], payload[2:]
        if kind == _HEARTBEAT and len(rest) > 2 and rest[2] == _WEIGHT:
            kind, rest = _WEIGHT, rest[3:]
        if kind == _WEIGHT and len(rest) >= 6:
            return self._weight(rest)
        return told(f"{_ACAIA_EVENTS.get(kind, f'event {kind}')}: {rest.hex(' ')}".encode())

    def _weight(self, data: bytes) -> Reading:
        if data[4] > 4:
            raise ValueError(f"A weight with {data[4]} decimals")
        value = Decimal(int.from_bytes(data[:3], "little")).scaleb(-data[4])
        return WeightReading(value=-value if data[5] & 2 and value else value, unit=self._unit)


def acaia() -> FrameFormat:
    """The format of one scale, which remembers the unit that it was told."""
    return FrameFormat(find=measured(_acaia_length, longest=64), read=_AcaiaReader(), binary=True)


# ---- Decent -----------------------------------------------------------------------------------
_DECENT_WEIGHTS = {0xCE: True, 0xCA: False}
_DECENT_EVENTS = {0x0A: "display or heartbeat", 0x0B: "timer", 0x0F: "tare", 0xAA: "button"}


def _decent_length(data: bytes) -> int | None:
    if data[0] != 3:
        return 0
    if len(data) >= 7 and not reduce(xor, data[:7]):
        return 7
    if len(data) < 10:
        return None
    # The longer one has a time in bytes 4 to 6. Public descriptions disagree on whether the
    # check spans it.
    return 0 if reduce(xor, data[:10]) and reduce(xor, data[:4] + data[7:10]) else 10


def _decent_rest(gap: bytes, last: bytes) -> bool:
    """Whether this is the end of a long frame whose first seven bytes fit by themselves."""
    return blank(gap, last) or (len(last) == 7 and len(gap) == 3 and gap.startswith(b"\0\0"))


def _decent(frame: bytes) -> Reading:
    stable = _DECENT_WEIGHTS.get(frame[1])
    if stable is None:
        name = _DECENT_EVENTS.get(frame[1], f"command {frame[1]:02x}")
        return told(f"{name}: {frame[2:-1].hex(' ')}".encode())
    tenths = int.from_bytes(frame[2:4], "big", signed=True)
    return WeightReading(value=Decimal(tenths).scaleb(-1), unit="g", stable=stable)


# ---- Xiaomi -----------------------------------------------------------------------------------
_MI_POUNDS, _MI_STABLE, _MI_REMOVED = 0x01, 0x20, 0x80
_MI_LONGEST = 13


def mi_10(data: bytes) -> Reading:
    """Read the 10 bytes of a Mi Smart Scale. Raises ``ValueError``."""
    if len(data) != 10:
        raise ValueError(f"Xiaomi, but {len(data)} bytes in place of 10")
    return _mi(pounds=data[0] & _MI_POUNDS, state=data[0], raw=data[1:3])


def mi_13(data: bytes) -> Reading:
    """Read the 13 bytes of a Mi Body Composition Scale. Raises ``ValueError``."""
    if len(data) != _MI_LONGEST:
        raise ValueError(f"Xiaomi, but {len(data)} bytes in place of {_MI_LONGEST}")
    return _mi(pounds=data[0] & _MI_POUNDS, state=data[1], raw=data[11:13])


def _mi(*, pounds: int, state: int, raw: bytes) -> Reading:
    figure, stable = Decimal(int.from_bytes(raw, "little")), bool(state & _MI_STABLE)
    if state & _MI_REMOVED:
        return fault(WeightStatus.BUSY, stable=stable)
    if pounds:
        return WeightReading(value=figure.scaleb(-2), unit="lb", stable=stable)
    # Hundredths of a catty (500 g) and 200ths of a kilogram are the same figure.
    value = (figure / 200).normalize()
    places = max(1, -int(value.as_tuple().exponent))
    return WeightReading(value=value.quantize(Decimal(1).scaleb(-places)), unit="kg", stable=stable)


# One notification is one frame, but for Acaia's.
WEIGHT_SCALE_SERVICE = FrameFormat(find=measured(_gatt_length, longest=15), read=_gatt, binary=True)
DECENT = FrameFormat(
    find=measured(_decent_length, longest=10), read=_decent, quiet=_decent_rest, binary=True
)
XIAOMI_10 = FrameFormat(find=measured(lambda _: 10, longest=10), read=mi_10, binary=True)
XIAOMI_13 = FrameFormat(find=measured(lambda _: 13, longest=13), read=mi_13, binary=True)
