"""Whoever is cancelled, at whatever moment, leaves no connection open behind him."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gateway.mqtt_connection import Connection
from gateway.mqtt_settings import MqttSettings, NotConnected

CONNACK = bytes([0x20, 3, 0, 0, 0])
PATIENCE_S = 60.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """One waiting place: the second who calls stands in the street until the first is let in."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        server.settimeout(PATIENCE_S)
        yield server


def connection_to(server: socket.socket) -> Connection:
    settings = MqttSettings(port=server.getsockname()[1], client_id="x", connect_timeout_s=50)
    return Connection(settings, None, lambda *_: None)


def until_end(peer: socket.socket) -> bytes:
    """What a peer says until it hangs up; it must."""
    peer.settimeout(PATIENCE_S)
    said = b""
    while more := peer.recv(65_536):
        said += more
    return said


async def test_cancelled_twice_while_it_connects(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()):
        connection = connection_to(listener)
        opening = asyncio.create_task(connection.open())
        for _ in range(2):  # the first lets go of the broker, the second of the thread
            await asyncio.sleep(0)
            opening.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert connection.lost.result() == "gave up connecting"
        listener.accept()[0].close()
        late, _ = await asyncio.to_thread(listener.accept)
        with late:
            assert await asyncio.to_thread(until_end, late) == b""


async def test_cancelled_while_it_says_goodbye_to_one_who_does_not_listen(
    listener: socket.socket,
) -> None:
    connection = connection_to(listener)
    opening = asyncio.create_task(connection.open())
    broker, _ = await asyncio.to_thread(listener.accept)
    with broker:
        broker.sendall(CONNACK)
        await opening
        # More than the line holds, so that DISCONNECT cannot leave.
        last_word = asyncio.create_task(connection.publish("t", bytes(20_000_000), 1, False))
        await asyncio.sleep(0)
        leaving = asyncio.create_task(connection.farewell(PATIENCE_S))
        await asyncio.sleep(0)
        assert not connection.lost.done()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert connection.lost.result() == "closed by us"
        with pytest.raises(NotConnected):
            await last_word
        await asyncio.to_thread(until_end, broker)
