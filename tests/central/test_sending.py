"""An answer's head leaves with its body, and alone where nothing follows it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from central.listening import listen
from central.sending import InOnePiece

Sent = list[bytes]


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    config = uvicorn.Config(app, loop="asyncio", http=InOnePiece, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    with listen("127.0.0.1", 0) as listening:
        await server.startup(sockets=[listening])
        try:
            yield listening.getsockname()[1]
        finally:
            await server.shutdown(sockets=[listening])


@asynccontextmanager
async def visiting(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the server writes to its sockets, piece by piece."""
    made: Sent = []
    kind = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write = kind.write

    def heard(self: Any, data: bytes) -> None:
        if data.startswith((b"HTTP/1.1", b"body", b"5\r\n")):
            made.append(bytes(data))
        write(self, data)

    monkeypatch.setattr(kind, "write", heard)
    return made


def _start(length: int | None) -> dict[str, Any]:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _body(said: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": said, "more_body": more}


async def test_head_and_body_leave_together(sent: Sent) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_start(4))
        await send(_body(b"body"))

    async with served(app) as port, visiting(port) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(4) == b"body"
        writer.write(b"HEAD / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n")
    assert [one.endswith(b"\r\n\r\nbody") for one in sent] == [True, True, False]


async def test_a_stream_begins_before_there_is_anything_in_it(sent: Sent) -> None:
    go_on = asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_start(None))
        await go_on.wait()
        await send(_body(b"first", more=True))
        await send(_body(b""))

    async with served(app) as port, visiting(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        async with asyncio.timeout(60):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        go_on.set()
        assert await reader.read() == b"5\r\nfirst\r\n0\r\n\r\n"
    assert len(sent) == 2


async def test_a_large_body_follows_its_head_uncopied(sent: Sent) -> None:
    large = b"body" * 50_000

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_start(len(large)))
        await send(_body(large))

    async with served(app) as port, visiting(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        whole = await reader.read()
    assert whole.endswith(b"\r\n\r\n" + large)
    assert [len(one) < 1_000 for one in sent] == [True, False]


async def test_an_answer_that_breaks_off_has_its_head_sent(sent: Sent) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_start(4))

    async with served(app) as port, visiting(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n")
    assert len(sent) == 1
