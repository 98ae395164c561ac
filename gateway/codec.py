"""Bytes to contract types and back: everything that crosses the wire passes here.

JSON, because it can be read in any MQTT explorer; a batch may be packed with zstd, which is
recognised by its frame's magic number (RFC 8878 §3.1.1). What we send is read back before it
leaves, so that a mistake surfaces where it is made and not in the quarantine of central.
Every payload that is not of version 1 raises ``ContractError``, and nothing else.
"""

from __future__ import annotations

import io
from typing import Final, TypeVar

import msgspec
import zstandard

from gateway.contract import VERSION, Batch, ContractError, Digest, Presence, Watermark

MAX_PAYLOAD_BYTES: Final = 8 * 1024 * 1024
"""The most that a payload may hold once unpacked: a guard against decompression bombs."""
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
ZSTD_LEVEL: Final = 3

T = TypeVar("T", Batch, Watermark, Presence, Digest)


class _Versioned(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_version_decoder = msgspec.json.Decoder(_Versioned)
_batch_decoder = msgspec.json.Decoder(Batch)
_watermark_decoder = msgspec.json.Decoder(Watermark)
_presence_decoder = msgspec.json.Decoder(Presence)
_digest_decoder = msgspec.json.Decoder(Digest)


def encode(batch: Batch, *, compress: bool = False) -> bytes:
    """Put a batch on the wire; ``compress`` packs it with zstd.

    Raises ``ContractError`` when the batch breaks its own contract: a naive time, a name with
    capitals, too many observations, more than ``MAX_PAYLOAD_BYTES``.
    """
    payload = _encode(batch, _batch_decoder)
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(payload) if compress else payload


def decode(payload: bytes) -> Batch:
    """Read a batch, packed or plain. Raises ``ContractError`` saying what is wrong and where."""
    return _decode(unpack(payload), _batch_decoder)


def encode_watermark(watermark: Watermark) -> bytes:
    """Put a watermark on the wire. Raises ``ContractError`` as ``encode`` does."""
    return _encode(watermark, _watermark_decoder)


def decode_watermark(payload: bytes) -> Watermark:
    """Read a watermark. Raises ``ContractError`` saying what is wrong and where."""
    return _decode(payload, _watermark_decoder)


def encode_presence(presence: Presence) -> bytes:
    """Put a presence on the wire. Raises ``ContractError`` as ``encode`` does."""
    return _encode(presence, _presence_decoder)


def decode_presence(payload: bytes) -> Presence:
    """Read a presence. Raises ``ContractError`` saying what is wrong and where."""
    return _decode(payload, _presence_decoder)


def encode_digest(digest: Digest) -> bytes:
    """Put a digest on the wire. Raises ``ContractError`` as ``encode`` does."""
    return _encode(digest, _digest_decoder)


def decode_digest(payload: bytes) -> Digest:
    """Read a digest. Raises ``ContractError`` saying what is wrong and where."""
    return _decode(payload, _digest_decoder)


def _encode(value: T, decoder: msgspec.json.Decoder[T]) -> bytes:
    try:
        payload = _encoder.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise ContractError(f"cannot be written as JSON: {error}") from error
    _decode(payload, decoder)
    return payload


def _decode(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ContractError(f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} allowed")
    try:
        version = _version_decoder.decode(payload).v
        if version != VERSION:
            raise ContractError(
                f"payload says version {version}, this program understands {VERSION}: "
                "bring both sides to the same release - at `$.v`"
            )
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ContractError(f"not a version {VERSION} payload: {error}") from error


def unpack(payload: bytes) -> bytes:
    """What a payload says, if it is packed. Raises ``ContractError`` when it cannot be unpacked."""
    if not payload.startswith(ZSTD_MAGIC):
        return payload
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_PAYLOAD_BYTES)
    try:
        with unpacker.stream_reader(io.BytesIO(payload), read_across_frames=False) as stream:
            unpacked: bytes = stream.read(MAX_PAYLOAD_BYTES + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise ContractError(f"zstd frame cannot be unpacked: {error}") from error
    if len(unpacked) > MAX_PAYLOAD_BYTES:
        raise ContractError(f"zstd frame unpacks to more than {MAX_PAYLOAD_BYTES} bytes")
    return unpacked
