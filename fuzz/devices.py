"""What devices send: bytes to readings, readings to observations, observations to the wire.

Where a stream is cut changes nothing: not one byte at a time, not in any other pieces. What a
decoder lets through is folded as the edge folds it, and what comes of that is of the contract.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch
from zlib import crc32

import msgspec

from drivers import registry
from drivers.driver import Decoder
from drivers.errors import DeviceError
from drivers.llrp.decode import LlrpDecoder
from drivers.llrp.link import LastingReader, Link
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.llrp.refill import FIELDS
from drivers.readings import Reading
from drivers.scales.mtsics import MtSicsDecoder
from drivers.scales.protocols import PROTOCOLS
from drivers.scanners.keyboard import HidScannerDecoder
from drivers.scanners.scanner import ScannerDecoder
from edge import decode
from edge.decode import as_json
from edge.fold import Folder, FoldSettings
from gateway.contract import Observation

Build = Callable[[], Decoder]
DECODERS: dict[str, tuple[Build, ...]] = {
    "device-llrp": (LlrpDecoder, partial(LlrpDecoder, refill=FIELDS)),
    "device-mt-sics": (MtSicsDecoder,),
    "device-scanner": (
        ScannerDecoder,
        partial(ScannerDecoder, suffix="crlf", separators=("{GS}", "^")),
    ),
    "device-scanner-hid": (
        HidScannerDecoder,
        partial(HidScannerDecoder, layout="de", suffix="tab", separators=("^",)),
    ),
}
"""Every decoder of a device's bytes, in each of its ways."""

_MOST_PER_BYTE = 4
"""No device says more readings than this in a byte."""
_BYTE_BY_BYTE = 1_000
"""Longer streams are cut into pieces of any size only: a call for each byte costs too much."""
_NOW_US = 1_800_000_000_000_000
_MOST_ANSWERED_BYTES = 1_000_000
_observation: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)


SCALE_KINDS: tuple[str, ...] = tuple(
    kind
    for kind in dict.fromkeys((*PROTOCOLS, *registry.FORMATS, *registry.DRIVERS))
    if f"device-{kind}" not in DECODERS
)
"""Every framed scale protocol, and every other kind that has no target of its own."""
NUMBERS: dict[int, str] = {crc32(kind.encode()) & 0xFFFF: kind for kind in sorted(SCALE_KINDS)}
"""A kind's number comes from its name, so that a new kind changes no other one's inputs."""
KINDS: dict[str, tuple[str, ...]] = {
    target: tuple(kind for kind in registry.DRIVERS if target == f"device-{kind}")
    for target in DECODERS
} | {"device-scale": tuple(kind for kind in SCALE_KINDS if kind in registry.DRIVERS)}
"""Target to the kinds of device whose bytes it is given."""


def numbered(kind: str, data: bytes) -> bytes:
    """Bytes of a kind as an input of ``device_scale``."""
    return (crc32(kind.encode()) & 0xFFFF).to_bytes(2, "big") + data


def device_scale(data: bytes) -> None:
    """What a scale sends; the first two bytes say of which kind, or of one near that number."""
    number = int.from_bytes(data[:2], "big")
    nearest = min(NUMBERS, key=lambda one: (one - number) % 0x10000)
    device([partial(registry.decoder, NUMBERS[nearest])], data[2:])


def device(builds: Sequence[Build], data: bytes) -> None:
    """What a device sends, through its decoders and the fold."""
    for build in builds:
        whole = build()
        readings = [*whole.feed(data), *whole.finish()]
        assert len(readings) + len(whole.errors) <= _MOST_PER_BYTE * len(data) + 1
        said = _said(readings, whole)
        for pieces in _cuts(data):
            again = build()
            heard = [one for piece in pieces for one in again.feed(piece)]
            assert _said([*heard, *again.finish()], again) == said
        _fold(readings)


def _said(
    readings: Sequence[Reading], decoder: Decoder
) -> tuple[list[bytes], list[tuple[int, str]]]:
    told = [(error.offset, str(error)) for error in decoder.errors]
    return [msgspec.json.encode(as_json(one)) for one in readings], sorted(told)


def _cuts(data: bytes) -> Iterator[list[bytes]]:
    """The same bytes in two pieces, in single bytes, and in pieces of any size."""
    chance = Random(crc32(data))
    cut = chance.randrange(len(data) + 1)
    yield [data[:cut], data[cut:]]
    if len(data) <= _BYTE_BY_BYTE:
        yield [data[at : at + 1] for at in range(len(data))]
    pieces, at = [], 0
    while at < len(data):
        size = chance.choice((0, 1, 2, 3, 7, 30, 200))
        pieces.append(data[at : at + size])
        at += size
    yield pieces


def _fold(readings: Sequence[Reading]) -> None:
    folder = Folder("device", "point", FoldSettings(), plate=1)
    seen: list[Observation] = []
    for lot, at in enumerate(range(0, len(readings), 50)):
        now_us = _NOW_US + lot * 200_000
        seen += [*folder.feed(readings[at : at + 50], now_us), *folder.tick(now_us + 100_000)]
    seen += folder.flush(_NOW_US + len(readings) * 200_000)
    for one in seen:
        _observation.decode(msgspec.json.encode(one))


def decode_command(data: bytes) -> None:
    """What a person gives to ``tallyport edge decode --hex``."""
    text = data.decode("utf-8", "replace")
    for kind in ("llrp", "mt-sics", "scanner"):
        out, err = io.StringIO(), io.StringIO()
        status = decode.run(kind, text, None, out=out, err=err)
        assert status in {0, 1, 2}
        assert out.getvalue() or err.getvalue(), "silence tells nobody anything"


# ---- a reader that is being set up ---------------------------------------------------------
class _Writer:
    """Where the driver writes its questions; nobody reads them."""

    def __init__(self) -> None:
        self.bytes = 0
        self.transport = SimpleNamespace(
            is_closing=lambda: False,
            abort=lambda: None,
            pause_reading=lambda: None,
            resume_reading=lambda: None,
        )

    def write(self, data: bytes) -> None:
        self.bytes += len(data)

    def close(self) -> None:
        """Nothing to give back."""

    async def wait_closed(self) -> None:
        """Closed already."""


_runner = asyncio.Runner()
_SETTINGS = LlrpConfig(host="reader", rf_mode=None, gpis=(1,))


def llrp_session(data: bytes) -> None:
    """A whole connection of a reader: events, capabilities, configuration, ROSpecs, reports.

    It ends with a ``DeviceError``, because every one of them hangs up in the end.
    """
    _runner.run(_session(data))


async def _session(data: bytes) -> None:
    reader, writer = LastingReader(limit=2**22), _Writer()
    reader.feed_data(data)
    reader.feed_eof()

    async def dial(_: LlrpConfig) -> Link:
        return Link(reader, cast("asyncio.StreamWriter", writer), "fuzz")

    async def emit(readings: Sequence[Reading]) -> None:
        for one in readings:
            msgspec.json.encode(as_json(one))

    with patch("drivers.llrp.reader.dial", dial), suppress(DeviceError):
        await LlrpReader(_SETTINGS).run(emit)
        raise AssertionError("a driver never ends by itself")
    assert writer.bytes, "a good-bye at least"
    assert writer.bytes <= _MOST_ANSWERED_BYTES + 10 * len(data)
