"""What the client does alone: waiting, giving up, TLS settings, callbacks that fail."""

from __future__ import annotations

import asyncio
import contextlib

import certifi
import pytest

from gateway.broker import BrokerLimits, Credentials, EmbeddedBroker
from gateway.mqtt import MqttClient, MqttSettings, NotConnected, PublishRefused

PATIENCE_S = 60.0


async def until_unwell(client: MqttClient, word: str) -> None:
    """Run until ``last_error`` says ``word``; the client writes it before it waits."""
    running = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while word not in client.last_error:  # noqa: ASYNC110 - health is polled by design
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def settings(port: int, **more: object) -> MqttSettings:
    return MqttSettings.model_validate(
        {"port": port, "client_id": "edge", "retry_base_s": 0.01, "retry_limit_s": 0.05, **more}
    )


async def test_a_missing_broker_is_named_and_nothing_can_be_sent(free_port: int) -> None:
    client = MqttClient(settings(free_port))
    await until_unwell(client, f"cannot reach the broker at 127.0.0.1:{free_port}")
    with pytest.raises(NotConnected):
        await client.publish("a", b"")


async def test_a_server_that_is_no_broker_is_named() -> None:
    ends = asyncio.Event()

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ends.wait()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await until_unwell(
        MqttClient(settings(port, connect_timeout_s=0.3)), "does not answer as an MQTT broker"
    )
    ends.set()
    server.close()
    await server.wait_closed()


async def test_a_refused_connection_says_what_to_do() -> None:
    def authenticate(_who: Credentials) -> str | None:
        return None

    broker = EmbeddedBroker(authenticate=authenticate)
    await until_unwell(
        MqttClient(settings(await broker.start())), "user name or password are wrong"
    )
    await broker.stop()


async def test_missing_certificates_are_told_and_do_not_end_the_client(free_port: int) -> None:
    await until_unwell(MqttClient(settings(free_port, tls_ca="no/such/file.pem")), "No such file")


async def test_a_broker_without_tls_is_named_and_no_socket_is_left_open() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x20\x03\x00\x81\x00")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await until_unwell(MqttClient(settings(port, tls_ca=certifi.where())), "no TLS with the broker")
    server.close()
    await server.wait_closed()


async def test_a_failing_callback_ends_run_with_its_error() -> None:
    async def announce() -> None:
        raise ZeroDivisionError("a mistake of ours")

    broker = EmbeddedBroker()
    client = MqttClient(settings(await broker.start()), on_connected=announce)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(client.run(), PATIENCE_S)
    assert not client.is_connected
    await broker.stop()


async def test_a_payload_that_the_broker_would_hang_up_on_is_refused_here() -> None:
    broker = EmbeddedBroker(limits=BrokerLimits(packet_bytes=1000))
    client = MqttClient(settings(await broker.start()))
    running = asyncio.create_task(client.run())
    await asyncio.wait_for(client.connected(), PATIENCE_S)
    with pytest.raises(PublishRefused, match="too large"):
        await client.publish("a", bytes(1000))
    await client.publish("a", bytes(900))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await broker.stop()


async def test_every_retry_is_jittered_and_bounded(free_port: int) -> None:
    asked: list[float] = []

    def jitter() -> float:
        asked.append(0.0)
        return 1.0

    client = MqttClient(settings(free_port, retry_base_s=1.0, retry_limit_s=5.0), jitter=jitter)
    assert [client._delay_s(attempt) for attempt in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert len(asked) == 5


def test_half_a_client_certificate_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="belong together"):
        settings(1883, tls_ca="ca.pem", tls_cert="edge.pem")
