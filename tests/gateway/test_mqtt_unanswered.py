"""A broker that lives and acknowledges nothing must not hold anybody up for ever."""

from __future__ import annotations

import asyncio

import mqtt5
import pytest

from gateway.mqtt import MqttClient, MqttSettings, NotConnected
from tests.edge.waiting import until

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


async def slow_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything in at once and acknowledges one message after the other, slowly."""
    writer.write(CONNACK)
    await reader.read(4_096)
    received, taken = b"", 0
    while data := await reader.read(4_096):
        received += data
        while len(received) >= taken + PUBLISH_BYTES:
            packet_id = int.from_bytes(received[taken + 5 : taken + 7], "big")
            taken += PUBLISH_BYTES
            await asyncio.sleep(SLOWNESS_S)
            writer.write(mqtt5.PubAckPacket(packet_id).write())
    writer.close()


SLOWNESS_S = 0.4
PUBLISH_BYTES = 9
"""Header and length, the topic "t" with its length, packet id, no properties, one byte."""


async def test_a_slow_line_is_not_a_broker_that_has_fallen_ill() -> None:
    """The last of a window waits longer than any single message may."""
    server = await asyncio.start_server(slow_broker, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = MqttClient(MqttSettings(port=port, client_id="x", ack_timeout_s=2.0))
    running = asyncio.create_task(client.run())
    await asyncio.wait_for(client.connected(), 30)
    sent = [client.publish("t", b"x") for _ in range(8)]
    await asyncio.wait_for(asyncio.gather(*sent), 60)
    assert client.generation == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    await server.wait_closed()


async def test_an_unanswered_subscription_ends_the_connection_and_another_is_made() -> None:
    server = await asyncio.start_server(deaf_broker, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = MqttSettings(port=port, client_id="x", ack_timeout_s=0.2, retry_base_s=0.01)
    client = MqttClient(settings)
    await client.subscribe("t")
    running = asyncio.create_task(client.run())
    await until(lambda: client.generation >= 2, "another connection")
    assert "left a subscription unanswered" in client.last_error
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    await server.wait_closed()
