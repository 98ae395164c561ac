"""What pasted or recorded device bytes say, as JSON Lines: ``tallyport edge decode``.

The same decoder as in the running edge reads them. What makes no sense is told on stderr
with its offset and never ends the run. Exit status: 0 when all made sense, 1 when something
did not, 2 for wrong usage.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec

from drivers import registry
from drivers.driver import Decoder
from drivers.errors import FrameError
from drivers.readings import (
    CodeScan,
    DeviceEvent,
    LoadCellWindow,
    Reading,
    TagRead,
    WeightReading,
)
from gateway.command_codes import CodeError, CommandCode, parse_code
from gateway.gs1.scan import ScanParse, parse_scan

_CHUNK_BYTES = 65_536
_FRAME_SHOWN_BYTES = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_10000_US = 253_402_300_800_000_000
_PREFIX = re.compile(r"(?:0|\\)[xX]")
_BLANKS = re.compile(r"[\s:,;\-]+")


class UsageError(ValueError):
    """What was asked cannot be done; the message says why."""


def decode(kind: str, data: bytes) -> tuple[list[dict[str, object]], list[FrameError]]:
    """Decode bytes of a device of this kind: JSON-ready readings, and what made no sense.

    Raises ``registry.UnknownDriver``.
    """
    decoder = registry.decoder(kind)
    readings = [*decoder.feed(data), *decoder.finish()]
    return [as_json(reading) for reading in readings], decoder.errors


def run(
    driver: str,
    hex_text: str | None,
    file: str | Path | None,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Print the readings of ``hex_text`` or of ``file`` (``-`` is stdin); give the exit status."""
    out, err = out or sys.stdout, err or sys.stderr
    try:
        decoder = registry.decoder(driver)
        chunks = _chunks(hex_text, file)
        return _print(decoder, chunks, out, err)
    except (registry.UnknownDriver, ImportError, UsageError) as error:
        err.write(f"{error}\n")
        return 2
    except BrokenPipeError:  # whoever read our output (head, less) has seen enough
        return 0


def from_hex(text: str) -> bytes:
    r"""Bytes of hexadecimal text. Blanks, line ends, ``:`` ``,`` ``;`` ``-``, ``0x`` and ``\x``
    may stand between them. Raises ``UsageError``.
    """
    tokens = _BLANKS.sub(" ", _PREFIX.sub(" ", text)).split()
    digits = "".join(tokens)
    wrong = re.search(r"[^0-9A-Fa-f]", digits)
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no hexadecimal digit: --hex takes 53 20 53, 53:20, 0x53."
        )
    if not digits:
        raise UsageError("--hex is empty: give the bytes as hexadecimal, like 53 20 53.")
    if len(digits) % 2:
        raise UsageError(
            f"--hex has {len(digits)} digits, and a byte is two: is the first or last one missing?"
        )
    return bytes.fromhex(digits)


def _chunks(hex_text: str | None, file: str | Path | None) -> Iterator[bytes]:
    if (hex_text is None) == (file is None):
        raise UsageError("Give the bytes either with --hex HEX or with --file FILE (- is stdin).")
    if hex_text is not None:
        return iter([from_hex(hex_text)])
    if str(file) == "-":
        return _read(sys.stdin.buffer)
    path = Path(str(file))
    try:
        opened = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    return _read(opened)


def _read(source: BinaryIO) -> Iterator[bytes]:
    with source:
        try:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
        except OSError as error:
            raise UsageError(f"The input cannot be read: {error}.") from error


def _print(decoder: Decoder, chunks: Iterator[bytes], out: TextIO, err: TextIO) -> int:
    told = sizes = lines = 0

    def tell(readings: list[Reading]) -> None:
        nonlocal told, lines
        out.writelines(msgspec.json.encode(as_json(r)).decode() + "\n" for r in readings)
        lines += len(readings)
        err.writelines(_in_words(error) + "\n" for error in decoder.errors[told:])
        told = len(decoder.errors)

    for chunk in chunks:
        sizes += len(chunk)
        tell(decoder.feed(chunk))
    tell(decoder.finish())
    out.flush()
    if not told and not lines:
        err.write(f"There is no reading in these {sizes} bytes, and nothing wrong with them.\n")
    return 1 if told or not sizes else 0


def _in_words(error: FrameError) -> str:
    shown = error.frame[:_FRAME_SHOWN_BYTES].hex(" ")
    more = " ..." if len(error.frame) > _FRAME_SHOWN_BYTES else ""
    frame = f" [{shown}{more}]" if shown else ""
    hint = f" {error.hint}" if error.hint else ""
    return f"offset {error.offset}: {error}{frame}{hint}"


# ---- readings as the command promises them ------------------------------------------------
def as_json(reading: Reading) -> dict[str, object]:
    """One reading, ready for JSON."""
    if isinstance(reading, TagRead):
        return _tag(reading)
    if isinstance(reading, WeightReading):
        return _weight(reading)
    if isinstance(reading, CodeScan):
        return _code(reading)
    if isinstance(reading, LoadCellWindow):
        return _window(reading)
    return _event(reading)


def _tag(read: TagRead) -> dict[str, object]:
    # A clock that counts from the reader's boot says nothing about the date.
    clocked = not read.uptime_clock
    return {
        "kind": "tag",
        "epc": read.epc,
        "epc_bits": read.epc_bits,
        "antenna": read.antenna,
        "peak_rssi_dbm": read.peak_rssi_dbm,
        "first_seen_at": _moment(read.first_seen_us) if clocked else None,
        "last_seen_at": _moment(read.last_seen_us) if clocked else None,
        "count": read.count,
        "phase_rad": read.phase_rad,
        "doppler_hz": read.doppler_hz,
        "channel": read.channel,
    }


def _weight(reading: WeightReading) -> dict[str, object]:
    value = reading.value
    said: dict[str, object] = {
        "kind": "weight",
        "value": None if value is None else reading.digits or format(value, "f"),
        "unit": reading.unit,
        "stable": reading.stable,
        "net": reading.net,
        "status": reading.status.value,
    }
    # What few protocols tell is a key only where it was told.
    told = {
        "zero": reading.zero,
        "tare": reading.tare or None,
        "compare": reading.compare,
        "device": reading.device,
        "calibration": reading.calibration,
    }
    return said | {name: what for name, what in told.items() if what is not None}


def _window(window: LoadCellWindow) -> dict[str, object]:
    said: dict[str, object] = {"kind": "load_cell", **msgspec.structs.asdict(window)}
    figures = {"mean": window.mean, "std": window.std, "temp_c": window.temp_c}
    return said | {
        name: None if figure is None else format(figure, "f") for name, figure in figures.items()
    }


def _code(scan: CodeScan) -> dict[str, object]:
    command, place, wrong = _ours(scan.data)
    ours = command or place or wrong
    parsed = ScanParse() if ours else parse_scan(scan.data, scan.symbology)
    return {
        "kind": "code",
        "symbology": scan.symbology,
        "data": scan.data,
        "gtin": parsed.gtin,
        "sscc": parsed.sscc,
        "elements": parsed.elements,
        "gs1_error": parsed.error,
        "ambiguity": parsed.ambiguity,
        "command": command,
        "place": place,
        "label_error": wrong,
    }


def _ours(data: str) -> tuple[str | None, str | None, str | None]:
    """The command or the place of a label of ours, or why it is none."""
    try:
        meaning = parse_code(data)
    except CodeError as error:
        return None, None, str(error)
    if isinstance(meaning, CommandCode):
        return meaning.verb.value, None, None
    return None, meaning.place if meaning else None, None


def _event(event: DeviceEvent) -> dict[str, object]:
    return {
        "kind": "event",
        "name": event.name,
        "port": event.port,
        "state": event.state,
        "at": None if event.uptime_clock else _moment(event.at_us),
        "detail": event.detail,
    }


def _moment(at_us: int | None) -> str | None:
    """RFC 3339 in UTC with microseconds; ``None`` for times no calendar has."""
    if at_us is None or not 0 <= at_us < _YEAR_10000_US:
        return None
    moment = _EPOCH + timedelta(microseconds=at_us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
