"""Events on central's own broker, as a subscriber of the broker hears them."""

from __future__ import annotations

import asyncio
import contextlib
import json

from central.catalogue.changes import Told
from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.events import subscriptions
from central.events.courier import Road
from central.events.couriers import Couriers
from central.events.model import Subscription, Target
from central.stock import ledger
from gateway import topics
from gateway.broker import EmbeddedBroker
from gateway.mqtt import MqttClient, MqttSettings
from tests.central.shop import moving, open_shop


async def test_a_movement_is_heard_on_its_topic(books: Database) -> None:
    broker = EmbeddedBroker()
    port = await broker.start()
    central, erp = (
        MqttClient(MqttSettings(host="127.0.0.1", port=port, client_id=name))
        for name in ("central", "erp")
    )
    await erp.subscribe(f"{topics.EVENTS}/stock_updated/#")
    tide = Tide()
    couriers = Couriers(Road(books, central, tide, EventsSection(source="urn:example:hamburg")))
    running = [asyncio.create_task(each.run()) for each in (central, erp, couriers)]
    await asyncio.gather(central.connected(), erp.connected())
    wanted = Subscription(id="", name="ERP", target=Target(kind="mqtt"))
    await books.write(
        lambda c: (
            open_shop(c),
            subscriptions.add(c, wanted, Told(by="anna", at_us=1), from_beginning=False),
            ledger.post(c, [moving(1, "supplier", "dock", 150)], record_us=1),
        )
    )
    tide.rise()
    message = await anext(aiter(erp.messages()))
    assert message.topic == "tp/v1/events/stock_updated/StockReceived"
    event = json.loads(message.payload)
    assert (event["source"], event["data"]["quantity"]) == ("urn:example:hamburg", 150)
    for task in running:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*running)
    await broker.stop()
