"""Load-cell nodes and serial scales behind a broker: our own, and the real Mosquitto."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.load_cell_node import EmulatedMqttNode, message
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.load_cells.frames import window_of_message
from drivers.load_cells.node import LoadCellMqtt, LoadCellMqttConfig
from drivers.readings import DeviceEvent, LoadCellWindow, WeightReading
from drivers.scales.commands import tell
from drivers.transports import broker as device_broker
from drivers.transports.broker import BrokerSettings, Told
from drivers.transports.mqtt_line import MqttPlace, open_mqtt
from drivers.transports.transport import TransportSettings
from edge import device_brokers
from gateway.broker import EmbeddedBroker
from gateway.certificates import Authority
from tests.drivers.listening import PATIENCE_S, listening
from tests.fakes.brokers import Broker, Embedded, Mosquitto
from tests.fakes.mosquitto import MISSING, find_mosquitto, start_mosquitto

CALIBRATION = {
    "version": 2,
    "date": "2026-11-20",
    "by": "A. Technician",
    "mass_g": 2000,
    "zero_counts": 84_000,
    "counts_per_g": 420,
}


@pytest.fixture(autouse=True)
def provided() -> None:
    device_brokers.provide()


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    kind: Broker
    if request.param == "embedded":
        kind = Embedded()
        await kind.start_again()
    else:
        if find_mosquitto() is None:
            pytest.skip(MISSING)
        kind = Mosquitto(start_mosquitto(tmp_path))
    yield kind
    await kind.stop()


@pytest.fixture
async def own_broker() -> AsyncIterator[Embedded]:
    kind = Embedded()
    await kind.start_again()
    yield kind
    await kind.stop()


def config(broker: Broker, **fields: Any) -> LoadCellMqttConfig:
    given = {
        "node": "shelf-1-a",
        "broker": {"port": broker.port},
        "calibration": CALIBRATION,
        "silence_timeout_s": PATIENCE_S,
    }
    return LoadCellMqttConfig.model_validate(given | fields)


@asynccontextmanager
async def emulated(broker: Broker) -> AsyncIterator[EmulatedMqttNode]:
    node = EmulatedMqttNode(BrokerSettings(port=broker.port), window_s=0.02, seed=3)
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


def near(load_g: int) -> Callable[[WeightReading], bool]:
    return lambda one: bool(one.stable) and one.value is not None and abs(one.value - load_g) < 4


@pytest.mark.evidence("emulator", "load-cell-mqtt")
@pytest.mark.evidence("reconnect", "load-cell-mqtt")
async def test_weights_come_and_come_again_after_the_broker_died(broker: Broker) -> None:
    async with emulated(broker) as node:
        node.set_load_g(592)
        driver = LoadCellMqtt(config(broker))
        async with listening(driver) as heard:
            weight = await heard.heard(WeightReading, near(592))
            assert (weight.unit, weight.calibration) == ("g", 2)
            told = heard.of(DeviceEvent)[0]
            assert told.name == "connected"
            assert "node shelf-1-a, calibration 2" in told.detail
            await broker.stop()
            with pytest.raises(DeviceUnavailable, match="lost") as lost:
                await heard.end()
        assert lost.value.retry
        async with listening(LoadCellMqtt(config(broker))) as heard:
            with pytest.raises(DeviceUnavailable, match="cannot be reached"):
                await heard.end()
        await broker.start_again()
        node.set_load_g(100)
        again = LoadCellMqtt(config(broker))
        await heard_again(again, near(100))
        assert again.counters()["windows"] > 0


async def heard_again(driver: LoadCellMqtt, accept: Callable[[WeightReading], bool]) -> None:
    """As the supervisor does: while the node is not back, the broker may say that it is gone."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with listening(driver) as heard:
                with suppress(DeviceUnavailable):
                    await heard.heard(WeightReading, accept)
                    return
            await asyncio.sleep(0.05)


async def test_a_node_that_vanished_is_told_by_its_will(broker: Broker) -> None:
    async with emulated(broker) as node:
        async with listening(LoadCellMqtt(config(broker))) as heard:
            await heard.heard(WeightReading)
            node.vanish()
            with pytest.raises(DeviceUnavailable, match="shelf-1-a is offline"):
                await heard.end()
        await heard_again(LoadCellMqtt(config(broker)), lambda _: True)


async def test_a_node_that_was_switched_off_is_told_to_whoever_comes(own_broker: Embedded) -> None:
    async with emulated(own_broker), listening(LoadCellMqtt(config(own_broker))) as heard:
        await heard.heard(WeightReading)
    async with listening(LoadCellMqtt(config(own_broker))) as heard:
        with pytest.raises(DeviceUnavailable, match="is offline"):
            await heard.end()


async def test_gaps_restarts_and_nonsense_are_counted_and_told(own_broker: Embedded) -> None:
    async with emulated(own_broker) as node:
        tapped = bytearray()
        driver = LoadCellMqtt(config(own_broker), tap=tapped.extend)
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
            node.cell.skip(7)
            await heard.heard(DeviceEvent, lambda event: "7 windows before" in event.detail)
            node.cell.restart()
            await heard.heard(DeviceEvent, lambda event: event.name == "restarted")
            await node.publish(b'{"v":1,"grams":500}')
            error = await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
            assert "grams" in error.detail
        counts = driver.counters()
        assert (counts["windows_lost"], counts["node_restarts"], counts["frame_errors"]) == (
            7,
            1,
            1,
        )
        assert counts["windows"] == len(heard.of(WeightReading))
    decoder = registry.decoder("load-cell-mqtt")
    windows = [*decoder.feed(bytes(tapped)), *decoder.finish()]
    assert len(windows) == counts["windows"]
    assert len(decoder.errors) == 1


async def test_an_old_weight_is_no_weight(own_broker: Embedded) -> None:
    settings = BrokerSettings(port=own_broker.port)
    node = EmulatedMqttNode(settings, window_s=0.02)
    old = message(node.cell.window())
    async with device_broker.connected(settings) as link:
        await link.publish("tallyport/nodes/shelf-1-a/window", old, retain=True)
    driver = LoadCellMqtt(config(own_broker, silence_timeout_s=0.5))
    async with listening(driver) as heard:
        with pytest.raises(DeviceUnavailable, match="Only a retained message") as silence:
            await heard.end()
    assert "retain: false" in silence.value.hint
    assert not heard.readings
    assert driver.counters()["retained"] == 1


async def test_silence_another_node_and_another_broker_are_told_apart(
    own_broker: Embedded, free_port: int
) -> None:
    async with listening(LoadCellMqtt(config(own_broker, silence_timeout_s=0.5))) as heard:
        with pytest.raises(DeviceUnavailable, match="No window came") as silence:
            await heard.end()
    assert "topic and broker" in silence.value.hint
    async with emulated(own_broker):
        mixed_up = config(
            own_broker, node="shelf-9", topic="tallyport/nodes/shelf-1-a", silence_timeout_s=1
        )
        async with listening(LoadCellMqtt(mixed_up)) as heard:
            with pytest.raises(DeviceUnavailable, match="Another node than shelf-9"):
                await heard.end()
        assert not heard.of(WeightReading)
    own_broker.port, port = free_port, own_broker.port
    nowhere = config(own_broker)
    own_broker.port = port
    async with listening(LoadCellMqtt(nowhere)) as heard:
        with pytest.raises(DeviceUnavailable, match="cannot be reached"):
            await heard.end()


async def test_an_uncalibrated_node_is_heard_in_counts_alone(own_broker: Embedded) -> None:
    async with emulated(own_broker):
        async with listening(LoadCellMqtt(config(own_broker, calibration=None))) as heard:
            window = await heard.heard(LoadCellWindow)
            assert window == window_of_message(message(window))
            assert "not calibrated" in heard.of(DeviceEvent)[0].detail
        assert not heard.of(WeightReading)


async def test_what_the_access_list_forbids_is_told() -> None:
    broker = EmbeddedBroker(authorise=lambda who, action, topic: "window" not in topic)
    settings = BrokerSettings(port=await broker.start())
    try:
        driver = LoadCellMqtt(LoadCellMqttConfig(node="shelf-1-a", broker=settings))
        async with listening(driver) as heard:
            with pytest.raises(DeviceUnavailable, match=r"said no.*window"):
                await heard.end()
        async with device_broker.connected(settings) as link:
            with pytest.raises(DeviceUnavailable, match="did not take") as refused:
                await link.publish("any/window", b"1")
            assert "access list" in refused.value.hint
            link.vanish()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await link.publish("any", b"1")
            with pytest.raises(DeviceUnavailable, match="lost"):
                await link.next()
    finally:
        await broker.stop()


async def test_without_a_word_about_brokers_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_broker, "_provided", [])
    settings = LoadCellMqttConfig(node="shelf-1-a")
    with pytest.raises(DeviceRefused, match="how a broker is reached"):
        await LoadCellMqtt(settings).run(lambda _: asyncio.sleep(0))


async def test_a_node_is_heard_through_tls_and_a_strange_authority_is_told(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ours", "ours")
    Authority.create(tmp_path / "theirs", "theirs")
    authority.server(["127.0.0.1"]).write(tmp_path, "broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "broker.pem", tmp_path / "broker.key")
    broker = Embedded(tls=context)
    await broker.start_again()
    try:
        secure = {"port": broker.port, "tls_ca": tmp_path / "ours" / "ca.pem"}
        node = EmulatedMqttNode(BrokerSettings.model_validate(secure), window_s=0.02)
        await node.start()
        driver = LoadCellMqtt(config(broker).model_copy(update={"broker": node.broker}))
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
        await node.stop()
        strange = node.broker.model_copy(update={"tls_ca": tmp_path / "theirs" / "ca.pem"})
        driver = LoadCellMqtt(config(broker).model_copy(update={"broker": strange}))
        async with listening(driver) as heard:
            with pytest.raises(DeviceUnavailable, match="no TLS") as refused:
                await heard.end()
        assert "tls_ca" in refused.value.hint
    finally:
        await broker.stop()


def test_where_a_node_is_heard() -> None:
    assert LoadCellMqttConfig(node="shelf-1-a").root == "tallyport/nodes/shelf-1-a"
    assert LoadCellMqttConfig(node="a", topic="site/a/").root == "site/a"
    for wrong in ({"topic": "site/#"}, {"broker": {"tls_cert": "x"}}, {"node": "Shelf"}):
        with pytest.raises(ValueError):
            LoadCellMqttConfig.model_validate({"node": "a"} | wrong)


# ---- a serial scale whose line MQTT carries ----------------------------------------------------
class Bridge:
    """A board at a scale: what the scale sends is published, what is told is sent."""

    def __init__(self, broker: Broker, scale: EmulatedIndicator, *, tasmota: bool) -> None:
        self._settings = BrokerSettings(port=broker.port)
        self._scale = scale
        self._tasmota = tasmota
        self._root = "tallyport/bridges/scale-1"
        self._task: asyncio.Task[None] | None = None
        self.link: device_broker.BrokerLink | None = None
        self.up = asyncio.Event()

    @property
    def place(self) -> dict[str, Any]:
        return {
            "port": self._settings.port,
            "heard": f"{self._root}/heard",
            "told": f"{self._root}/told",
            "status": f"{self._root}/status",
            "payload": "tasmota" if self._tasmota else "bytes",
        }

    async def start(self, port: int) -> None:
        self._task = asyncio.create_task(self._run(port))
        async with asyncio.timeout(PATIENCE_S):
            await self.up.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        will = Told(f"{self._root}/status", b"Offline")
        told = [f"{self._root}/told"]
        try:
            async with device_broker.connected(self._settings, topics=told, will=will) as link:
                self.link = link
                await link.publish(f"{self._root}/status", b"Online", retain=True)
                self.up.set()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._publish(link, reader))
                    both.create_task(self._send(link, writer))
        finally:
            writer.transport.abort()

    async def _publish(self, link: device_broker.BrokerLink, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(7):  # boards cut lines where they like
            if self._tasmota:
                data = b'{"SSerialReceived":"%s"}' % data.hex().upper().encode()
            await link.publish(f"{self._root}/heard", data)

    async def _send(self, link: device_broker.BrokerLink, writer: asyncio.StreamWriter) -> None:
        while told := await link.next(PATIENCE_S):
            data = told.payload
            writer.write(bytes.fromhex(data.decode()) if self._tasmota else data)


@pytest.mark.parametrize(("kind", "tasmota"), [("st-gs", False), ("sma", False), ("sma", True)])
async def test_a_scale_is_heard_and_asked_through_a_bridge(
    kind: str, tasmota: bool, own_broker: Embedded
) -> None:
    scale = EmulatedIndicator(kind, seed=3)
    bridge = Bridge(own_broker, scale, tasmota=tasmota)
    try:
        scale.set_load_g(592)
        await bridge.start(await scale.listen())
        driver = registry.load(kind)
        options = driver.Config.model_validate({"mqtt": bridge.place, "silence_timeout_s": 30})
        async with listening(driver(options)) as heard:
            weight = await heard.heard(WeightReading, lambda one: bool(one.stable))
            assert weight.unit == "kg"
            assert "tallyport/bridges/scale-1/heard" in heard.of(DeviceEvent)[0].detail
            assert bridge.link is not None
            bridge.link.vanish()
            with pytest.raises(DeviceUnavailable, match=r"bridge .* is offline"):
                await heard.end()
    finally:
        await bridge.stop()
        await scale.stop()


async def test_a_person_can_zero_a_scale_through_a_bridge(own_broker: Embedded) -> None:
    scale = EmulatedIndicator("sma", seed=3)
    bridge = Bridge(own_broker, scale, tasmota=False)
    try:
        scale.set_load_g(592)
        await bridge.start(await scale.listen())
        driver = registry.load("sma")
        options = driver.Config.model_validate({"mqtt": bridge.place, "silence_timeout_s": 30})
        async with listening(driver(options)) as heard:
            await heard.heard(WeightReading, lambda one: bool(one.stable) and one.value != 0)
            await tell("sma", options, "zero", seconds=0.1)  # an SMA scale does not answer
            await heard.heard(WeightReading, lambda one: one.value is not None and one.value < 0.1)
    finally:
        await bridge.stop()
        await scale.stop()


async def test_what_a_line_over_mqtt_cannot_do_is_said(own_broker: Embedded) -> None:
    place = MqttPlace(port=own_broker.port, heard="x/heard", payload="tasmota")
    async with open_mqtt(place) as line, device_broker.connected(place) as link:
        with pytest.raises(DeviceRefused, match="Nothing can be sent"):
            await line.write(b"W\r")
        assert await line.read(0.01) == b""
        for payload in (b'{"Time":"now"}', b'{"SSerialReceived":"ABC"}', b"noise"):
            await link.publish("x/heard", payload)
        # What is no such message is left to the scale's protocol to complain of.
        assert await line.read(PATIENCE_S) == b'{"SSerialReceived":"ABC"}'
        assert await line.read(PATIENCE_S) == b"noise"
        await link.publish("x/heard", b"old", retain=True)
        assert await line.read(PATIENCE_S) == b"old"
    async with open_mqtt(place) as line:
        assert await line.read(0.3) == b""
    for wrong in ({"port": "x"}, {"host": "x"}):
        with pytest.raises(ValueError, match="carries the line"):
            TransportSettings.model_validate({"mqtt": {"heard": "x"}} | wrong)
    with pytest.raises(ValueError, match="port is needed"):
        TransportSettings()
