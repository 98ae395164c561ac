"""The TCP connection to an LLRP reader: making it, and what came before it broke."""

from __future__ import annotations

import asyncio

from drivers.errors import DeviceUnavailable
from drivers.llrp_config import LlrpConfig


class LastingReader(asyncio.StreamReader):
    """Gives out everything that came before the connection broke; asyncio's forgets it.

    ``broke`` is why it broke, ``None`` while it stands and after an orderly end.
    """

    broke: Exception | None = None

    def set_exception(self, exc: Exception) -> None:
        """The connection broke: the end of what came, which may still wait to be read."""
        self.broke = exc
        self.feed_eof()


async def connect(config: LlrpConfig) -> tuple[LastingReader, asyncio.StreamWriter]:
    """Connect to the reader. Raises ``DeviceUnavailable``."""
    loop = asyncio.get_running_loop()
    reader = LastingReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    try:
        async with asyncio.timeout(config.connect_timeout_s):
            transport, _ = await loop.create_connection(lambda: protocol, config.host, config.port)
    except (OSError, TimeoutError) as reason:
        words = str(reason) or f"no answer in {config.connect_timeout_s:g} s"
        raise DeviceUnavailable(
            f"Cannot connect to the LLRP reader at {config.host}:{config.port}: {words}",
            hint="Check the reader's power, cable and address, and that LLRP is on.",
        ) from reason
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
