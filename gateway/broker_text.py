"""Whether all text of a packet is UTF-8, asked before the codec sees it.

The codec does not answer text that is not UTF-8 with an error, it panics, and anybody who can
reach the port could make it. So the texts of a packet are found here first, by its layout
(MQTT 5.0 §1.5, §2.2.2 and §3); lengths that do not add up are found on the way.
"""

from __future__ import annotations

from typing import Final

_PROPERTY_SIZES: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
}
_PROPERTY_TEXTS: Final = {
    **dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), 1),
    0x26: 2,
}
_PROPERTY_BINARY: Final = frozenset({0x09, 0x16})
_SUBSCRIPTION_ID: Final = 0x0B
_HAS_WILL, _HAS_PASSWORD, _HAS_USER = 0x04, 0x40, 0x80


def check_text(packet: bytes) -> None:
    """Raises ValueError when a whole packet holds what is not text, or lengths do not fit.

    Packets that only servers send raise it too.
    """
    walk = _Walk(packet)
    walk.skip(1)
    walk.number()
    kind = packet[0] >> 4
    if kind == 1:
        _connect(walk)
    elif kind == 3:
        walk.texts(1)
        walk.skip(2 if packet[0] & 0x06 else 0)
        walk.properties()
    elif kind in {8, 10}:
        walk.skip(2)
        walk.properties()
        while walk.left:
            walk.texts(1)
            walk.skip(1 if kind == 8 else 0)
    elif kind in {4, 5, 6, 7, 14, 15}:
        walk.skip(2 if kind < 8 else 0)
        walk.skip(1 if walk.left else 0)
        if walk.left:
            walk.properties()
    elif kind != 12:
        raise ValueError(f"a packet of type {kind} does not come from a client")


def _connect(walk: _Walk) -> None:
    walk.texts(1)
    walk.skip(1)
    flags = walk.octet()
    walk.skip(2)
    walk.properties()
    walk.texts(1)
    if flags & _HAS_WILL:
        walk.properties()
        walk.texts(1)
        walk.binary()
    walk.texts(1 if flags & _HAS_USER else 0)
    if flags & _HAS_PASSWORD:
        walk.binary()


class _Walk:
    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._packet) - self._at

    def skip(self, size: int) -> bytes:
        if size > self.left:
            raise ValueError("a length points behind the packet's end")
        self._at += size
        return self._packet[self._at - size : self._at]

    def octet(self) -> int:
        return self.skip(1)[0]

    def number(self) -> int:
        """A variable byte integer (§1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            octet = self.octet()
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value
        raise ValueError("a number of more than four bytes")

    def binary(self) -> bytes:
        return self.skip(int.from_bytes(self.skip(2), "big"))

    def texts(self, count: int) -> None:
        for _ in range(count):
            if "\0" in self.binary().decode("utf-8"):
                raise ValueError("a text holds a null character")

    def properties(self) -> None:
        size = self.number()
        end = self._at + size
        while self._at < end:
            name = self.octet()
            if name in _PROPERTY_SIZES:
                self.skip(_PROPERTY_SIZES[name])
            elif name in _PROPERTY_TEXTS:
                self.texts(_PROPERTY_TEXTS[name])
            elif name in _PROPERTY_BINARY:
                self.binary()
            elif name == _SUBSCRIPTION_ID:
                self.number()
            else:
                raise ValueError(f"there is no property {name:#04x}")
        if self._at != end:
            raise ValueError("properties are longer than they say")
