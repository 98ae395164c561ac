"""The shipped broker: who may do what, who gets in at all, and who is thrown out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from edge import agent
from edge.config import check
from gateway import access, topics
from gateway.certificates import Authority, common_name
from gateway.mqtt import MqttClient, MqttSettings, PublishRefused, SubscribeRefused
from tests.deploy.conftest import SecureBroker
from tests.edge.waiting import until

pytestmark = pytest.mark.mosquitto


@asynccontextmanager
async def connected(settings: MqttSettings) -> AsyncIterator[MqttClient]:
    client = MqttClient(settings)
    running = asyncio.create_task(client.run())
    try:
        await asyncio.wait_for(client.connected(), 30)
        yield client
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def why_not(settings: MqttSettings) -> str:
    """What a client is told that never gets in."""
    client = MqttClient(settings)
    running = asyncio.create_task(client.run())
    try:
        await until(lambda: bool(client.last_error), "a refusal")
        assert not client.is_connected
        return client.last_error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


OWN, OTHER = "tp/v1/shop/edge-1", "tp/v1/shop/edge-2"
MATRIX = [
    ("device", "publish", f"{OWN}/up/observations", True),
    ("device", "publish", f"{OWN}/up/status", True),
    ("device", "publish", f"{OWN}/up/live", True),
    ("device", "publish", f"{OWN}/up/cmd/watch/1", True),
    ("device", "publish", f"{OTHER}/up/cmd/watch/1", False),
    ("device", "publish", f"{OWN}/down/cmd/watch/1", False),
    ("device", "publish", f"{OTHER}/down/cmd/watch/1", False),
    ("device", "publish", f"{OTHER}/up/observations", False),
    ("device", "publish", f"{OWN}/down/watermark", False),
    ("device", "publish", f"{OTHER}/down/watermark", False),
    ("device", "publish", "tp/v1/ledger/digest", False),
    ("device", "publish", topics.event("stock_updated", "StockMoved"), False),
    ("device", "publish", "anything/else", False),
    ("device", "publish", access.CONTROL, False),
    ("device", "subscribe", f"{OWN}/down/watermark", True),
    ("device", "subscribe", f"{OWN}/down/#", True),
    ("device", "subscribe", topics.asked("shop", "edge-1", "+", "+"), True),
    ("device", "subscribe", topics.asked("shop", "edge-2", "+", "+"), False),
    ("device", "subscribe", topics.ALL_ANSWERS, False),
    ("device", "subscribe", f"{OTHER}/down/watermark", False),
    ("device", "subscribe", f"{OWN}/up/#", False),
    ("device", "subscribe", "tp/v1/+/+/down/#", False),
    ("device", "subscribe", "#", False),
    ("device", "subscribe", "$SYS/#", False),
    ("device", "subscribe", access.RESPONSE, False),
    ("central", "subscribe", topics.ALL_OBSERVATIONS, True),
    ("central", "subscribe", topics.ALL_STATUS, True),
    ("central", "subscribe", topics.ALL_LIVE, True),
    ("central", "subscribe", topics.ALL_ANSWERS, True),
    ("central", "publish", f"{OWN}/down/cmd/watch/1", True),
    ("central", "publish", f"{OWN}/up/cmd/watch/1", False),
    ("central", "publish", f"{OWN}/down/watermark", True),
    ("central", "publish", topics.DIGEST, True),
    ("central", "publish", topics.event("stock_updated", "StockMoved"), True),
    ("central", "publish", f"{OWN}/up/observations", False),
    ("central", "publish", access.CONTROL, False),
    ("central", "subscribe", "#", False),
    ("admin", "publish", f"{OWN}/up/observations", False),
    ("admin", "subscribe", topics.ALL_OBSERVATIONS, False),
    ("admin", "subscribe", access.RESPONSE, True),
]


async def test_the_access_matrix(secure_broker: SecureBroker) -> None:
    who = {
        "device": secure_broker.device("edge-1"),
        "central": secure_broker.central(),
        "admin": secure_broker.settings("admin", access.ADMIN),
    }
    wrong = []
    for name, settings in who.items():
        async with connected(settings) as client:
            for identity, action, topic, allowed in MATRIX:
                if identity != name:
                    continue
                try:
                    if action == "publish":
                        await client.publish(topic, b"{}")
                    else:
                        await client.subscribe(topic)
                except (PublishRefused, SubscribeRefused) as refused:
                    assert refused.code == 0x87
                    if allowed:
                        wrong.append(f"{name} may not {action} {topic}")
                else:
                    if not allowed:
                        wrong.append(f"{name} may {action} {topic}")
    assert wrong == []


async def test_each_of_several_workers_has_an_identity_of_its_own(
    secure_broker: SecureBroker,
) -> None:
    for name in ("anne", "bob"):
        told = await asyncio.to_thread(
            secure_broker.command,
            "worker", str(secure_broker.folder), name, "--live", secure_broker.live,
        )  # fmt: skip
        assert f"tallyport-central-{name} is admitted" in told
    anne, bob = (
        secure_broker.settings(access.worker_name(name), access.worker_name(name))
        for name in ("anne", "bob")
    )
    async with connected(anne) as one, connected(bob) as other:
        for client in (one, other):
            await client.subscribe(topics.ALL_OBSERVATIONS)
            await client.publish(f"{OWN}/down/watermark", b"{}")
        assert (one.generation, other.generation) == (1, 1)  # neither threw the other out
        with pytest.raises(PublishRefused):
            await one.publish(f"{OWN}/up/observations", b"{}")


async def test_nobody_gets_in_without_a_certificate_of_this_authority(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    port, ca = secure_broker.port, secure_broker.folder / "ca.pem"
    bare = MqttSettings(port=port, client_id="shop.edge-1", tls_ca=ca)
    assert await why_not(bare)
    stranger = Authority.create(tmp_path / "other", "Somebody else")
    stranger.client(common_name("shop", "edge-1")).write(tmp_path / "other", "forged")
    forged = MqttSettings(
        port=port, client_id="shop.edge-1", tls_ca=ca,
        tls_cert=tmp_path / "other" / "forged.pem", tls_key=tmp_path / "other" / "forged.key",
    )  # fmt: skip
    assert await why_not(forged)


async def test_a_certificate_of_ours_that_nobody_admitted_can_do_nothing(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    Authority(secure_broker.folder).client(common_name("shop", "new")).write(tmp_path, "new")
    settings = secure_broker.device("edge-1").model_copy(
        update={"tls_cert": tmp_path / "new.pem", "tls_key": tmp_path / "new.key"}
    )
    async with connected(settings) as client:
        with pytest.raises(PublishRefused):
            await client.publish("tp/v1/shop/new/up/status", b"{}")
        with pytest.raises(SubscribeRefused):
            await client.subscribe("tp/v1/shop/new/down/#")


async def test_a_device_cannot_take_the_session_of_another(secure_broker: SecureBroker) -> None:
    async with connected(secure_broker.device("edge-2")) as rightful:
        async with connected(secure_broker.settings("devices/shop.edge-1", "shop:edge-2")) as thief:
            await thief.publish(f"{OWN}/up/status", b"{}")
            await rightful.publish(f"{OTHER}/up/status", b"{}")
        assert rightful.generation == 1


async def test_each_mistake_with_a_certificate_is_told_in_a_sentence(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    """The device's own: too old, too new, of somebody else, missing."""
    folder, right = secure_broker.folder, secure_broker.device("edge-1")
    now, name = datetime.now(UTC), common_name("shop", "edge-1")
    other = Authority.create(tmp_path / "other", "Somebody else")
    issued = {
        "has expired": Authority(folder, now - timedelta(days=100)).client(name),
        "perhaps not yet": Authority(folder, now + timedelta(days=2)).client(name),
        "of an authority that the broker does not know": other.client(name),
    }
    wrong = {}
    for number, (sentence, files) in enumerate(issued.items()):
        files.write(tmp_path, str(number))
        pair = {"tls_cert": tmp_path / f"{number}.pem", "tls_key": tmp_path / f"{number}.key"}
        wrong[sentence] = right.model_copy(update=pair)
    wrong["set tls_cert and tls_key"] = right.model_copy(update={"tls_cert": None, "tls_key": None})
    for sentence, settings in wrong.items():
        assert sentence in await why_not(settings)


async def test_a_broker_of_another_authority_or_another_name_is_not_trusted(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    Authority.create(tmp_path, "Somebody else")
    told = await why_not(secure_broker.device("edge-1", tls_ca=tmp_path / "ca.pem"))
    assert "no TLS with the broker" in told
    assert "check tls_ca" in told
    secure_broker.stop()
    elsewhere = Authority(secure_broker.folder).server(["broker.example.org"])
    elsewhere.write(secure_broker.folder, "broker")
    secure_broker.start()
    told = await why_not(secure_broker.device("edge-1"))
    assert "certificate is not valid for '127.0.0.1'" in told


async def test_a_revoked_device_is_thrown_out_and_stays_out(secure_broker: SecureBroker) -> None:
    arguments = ("revoke", str(secure_broker.folder), "shop", "edge-1")
    async with (
        connected(secure_broker.device("edge-1")) as revoked,
        connected(secure_broker.device("edge-2")) as other,
    ):
        with capture_logs() as told:
            said = await asyncio.to_thread(
                secure_broker.command, *arguments, "--live", secure_broker.live
            )
            assert said == "shop.edge-1 is revoked\n"
            await until(lambda: "is revoked" in revoked.last_error, "the refusal", limit_s=20)
        # 0x98 ends the living session, TLS refuses the next.
        assert "Administrative action" in next(line["why"] for line in told if "why" in line)
        assert not revoked.is_connected
        assert revoked.generation == 1
        await other.publish(f"{OTHER}/up/status", b"{}")
        assert other.generation == 1


async def test_revoking_takes_every_certificate_that_a_device_ever_had(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    """A stolen card's older certificate must not come back when the name is admitted again."""
    folder = secure_broker.folder
    for ending in ("pem", "key"):
        copied = (folder / "devices" / f"shop.edge-1.{ending}").read_bytes()
        (tmp_path / f"first.{ending}").write_bytes(copied)
    stolen = secure_broker.device("edge-1").model_copy(
        update={"tls_cert": tmp_path / "first.pem", "tls_key": tmp_path / "first.key"}
    )
    secure_broker.command("renew", str(folder), "shop", "edge-1")
    for settings in (stolen, secure_broker.device("edge-1")):
        async with connected(settings) as client:  # both work until one expires
            await client.publish(f"{OWN}/up/status", b"{}")
    for command in ("revoke", "admit"):
        arguments = (command, str(folder), "shop", "edge-1", "--live", secure_broker.live)
        await asyncio.to_thread(secure_broker.command, *arguments)
    assert "is revoked" in await why_not(stolen)
    async with connected(secure_broker.device("edge-1")) as client:
        await client.publish(f"{OWN}/up/status", b"{}")


@pytest.mark.parametrize("command", ["admit", "revoke"])
def test_a_running_broker_must_be_told(secure_broker: SecureBroker, command: str) -> None:
    """It would write the list that it remembers over ours, and leave the session alive."""
    before = (secure_broker.folder / "crl.pem").read_bytes()
    arguments = ["broker", command, str(secure_broker.folder), "shop", "edge-1"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "add --live HOST:PORT" in done.output
    assert (secure_broker.folder / "crl.pem").read_bytes() == before


def test_a_revocation_signals_no_process_that_is_not_the_broker(
    secure_broker: SecureBroker,
) -> None:
    """After a power cut the file may name another: this test itself, which SIGHUP would end."""
    secure_broker.stop()
    (secure_broker.folder / "mosquitto.pid").write_text(str(os.getpid()))
    said = secure_broker.command("revoke", str(secure_broker.folder), "shop", "edge-1")
    assert "make it read crl.pem anew" in said


async def test_an_edge_is_admitted_while_the_broker_runs(secure_broker: SecureBroker) -> None:
    folder = str(secure_broker.folder)
    arguments = ("admit", folder, "shop", "edge-3", "--live", secure_broker.live)
    await asyncio.to_thread(secure_broker.command, *arguments)
    async with connected(secure_broker.device("edge-3")) as client:
        await client.publish("tp/v1/shop/edge-3/up/status", b"{}")
    secure_broker.stop()
    secure_broker.start()  # the broker wrote it down
    async with connected(secure_broker.device("edge-3")) as client:
        await client.publish("tp/v1/shop/edge-3/up/status", b"{}")


async def test_the_whole_road_over_mutual_tls_and_a_revocation_in_the_middle(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    """Matrix row 9: what a revoked edge cannot send stays in its journal, and it says why."""
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    await asyncio.to_thread(database.migrate)
    ingest = Ingest(database, Tide())
    tls = secure_broker.device("edge-1").model_dump(mode="json", exclude={"client_id"})
    config = check(
        {
            "edge": {"name": "edge-1", "site": "shop", "data_dir": str(tmp_path / "edge"),
                     "health_every_s": 1, "drain_s": 0},
            "mqtt": {key: value for key, value in tls.items() if value is not None},
        }
    )  # fmt: skip
    stop = asyncio.Event()
    async with connected(secure_broker.central()) as client:
        receiving = asyncio.create_task(ingest.run(client))
        running = asyncio.create_task(agent.run(config, stop=stop))
        await until(lambda: ingest.counters["observations"] >= 3, "health over TLS")
        folder = str(secure_broker.folder)
        arguments = ("revoke", folder, "shop", "edge-1", "--live", secure_broker.live)
        await asyncio.to_thread(secure_broker.command, *arguments)
        committed = ingest.counters["observations"]
        journal = tmp_path / "edge" / "journal"
        before = sum(path.stat().st_size for path in journal.iterdir())
        await until(
            lambda: sum(path.stat().st_size for path in journal.iterdir()) > before,
            "the journal to keep what cannot be sent",
        )
        assert ingest.counters["observations"] == committed
        stop.set()
        await asyncio.wait_for(running, 60)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
    database.close()
