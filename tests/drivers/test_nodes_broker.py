"""The nodes' own broker: the real Mosquitto with the files that a technician copies."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.emulators.load_cell_node import EmulatedMqttNode
from drivers.errors import DeviceUnavailable
from drivers.load_cells.node import LoadCellMqtt, LoadCellMqttConfig
from drivers.readings import LoadCellWindow
from drivers.transports import broker as device_broker
from drivers.transports.broker import BrokerSettings
from edge import device_brokers
from tests.drivers.listening import listening
from tests.fakes.mosquitto import MISSING, MosquittoProcess, find_mosquitto, free_port

FILES = Path(__file__).parents[2] / "firmware_configs" / "esphome"
SECRET = "long and our own"
PASSWD = shutil.which("mosquitto_passwd")
pytestmark = pytest.mark.mosquitto


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    if find_mosquitto() is None or PASSWD is None:
        pytest.skip(MISSING)
    for number, user in enumerate(("shelf-nodes", "dock-pi")):
        new = ["-c"] if number == 0 else []
        subprocess.run([PASSWD, *new, "-b", tmp_path / "nodes.passwd", user, SECRET], check=True)
    shutil.copy(FILES / "mosquitto-nodes.acl", tmp_path / "nodes.acl")
    (tmp_path / "nodes.acl").chmod(0o600)
    found = free_port()
    text = (FILES / "mosquitto-nodes.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/mosquitto", str(tmp_path))
    text = text.replace("listener 1883", f"user {getpass.getuser()}\nlistener {found} 127.0.0.1")
    (tmp_path / "nodes.conf").write_text(text, encoding="utf-8")
    process = MosquittoProcess(found, tmp_path / "nodes.conf", tmp_path / "log")
    process.start()
    device_brokers.provide()
    yield found
    process.kill()
    assert "Error" not in (tmp_path / "log").read_text(encoding="utf-8")


def who(port: int, user: str, client_id: str = "") -> BrokerSettings:
    return BrokerSettings(port=port, username=user, password=SECRET, client_id=client_id)


async def test_nodes_say_what_is_theirs_and_the_edge_hears_it(port: int) -> None:
    node = EmulatedMqttNode(who(port, "shelf-nodes", "shelf-1-a"), window_s=0.02)
    edge = LoadCellMqttConfig(node="shelf-1-a", broker=who(port, "dock-pi"), silence_timeout_s=60)
    await node.start()
    try:
        async with listening(LoadCellMqtt(edge)) as heard:
            await heard.heard(LoadCellWindow)
    finally:
        await node.stop()


@pytest.mark.parametrize(
    ("user", "client_id", "topic"),
    [
        ("shelf-nodes", "shelf-1-a", "tallyport/nodes/shelf-1-b/window"),
        ("shelf-nodes", "shelf-1-a", "tp/v1/site/edge/up/status"),
        ("dock-pi", "pi", "tallyport/nodes/shelf-1-a/window"),
        ("dock-pi", "pi", "tallyport/bridges/scale-1/heard"),
    ],
)
async def test_nobody_says_what_is_anothers(
    port: int, user: str, client_id: str, topic: str
) -> None:
    async with device_broker.connected(who(port, user, client_id)) as link:
        with pytest.raises(DeviceUnavailable, match="did not take"):
            await link.publish(topic, b"1")


async def test_a_bridge_and_the_edge_talk_to_each_other(port: int) -> None:
    told = "tallyport/bridges/scale-1/told"
    bridge, edge = who(port, "shelf-nodes", "scale-1"), who(port, "dock-pi")
    async with (
        device_broker.connected(bridge, topics=[told]) as at_scale,
        device_broker.connected(edge, topics=["tallyport/bridges/scale-1/heard"]) as at_edge,
    ):
        await at_edge.publish(told, b"W\r")
        asked = await at_scale.next(60)
        assert asked is not None
        await at_scale.publish("tallyport/bridges/scale-1/heard", b"1.250kg\r")
        heard = await at_edge.next(60)
        assert (asked.payload, heard and heard.payload) == (b"W\r", b"1.250kg\r")


async def test_a_stranger_is_refused(port: int) -> None:
    for settings in (BrokerSettings(port=port), who(port, "somebody")):
        with pytest.raises(DeviceUnavailable, match="said no"):
            async with device_broker.connected(settings):
                await asyncio.sleep(0)
