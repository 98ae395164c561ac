"""What a machine says on the web of who made it: enough to tell a reader from a printer."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from functools import cache

_WAIT_S = 1.5
_READ_BYTES = 16_384
_MAKERS = {
    "Impinj": ("impinj", "speedwayr-", "r700"),
    "Zebra": ("zebra technologies", "fx7500", "fx9600", "fxconnect", "motorola solutions"),
}
_MACS = {"00:16:25": "Impinj", "84:24:8d": "Zebra", "00:23:68": "Zebra", "40:83:de": "Zebra"}
"""First halves of MAC addresses (IEEE registration authority, OUI): these makers' own. Zebra also
makes printers with theirs, so it counts only together with what the machine says."""


async def web_face(host: str, ports: tuple[int, ...]) -> str:
    """All that the machine says at these ports: headers, the first page, its certificate. Empty
    where it says nothing. A certificate is looked at, never trusted.
    """
    faces = await asyncio.gather(*(_face(host, port) for port in ports))
    return "\n".join(faces)


def maker_of(mac: str, face: str) -> str:
    """The maker of an RFID reader, from its MAC address and what it says; empty if it is none."""
    by_mac = _MACS.get(mac[:8].lower(), "")
    if by_mac == "Impinj":
        return by_mac
    said = face.casefold()
    named = [maker for maker, words in _MAKERS.items() if any(word in said for word in words)]
    if named and ("rfid" in said or "reader" in said or "r700" in said or "fx" in said):
        return named[0]
    return ""


async def _face(host: str, port: int) -> str:
    context = _unverified() if port in {443, 8443} else None
    with suppress(OSError, TimeoutError, EOFError, ssl.SSLError):
        async with asyncio.timeout(_WAIT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                return await _asked(host, reader, writer)
            finally:
                writer.transport.abort()
    return ""


async def _asked(host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    shown = b""
    secure = writer.get_extra_info("ssl_object")
    if secure is not None:
        shown = secure.getpeercert(binary_form=True) or b""
    writer.write(f"GET / HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii"))
    while len(shown) < _READ_BYTES and (data := await reader.read(4_096)):
        shown += data
    return shown.decode("latin-1")


@cache
def _unverified() -> ssl.SSLContext:
    """Readers come with certificates that sign themselves; nothing secret is said here. Made once:
    for each of 254 addresses it would take seconds.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
