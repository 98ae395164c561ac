"""A broker that lives and acknowledges nothing must not hold anybody up for ever."""

from __future__ import annotations

import asyncio

import pytest

from gateway.mqtt import MqttClient, MqttSettings, NotConnected

CONNACK = bytes([0x20, 3, 0, 0, 0])
PINGRESP = bytes([0xD0, 0])


async def deaf_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says yes to CONNECT and answers pings; takes publishes in and forgets them."""
    writer.write(CONNACK)
    while packet := await reader.read(4_096):
        if packet[0] == 0xC0:
            writer.write(PINGRESP)
    writer.close()


async def test_an_unacknowledged_message_ends_the_connection_and_another_is_made() -> None:
    server = await asyncio.start_server(deaf_broker, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = MqttSettings(port=port, client_id="x", ack_timeout_s=0.2, retry_base_s=0.01)
    connections: asyncio.Queue[int] = asyncio.Queue()

    async def connected() -> None:
        connections.put_nowait(client.generation)

    client = MqttClient(settings, on_connected=connected)
    running = asyncio.create_task(client.run())
    assert await asyncio.wait_for(connections.get(), 30) == 1
    with pytest.raises(NotConnected, match="has not acknowledged a message for"):
        await client.publish("t", b"x")
    assert await asyncio.wait_for(connections.get(), 30) == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    await server.wait_closed()
