"""Until when a certificate is good, read from its file alone: an edge has no library for more.

X.509 (RFC 5280, 4.1): ``Certificate`` is a sequence whose first part is a sequence of version
(tagged, may be missing), serial number, signature, issuer and validity, which is two times.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

__all__ = ["good_until"]

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0
_CENTURY = 50
"""Of a year of two digits: below it 20xx, else 19xx (RFC 5280, 4.1.2.5.1)."""


def good_until(pem: str) -> datetime:
    """When the first certificate of a PEM text expires. Raises ValueError for none."""
    end = "-----END CERTIFICATE-----"
    begin = pem.find("-----BEGIN CERTIFICATE-----")
    if begin < 0 or end not in pem[begin:]:
        raise ValueError("there is no certificate in it")
    der = ssl.PEM_cert_to_DER_cert(pem[begin : pem.index(end, begin) + len(end)])
    try:
        return _not_after(der)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("the certificate is cut short") from error


def _not_after(der: bytes) -> datetime:
    certificate = _content(der, 0, _SEQUENCE)
    at = _content(der, certificate, _SEQUENCE)
    if der[at] == _VERSION:
        at = _behind(der, at)
    for _ in range(3):  # serial number, signature, issuer
        at = _behind(der, at)
    not_before = _content(der, at, _SEQUENCE)
    return _time(der, _behind(der, not_before))


def _time(der: bytes, at: int) -> datetime:
    tag, (begin, end) = der[at], _extent(der, at)
    text = der[begin:end].decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("the certificate's validity is no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _content(der: bytes, at: int, tag: int) -> int:
    if der[at] != tag:
        raise ValueError("this is no certificate")
    return _extent(der, at)[0]


def _behind(der: bytes, at: int) -> int:
    return _extent(der, at)[1]


def _extent(der: bytes, at: int) -> tuple[int, int]:
    """Where an element's content begins and ends (X.690, 8.1.3)."""
    first = der[at + 1]
    if first < 0x80:
        return at + 2, at + 2 + first
    size = first & 0x7F
    length = int.from_bytes(der[at + 2 : at + 2 + size], "big")
    begin = at + 2 + size
    if begin + length > len(der):
        raise IndexError("too short")
    return begin, begin + length
