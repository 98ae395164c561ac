"""EPC memory to identifiers, in integer arithmetic (GS1 EPC Tag Data Standard, section 14).

A binary EPC of the GS1 keys is one big-endian number::

    header 8 | filter 3 | partition 3 | company prefix M | reference N | serial

The partition (0 to 6) says how many bits and digits go to the company prefix; M is the same
in every scheme, N is what is left. Serials are numbers in the 96-bit schemes and 7-bit
characters in the long ones. Readers hear tags of every make, so decoding never raises:
whatever the standard does not allow is kept as ``raw``. Two different contents of the
standard's bits never give the same tag URI; bits after them (padding to 16) are ignored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from gateway.gs1.keys import check_digit

PREFIX_BITS = (40, 37, 34, 30, 27, 24, 20)
"""Bits of the company prefix by partition; its digits are 12 minus the partition."""

CHARSET_82 = frozenset(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
"""The characters GS1 allows in serials, lots and asset references."""
_HEX = frozenset("0123456789ABCDEF")
_ESCAPED = frozenset('"%&/<>?')


class Epc(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a tag's EPC says. ``scheme`` is ``sgtin-96`` ... ``giai-202``, or ``raw``.

    ``hex`` is the EPC as given, upper case. ``uri`` is the pure identity (without filter and
    coding), ``tag_uri`` names the bits; a raw EPC has ``urn:epc:raw:...`` as ``tag_uri`` and
    no ``uri``. ``gtin`` (14 digits), ``sscc`` (18), ``gln`` (13), ``grai`` (14, with check
    digit, without serial) and ``giai`` are set where the scheme has them; ``serial`` is the
    SGTIN's or GRAI's serial or the SGLN's extension, unescaped.
    """

    scheme: str
    hex: str
    uri: str | None = None
    tag_uri: str | None = None
    gtin: str | None = None
    sscc: str | None = None
    gln: str | None = None
    grai: str | None = None
    giai: str | None = None
    serial: str | None = None
    company_prefix: str | None = None
    filter: int | None = None


class Scheme(NamedTuple):
    """One row of the standard's coding tables.

    ``key_bits`` are company prefix and reference together, ``key_digits`` their digits
    (characters at most, where the reference is text), ``serial_bits`` what follows.
    """

    name: str
    header: int
    key_bits: int
    key_digits: int
    serial_bits: int

    @property
    def family(self) -> str:
        """The name in a pure identity URI, e.g. ``sgtin``."""
        return self.name.partition("-")[0]

    @property
    def bits(self) -> int:
        """Length of the whole EPC."""
        return 14 + self.key_bits + self.serial_bits

    @property
    def is_text(self) -> bool:
        """Whether the variable part is 7-bit text instead of a number."""
        return self.bits > 96


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("sgtin-96", 0x30, 44, 13, 38),
        Scheme("sscc-96", 0x31, 58, 17, 24),
        Scheme("sgln-96", 0x32, 41, 12, 41),
        Scheme("grai-96", 0x33, 44, 12, 38),
        Scheme("giai-96", 0x34, 82, 25, 0),
        Scheme("sgtin-198", 0x36, 44, 13, 140),
        Scheme("grai-170", 0x37, 44, 12, 112),
        Scheme("giai-202", 0x38, 188, 30, 0),
        Scheme("sgln-195", 0x39, 41, 12, 140),
    )
}
_BY_HEADER = {scheme.header: scheme for scheme in SCHEMES.values()}


@lru_cache(maxsize=4_096)
def decode_epc(hex_text: str) -> Epc:
    """Decode an EPC given as hexadecimal; whatever does not decode comes back as ``raw``.

    Portals hear the same tag again and again, so the newest 4,096 results are remembered: some
    3 MiB, where every tag of a day would be ten times that.
    """
    text = hex_text.upper()
    try:
        number = int(text, 16)
        scheme = _BY_HEADER[int(text[:2], 16)]
    except (ValueError, KeyError):
        return _raw(text)
    spare = 4 * len(text) - scheme.bits
    if spare < 0 or not _HEX.issuperset(text):  # int() also takes signs, spaces, underscores
        return _raw(text)
    return _decode(scheme, number >> spare, text) or _raw(text)


def _raw(text: str) -> Epc:
    if not text or not _HEX.issuperset(text):
        return Epc(scheme="raw", hex=text)
    return Epc(scheme="raw", hex=text, tag_uri=f"urn:epc:raw:{4 * len(text)}.x{text}")


def _decode(scheme: Scheme, number: int, text: str) -> Epc | None:
    """The fields of a number of exactly ``scheme.bits``; ``None`` where they are not allowed."""
    partition = (number >> scheme.bits - 14) & 7
    if partition == 7:
        return None
    serial_bits = scheme.serial_bits
    prefix_digits = 12 - partition
    reference_bits = scheme.key_bits - PREFIX_BITS[partition]
    key = (number >> serial_bits) & ((1 << scheme.key_bits) - 1)
    prefix_number = key >> reference_bits
    if prefix_number >= 10**prefix_digits:
        return None
    reference_number = key & ((1 << reference_bits) - 1)
    serial_number = number & ((1 << serial_bits) - 1)
    prefix = f"{prefix_number:0{prefix_digits}d}"
    reference: str | None
    serial: str | None = None
    if scheme.family == "giai":
        most = scheme.key_digits - prefix_digits
        reference = (
            _text(reference_number, reference_bits, most)
            if scheme.is_text
            else str(reference_number)
        )
    else:
        reference = _padded(reference_number, scheme.key_digits - prefix_digits)
        serial = _serial(scheme, serial_number)
        if serial is None:
            return None
    if reference is None:
        return None
    return _describe(
        scheme,
        text,
        tag_filter=(number >> scheme.bits - 11) & 7,
        prefix=prefix,
        reference=reference,
        serial=serial or "",
    )


def _padded(number: int, digits: int) -> str | None:
    if number >= 10**digits:
        return None
    return f"{number:0{digits}d}" if digits else ""


def _serial(scheme: Scheme, number: int) -> str | None:
    if scheme.family == "sscc":
        return "" if number == 0 else None  # 24 reserved bits, zero by the standard
    if scheme.is_text:
        return _text(number, scheme.serial_bits, scheme.serial_bits // 7)
    return str(number)


def _text(number: int, bits: int, most: int) -> str | None:
    """7-bit characters up to the first zero; ``None`` unless only zeros follow it."""
    characters = []
    shift = bits - 7
    while shift >= 0 and (code := (number >> shift) & 0x7F):
        characters.append(chr(code))
        shift -= 7
    rest = number & ((1 << max(shift + 7, 0)) - 1)
    if rest or not 1 <= len(characters) <= most or not CHARSET_82.issuperset(characters):
        return None
    return "".join(characters)


def _describe(
    scheme: Scheme, text: str, *, tag_filter: int, prefix: str, reference: str, serial: str
) -> Epc:
    family = scheme.family
    parts = [prefix, escape(reference)]
    if family not in ("sscc", "giai"):
        parts.append(escape(serial))
    body = ".".join(parts)
    gtin = sscc = gln = grai = giai = None
    if family == "sgtin":
        gtin = _with_check_digit(reference[0] + prefix + reference[1:])
    elif family == "sscc":
        sscc = _with_check_digit(reference[0] + prefix + reference[1:])
    elif family == "sgln":
        gln = _with_check_digit(prefix + reference)
    elif family == "grai":
        grai = "0" + _with_check_digit(prefix + reference)
    else:
        giai = prefix + reference
    return Epc(
        scheme=scheme.name,
        hex=text,
        uri=f"urn:epc:id:{family}:{body}",
        tag_uri=f"urn:epc:tag:{scheme.name}:{tag_filter}.{body}",
        gtin=gtin,
        sscc=sscc,
        gln=gln,
        grai=grai,
        giai=giai,
        serial=serial or None,
        company_prefix=prefix,
        filter=tag_filter,
    )


def _with_check_digit(payload: str) -> str:
    return payload + check_digit(payload)


def escape(text: str) -> str:
    """Characters that a URI cannot carry, as the standard's ``%xx`` (section 5.4)."""
    if _ESCAPED.isdisjoint(text):
        return text
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in text)
