"""What comes over MQTT: payloads of the contract, and the packets of strangers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import mqtt5

from edge.chapters import Chapter, Stretch
from edge.uplink import Uplink, UplinkSettings
from gateway import codec, topic_filters, topics
from gateway.broker import EmbeddedBroker
from gateway.broker_client import BrokerClient
from gateway.broker_wire import PacketStream, Refusal
from gateway.clock import SystemClock
from gateway.contract import ContractError

_runner = asyncio.Runner()
_LARGEST_BIGINT = 2**63 - 1


def mqtt_batch(data: bytes) -> None:
    """What claims to be a batch: understood and written back alike, or refused."""
    try:
        batch = codec.decode(data)
    except ContractError:
        return
    assert codec.decode(codec.encode(batch)) == batch
    assert codec.decode(codec.encode(batch, compress=True)) == batch


def mqtt_words(data: bytes) -> None:
    """Watermarks, presences and digests: understood and written back alike, or refused."""
    for decode, encode in (
        (codec.decode_watermark, codec.encode_watermark),
        (codec.decode_presence, codec.encode_presence),
        (codec.decode_digest, codec.encode_digest),
    ):
        try:
            told: Any = decode(data)
        except ContractError:
            continue
        assert decode(cast("Any", encode)(told)) == told


def mqtt_topics(data: bytes) -> None:
    """Topic names and filters, one a line."""
    names = data.decode("utf-8", "replace").split("\n")
    for name in names:
        address = topics.parse(name)
        if address is not None:
            assert name == f"{topics.ROOT}/{address.site}/{address.edge}/{address.leaf}"
        if topic_filters.is_topic(name) and topic_filters.is_filter(names[0]):
            topic_filters.matches(names[0], name)
            assert topic_filters.matches(name, name)
            assert topic_filters.matches("#", name) is not name.startswith("$")


# ---- central's word to an edge -------------------------------------------------------------
class _Source:
    """A journal with two chapters, as far as the uplink looks into it."""

    def __init__(self) -> None:
        self.chapters: tuple[Chapter, ...] = (
            Chapter("epoch001", last_seq=40, trimmed_upto=10),
            Chapter("epoch002", last_seq=7, after_epoch="epoch001", after_seq=40),
        )

    async def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        """Nothing to send: only central's word matters here."""
        assert -1 <= after_seq <= _LARGEST_BIGINT
        return Stretch(after_seq + 1, 0, [])

    async def trim(self, epoch: str, upto_seq: int) -> None:
        """The database's integers have 64 bits."""
        assert 0 <= upto_seq <= _LARGEST_BIGINT

    async def set_aside(self, epoch: str, why: str) -> int:
        """As the journal does: that chapter is done with."""
        self.chapters = self.chapters[1:] if len(self.chapters) > 1 else self.chapters
        return 0


def edge_watermark(data: bytes) -> None:
    """What comes on an edge's ``down/watermark``, one a line: believed or counted as foreign."""
    _runner.run(_watermarks(data))


async def _watermarks(data: bytes) -> None:
    async def publish(_topic: str, _payload: bytes) -> None:
        """Accepted."""

    uplink = Uplink(
        _Source(), publish, site="site", edge="edge",
        settings=UplinkSettings(), clock=SystemClock(),
    )  # fmt: skip
    uplink.connected()
    sending = asyncio.create_task(uplink.run())
    for line in data.split(b"\n"):
        uplink.watermark(line)
        await asyncio.sleep(0)
        assert 0 <= uplink.acked_seq <= _LARGEST_BIGINT
        assert not sending.done(), sending.exception()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


# ---- strangers at the broker ---------------------------------------------------------------
def broker_packets(data: bytes) -> None:
    """What a stranger sends to the embedded broker, as far as packets."""
    stream = PacketStream(1_000_000)
    stream.feed(data)
    try:
        while stream.next() is not None:
            continue
    except Refusal:
        return


class _Transport(asyncio.Transport):
    """A connection that takes everything; ``said`` is what the broker answered."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.said = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Noted."""
        self.said += bytes(data)

    def is_closing(self) -> bool:
        """Whether the broker hung up."""
        return self.closing

    def close(self) -> None:
        """Hung up."""
        self.closing = True

    def abort(self) -> None:
        """Hung up."""
        self.closing = True


_FAILED = bytes(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode(0x80)).write())


def broker_session(data: bytes) -> None:
    """A stranger's whole connection, twice: the broker never fails at it, nor forgets to end."""
    _runner.run(_strangers(data))


async def _strangers(data: bytes) -> None:
    broker = EmbeddedBroker()
    for piece in (len(data) + 1, 1):
        client, transport = BrokerClient(broker), _Transport()
        client.connection_made(transport)
        for at in range(0, len(data), piece):
            if not transport.is_closing():
                client.data_received(data[at : at + piece])
        assert not transport.said.endswith(_FAILED), "the broker failed at a packet"
        client.connection_lost(None)
        assert client.closed.done()
    await _let_timers_go(broker)


async def _let_timers_go(broker: EmbeddedBroker) -> None:
    """The broker was never started, and yet has sessions that end some day: forget them."""
    broker._server = cast("Any", SimpleNamespace(close=lambda: None, wait_closed=_nothing))  # noqa: SLF001
    await broker.stop()


async def _nothing() -> None:
    """Nothing was opened."""
