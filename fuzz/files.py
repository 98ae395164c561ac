"""What people write and send as files: settings, recordings, captures, digests, codes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from central.config import load_settings
from central.keeping.digest_files import read_digests
from drivers.recording import RecordingError, read_recording
from drivers.registry import UnknownDriver
from edge.captures import CaptureError, is_capture
from edge.config import load
from edge.replaying import replay
from gateway.command_codes import CodeError, parse_code
from gateway.contract import Observation
from gateway.gs1 import Gs1Error, parse, parse_scan
from gateway.gs1.epc import decode_epc
from gateway.settings_errors import ConfigError

_LONGEST_REPLAYED_S = 60.0
_observation: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)


def epc(data: bytes) -> None:
    """What a reader heard, as hexadecimal; never raises."""
    decode_epc(data.hex())
    decode_epc(data.decode("latin-1"))


def barcode(data: bytes) -> None:
    """What a scanner said; never raises, and what it says can be told on as JSON."""
    text = data.decode("utf-8", "replace")
    for symbology in (None, "]C1", "]d2", "]Q3", "]E0"):
        msgspec.json.encode(parse_scan(text, symbology))
    for read in (text, f"TP-{text}"):
        with suppress(CodeError):
            msgspec.json.encode(parse_code(read))


def gs1_text(data: bytes) -> None:
    """What a person pastes into ``tallyport gs1 parse``."""
    try:
        parse(data.decode("utf-8", "replace"))
    except Gs1Error as error:
        assert str(error)


def edge_config(data: bytes) -> None:
    """An edge's settings: right, or every mistake in a sentence."""
    _settings(load, data)


def central_config(data: bytes) -> None:
    """Central's settings."""
    _settings(load_settings, data)


def _settings(read: Callable[[Path], object], data: bytes) -> None:
    with NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        try:
            read(Path(file.name))
        except ConfigError as error:
            assert str(error)


def recording(data: bytes) -> None:
    """A recording or a capture that somebody sent: read, and folded as ``edge replay`` does."""
    _file(".jsonl", data)
    _file(".jsonl.gz", data)
    _file(".jsonl.gz", gzip.compress(data, 1))


def _file(suffix: str, data: bytes) -> None:
    with NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        try:
            if not is_capture(path):
                told = read_recording(path)
                for _, read in told.tag_reads():
                    msgspec.json.encode(read)
                if told.duration_s > _LONGEST_REPLAYED_S:
                    return  # right, but too long to try thousands of
            for one in replay(path):
                _observation.decode(msgspec.json.encode(one))
        except (RecordingError, CaptureError, UnknownDriver) as error:
            assert str(error)


def digest_file(data: bytes) -> None:
    """What ``central verify --digests`` is given."""
    with NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(data)
        file.flush()
        try:
            list(read_digests(Path(file.name)))
        except ValueError as error:
            assert file.name in str(error)
