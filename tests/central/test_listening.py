"""When file handles run out, central does not spin, and visitors leave the last ones alone."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from central.listening import KEPT_FREE, Listening, listen
from tests.edge.waiting import until
from tests.fakes.clock import FakeClock


@contextmanager
def handles(most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def listening() -> Iterator[Listening]:
    with listen("127.0.0.1", 0) as made:
        yield made


@pytest.fixture
def visitor(listening: Listening) -> Iterator[socket.socket]:
    with socket.create_connection(listening.getsockname(), timeout=30) as made:
        yield made


def test_a_visitor_is_let_in(listening: Listening, visitor: socket.socket) -> None:
    let_in, address = listening.accept()
    assert address == visitor.getsockname()
    let_in.close()
    assert not listening.counters


def test_the_last_handles_are_not_for_visitors(
    listening: Listening, visitor: socket.socket
) -> None:
    with handles(visitor.fileno() + KEPT_FREE), pytest.raises(BlockingIOError):
        listening.accept()
    assert listening.counters["refused"] == 1
    assert visitor.recv(1) == b""  # told at once, not left waiting


def test_without_a_handle_it_is_told_once_and_rests(
    listening: Listening, visitor: socket.socket
) -> None:
    clock = listening.clock = FakeClock(steady=1.0)
    with handles(3):
        with pytest.raises(OSError, match="Too many open files") as told:
            listening.accept()
        assert told.value.errno == errno.EMFILE
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert visitor.getpeername() == listening.getsockname()
    clock.pass_s(1.0)
    listening.accept()[0].close()


async def test_the_event_loop_hears_of_it_once_and_lets_the_visitor_in_later(
    listening: Listening, visitor: socket.socket
) -> None:
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    loop.set_debug(False)
    came = asyncio.Event()

    def protocol() -> asyncio.Protocol:
        came.set()
        return asyncio.Protocol()

    with handles(3):
        server = await loop.create_server(protocol, sock=listening, backlog=2_048)
        await until(lambda: bool(told), "the loop to hear of it")
        assert told == ["socket.accept() out of system resource"]
    await asyncio.wait_for(came.wait(), 30)
    server.close()
    visitor.close()  # from Python 3.12 on a server waits for its visitors
    await server.wait_closed()


async def test_answers_do_not_wait_to_be_acknowledged(
    listening: Listening, visitor: socket.socket
) -> None:
    came: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connection = transport.get_extra_info("socket")
            came.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    server = await asyncio.get_running_loop().create_server(Server, sock=listening)
    assert await asyncio.wait_for(came, 30) == 1
    server.close()
    visitor.close()
    await server.wait_closed()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="only Linux can")
async def test_what_a_visitor_does_not_read_is_not_piled_up_for_it(
    listening: Listening, visitor: socket.socket
) -> None:
    """Else a live screen that reads slowly gets megabytes of what is long out of date."""
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def write(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        try:
            async with asyncio.timeout(1.0):
                while True:
                    writer.write(b"x" * 4_096)
                    await writer.drain()
                    sent += 4_096
        except TimeoutError:
            taken.set_result(sent)
            writer.transport.abort()

    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    server = await asyncio.start_server(write, sock=listening)
    # What it read of itself (some KiB), our kernel's share, and asyncio's: not the 2.5 MB that
    # the kernel would take.
    assert await taken < 512 * 1_024
    server.close()
    visitor.close()
    await server.wait_closed()
