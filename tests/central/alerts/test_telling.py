"""People are told: over a real mail server and a real push service, once for each thing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Official

from central.alerts import acting, channels
from central.alerts.model import Channel, Hours
from central.alerts.telling import outbox
from central.alerts.telling.delivery import Delivery, trial
from central.alerts.telling.fan_out import FanOut
from central.alerts.telling.mail import Mail
from central.alerts.telling.outbox import Posted
from central.alerts.telling.programs import Hook, Topic
from central.alerts.telling.ways import NotTaken
from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.events import signing
from gateway.mqtt import MqttClient
from gateway.mqtt_settings import MqttSettings
from tests.central.alerts.servers import PASSWORD, MailServer, PushServer
from tests.central.alerts.stage import Stage
from tests.fakes.books import sqlite_books
from tests.fakes.link import FakeLink
from tests.fakes.mosquitto import MISSING, find_mosquitto, start_mosquitto
from tests.fakes.receiver import receiving

URL = "https://stock.example"
OVER = "[critical] Over: 0 of NUT came from nobody knows where"


class Told(Stage):
    """The shop, with channels, and what delivers."""

    def __init__(self, database: Database, server: MailServer) -> None:
        super().__init__(database)
        self.server = server
        self.delivery = self.new_delivery()

    def new_delivery(self) -> Delivery:
        """As after a start of central."""
        ways: Any = {"email": Mail(self.server.settings, URL), "apprise": FanOut(URL)}
        return Delivery(self.database, Tide(), ways, clock=self.clock)

    def channel(self, code: str, secret: str = "", **more: Any) -> None:
        said = {"kind": "email", "to": (f"{code}@shop.example",)} | more
        self.write(lambda c: channels.add(c, Channel(code=code, **said), secret, self.told()))

    async def look_and_tell(self, after_s: float = 0) -> list[str]:
        """Look, deliver, and answer the subjects of the mail that came of it."""
        before = len(self.server.mail)
        await self.after(after_s)
        await self.delivery.step()
        return [str(mail["Subject"]) for mail in self.server.mail[before:]]

    def messages(self) -> list[Posted]:
        return self.database.read_now(outbox.listing)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Told]:
    server = MailServer(tmp_path)
    async with server.running():
        with contextlib.closing(Database(sqlite_books(tmp_path / "central.sqlite"))) as database:
            yield Told(database, server)


async def test_mail_says_what_where_and_how_to_get_there(
    database: Database, tmp_path: Path
) -> None:
    server = MailServer(tmp_path)
    async with server.running():
        shop = Told(database, server)
        shop.channel("anna", to=("anna@shop.example", "ben@shop.example"))
        shop.rule("few", "low", 10, sku="NUT", location="shop", severity="critical")
        shop.move("supplier", "shelf", 3)
        assert await shop.look_and_tell() == ["[critical] Raised: 3 of NUT in shop, minimum 10"]
        assert await shop.look_and_tell() == []
        (mail,) = server.mail
        assert mail["To"] == "anna@shop.example, ben@shop.example"
        assert mail["From"] == "Tallyport <tallyport@shop.example>"
        assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert "by rule few" in text
        assert text.splitlines()[-2:] == [f"{URL}/screen/items/NUT", f"{URL}/screen/alerts/1"]
        assert f'<a href="{URL}/screen/items/NUT">{URL}/screen/items/NUT</a>' in html
        (sent,) = shop.messages()
        assert (sent.state, mail["Message-ID"]) == ("sent", f"<{sent.message.id}@shop.example>")
        shop.move("supplier", "shelf", 30)
        assert await shop.look_and_tell() == ["[critical] Over: 33 of NUT in shop, minimum 10"]


async def test_a_crash_after_sending_sends_the_very_same_again(
    shop: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.channel("anna")
    shop.rule("few", "low", 10, sku="NUT")
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "sent", _die)
        with pytest.raises(ExceptionGroup):
            await shop.look_and_tell()
    shop.watch, shop.delivery = shop.new_watch(), shop.new_delivery()
    await shop.look_and_tell()
    first, second = shop.server.raw
    assert first == second
    assert await shop.look_and_tell(3_600) == []


def _die(*_: object) -> None:
    raise RuntimeError


@pytest.mark.parametrize("dies_at", ["raised", "acknowledged", "escalated", "cleared"])
async def test_a_crash_at_any_step_tells_of_each_once(
    shop: Told, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    """Central dies after the alert took a step, before anybody was told of it, and is started."""
    shop.channel("anna", hears=("raised", "acknowledged", "cleared"))
    shop.channel("boss", only_named=True, hears=("escalated", "cleared"))
    shop.rule("few", "low", 10, sku="NUT", escalate_to=("boss",), escalate_after_s=600)

    async def step(name: str, after_s: float = 0) -> None:
        if name == dies_at:
            with monkeypatch.context() as broken:
                broken.setattr(outbox, "pack", _die)
                with pytest.raises((RuntimeError, ExceptionGroup)):
                    await shop.look_and_tell(after_s)
            shop.watch, shop.delivery = shop.new_watch(), shop.new_delivery()
        await shop.look_and_tell(after_s if name != dies_at else 0)
        await shop.look_and_tell()

    await step("raised")
    if dies_at != "acknowledged":
        await step("escalated", 600)
    else:
        shop.write(lambda c: acting.acknowledge(c, 1, "mine", shop.told()))
        await step("acknowledged")
        await shop.look_and_tell(600)
    shop.move("supplier", "shelf", 20)
    await step("cleared")
    told = sorted(f"{mail['To']} {mail['Subject']}".split(":")[0] for mail in shop.server.mail)
    anna, boss = "anna@shop.example [warning] ", "boss@shop.example [warning] "
    seen = [f"{anna}Seen to"] if dies_at == "acknowledged" else [f"{boss}Nobody saw to it"]
    over = [f"{anna}Over"] + ([] if dies_at == "acknowledged" else [f"{boss}Over"])
    assert told == sorted([f"{anna}Raised", *seen, *over])


@pytest.mark.skipif(find_mosquitto() is None, reason=MISSING)
async def test_the_real_broker_hands_a_told_alert_to_who_listens(
    shop: Told, tmp_path: Path
) -> None:
    broker = start_mosquitto(tmp_path)
    mine = MqttClient(MqttSettings(port=broker.port, client_id="central"))
    lamp = MqttClient(MqttSettings(port=broker.port, client_id="lamp"))
    running = [asyncio.create_task(one.run()) for one in (mine, lamp)]
    try:
        await lamp.subscribe("tp/v1/events/alerts/+")
        await lamp.connected()
        await mine.connected()
        shop.delivery = Delivery(
            shop.database, Tide(), {"mqtt": Topic(EventsSection(), mine)}, clock=shop.clock
        )
        shop.channel("lamp", kind="mqtt", to=())
        shop.rule("few", "low", 10, sku="NUT")
        await shop.look_and_tell()
        async with asyncio.timeout(10):
            heard = await anext(lamp.messages())
        heard.ack()
        assert heard.topic == "tp/v1/events/alerts/lamp"
        (sent,) = shop.messages()
        told = json.loads(heard.payload)
        assert (told["id"], sent.state) == (sent.message.id, "sent")
        assert told["data"]["told"][0]["says"] == "0 of NUT, minimum 10"
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        broker.stop()


async def test_what_is_not_taken_is_tried_later_and_at_last_put_aside(shop: Told) -> None:
    shop.channel("anna")
    shop.rule("few", "low", 10, sku="NUT")
    shop.server.refuses = ["451 4.3.0 later"] * 12
    assert await shop.look_and_tell() == []
    waits = []
    while (one := shop.messages()[0]).state == "due":
        assert one.next_us is not None
        waits.append((one.next_us - shop.clock.wall_us) // 1_000_000)
        assert await shop.look_and_tell(waits[-1] - 1) == []
        assert len(shop.server.refuses) == 12 - len(waits), "not before its time"
        await shop.look_and_tell(1)
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    (dead,) = shop.messages()
    assert (dead.state, dead.tries, dead.error) == ("dead", 12, "451 4.3.0 later")
    shop.write(lambda c: outbox.resend(c, dead.message.id, shop.clock.wall_us))
    assert len(await shop.look_and_tell()) == 1
    assert shop.delivery.counters == {"messages": 1, "refused": 11, "dead": 1, "sent": 1}
    with pytest.raises(outbox.NotDead):
        shop.write(lambda c: outbox.resend(c, dead.message.id, 1))


async def test_an_address_that_is_not_there_holds_up_nobody(shop: Told) -> None:
    shop.server.unknown = {"gone@shop.example"}
    shop.channel("gone")
    shop.channel("both", to=("gone@shop.example", "anna@shop.example"))
    shop.rule("few", "low", 10, sku="NUT")
    assert len(await shop.look_and_tell()) == 1
    found = {one.message.channel: (one.state, one.error) for one in shop.messages()}
    why = "gone@shop.example (550 5.1.1 nobody of that name)"
    assert found == {
        "gone": ("dead", f"the server refuses {why}"),
        "both": ("sent", f"refused: {why}"),
    }


async def test_a_server_that_is_away_holds_up_the_channel_without_hammering(shop: Told) -> None:
    shop.channel("anna")
    shop.rule("few", "low", 10, category="steel", each=True)
    for sku in ("NUT", "BOLT"):
        shop.move("supplier", "shelf", 1, sku=sku)
    shop.server.refuses = ["421 4.3.2 shutting down"]
    assert await shop.look_and_tell() == []
    assert [(one.tries, one.state) for one in shop.messages()] == [(0, "due"), (1, "due")]
    assert await shop.look_and_tell(9) == []
    assert len(await shop.look_and_tell(1)) == 2


async def test_a_flood_is_one_mail_and_so_is_a_digest(shop: Told) -> None:
    shop.channel("anna")
    shop.channel("daily", digest_s=3_600, least="critical")
    shop.rule("few", "low", 10, category="steel", each=True)
    shop.rule("lost", "unexplained", 1, severity="critical")
    for place in ("shelf", "bin", "hall", "yard", "shop", "unknown"):
        for sku in ("NUT", "BOLT"):
            shop.move("supplier", place, 1, sku=sku)
    assert await shop.look_and_tell() == ["[critical] 12 alerts: 12 raised"]
    assert await shop.look_and_tell(3_599) == []
    assert await shop.look_and_tell(1) == ["[critical] 2 alerts: 2 raised"]
    shop.move("unknown", "customer", 1)
    assert await shop.look_and_tell() == [OVER]
    assert await shop.look_and_tell(3_600) == [OVER]


async def test_quiet_hours_put_off_and_what_is_over_by_then_is_not_told(shop: Told) -> None:
    night = (Hours(start="12:00", end="06:00"),)
    shop.channel("anna", quiet=night, time_zone="Europe/Berlin")
    shop.channel("boss", only_named=True)
    shop.rule("few", "low", 10, sku="NUT")
    shop.rule("none", "low", 1, sku="BOLT", severity="critical", muted=night, location="shop")
    # It is 13:00 in Berlin, where the shop is.
    assert await shop.look_and_tell() == []
    shop.move("supplier", "shelf", 20)
    shop.rule("lost", "unexplained", 1, severity="critical", tell=("anna", "boss"))
    shop.move("shelf", "unknown", 1)
    told = await shop.look_and_tell()
    assert told == ["[critical] Raised: 1 of NUT went nobody knows where"] * 2
    told = await shop.look_and_tell(17 * 3_600 - 1)
    assert told == []
    assert await shop.look_and_tell(1) == ["[critical] Raised: 0 of BOLT in shop, minimum 1"]


async def test_others_are_told_when_nobody_sees_to_it(shop: Told) -> None:
    shop.channel("anna", location="shop", kinds=("low",))
    shop.channel("boss", only_named=True, hears=("escalated", "cleared"))
    shop.channel("yard", location="yard")
    more: Any = {"location": "shop", "escalate_to": ("boss",), "escalate_after_s": 600}
    shop.rule("few", "low", 10, sku="NUT", **more)
    await shop.look_and_tell()
    await shop.look_and_tell(600)
    shop.move("supplier", "shelf", 20)
    await shop.look_and_tell()
    told = [f"{mail['To']} {mail['Subject']}".split(":")[0] for mail in shop.server.mail]
    assert told[:2] == [
        "anna@shop.example [warning] Raised",
        "boss@shop.example [warning] Nobody saw to it",
    ]
    assert sorted(told[2:]) == [
        "anna@shop.example [warning] Over",
        "boss@shop.example [warning] Over",
    ]


async def test_a_wrong_password_is_told_without_it(shop: Told) -> None:
    wrong = shop.server.settings.model_copy(update={"username": "nobody"})
    mail = Mail(wrong, URL)
    anna = Channel(code="anna", kind="email", to=("anna@shop.example",))
    with pytest.raises(NotTaken, match="refuses the login: 535") as refusal:
        await trial({"email": mail}, anna, "", 1)
    assert PASSWORD not in str(refusal.value)
    assert PASSWORD not in repr(wrong)
    for changes, why in (({"host": ""}, "no mail server is set"), ({"port": 1}, "localhost:1")):
        with pytest.raises(NotTaken, match=why):
            await trial({"email": Mail(wrong.model_copy(update=changes), URL)}, anna, "", 1)
    with pytest.raises(NotTaken, match="no way to tell by mqtt"):
        await trial({}, Channel(code="x", kind="mqtt"), "", 1)


async def test_a_push_service_is_told_and_its_keys_are_not(shop: Told) -> None:
    push = PushServer()
    async with push.running():
        url = f"ntfy://anna:hidden-password@127.0.0.1:{push.port}/hidden-topic"
        shop.channel("push", url, kind="apprise", to=())
        shop.rule("few", "low", 10, sku="NUT", severity="critical")
        await shop.look_and_tell()
        ((head, body),) = push.heard
        assert head.startswith("POST / HTTP")
        assert b"0 of NUT, minimum 10" in body
        assert b"hidden-topic" in body
        push.status = 403
        shop.move("supplier", "shelf", 20)
        await shop.look_and_tell()
        assert len(push.heard) == 2
    (failed, sent) = shop.messages()
    assert (failed.state, sent.state) == ("due", "sent")
    assert "did not take it" in failed.error
    assert "hidden" not in failed.error
    assert shop.database.read_now(lambda c: channels.get(c, "push")).to == ()


async def test_a_program_is_told_by_a_signed_webhook_and_the_broker(shop: Told) -> None:
    key, link = signing.new_key(), FakeLink()
    within = EventsSection.model_validate({"webhook_networks": ["127.0.0.0/8"]})
    with receiving() as receiver:
        ways: Any = {"webhook": Hook(within), "mqtt": Topic(within, link)}
        shop.delivery = Delivery(shop.database, Tide(), ways, clock=shop.clock)
        shop.channel("erp", key, kind="webhook", to=(receiver.url,))
        shop.channel("lamp", kind="mqtt", to=())
        shop.rule("few", "low", 10, sku="NUT")
        await shop.look_and_tell()
        (post,) = receiver.all()
    told = Official(key).verify(post.body, post.headers)
    assert (told["type"], told["id"]) == ("tallyport.AlertTold.v1", post.headers["webhook-id"])
    assert told["data"]["told"][0]["says"] == "0 of NUT, minimum 10"
    ((topic, payload, retained),) = link.published
    assert (topic, retained) == ("tp/v1/events/alerts/lamp", False)
    assert json.loads(payload)["data"] == told["data"]
    outside = Channel(code="x", kind="webhook", to=(receiver.url,))
    with pytest.raises(NotTaken, match="lies within"):
        await trial({"webhook": Hook(EventsSection())}, outside, key, 1)
