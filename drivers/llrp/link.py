"""The connection to an LLRP reader: making it, and what came before it broke."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from drivers.errors import DeviceUnavailable
from drivers.llrp import tls as llrp_tls
from drivers.llrp.link_settings import LinkSettings


class LastingReader(asyncio.StreamReader):
    """Gives out everything that came before the connection broke; asyncio's forgets it.

    ``broke`` is why it broke, ``None`` while it stands and after an orderly end.
    """

    broke: Exception | None = None
    _said = b""

    def set_exception(self, exc: Exception) -> None:
        """The connection broke: the end of what came, which may still wait to be read."""
        self.broke = exc
        self.feed_eof()

    def put_back(self, data: bytes) -> None:
        """Give this out once more, before all that is still to come."""
        self._said = data

    async def read(self, n: int = -1) -> bytes:
        """As ever; what was put back comes first."""
        if self._said:
            data, self._said = self._said, b""
            return data
        return await super().read(n)


class Link(NamedTuple):
    """A connection to a reader, and its place in words."""

    reader: LastingReader
    writer: asyncio.StreamWriter
    where: str


async def dial(settings: LinkSettings) -> Link:
    """Connect to the reader. Raises ``DeviceUnavailable``, or ``DeviceRefused`` for a file of TLS
    that cannot be used.
    """
    loop = asyncio.get_running_loop()
    reader = LastingReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    host, tls = settings.host, settings.tls
    assert host is not None
    context = None if tls is None else await asyncio.to_thread(llrp_tls.client_context, tls)
    name = None if tls is None else tls.server_name or host
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            transport, _ = await loop.create_connection(
                lambda: protocol, host, settings.port, ssl=context, server_hostname=name
            )
    except (OSError, TimeoutError) as reason:
        words = str(reason) or f"no answer in {settings.connect_timeout_s:g} s"
        hint = "Check the reader's power, cable and address, and that LLRP is on."
        words, hint = llrp_tls.trouble(reason) or (words, hint)
        raise DeviceUnavailable(
            f"Cannot connect to the LLRP reader at {settings.where}: {words}", hint=hint
        ) from reason
    return Link(reader, asyncio.StreamWriter(transport, protocol, reader, loop), settings.where)
