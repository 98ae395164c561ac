"""LLRP messages taken apart by the published machine-readable definition, and by nothing of ours.

Strict: every byte must belong to a field, every parameter must be one that the definition allows
in that place, in its order and as often as it may be there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

_NAMESPACE = "{http://www.llrp.org/ltk/schema/core/encoding/binary/1.0}"
_HEADER_BITS = 80


class NotAsDefined(ValueError):
    """The bytes are not what the definition says."""


@dataclass
class Node:
    """A message or a parameter: its name, its fields, and the parameters in it."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        """Every parameter of this name, however deep."""
        return [
            found
            for child in self.children
            for found in ([child] if child.name == name else []) + child.all(name)
        ]


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.number = int.from_bytes(data, "big")
        self.size, self.position = 8 * len(data), 0

    @property
    def left(self) -> int:
        return self.size - self.position

    def take(self, count: int, *, signed: bool = False) -> int:
        if count > self.left:
            raise NotAsDefined(f"{count} bits wanted, {self.left} left")
        self.position += count
        value = (self.number >> (self.size - self.position)) & ((1 << count) - 1)
        return value - (1 << count) if signed and value >> (count - 1) else value

    def bytes(self, count: int) -> bytes:
        return self.take(8 * count).to_bytes(count, "big")


class Definition:
    """The definition file, read."""

    def __init__(self, path: Path) -> None:
        root = ET.parse(path).getroot()
        self._parameters = {
            one.get("name"): one for one in root.iter(_NAMESPACE + "parameterDefinition")
        }
        self._messages = {
            int(one.get("typeNum", "0")): one for one in root.iter(_NAMESPACE + "messageDefinition")
        }
        self._choices = {
            one.get("name"): [str(kind.get("type")) for kind in one]
            for one in root.iter(_NAMESPACE + "choiceDefinition")
        }

    def message(self, data: bytes) -> Node:
        """One whole message."""
        bits = _Bits(data)
        word, size = bits.take(16), bits.take(32)
        bits.take(32)
        if size != len(data) or word >> 10 != 1:
            raise NotAsDefined(f"header: {size} bytes announced, {len(data)} there")
        definition = self._messages[word & 0x3FF]
        return self._take(definition, bits)

    def _take(self, definition: ET.Element, bits: _Bits) -> Node:
        node = Node(str(definition.get("name")))
        try:
            for part in definition:
                self._part(part, bits, node)
        except NotAsDefined as reason:
            raise NotAsDefined(f"{node.name}: {reason}") from None
        if bits.left:
            raise NotAsDefined(f"{node.name}: {bits.left // 8} bytes that belong to nothing")
        return node

    def _part(self, part: ET.Element, bits: _Bits, node: Node) -> None:
        match part.tag.removeprefix(_NAMESPACE):
            case "field":
                node.fields[str(part.get("name"))] = _value(str(part.get("type")), bits)
            case "reserved":
                bits.take(int(part.get("bitCount", "0")))
            case "parameter" | "choice":
                self._children(part, bits, node)

    def _children(self, part: ET.Element, bits: _Bits, node: Node) -> None:
        kind, repeat = str(part.get("type")), str(part.get("repeat"))
        allowed = self._choices.get(kind, [kind])
        count = 0
        while bits.left and (repeat.endswith("N") or count == 0):
            definition, header, size = self._next(bits)
            if definition.get("name") not in allowed:
                break
            bits.take(header)
            body = bits.bytes(size)
            node.children.append(self._take(definition, _Bits(body)))
            count += 1
        if repeat.startswith("1") and not count:
            raise NotAsDefined(f"no {kind}")

    def _next(self, bits: _Bits) -> tuple[ET.Element, int, int]:
        """The next parameter's definition, bits of its header and bytes of its body."""
        ahead = _Bits(b"")
        ahead.number, ahead.size, ahead.position = bits.number, bits.size, bits.position
        if ahead.take(1):
            number = ahead.take(7)
            definition = self._numbered(number)
            return definition, 8, _fixed_bytes(definition)
        ahead.take(5)
        number, size = ahead.take(10), ahead.take(16)
        if size < 4:
            raise NotAsDefined(f"parameter {number} announces {size} bytes")
        return self._numbered(number), 32, size - 4

    def _numbered(self, number: int) -> ET.Element:
        for one in self._parameters.values():
            if one.get("typeNum") == str(number):
                return one
        raise NotAsDefined(f"parameter {number} is not of LLRP 1.0.1")


def _fixed_bytes(definition: ET.Element) -> int:
    fields = [str(part.get("type")) for part in definition if part.tag == _NAMESPACE + "field"]
    return sum(int(kind[1:]) for kind in fields) // 8


def _value(kind: str, bits: _Bits) -> Any:
    if kind == "bytesToEnd":
        return bits.bytes(bits.left // 8)
    if kind == "utf8v":
        return bits.bytes(bits.take(16)).decode()
    if kind == "u1v":
        count = bits.take(16)
        value = bits.take(count)
        bits.take(-count % 8)
        return count, value
    if kind.endswith("v"):
        return [bits.take(int(kind[1:-1])) for _ in range(bits.take(16))]
    return bits.take(int(kind[1:]), signed=kind.startswith("s"))
