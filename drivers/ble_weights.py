"""What Bluetooth scales notify or advertise, to readings: the pure half of a BLE driver.

Sources: Bluetooth SIG Weight Scale Service (2A9D); aioacaia 0.1.7 for Acaia; the published
protocol of the Decent scale; openScale for Xiaomi's 13 bytes. None was recorded here.
"""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import xor

from drivers.frames import FrameFormat, measured
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.weights import fault, told

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


def _acaia_length(data: bytes) -> int | None:
    if not b"\xef\xdd".startswith(data[:2]):
        return 0
    if len(data) < 4:
        return None
    return _ACAIA_OVERHEAD + data[3] if 1 <= data[3] <= 32 else 0


def _acaia(frame: bytes) -> Reading:
    payload = frame[3:-2]
    if (sum(payload[0::2]) & 0xFF, sum(payload[1::2]) & 0xFF) != (frame[-2], frame[-1]):
        raise ValueError("The check bytes do not fit")
    if frame[2] != 12 or payload[1] != 5 or len(payload) < 8:
        return told(f"command {frame[2]}: {payload.hex(' ')}".encode())
    value = Decimal(int.from_bytes(payload[2:5], "little")).scaleb(-min(payload[6], 4))
    return WeightReading(value=-value if payload[7] & 2 and value else value, unit="g")


# ---- Decent -----------------------------------------------------------------------------------
_DECENT_WEIGHTS = {0xCE: True, 0xCA: False}


def _decent_length(data: bytes) -> int | None:
    if data[0] != 3:
        return 0
    for size in (7, 10):  # the longer one since firmware 1.3
        if len(data) >= size and not reduce(xor, data[:size]):
            return size
    return None if len(data) < 10 else 0


def _decent(frame: bytes) -> Reading:
    stable = _DECENT_WEIGHTS.get(frame[1])
    if stable is None:
        name = "tare" if frame[1] == 0x0F else f"command {frame[1]:02x}"
        return told(name.encode())
    tenths = int.from_bytes(frame[2:4], "big", signed=True)
    return WeightReading(value=Decimal(tenths).scaleb(-1), unit="g", stable=stable)


# ---- Xiaomi, 13 bytes ---------------------------------------------------------------------------
_MI_POUNDS, _MI_CATTY = 0x01, 0x40
_MI_STABLE, _MI_REMOVED = 0x20, 0x80


def _mi(frame: bytes) -> Reading:
    units, state = frame[0], frame[1]
    raw = int.from_bytes(frame[11:13], "little")
    stable = bool(state & _MI_STABLE)
    if state & _MI_REMOVED:
        return fault(WeightStatus.BUSY, stable=stable)
    if units & _MI_POUNDS:
        return WeightReading(value=Decimal(raw).scaleb(-2), unit="lb", stable=stable)
    if units & _MI_CATTY:
        return told(f"{raw} hundredths of a catty".encode())
    value = (Decimal(raw) / 200).normalize()
    places = max(1, -int(value.as_tuple().exponent))
    return WeightReading(value=value.quantize(Decimal(1).scaleb(-places)), unit="kg", stable=stable)


# One notification is one frame.
WEIGHT_SCALE_SERVICE = FrameFormat(find=measured(_gatt_length, longest=15), read=_gatt)
ACAIA = FrameFormat(find=measured(_acaia_length, longest=64), read=_acaia)
DECENT = FrameFormat(find=measured(_decent_length, longest=10), read=_decent)
XIAOMI = FrameFormat(find=measured(lambda _: 13, longest=13), read=_mi)
