"""Events to real message brokers, taken out again by a reader of the same protocol.

Kafka's is librdkafka's own broker for tests: the protocol over TCP, by other authors than the
client's.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aio_pika
import nats as nats_client
import pytest
from pydantic import SecretStr, ValidationError

from central.config import BrokerSection, EventsSection
from central.events.model import Letter, NotTaken, Subscription, Target
from central.events.targets import Sends, target_of
from gateway.clock import SystemClock
from tests.fakes import message_servers
from tests.fakes.link import FakeLink

BODY = json.dumps({"id": "movement-1"}).encode()
LETTERS = [
    Letter(f"movement-{n}", "StockMoved", "stock_updated", f"NUT-{n % 2}", BODY) for n in range(6)
]


def sender(url: str, **more: object) -> Sends:
    broker = BrokerSection(url=SecretStr(url), **more)  # type: ignore[arg-type]
    settings = EventsSection(brokers={"b": broker}, webhook_timeout_s=5)
    mine = Subscription(id="", name="", target=Target(kind="broker", broker="b"))
    return target_of(mine, settings, FakeLink(), keys=tuple, clock=SystemClock())


@pytest.mark.skipif(message_servers.find_rabbit() is None, reason=message_servers.RABBIT_MISSING)
async def test_rabbitmq(tmp_path: Path) -> None:
    with message_servers.rabbitmq(tmp_path) as url:
        target = sender(url)
        await target.send(LETTERS[0])  # makes the exchange; nothing is bound to it
        async with await aio_pika.connect(url) as reading:
            channel = await reading.channel()
            queue = await channel.declare_queue("erp", durable=True)
            await queue.bind("tallyport.events", "stock_updated.*")
            for letter in LETTERS:
                await target.send(letter)
            await target.send(LETTERS[0]._replace(topic="other"))
            got = [await queue.get() for _ in LETTERS]
            assert await queue.get(fail=False) is None
        assert [one.message_id for one in got if one] == [letter.id for letter in LETTERS]
        first = got[0]
        assert first is not None
        assert (first.body, first.type, first.routing_key) == (
            BODY, "StockMoved", "stock_updated.StockMoved",
        )  # fmt: skip
        assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    with pytest.raises(NotTaken, match="no connection to RabbitMQ") as refusal:
        await target.send(LETTERS[0])
    assert not refusal.value.reached
    with pytest.raises(NotTaken, match="no connection to RabbitMQ"):
        await target.send(LETTERS[0])
    await target.close()


@pytest.mark.skipif(message_servers.find_nats() is None, reason=message_servers.NATS_MISSING)
async def test_nats(tmp_path: Path) -> None:
    with message_servers.nats(tmp_path) as url:
        target = sender(url)
        with pytest.raises(NotTaken, match=r"no stream of NATS keeps tallyport.events.>") as none:
            await target.send(LETTERS[0])
        assert not none.value.reached, "somebody has to make it, and nothing is put aside"
        reading = await nats_client.connect(url)
        stream = reading.jetstream()
        await stream.add_stream(name="TALLYPORT", subjects=["tallyport.events.>"])
        for letter in (*LETTERS, LETTERS[0], LETTERS[5]):  # told again: kept once
            await target.send(letter)
        puller = await stream.pull_subscribe("tallyport.events.stock_updated.>", "erp")
        got = await puller.fetch(50, timeout=2)
        ids = [(one.headers or {})["Nats-Msg-Id"] for one in got]
        assert ids == [letter.id for letter in LETTERS]
        assert {one.data for one in got} == {BODY}
        plain = sender(url, jetstream=False, name="plain")
        listening = await reading.subscribe("plain.>")
        await reading.flush()
        await plain.send(LETTERS[1])
        assert (await listening.next_msg(timeout=5)).subject == "plain.stock_updated.StockMoved"
        await plain.close()
        await reading.close()
    with pytest.raises(NotTaken, match="no connection to NATS") as refusal:
        await target.send(LETTERS[0])
    assert not refusal.value.reached
    await target.close()


async def test_kafka() -> None:
    confluent = pytest.importorskip("confluent_kafka", reason="librdkafka's broker for tests")
    cluster = confluent.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
    (broker,) = (await asyncio.to_thread(cluster.list_topics, timeout=10)).brokers.values()
    address = f"{broker.host}:{broker.port}"
    target = sender(f"kafka://{address}", name="events")
    for letter in LETTERS:
        await target.send(letter)
    await target.close()
    got = await asyncio.to_thread(_read_kafka, confluent, address)
    assert sorted(ids for _, ids in got) == sorted(letter.id for letter in LETTERS)
    for subject in ("NUT-0", "NUT-1"):
        its = [ids for key, ids in got if key == subject]
        assert its == [letter.id for letter in LETTERS if letter.subject == subject]
    nobody = sender("kafka://127.0.0.1:1", name="events")
    with pytest.raises(NotTaken, match="no connection to Kafka") as refusal:
        await nobody.send(LETTERS[0])
    assert not refusal.value.reached
    await nobody.close()


def _read_kafka(confluent: object, address: str) -> list[tuple[str, str]]:
    consumer = confluent.Consumer(  # type: ignore[attr-defined]
        {"bootstrap.servers": address, "group.id": "erp", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["events"])
    got = []
    while len(got) < len(LETTERS):
        message = consumer.poll(30)
        assert message is not None, f"only {got} came"
        assert message.error() is None
        assert message.value() == BODY
        got.append((message.key().decode(), dict(message.headers())["ce_id"].decode()))
    consumer.close()
    return got


def test_settings_of_brokers_are_checked() -> None:
    with pytest.raises(ValidationError, match="url begins with amqp"):
        BrokerSection(url=SecretStr("redis://x"))
    with pytest.raises(ValidationError, match="name"):
        BrokerSection(url=SecretStr("nats://x"), name="a b")


def test_kafka_is_told_who_asks() -> None:
    from central.events import kafka

    said = kafka._settings("kafka+ssl://us%40er:p%3Aw@a:1,b:2/", None)
    assert said["bootstrap_servers"] == ["a:1", "b:2"]
    assert said["security_protocol"] == "SASL_SSL"
    assert (said["sasl_plain_username"], said["sasl_plain_password"]) == ("us@er", "p:w")
    assert kafka._settings("kafka://a:1", None)["security_protocol"] == "PLAINTEXT"
