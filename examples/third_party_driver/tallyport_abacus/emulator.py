"""An AB-1 without hardware: ``python -m tallyport_abacus.emulator --port 4001``.

It speaks the real bytes behind a TCP port. Whoever connects sees ten parts of 4.2 g put on, one
after another; a weight that was just changed is in motion.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from decimal import Decimal

from tallyport_abacus.driver import check_of

PART_G = Decimal("4.2")
MOST_PARTS = 10


def frame(grams: Decimal, *, state: str = "S") -> bytes:
    """One answer of the scale."""
    said = f"1,{state},{'-' if grams < 0 else '+'}{abs(grams):07.1f},g".encode()
    return b"#" + said + b"*" + check_of(said) + b"\r\n"


class EmulatedAbacus:
    """One scale. ``unplug`` cuts whoever is connected off; ``listen`` plugs it in again."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()

    async def listen(self, port: int = 0) -> int:
        """Plug in; give the TCP port on loopback."""
        self._server = await asyncio.start_server(self._called, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def unplug(self) -> None:
        """Pull the cable."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for caller in self._callers:
            caller.transport.abort()

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        asked = 0
        try:
            while b"?" in await reader.readline():
                state = "M" if asked % 2 == 0 else "S"
                parts = min(asked // 2, MOST_PARTS)
                writer.write(frame(PART_G * parts, state=state))
                asked += 1
        except ConnectionError:
            return  # it hung up
        finally:
            self._callers.discard(writer)
            writer.transport.abort()


async def _serve(port: int) -> None:
    await EmulatedAbacus().listen(port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=4001)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.parse_args().port))
