"""Bluetooth LE scales that are never connected to: their weight is in what they advertise.

Bytes here are advertising data as the Bluetooth Core Specification frames it (vol. 3, part C, 11):
length, type, data; so a payload pasted from a telephone's scanner program decodes as it is.

Sources: bthome.io/format and bthome-ble 3.25.0 for BTHome v2; xiaomi-ble 1.21.2 and openScale for
Xiaomi's scales. None was recorded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from drivers.frames import FrameFormat, measured
from drivers.readings import Reading, WeightReading
from drivers.scales.ble_weights import mi_10, mi_13
from drivers.scales.weights import told

SERVICE_DATA = 0x16
BTHOME_UUID, BTHOME_V1_UUIDS = 0xFCD2, (0x181C, 0x181E)
MI_10_UUID, MI_13_UUID = 0x181D, 0x181B
_LONGEST = 64  # an advertisement of 31 bytes, and what it answers a scan with
_TYPES = frozenset({*range(0x01, 0x32), 0x3D, 0xFF})


def service_data(uuid: int, data: bytes) -> bytes:
    """Service data of a 16-bit UUID as it stands in an advertisement."""
    return bytes([len(data) + 3, SERVICE_DATA]) + uuid.to_bytes(2, "little") + data


class _Structures:
    """Finds and reads service data of some UUIDs among the structures of an advertisement."""

    def __init__(self, kinds: Mapping[int, Callable[[bytes], Reading]]) -> None:
        self._kinds = kinds

    def length(self, data: bytes) -> int | None:
        """Of all up to the end of the first service data that counts (``drivers.frames``)."""
        at = 0
        while at + 1 < len(data):
            size = data[at] + 1
            if size < 3 or data[at + 1] not in _TYPES or at + size > _LONGEST:
                return 0
            if data[at + 1] == SERVICE_DATA and size > 4 and at + 3 >= len(data):
                return None
            if self._counts(data[at : at + size]):
                return at + size
            at += size
        return None if at < _LONGEST else 0

    def read(self, frame: bytes) -> Reading:
        """The service data that the frame ends with."""
        at = 0
        while at + frame[at] + 1 < len(frame):
            at += frame[at] + 1
        uuid = int.from_bytes(frame[at + 2 : at + 4], "little")
        return self._kinds[uuid](frame[at + 4 :])

    def others(self, gap: bytes, _: bytes) -> bool:
        """Whether these bytes are advertising data of other meanings."""
        at = 0
        while at + 1 < len(gap) and gap[at] >= 2 and gap[at + 1] in _TYPES:
            size = gap[at] + 1
            if self._counts(gap[at : at + size]):
                return False
            at += size
        return at == len(gap)

    def _counts(self, structure: bytes) -> bool:
        uuid = int.from_bytes(structure[2:4], "little")
        return structure[1] == SERVICE_DATA and len(structure) > 3 and uuid in self._kinds


def advertised(kinds: Mapping[int, Callable[[bytes], Reading]]) -> FrameFormat:
    """What devices advertise as service data of one of these UUIDs; all else is passed over."""
    structures = _Structures(kinds)
    return FrameFormat(
        find=measured(structures.length, longest=_LONGEST),
        read=structures.read,
        quiet=structures.others,
        binary=True,
    )


# ---- BTHome v2 ---------------------------------------------------------------------------------
_ENCRYPTED, _WITH_ADDRESS = 0x01, 0x02
_VERSION = 2
_KG, _LB, _MOVING = 0x06, 0x07, 0x22
_SIZES = {
    1: "00 01 09 0F 10 11 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29 2A 2B 2C "
    "2D 2E 2F 3A 46 57 58 59 60 64 65",
    2: "02 03 06 07 08 0C 0D 0E 12 13 14 3C 3D 3F 40 41 43 44 45 47 48 49 4A 51 52 56 5A 5D 5E 5F "
    "61 F0",
    3: "04 05 0A 0B 42 4B F2",
    4: "3E 4C 4D 4E 4F 50 55 5B 5C 62 63 F1",
}
_SIZE_OF = {number: size for size, text in _SIZES.items() for number in bytes.fromhex(text)}
_TEXT_AND_RAW = {0x53, 0x54}


def bthome_refusal(data: bytes) -> str:
    """Why this device can never be understood as it is set up; empty where it can."""
    if data and data[0] >> 5 != _VERSION:
        return f"it sends BTHome version {data[0] >> 5}, and only version 2 is understood"
    if data and data[0] & _ENCRYPTED:
        return "it encrypts what it sends"
    return ""


def bthome(which: int = 1) -> Callable[[bytes], Reading]:
    """Read the mass of an advertisement; of several, the one of this number."""

    def read(data: bytes) -> Reading:
        if why := bthome_refusal(data):
            raise ValueError(f"BTHome, but {why}")
        if not data:
            raise ValueError("BTHome, but without a byte")
        objects = _objects(data[7:] if data[0] & _WITH_ADDRESS else data[1:])
        masses = [(number, value) for number, value in objects if number in {_KG, _LB}]
        if len(masses) < which:
            said = ", ".join(f"{number:02x}={value.hex()}" for number, value in objects)
            return told(f"BTHome without mass {which}: {said}".encode())
        number, value = masses[which - 1]
        moving = next((bool(one[0]) for kind, one in objects if kind == _MOVING), None)
        return WeightReading(
            value=Decimal(int.from_bytes(value, "little")).scaleb(-2),
            unit="kg" if number == _KG else "lb",
            stable=None if moving is None else not moving,
        )

    return read


def _objects(data: bytes) -> list[tuple[int, bytes]]:
    """Number and bytes of each object. What follows one of unknown size cannot be told apart."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        number, begin = data[at], at + 1
        size = _SIZE_OF.get(number)
        if size is None and number in _TEXT_AND_RAW and begin < len(data):
            size, begin = data[begin], begin + 1
        if size is None:
            return found
        if begin + size > len(data):
            raise ValueError(f"BTHome, but object {number:02x} is cut short")
        found.append((number, data[begin : begin + size]))
        at = begin + size
    return found


BTHOME = advertised({BTHOME_UUID: bthome()})
XIAOMI_ADVERT = advertised({MI_10_UUID: mi_10, MI_13_UUID: mi_13})
