"""What must hold of each parser, for any bytes at all: one definition for fuzzer and tests.

A target takes bytes and returns; whatever it raises is a finding. Parsers may answer with their
declared error and nothing else, their output is bounded by their input, and where they are fed
piece by piece, where the pieces are cut changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from central.config import load_settings
from drivers import registry
from drivers.recording import RecordingError, read_recording
from edge.config import load
from edge.decode import as_json
from gateway import codec
from gateway.broker_wire import PacketStream, Refusal
from gateway.contract import ContractError
from gateway.gs1 import Gs1Error, parse, parse_scan
from gateway.gs1.epc import decode_epc
from gateway.settings_errors import ConfigError

Target = Callable[[bytes], None]
DEVICES = ("llrp", "mt-sics", "scanner")
_MOST_PER_BYTE = 4
"""No device says more readings than this in a byte."""


def _device(kind: str) -> Target:
    """A device's decoder, as ``tallyport edge decode`` uses it."""

    def one(data: bytes) -> None:
        whole = registry.load(kind).decoder()
        readings = [*whole.feed(data), *whole.finish()]
        assert len(readings) + len(whole.errors) <= _MOST_PER_BYTE * len(data) + 1
        said = [msgspec.json.encode(as_json(one)) for one in readings]
        cut = data[0] % (len(data) + 1) if data else 0
        pieces = registry.load(kind).decoder()
        again = [*pieces.feed(data[:cut]), *pieces.feed(data[cut:]), *pieces.finish()]
        assert [msgspec.json.encode(as_json(one)) for one in again] == said

    return one


def mqtt_batch(data: bytes) -> None:
    """What claims to be a batch: understood and written back alike, or refused."""
    try:
        batch = codec.decode(data)
    except ContractError:
        return
    assert codec.decode(codec.encode(batch)) == batch
    assert codec.decode(codec.encode(batch, compress=True)) == batch


def mqtt_words(data: bytes) -> None:
    """Watermarks, presences and digests."""
    for decode in (codec.decode_watermark, codec.decode_presence, codec.decode_digest):
        try:
            decode(data)
        except ContractError:
            continue


def broker_packets(data: bytes) -> None:
    """What a stranger sends to the embedded broker."""
    stream = PacketStream(1_000_000)
    stream.feed(data)
    try:
        while stream.next() is not None:
            continue
    except Refusal:
        return


def epc(data: bytes) -> None:
    """What a reader heard, as hexadecimal; never raises."""
    decode_epc(data.hex())
    decode_epc(data.decode("latin-1"))


def barcode(data: bytes) -> None:
    """What a scanner said; never raises."""
    text = data.decode("utf-8", "replace")
    parse_scan(text, None)
    parse_scan(text, "]C1")
    parse_scan(text, "]d2")


def gs1_text(data: bytes) -> None:
    """What a person pastes into ``tallyport gs1 parse``."""
    try:
        parse(data.decode("utf-8", "replace"))
    except Gs1Error:
        return


def edge_config(data: bytes) -> None:
    """An edge's settings: right, or every mistake in a sentence."""
    _settings(load, data)


def central_config(data: bytes) -> None:
    """Central's settings."""
    _settings(load_settings, data)


def recording(data: bytes) -> None:
    """A recording that somebody sent."""
    with NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(data)
        file.flush()
        try:
            read_recording(Path(file.name))
        except RecordingError as error:
            assert str(error)


def _settings(read: Callable[[Path], object], data: bytes) -> None:
    with NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        try:
            read(Path(file.name))
        except ConfigError as error:
            assert str(error)


TARGETS: dict[str, Target] = {
    **{f"device-{kind}": _device(kind) for kind in DEVICES},
    "mqtt-batch": mqtt_batch,
    "mqtt-words": mqtt_words,
    "broker-packets": broker_packets,
    "epc": epc,
    "barcode": barcode,
    "gs1-text": gs1_text,
    "edge-config": edge_config,
    "central-config": central_config,
    "recording": recording,
}
