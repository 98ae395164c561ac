"""For each target, how a good input of its kind goes bad: by its structure, not by its bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from drivers.emulators.keyboard_scanner import key_event
from drivers.scanners.input_device import INPUT_EVENT
from drivers.scanners.keyboard import EV_KEY, EV_SYN, SYN_DROPPED
from fuzz.llrp_trees import llrp_changed
from fuzz.noise import broken, reworded
from fuzz.trees import json_changed, lines_changed, toml_changed

Mutate = Callable[[bytes, Random], bytes]

_GS1 = (
    b"\x1d", b"(01)", b"01", b"(00)", b"00", b"(10)", b"10", b"(17)", b"17", b"17991332", b"(21)",
    b"21", b"(30)", b"30", b"(37)", b"37", b"3103", b"(8200)", b"(99)", b"]C1", b"]d2", b"]Q3",
    b"]E0", b"{GS}", b"FNC1", b"https://id.gs1.org/01/", b"https://x[/", b"/10/", b"/21/",
    b"?17=", b"&37=", b"%2F", b"%1D", b"%ff", b"urn:epc:id:sgtin:", b"urn:epc:tag:sgtin-96:",
    b"urn:epc:id:sscc:", b"urn:epc:id:lgtin:", b"urn:epc:idpat:", b"3074257BF7194E4000001A85",
    b"09506000134352", b"(01)09506000134352", b"A" * 21, b"\xd9\xa3", b"\xc2\xb2",
    b"\xe2\x80\xae", b"TP-C-PICK-F", b"TP-L-", b"]E1", b"96385074",
)  # fmt: skip
_SICS = (
    b"S", b"S S", b"S D", b"S I", b"S +", b"S -", b"S L", b"SIR", b"SI", b"TA A", b"T S", b"ES",
    b"ET", b"EL", b"I2 A", b"I4 A", b'"', b"g", b"kg", b"mg", b"t", b"lb", b"oz", b"pcs", b"%",
    b"\xb5g", b"-", b" - ", b"\r\n", b"\r", b"\n", b"\0", b"S S     100.00 g\r\n",
    b"S D  -0.00 kg\r\n", b"9" * 12, b"x" * 4_200,
)  # fmt: skip
_SCALE = (
    b"\x02", b"\x03", b"\x01\x02", b"\x03\x04", b"\x06", b"\r", b"\n", b"\r\n", b"\0", b"?", b"-",
    b"+", b".", b",", b" " * 20, b"9" * 30, b"ST,", b"US,", b"OL,", b"GS,", b"kg", b"lb",
    b"PC", b"^", b"v", b"N", b"\x02?D\r", b"\x01\x03\x04", b"\xef\xdd", b"\xff", b"x" * 4_200,
)  # fmt: skip
_SCANNER = (*_GS1, b"\r", b"\n", b"\r\n", b"\x02", b"\x03", b"\x1e", b"\x04", b"^", b"x" * 4_200)
_KEYS = (
    *(key_event(key, value) for key in (28, 30, 2, 42, 29, 27, 56, 82, 79, 100, 58, 41, 66, 15)
      for value in (0, 1)),
    INPUT_EVENT.pack(0, 0, EV_SYN, SYN_DROPPED, 0), INPUT_EVENT.pack(0, 0, EV_KEY, 30, 2), b"\x01",
)  # fmt: skip
_HEX = (
    b"0x", b"\\x", b":", b",", b";", b"-", b" ", b"\n",
    b"53 20 53 20 31 30 30 2e 30 30 20 67 0d 0a", b"04 3e 00 00 00 0a 00 00 00 01", b"g", b"0",
    b"ff" * 40, b"\xc2\xa0",
)  # fmt: skip
_TOPIC = (
    b"tp", b"v1", b"tp/v1/", b"/", b"+", b"#", b"up/observations", b"up/live", b"up/status",
    b"down/watermark", b"$SYS", b"\n", b"\0", b"/" * 40, b"a" * 70_000, b"\xef\xbb\xbf",
)  # fmt: skip
_EPC_HEADERS = (
    0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B,
    0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41, 0xE2, 0x00, 0xFF,
)  # fmt: skip
_PROPERTIES = (
    0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x11, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1C,
    0x1F, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x00, 0x7F,
)  # fmt: skip


def epc_changed(data: bytes, chance: Random) -> bytes:
    """A tag with another header, partition or length, or some of its bits turned."""
    tag = bytearray(data or b"\x30")
    match chance.randrange(4):
        case 0:
            tag[0] = chance.choice(_EPC_HEADERS)
        case 1 if len(tag) > 1:
            tag[1] = tag[1] & 0xE3 | chance.randrange(8) << 2  # the partition of most schemes
        case 2:
            size = chance.choice((0, 1, 8, 11, 12, 13, 14, 22, 26, 30, 64))
            tag = (tag + chance.randbytes(size))[:size]
        case _:
            for _ in range(chance.randint(1, 8)):
                at = chance.randrange(8 * len(tag))
                tag[at // 8] ^= 1 << at % 8
    return bytes(tag)


def packets_changed(data: bytes, chance: Random) -> bytes:
    """MQTT packets with another type, other flags, another body; lengths that fit, or lie."""
    packets = _packets(data)
    if not packets:
        return broken(data, chance)
    at = chance.randrange(len(packets))
    first, body = packets[at]
    lie = None
    match chance.randrange(8):
        case 0:
            del packets[at]
        case 1:
            packets.insert(chance.randrange(1, len(packets) + 1), packets[at])
        case 2:
            packets[at] = (first & 0x0F | chance.randrange(16) << 4, body)
        case 3:
            packets[at] = (first & 0xF0 | chance.randrange(16), body)
        case 4:
            lie = chance.choice((0, len(body) - 1, len(body) + 1, 127, 128, 2**28 - 1))
        case 5:
            packets[at] = (first, _with_property(body, chance))
        case _:
            packets[at] = (first, broken(body, chance))
    return b"".join(
        bytes([head]) + _size(len(rest) if lie is None or place != at else lie) + rest
        for place, (head, rest) in enumerate(packets)
    )


def _with_property(body: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    value = chance.choice((b"", b"\0", b"\xff\xff\xff\xff", b"\0\1x", b"\0\0\0\0", b"\0\1\xff"))
    name = bytes([chance.choice(_PROPERTIES)])
    return body[:at] + bytes([1 + len(value)]) * chance.randrange(2) + name + value + body[at:]


def _packets(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 1 < len(data):
        first, length, shift, place = data[at], 0, 0, at + 1
        while place < len(data) and shift <= 21:
            length |= (data[place] & 0x7F) << shift
            shift += 7
            place += 1
            if data[place - 1] < 0x80:
                break
        found.append((first, data[place : place + length]))
        at = place + length
    return found


def _size(length: int) -> bytes:
    """A variable byte integer (MQTT 5.0 §1.5.5)."""
    digits = bytearray()
    length = max(0, length)
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(digits)


def _words(words: Sequence[bytes]) -> Mutate:
    return partial(reworded, words=words)


MUTATORS: dict[str, Mutate] = {
    "device-llrp": llrp_changed,
    "llrp-session": llrp_changed,
    "device-mt-sics": _words(_SICS),
    "device-scale": _words(_SCALE),
    "device-scanner": _words(_SCANNER),
    "device-scanner-hid": _words(_KEYS),
    "decode-command": _words(_HEX),
    "mqtt-batch": json_changed,
    "mqtt-words": json_changed,
    "mqtt-topics": _words(_TOPIC),
    "edge-watermark": lines_changed,
    "broker-packets": packets_changed,
    "broker-session": packets_changed,
    "central-road": lines_changed,
    "epc": epc_changed,
    "barcode": _words(_GS1),
    "gs1-text": _words(_GS1),
    "edge-config": toml_changed,
    "central-config": toml_changed,
    "recording": lines_changed,
    "digest-file": lines_changed,
}


def mutated(target: str, data: bytes, seed: int) -> bytes:
    """An input of ``target`` changed as ``seed`` says; a third of the time by bytes alone."""
    chance = Random(seed)
    return (broken if chance.randrange(3) == 0 else MUTATORS[target])(data, chance)
