"""Readers that dial in: a port on which any of them may call, and each reaches its device.

LLRP 1.0.1 lets the reader open the TCP connection; from there on all is as if it had been
dialled. Several readers may call one port. Whose call it is, the address that it comes from
says, or the reader's own identity, which is asked before its device gets the connection. Calls
of nobody's are hung up on, and counted. A call for a device that is not listening at the moment
(its last connection has just ended) waits for it, one for each device; a newer one replaces it.

A port stays open while a device that takes calls there is to come back (``release``), also
while it waits to try again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from contextlib import suppress
from struct import pack
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.llrp import tls as llrp_tls
from drivers.llrp.events import parameters
from drivers.llrp.frames import FRAME_BYTES_MAX, HEADER_BYTES
from drivers.llrp.link import LastingReader, Link
from drivers.llrp.link_settings import LinkSettings, ListenSettings, TlsSettings, same_reader

_ANSWERS_WITHIN_S = 10.0
_MOST_AT_ONCE = 32
"""Calls that are being looked at: more at once are no readers of ours."""
_GET_READER_CONFIG, _GET_READER_CONFIG_RESPONSE, _IDENTIFICATION = 2, 12, 218
_MESSAGES_FIRST = 10
"""A reader may say so many things before it answers."""

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class _StrangerError(Exception):
    """A call that is for no device here; says why."""


class _Who(NamedTuple):
    """What tells a device's reader from others."""

    host: str | None
    reader_id: str | None


class _Device:
    """A device that takes calls, from ``addresses`` or from anywhere, and the one that waits."""

    def __init__(self, who: _Who) -> None:
        self.who = who
        self.addresses: frozenset[_Address] | None = frozenset()
        self.called = asyncio.Event()
        self.waited_for = False
        self._call: Link | None = None

    def offer(self, call: Link) -> None:
        """Keep the newest: a reader that calls again has given up its earlier call."""
        self.drop()
        self._call = call
        self.called.set()

    def take(self) -> Link | None:
        """The call that waits, unless the reader has hung up meanwhile."""
        self.called.clear()
        call, self._call = self._call, None
        if call is None or not call.writer.transport.is_closing():
            return call
        return None

    def drop(self) -> None:
        """Hang up on the call that waits."""
        if self._call is not None:
            self._call.writer.transport.abort()
            self._call = None


class _Calling(asyncio.StreamReaderProtocol):
    """A call as it comes in; with TLS nothing is read before TLS is there to read it."""

    def __init__(self, listener: Listener, *, paused: bool) -> None:
        self._paused = paused
        reader = LastingReader()
        super().__init__(reader, lambda _, writer: listener.called(reader, writer))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._paused and isinstance(transport, asyncio.Transport):
            transport.pause_reading()
        super().connection_made(transport)


class Listener:
    """One port. ``strangers`` counts the calls refused so far, ``last_stranger`` says of whom."""

    def __init__(self, settings: ListenSettings, tls: TlsSettings | None) -> None:
        self.tls = tls
        self.strangers = 0
        self.last_stranger = ""
        self._settings = settings
        self._told = 0
        self._looking: set[asyncio.StreamWriter] = set()
        self._devices: dict[_Who, _Device] = {}
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises ``DeviceUnavailable`` when the port cannot be had."""
        if self.tls is not None:
            self._context = await asyncio.to_thread(llrp_tls.server_context, self.tls)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Calling(self, paused=self._context is not None),
                self._settings.address or None,
                self._settings.port,
            )
        except OSError as reason:
            raise DeviceUnavailable(
                f"Readers cannot dial in: port {self._settings.port} here cannot be opened: "
                f"{reason.strerror or reason}",
                hint="Does another program listen there? Choose another listen.port.",
            ) from reason

    def release(self, settings: LinkSettings) -> None:
        """A device will not come back; with the last one the port is closed."""
        device = self._devices.pop(_who(settings), None)
        if device is not None:
            device.drop()
        if not self._devices:
            self.close()

    def close(self) -> None:
        """Close the port, and hang up on whom no device has."""
        if self._server is not None:
            self._server.close()
        for device in self._devices.values():
            device.drop()
        for writer in self._looking:
            writer.transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether calls are taken."""
        return self._server is not None and self._server.is_serving()

    def expect(self, settings: LinkSettings) -> None:
        """A device takes calls here, until ``release``; ``next_call`` waits for the first.

        Raises ``DeviceRefused`` when another device waits for the same reader.
        """
        who = _who(settings)
        device = self._devices.setdefault(who, _Device(who))
        if device.waited_for:
            raise DeviceRefused(
                f"Two devices here wait for the same LLRP reader at {settings.where}",
                hint="Give each its own listen.reader_id, or host.",
            )
        device.waited_for = True

    def new_strangers(self) -> int:
        """Calls refused since this was last asked, by whomever."""
        new = self.strangers - self._told
        self._told = self.strangers
        return new

    async def next_call(self, settings: LinkSettings) -> Link:
        """Wait for the reader of a device that is expected to call.

        Raises ``DeviceUnavailable`` when it does not within ``patience_s``. A call that comes
        later waits for the next time.
        """
        listen = settings.listen
        assert listen is not None
        device = self._devices[_who(settings)]
        try:
            device.addresses = await _addresses(settings.host)
            async with asyncio.timeout(listen.patience_s):
                while (call := device.take()) is None:
                    await device.called.wait()
        except TimeoutError:
            raise self._nobody(settings, listen) from None
        finally:
            device.waited_for = False
        return call

    def _nobody(self, settings: LinkSettings, listen: ListenSettings) -> DeviceUnavailable:
        others = ""
        if self.strangers:
            count = f"{self.strangers} other call{'s were' if self.strangers > 1 else ' was'}"
            others = f"; {count} refused, the last {self.last_stranger}"
        return DeviceUnavailable(
            f"The LLRP reader did not dial in to {settings.where} within "
            f"{listen.patience_s:g} s{others}",
            hint="Set the reader to dial this computer and port (reader-initiated connection)"
            + (", and compare listen.reader_id and host." if others else "."),
        )

    # ---- a call ----------------------------------------------------------------------------
    async def called(self, reader: LastingReader, writer: asyncio.StreamWriter) -> None:
        """Find out whose call it is, and hand it over; hang up on strangers."""
        peer = _peer(writer)
        if len(self._looking) >= _MOST_AT_ONCE:
            self._refuse(writer, f"from {peer}: too many calls at once")
            return
        self._looking.add(writer)
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                if self._context is not None:
                    await writer.start_tls(self._context)
                device = await self._device_of(peer, reader, writer)
        except _StrangerError as stranger:
            self._refuse(writer, f"from {peer}: {stranger}")
        except TimeoutError:
            self._refuse(writer, f"from {peer}: it said nothing of use")
        except (OSError, EOFError) as reason:  # an ssl.SSLError is an OSError
            words, _ = llrp_tls.trouble(reason) or (str(reason) or "it hung up", "")
            self._refuse(writer, f"from {peer}: {words}")
        else:
            device.offer(Link(reader, writer, f"{peer}, calling port {self._settings.port} here"))
        finally:
            self._looking.discard(writer)

    def _refuse(self, writer: asyncio.StreamWriter, why: str) -> None:
        self.strangers += 1
        self.last_stranger = why
        writer.transport.abort()

    async def _device_of(
        self, peer: _Address, reader: LastingReader, writer: asyncio.StreamWriter
    ) -> _Device:
        near = [
            device
            for device in self._devices.values()
            if device.addresses is None or peer in device.addresses
        ]
        if not near:
            raise _StrangerError("no device has this host")
        if any(device.who.reader_id for device in near):
            identity = await _identity(reader, writer)
            for device in near:
                if device.who.reader_id and same_reader(device.who.reader_id, identity):
                    return device
            near = [device for device in near if device.who.reader_id is None]
            if not near:
                raise _StrangerError(f"no device has the reader_id {identity.hex(':').upper()}")
        # A device that names the address goes before one that takes any reader.
        return max(near, key=lambda device: device.addresses is not None)


class _Ports:
    """The ports that are open in one event loop, and the turn to open another."""

    def __init__(self) -> None:
        self.opening = asyncio.Lock()
        self.listeners: dict[tuple[str, int], Listener] = {}


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ports] = WeakKeyDictionary()


async def listener_of(settings: LinkSettings) -> Listener:
    """The listener of this device's port, opened if it is not, and expecting its reader.

    Raises ``DeviceUnavailable``, or ``DeviceRefused`` where two devices want the port otherwise.
    """
    listen = settings.listen
    assert listen is not None
    ports = _open.setdefault(asyncio.get_running_loop(), _Ports())
    key = (listen.address, listen.port)
    async with ports.opening:
        listener = ports.listeners.get(key)
        if listener is None or not listener.is_open:
            listener = Listener(listen, settings.tls)
            await listener.open()
            ports.listeners[key] = listener
        if listener.tls != settings.tls:
            raise DeviceRefused(
                f"Port {listen.port} here is shared by devices with different tls settings",
                hint="Give all devices that listen on one port the same tls table.",
            )
        listener.expect(settings)
    return listener


def _who(settings: LinkSettings) -> _Who:
    assert settings.listen is not None
    return _Who(settings.host, settings.listen.reader_id)


async def _identity(reader: LastingReader, writer: asyncio.StreamWriter) -> bytes:
    """Ask the reader who it is. What it says besides is put back. Raises ``_StrangerError``."""
    writer.write(pack(">HIIHBHH", 0x0400 | _GET_READER_CONFIG, 17, 0, 0, 1, 0, 0))
    besides = b""
    for _ in range(_MESSAGES_FIRST):
        header = await reader.readexactly(HEADER_BYTES)
        length = int.from_bytes(header[2:6], "big")
        if not HEADER_BYTES <= length <= FRAME_BYTES_MAX:
            raise _StrangerError("it does not speak LLRP")
        message = header + await reader.readexactly(length - HEADER_BYTES)
        if int.from_bytes(message[:2], "big") & 0x3FF == _GET_READER_CONFIG_RESPONSE:
            reader.put_back(besides)
            return _identity_in(message)
        besides += message
    raise _StrangerError("it does not answer who it is")


def _identity_in(message: bytes) -> bytes:
    with suppress(ValueError):
        for kind, body in parameters(message, HEADER_BYTES):
            if kind == _IDENTIFICATION and len(body) >= 3:
                return body[3 : 3 + int.from_bytes(body[1:3], "big")]
    raise _StrangerError("it does not tell its identity")


async def _addresses(host: str | None) -> frozenset[_Address] | None:
    """The addresses that a call may come from, ``None`` for any."""
    if host is None:
        return None
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as reason:
        raise DeviceUnavailable(
            f"The address of the LLRP reader {host} cannot be found: {reason.strerror or reason}",
            hint="Check the name, or give the address itself.",
        ) from reason
    return frozenset(_plain(entry[4][0]) for entry in found)


def _peer(writer: asyncio.StreamWriter) -> _Address:
    return _plain(writer.get_extra_info("peername")[0])


def _plain(address: object) -> _Address:
    """An IPv4 address that came through an IPv6 socket is an IPv4 address."""
    found = ipaddress.ip_address(str(address).partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
