"""The embedded broker alone, spoken to in raw packets: abuse, limits, and MQTT 5's small print."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import mqtt5
import pytest

from gateway.broker import BrokerLimits, Credentials, EmbeddedBroker

PATIENCE_S = 60.0
QOS_1 = mqtt5.QoS.AT_LEAST_ONCE
LIMITS = BrokerLimits(
    packet_bytes=4096, queue_messages=3, retained_messages=2, sessions=5, session_expiry_s=60
)


class Raw:
    """A socket and the packets that came by it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.held = b""

    def send(self, *packets: Any) -> None:
        self.writer.write(
            b"".join(packet if isinstance(packet, bytes) else packet.write() for packet in packets)
        )

    async def receive(self) -> Any:
        """The next packet, or ``None`` at the end of the connection."""
        while True:
            try:
                packet, used = mqtt5.read(memoryview(self.held))
            except IndexError:
                chunk = await asyncio.wait_for(self.reader.read(65536), PATIENCE_S)
                if not chunk:
                    return None
                self.held += chunk
            else:
                self.held = self.held[used:]
                return packet

    async def rest(self) -> bytes:
        """Everything until the broker closes."""
        try:
            return self.held + await asyncio.wait_for(self.reader.read(-1), PATIENCE_S)
        except ConnectionError:
            return self.held


class Room:
    def __init__(self, broker: EmbeddedBroker) -> None:
        self.broker = broker
        self.opened: list[Raw] = []

    async def dial(self) -> Raw:
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.broker.port))
        self.opened.append(raw)
        return raw

    async def join(self, client_id: str, **options: Any) -> Raw:
        raw = await self.dial()
        raw.send(mqtt5.ConnectPacket(client_id, **options))
        connack = await raw.receive()
        assert connack.reason_code == 0
        return raw

    async def subscribe(self, raw: Raw, topic_filter: str, **options: Any) -> int:
        raw.send(mqtt5.SubscribePacket(7, [mqtt5.TopicFilter(topic_filter, **options)]))
        return int((await raw.receive()).reason_codes[0])


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    def authenticate(who: Credentials) -> str | None:
        return None if who.username == "stranger" else who.username or who.client_id

    broker = EmbeddedBroker(limits=LIMITS, authenticate=authenticate)
    await broker.start()
    room = Room(broker)
    yield room
    for raw in room.opened:
        raw.writer.close()
    await broker.stop()


def publish(topic: str, payload: bytes, packet_id: int, **options: Any) -> Any:
    return mqtt5.PublishPacket(topic, payload, qos=QOS_1, packet_id=packet_id, **options)


CONNECT = mqtt5.ConnectPacket("abuser").write()


@pytest.mark.parametrize(
    ("said", "farewell"),
    [
        (b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x", b"\x20\x02\x00\x01"),
        (b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01x", b"\x20\x02\x00\x01"),
        (b"GET / HTTP/1.1\r\n\r\n", b"\x20\x03\x00\x82\x00"),
        (b"\x10\xff\xff\xff\xff\xff", b"\x20\x03\x00\x81\x00"),
        (b"\x10\xff\xff\xff\x7f", b"\x20\x03\x00\x95\x00"),
        (b"\x10\x07\x00\x04MQTT\x09", b"\x20\x03\x00\x84\x00"),
        (CONNECT + b"\x30\x05\x00\x02\xff\xfe\x00", b"\xe0\x02\x81\x00"),
        (CONNECT + b"\x30\x06\x00\x03a/#\x00", b"\xe0\x02\x90\x00"),
        (CONNECT + b"\x32\x06\x00\x01t\x00\x00\x00", b"\xe0\x02\x82\x00"),
        (CONNECT + b"\x34\x06\x00\x01t\x00\x01\x00", b"\xe0\x02\x9b\x00"),
        (CONNECT + b"\x30\x07\x00\x01t\x03\x23\x00\x01", b"\xe0\x02\x94\x00"),
        (CONNECT + b"\x82\x03\x00\x01\x00", b"\xe0\x02\x82\x00"),
        (CONNECT + CONNECT, b"\xe0\x02\x82\x00"),
        (CONNECT + b"\x30\xff\xff\xff\x7f", b"\xe0\x02\x95\x00"),
    ],
)
async def test_what_makes_no_sense_ends_with_a_reason(
    room: Room, said: bytes, farewell: bytes
) -> None:
    neighbour = await room.join("neighbour")
    abuser = await room.dial()
    abuser.send(said)
    heard = await abuser.rest()
    # DISCONNECT and CONNACK may be written with or without their empty properties.
    assert farewell in heard or farewell[:1] + b"\x01" + farewell[2:3] in heard, heard.hex()
    neighbour.send(mqtt5.PingReqPacket())
    assert isinstance(await neighbour.receive(), mqtt5.PingRespPacket)


async def test_garbage_and_half_packets_disturb_nobody(room: Room) -> None:
    neighbour = await room.join("neighbour")
    chance = random.Random(20)
    whole = CONNECT + publish("a/b", b"x" * 50, 3).write() + mqtt5.PingReqPacket().write()
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.randint(0, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        abuser = await room.dial()
        abuser.send(bytes(broken[: chance.randint(1, len(broken))]))
        await abuser.writer.drain()
        abuser.writer.close()
    neighbour.send(publish("n", b"", 9))
    assert (await neighbour.receive()).packet_id == 9


async def test_a_full_queue_is_told_to_the_publisher(room: Room) -> None:
    absent = await room.join("absent", session_expiry_interval=60)
    await room.subscribe(absent, "a/#")
    absent.send(mqtt5.DisconnectPacket())
    assert await absent.receive() is None
    sender = await room.join("sender")
    verdicts = []
    for number in range(1, 6):
        sender.send(publish("a/b", b"%d" % number, number))
        verdicts.append(int((await sender.receive()).reason_code))
    assert verdicts == [0, 0, 0, 0x97, 0x97]
    back = await room.join("absent", session_expiry_interval=60)
    assert [(await back.receive()).payload for _ in range(3)] == [b"1", b"2", b"3"]


async def test_quotas_of_retained_messages_and_sessions_are_told(room: Room) -> None:
    sender = await room.join("sender")
    verdicts = []
    for number in range(1, 4):
        sender.send(publish(f"r/{number}", b"x", number, retain=True))
        verdicts.append(int((await sender.receive()).reason_code))
    assert verdicts == [0x10, 0x10, 0x97]
    for number in range(4):
        await room.join(f"more-{number}")
    late = await room.dial()
    late.send(mqtt5.ConnectPacket("late"))
    assert int((await late.receive()).reason_code) == 0x97


async def test_a_takeover_tells_the_elder_and_publishes_its_will(room: Room) -> None:
    watcher = await room.join("watcher")
    assert await room.subscribe(watcher, "status") == 1
    will = mqtt5.Will("status", payload=b"gone", qos=QOS_1)
    elder = await room.join("twin", will=will, session_expiry_interval=9)
    younger = await room.dial()
    younger.send(mqtt5.ConnectPacket("twin", session_expiry_interval=9))
    assert (await younger.receive()).session_present
    assert int((await elder.receive()).reason_code) == 0x8E
    assert await elder.receive() is None
    assert (await watcher.receive()).payload == b"gone"


async def test_a_delayed_will_is_withdrawn_by_a_return(room: Room) -> None:
    watcher = await room.join("watcher")
    await room.subscribe(watcher, "#")
    will = mqtt5.Will("status", payload=b"gone", will_delay_interval=3600)
    first = await room.join("shaky", will=will, session_expiry_interval=60)
    first.writer.transport.abort()
    again = await room.join("shaky", session_expiry_interval=60)
    again.send(publish("after", b"", 1))
    assert (await watcher.receive()).topic == "after"


async def test_nobody_takes_over_the_session_of_another_identity(room: Room) -> None:
    await room.join("till", username="shop", session_expiry_interval=60)
    thief = await room.dial()
    thief.send(mqtt5.ConnectPacket("till", username="thief"))
    assert int((await thief.receive()).reason_code) == 0x85
    stranger = await room.dial()
    stranger.send(mqtt5.ConnectPacket("x", username="stranger"))
    assert int((await stranger.receive()).reason_code) == 0x86


async def test_subscriptions_are_answered_one_by_one(room: Room) -> None:
    client = await room.join("client")
    assert await room.subscribe(client, "$share/g/a") == 0x9E
    client.send(b"\x82\x08\x00\x01\x00\x00\x02a#\x00")
    assert int((await client.receive()).reason_codes[0]) == 0x8F
    assert await room.subscribe(client, "a/+", max_qos=mqtt5.QoS.EXACTLY_ONCE) == 1
    client.send(mqtt5.UnsubscribePacket(8, ["a/+", "b"]))
    assert [int(code) for code in (await client.receive()).reason_codes] == [0, 0x11]
    assert await room.subscribe(client, "own", no_local=True) == 1
    client.send(publish("own", b"", 1))
    assert isinstance(await client.receive(), mqtt5.PubAckPacket)


async def test_who_falls_silent_is_sent_away(room: Room) -> None:
    silent = await room.join("silent", keep_alive=1)
    assert int((await silent.receive()).reason_code) == 0x8D
    assert await silent.receive() is None


async def test_receive_maximum_holds_messages_back_until_they_are_acknowledged(room: Room) -> None:
    slow = await room.join("slow", receive_max=1)
    await room.subscribe(slow, "a")
    sender = await room.join("sender")
    for number in (1, 2):
        sender.send(publish("a", b"%d" % number, number))
        assert int((await sender.receive()).reason_code) == 0
    first = await slow.receive()
    slow.send(mqtt5.PingReqPacket())
    assert isinstance(await slow.receive(), mqtt5.PingRespPacket)
    slow.send(mqtt5.PubAckPacket(first.packet_id))
    assert (await slow.receive()).payload == b"2"
