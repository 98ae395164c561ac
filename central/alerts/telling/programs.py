"""To programs: signed webhooks and central's own broker, as a CloudEvent (cloudevents.io, 1.0).

Signing, and where webhooks may go, is that of events (``central.events``).
"""

from __future__ import annotations

import base64
import binascii
import ssl
from urllib.parse import urlsplit

import msgspec

from central.alerts.model import Channel
from central.alerts.telling.ways import NotTaken
from central.alerts.telling.words import Message
from central.catalogue.errors import NotValid
from central.config import EventsSection
from central.database.moments import from_us
from central.events.model import Letter, Secret
from central.events.model import NotTaken as EventNotTaken
from central.events.mqtt import Mqtt
from central.events.webhook import Webhook
from gateway.clock import Clock, SystemClock
from gateway.link import Link

__all__ = ["Hook", "Topic", "check_hook", "check_topic", "letter"]

_KEY_BYTES = range(24, 65)
_encode = msgspec.json.Encoder(order="deterministic").encode


def letter(message: Message, source: str) -> Letter:
    """A message as programs get it; the same message is the same letter."""
    body = {
        "specversion": "1.0",
        "id": message.id,
        "source": source,
        "type": "tallyport.AlertTold.v1",
        "subject": message.channel,
        "time": from_us(message.made_us),
        "datacontenttype": "application/json",
        "data": {"told": message.told},
    }
    return Letter(message.id, message.channel, "alerts", message.channel, _encode(body))


class Hook:
    """A webhook, signed by the channel's secret."""

    def __init__(self, settings: EventsSection, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()

    async def send(self, channel: Channel, secret: str, message: Message) -> str:
        """See ``Way``."""
        target = Webhook(
            channel.to[0],
            lambda: (Secret(key=secret),),
            clock=self._clock,
            allowed=self._settings.webhook_networks,
            timeout_s=self._settings.webhook_timeout_s,
            tls=ssl.create_default_context(cafile=self._settings.webhook_ca_file),
        )
        try:
            await target.send(letter(message, self._settings.source))
        except EventNotTaken as refusal:
            raise NotTaken(str(refusal), final=refusal.gone) from refusal
        finally:
            await target.close()
        return ""


class Topic:
    """The broker's topic ``tp/v1/events/alerts/CODE`` of each channel."""

    def __init__(self, settings: EventsSection, link: Link) -> None:
        self._source = settings.source
        self._target = Mqtt(link)

    async def send(self, channel: Channel, secret: str, message: Message) -> str:
        """See ``Way``."""
        del channel, secret
        try:
            await self._target.send(letter(message, self._source))
        except EventNotTaken as refusal:
            raise NotTaken(str(refusal)) from refusal
        return ""


def check_hook(channel: Channel, secret: str) -> None:
    """Raises ``NotValid``."""
    if len(channel.to) != 1 or not _is_url(channel.to[0]):
        raise NotValid("a channel for webhook names in `to` one URL such as https://example.com/x")
    if not _is_key(secret):
        raise NotValid(
            "`secret` is the webhook's key: whsec_ and the base64 of 24 to 64 random bytes, such "
            "as `openssl rand -base64 32` makes"
        )


def check_topic(channel: Channel, secret: str) -> None:
    """Raises ``NotValid``."""
    if channel.to or secret:
        raise NotValid(f"a channel for mqtt has no `to` and no secret: its topic ends in its code, "
                       f"tp/v1/events/alerts/{channel.code}")  # fmt: skip


def _is_url(said: str) -> bool:
    try:
        url = urlsplit(said)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _is_key(said: str) -> bool:
    try:
        held = base64.b64decode(said.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return said.startswith("whsec_") and len(held) in _KEY_BYTES
