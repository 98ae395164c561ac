"""Bytes of one client, cut into MQTT 5 packets; everything that makes no sense is a ``Refusal``.

The packets themselves are read and written by the sans-I/O codec ``mqtt5``. It is lenient
where the standard is not, and it panics on text that is not UTF-8: both are mended here.
Section numbers are those of the OASIS standard "MQTT Version 5.0".
"""

from __future__ import annotations

import re
from typing import Any, Final, SupportsInt

import mqtt5
from mqtt5 import DisconnectReasonCode as Reason

from gateway.broker_text import check_text

UNACCEPTABLE_VERSION_311: Final = b"\x20\x02\x00\x01"
"""CONNACK of MQTT 3.1 and 3.1.1: "unacceptable protocol version"."""
_CONNECT: Final = 0x10
_SHORTEST_CONNECT_BYTES: Final = 7
_SPEAKS = re.compile(rb"\A(?:\x00\x04MQTT|\x00\x06MQIsdp)(.)", re.DOTALL)


class Refusal(Exception):
    """The client broke the protocol or a limit; ``code`` goes into DISCONNECT or CONNACK."""

    def __init__(self, code: SupportsInt, why: str) -> None:
        super().__init__(why)
        self.code = int(code)


class OldProtocol(Refusal):
    """The client speaks MQTT 3.1 or 3.1.1, and is to be told so in its own words."""

    def __init__(self) -> None:
        super().__init__(0x84, "MQTT 3.1.1 cannot say that a message was denied: use MQTT 5")


class PacketStream:
    """Collects bytes until packets are whole. Holds at most ``largest_bytes`` and one read."""

    def __init__(self, largest_bytes: int) -> None:
        self._largest_bytes = largest_bytes
        self._held = bytearray()
        self._connect_seen = False

    def feed(self, received: bytes) -> None:
        """Take bytes as they came."""
        self._held += received

    def next(self) -> Any:  # noqa: ANN401 - the codec's packets share no base
        """The next whole packet, or ``None``. Raises ``Refusal`` when it cannot be one."""
        size = self._size()
        if size is None or len(self._held) < size:
            return None
        packet = bytes(self._held[:size])
        del self._held[:size]
        if not self._connect_seen:
            self._connect_seen = True
            _check_version(packet)
        return _read(packet)

    def _size(self) -> int | None:
        """Bytes of the packet that begins here (§2.1.4); ``None`` while that is unknown."""
        if self._held and not self._connect_seen and self._held[0] != _CONNECT:
            raise Refusal(Reason.PROTOCOL_ERROR, "the first packet must be CONNECT")
        length = 0
        for place in range(1, 5):
            if len(self._held) <= place:
                return None
            length |= (self._held[place] & 0x7F) << (7 * (place - 1))
            if self._held[place] < 0x80:
                size = 1 + place + length
                if size > self._largest_bytes:
                    raise Refusal(
                        Reason.PACKET_TOO_LARGE,
                        f"a packet of {size} bytes, at most {self._largest_bytes} are taken",
                    )
                return size
        raise Refusal(Reason.MALFORMED_PACKET, "the remaining length is no length")


def _check_version(packet: bytes) -> None:
    body = packet[2:] if packet[1] < 0x80 else packet[2:].lstrip(bytes(range(0x80, 0x100)))[1:]
    spoken = _SPEAKS.match(body)
    if spoken is None:
        raise Refusal(Reason.MALFORMED_PACKET, "CONNECT names no protocol that is MQTT")
    if spoken[1] in {b"\x03", b"\x04"}:
        raise OldProtocol
    if spoken[1] != b"\x05":
        raise Refusal(0x84, f"protocol version {spoken[1][0]}, only 5 is spoken here")


def _read(packet: bytes) -> Any:  # noqa: ANN401 - see next
    try:
        check_text(packet)
        read, used = mqtt5.read(memoryview(packet))
    except (ValueError, IndexError, OverflowError) as error:
        raise Refusal(Reason.MALFORMED_PACKET, f"a packet makes no sense: {error}") from None
    if used != len(packet):
        raise Refusal(Reason.MALFORMED_PACKET, "a packet is shorter than it says")
    if getattr(read, "packet_id", None) == 0:
        raise Refusal(Reason.PROTOCOL_ERROR, "packet identifier 0 does not exist")
    return read
