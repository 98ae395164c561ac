"""Client and broker together: each test runs against both brokers (see conftest)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.mqtt import Incoming, NotConnected, PublishRefused, Will
from tests.gateway.conftest import PATIENCE_S, Broker, Connect, Running

pytestmark = pytest.mark.timeout(180)


async def take(running: Running) -> Incoming:
    return await asyncio.wait_for(anext(running.incoming), PATIENCE_S)


async def joined(running: Running, *topic_filters: str) -> Running:
    async with asyncio.timeout(PATIENCE_S):
        await running.client.connected()
        for topic_filter in topic_filters:
            await running.client.subscribe(topic_filter)
    return running


async def publish_for_ever(running: Running) -> None:
    while True:
        await running.client.publish("open/a", b"lost")


async def test_a_message_arrives_and_its_sender_knows(connect: Connect) -> None:
    reader = await joined(connect("reader"), "open/a")
    sender = await joined(connect("sender"))
    assert await sender.client.publish("open/a", b"\x00\xff") is True
    message = await take(reader)
    assert message[:4] == ("open/a", b"\x00\xff", 1, False)
    message.ack()
    assert await sender.client.publish("open/unread", b"") is False
    await sender.client.publish("open/a", b"quick", qos=0)
    assert (await take(reader)).qos == 0


async def test_filters_choose_what_is_delivered(connect: Connect) -> None:
    reader = await joined(connect("reader"), "open/+/c", "open/deep/#", "open/b")
    sender = await joined(connect("sender"))
    topics = ["open/a/c", "open/a/d", "open", "open/deep", "open/deep/x/y", "open/b", "open/b/c"]
    for topic in topics[:2] + topics[3:]:
        await sender.client.publish(topic, topic.encode())
    wanted = ["open/a/c", "open/deep", "open/deep/x/y", "open/b", "open/b/c"]
    for topic in wanted:
        message = await take(reader)
        assert message.payload == topic.encode()
        message.ack()


async def test_the_newest_retained_message_greets_a_subscriber(connect: Connect) -> None:
    sender = await joined(connect("sender"))
    for payload in (b"old", b"new"):
        await sender.client.publish("open/state", payload, retain=True)
    await sender.client.publish("open/gone", b"x", retain=True)
    await sender.client.publish("open/gone", b"", retain=True)
    reader = await joined(connect("reader"), "open/#")
    message = await take(reader)
    assert (message.topic, message.payload, message.retained) == ("open/state", b"new", True)
    message.ack()
    await sender.client.publish("open/end", b"")
    assert (await take(reader)).topic == "open/end"


async def test_the_will_speaks_for_who_vanishes_but_not_for_who_leaves(connect: Connect) -> None:
    watcher = await joined(connect("watcher"), "open/status/+")
    polite = await joined(connect("polite", will=Will("open/status/polite", b"offline")))
    await polite.end()
    doomed = await joined(connect("doomed", will=Will("open/status/doomed", b"offline")))
    connection = doomed.client._connection
    assert connection is not None
    connection.close("pulled the cable")
    message = await take(watcher)
    assert (message.topic, message.payload) == ("open/status/doomed", b"offline")


async def test_what_was_not_acknowledged_comes_again_in_order(connect: Connect) -> None:
    reader = await joined(connect("reader"), "open/a")
    sender = await joined(connect("sender"))
    for number in range(4):
        await sender.client.publish("open/a", b"%d" % number)
    held = [await take(reader) for _ in range(4)]
    held[0].ack()
    await reader.end()
    await sender.client.publish("open/a", b"4")
    again = await joined(connect("reader"))
    held[1].ack()  # of a connection that is gone: must not acknowledge anything of this one
    seen = [await take(again) for _ in range(4)]
    assert [message.payload for message in seen] == [b"1", b"2", b"3", b"4"]


async def test_a_refused_publish_is_not_taken_for_sent(connect: Connect) -> None:
    sender = await joined(connect("sender"))
    with pytest.raises(PublishRefused) as refused:
        await sender.client.publish("closed/a", b"x")
    assert refused.value.code == 0x87
    assert await sender.client.publish("open/a", b"x") is False


async def test_hundreds_arrive_in_order_through_a_small_window(connect: Connect) -> None:
    reader = await joined(connect("reader", receive_maximum=7), "open/many")
    sender = await joined(connect("sender", window=20))
    publishing = [
        asyncio.create_task(sender.client.publish("open/many", b"%d" % number))
        for number in range(500)
    ]
    for number in range(500):
        message = await take(reader)
        assert message.payload == b"%d" % number
        message.ack()
    assert all(await asyncio.gather(*publishing))


async def test_a_large_message_arrives_whole(connect: Connect) -> None:
    reader = await joined(connect("reader"), "open/large")
    sender = await joined(connect("sender"))
    payload = bytes(range(256)) * 12_000
    await sender.client.publish("open/large", payload)
    assert (await take(reader)).payload == payload


async def test_a_client_finds_a_broker_that_comes_back(broker: Broker, connect: Connect) -> None:
    running = await joined(connect("steady", retry_limit_s=0.2), "open/a")
    await broker.stop()
    with pytest.raises(NotConnected):
        await asyncio.wait_for(publish_for_ever(running), PATIENCE_S)
    assert not running.client.is_connected
    await broker.start_again()
    await joined(running)
    assert running.client.generation >= 2
    assert running.client.last_error == ""
    await running.client.publish("open/a", b"back")
    async with asyncio.timeout(PATIENCE_S):
        while (await take(running)).payload != b"back":
            pass
