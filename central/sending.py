"""Answers that leave in one piece: the head of an answer goes with the first bytes of its body.

The HTTP server writes the two one after another. Each writing is a call of the kernel's and wakes
the other end, which is half of what a short answer costs.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_HEARD", "SOCKETS", "InOnePiece"]

SOCKETS: Final = "websockets-sansio"
"""What speaks to WebSockets."""
MOST_HEARD = 4 * 1_024
"""Bytes that such a visitor may send at once: he is told, and has nothing to say."""

_HEAD, _HEAD_ENDS = b"HTTP/1.1 ", b"\r\n\r\n"
_MOST = 64 * 1_024
"""More bytes are not copied to be joined."""


class InOnePiece(HttpToolsProtocol):
    """A visitor's connection; see the module."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(_Joining(transport))


class _Joining(asyncio.Transport):
    """Another transport that keeps a head back until what follows it is written; where nothing
    follows (to a ``HEAD``, of a stream that begins later), until the loop's next round.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See ``asyncio.Transport``, as of all others."""
        if not self._head:
            if isinstance(data, bytes) and data.startswith(_HEAD) and data.endswith(_HEAD_ENDS):
                self._head = data
                self._loop.call_soon(self._let_go)
                return
        elif len(data) <= _MOST:
            data, self._head = self._head + data, b""
        self._let_go()
        self._transport.write(data)

    def _let_go(self) -> None:
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._let_go()
        self._transport.set_protocol(protocol)
