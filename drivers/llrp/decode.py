"""LLRP tag reports and reader events to readings: pure, bounded, a few microseconds a tag.

Formats: LLRP 1.0.1 sections 16.2.7.3 (TagReportData) and 16.2.7.6 (events); Impinj's
``ImpinjRFPhaseAngle`` (4096ths of a turn), ``ImpinjPeakRSSI`` (1/100 dBm) and
``ImpinjRFDopplerFrequency`` (1/16 Hz) from Impinj's Octane LLRP guide.

A reader sends tag after tag with the same parameters in the same places. The first tag is
walked parameter by parameter, which yields a *layout*: which bits are headers and what
they must be, and where the values stand. A later tag whose header bits are the same is
taken apart by one comparison and one ``unpack``. A tag of another shape is walked again, so
that the result never depends on what came before (but see ``drivers.llrp.refill``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import tau
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple

from drivers.errors import FrameError
from drivers.llrp.events import event_readings
from drivers.llrp.frames import (
    HEADER_BYTES,
    MESSAGE_KINDS,
    READER_EVENT_NOTIFICATION,
    RO_ACCESS_REPORT,
    Frame,
    FrameSplitter,
    in_order,
)
from drivers.llrp.refill import LastValues
from drivers.readings import Reading, TagRead

IMPINJ_PEN = 25882
"""Impinj's private enterprise number, the vendor of its custom parameters."""

TAG_REPORT_DATA = 240
_EPC_DATA = 241
_EPC_96 = 13
_EPC_BITS_MAX = 512
"""What a message carries. A tag announces 496 at most (EPC Gen2 v2, StoredPC: 31 words), but 512
stand in a captured session.
"""
_CUSTOM = 1023
_PARAMETER_BYTES = 4
_CUSTOM_BYTES = 12
_RADIANS = tau / 4096
_LAYOUTS_MAX = 256
_ERRORS_MAX = 10_000
_EPC_TEXTS_MAX = 8_192

# Bytes after the type byte of each TV-encoded parameter (LLRP 1.1 section 17.2.7.3).
_TV_BYTES = {
    1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2,
    11: 2, 12: 2, 13: 12, 14: 2, 15: 2, 16: 4, 17: 2, 18: 4, 19: 2, 20: 2,
}  # fmt: skip

# Parameter -> (slot, struct code). Slots are the order in which a layout yields values.
_EPC, _ANTENNA, _RSSI, _FIRST, _LAST, _COUNT, _CHANNEL, _PHASE, _DOPPLER, _ROSPEC = range(10)
_UPTIME_FIRST, _UPTIME_LAST, _FINE_RSSI = 10, 11, 12
_TV_SLOTS = {
    1: (_ANTENNA, "H"),
    2: (_FIRST, "Q"),
    3: (_UPTIME_FIRST, "Q"),
    4: (_LAST, "Q"),
    5: (_UPTIME_LAST, "Q"),
    6: (_RSSI, "b"),
    7: (_CHANNEL, "H"),
    8: (_COUNT, "H"),
    9: (_ROSPEC, "I"),
    _EPC_96: (_EPC, "12s"),
}
_IMPINJ_SLOTS = {56: (_PHASE, "H"), 57: (_FINE_RSSI, "h"), 68: (_DOPPLER, "h")}

_pair = Struct(">HH")
_vendor = Struct(">II")


class _NonsenseError(Exception):
    """A TagReportData that cannot be taken apart."""


class _Layout(NamedTuple):
    size: int
    mask: int
    pattern: int
    unpack_from: Callable[[bytes, int], tuple[Any, ...]]
    pick: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    epc_bits: int
    rssi_scale: float
    uptime_clock: bool
    remark: str


class _Walk:
    """One walk over a TagReportData, noting headers and places of values."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data, self.start, self.end = data, start, end
        self.mask = bytearray(end - start)
        self.places: list[tuple[int, int, str, int]] = []  # position, size, code, slot
        self.epc_bits = -1
        self.remark = ""

    def walk(self) -> _Layout:
        self.fix(self.start, _PARAMETER_BYTES)
        position = self.start + _PARAMETER_BYTES
        while position < self.end:
            step = self.tv if self.data[position] & 0x80 else self.tlv
            position = step(position)
        if self.epc_bits < 0:
            raise _NonsenseError("a tag without an EPC")
        return self.layout()

    def fix(self, position: int, size: int) -> None:
        at = position - self.start
        self.mask[at : at + size] = b"\xff" * size

    def take(self, position: int, size: int, code: str, slot: int) -> None:
        if slot == _EPC:
            if self.epc_bits >= 0:
                raise _NonsenseError("a tag with two EPCs")
            self.epc_bits = 96
        self.places = [place for place in self.places if place[3] != slot]
        self.places.append((position, size, code, slot))

    def tv(self, position: int) -> int:
        kind = self.data[position] & 0x7F
        size = _TV_BYTES.get(kind)
        self.fix(position, 1)
        if size is None:
            if self.epc_bits < 0:
                raise _NonsenseError(f"parameter {kind} of unknown length before the EPC")
            self.remark = f"parameter {kind} of unknown length: the rest of the tag is not read"
            return self.end
        if position + 1 + size > self.end:
            missing = position + 1 + size - self.end
            raise _NonsenseError(f"parameter {kind} is cut short by {missing} bytes")
        if kind in _TV_SLOTS:
            slot, code = _TV_SLOTS[kind]
            self.take(position + 1, size, code, slot)
        return position + 1 + size

    def tlv(self, position: int) -> int:
        if position + _PARAMETER_BYTES > self.end:
            raise _NonsenseError("a parameter header is cut short")
        word, size = _pair.unpack_from(self.data, position)
        kind = word & 0x3FF
        if size < _PARAMETER_BYTES or position + size > self.end:
            raise _NonsenseError(f"parameter {kind} announces {size} bytes that are not there")
        self.fix(position, _PARAMETER_BYTES)
        if kind == _EPC_DATA:
            self.epc_data(position, size)
        elif kind == _CUSTOM and size >= _CUSTOM_BYTES:
            self.fix(position, _CUSTOM_BYTES)
            vendor, subtype = _vendor.unpack_from(self.data, position + _PARAMETER_BYTES)
            if vendor == IMPINJ_PEN and subtype in _IMPINJ_SLOTS and size == _CUSTOM_BYTES + 2:
                slot, code = _IMPINJ_SLOTS[subtype]
                self.take(position + _CUSTOM_BYTES, 2, code, slot)
        return position + int(size)

    def epc_data(self, position: int, size: int) -> None:
        if size < _PARAMETER_BYTES + 2:
            raise _NonsenseError("EPCData without its length")
        self.fix(position + _PARAMETER_BYTES, 2)
        bits = int.from_bytes(self.data[position + 4 : position + 6], "big")
        if bits > _EPC_BITS_MAX:
            raise _NonsenseError(f"an EPC of {bits} bits, of {_EPC_BITS_MAX} at most")
        sent, needed = size - 6, (bits + 7) // 8
        if sent not in (needed, needed + needed % 2):
            raise _NonsenseError(f"an EPC of {bits} bits in {sent} bytes")
        self.take(position + 6, needed, f"{needed}s", _EPC)
        self.epc_bits = bits

    def layout(self) -> _Layout:
        order: dict[int, int] = {}
        code, position = [">"], self.start
        for index, (place, size, field, slot) in enumerate(self.places):
            code.append(f"{place - position}x{field}")
            order[slot] = index
            position = place + size
        uptime = not order.keys() & {_FIRST, _LAST} and bool(
            order.keys() & {_UPTIME_FIRST, _UPTIME_LAST}
        )
        if uptime:
            order.update({_FIRST: order.get(_UPTIME_FIRST, -1), _LAST: order.get(_UPTIME_LAST, -1)})
        fine = _FINE_RSSI in order
        if fine:
            order[_RSSI] = order[_FINE_RSSI]
        indexes = [order.get(slot, -1) for slot in range(10)]  # -1: the None at the end
        return _Layout(
            size=self.end - self.start,
            mask=(mask := int.from_bytes(self.mask, "big")),
            pattern=int.from_bytes(self.data[self.start : self.end], "big") & mask,
            unpack_from=Struct("".join(code)).unpack_from,
            pick=itemgetter(*indexes),
            epc_bits=self.epc_bits,
            rssi_scale=100.0 if fine else 1.0,
            uptime_clock=uptime,
            remark=self.remark,
        )


class ReportDecoder:
    """Takes RO_ACCESS_REPORT messages of one connection apart.

    ``refill`` names the fields of ``TagRead`` that the reader leaves out when they are what
    they were: those get their last value (see ``drivers.llrp.refill``).
    """

    def __init__(self, *, refill: Collection[str] = ()) -> None:
        self._last = LastValues(refill) if refill else None
        self._layouts: dict[int, list[_Layout]] = {}
        self._layout_count = 0
        self._epc_texts: dict[bytes, str] = {}

    def decode(self, frame: bytes, offset: int = 0) -> tuple[list[TagRead], list[FrameError]]:
        """Give the tags of one whole message, and what of it made no sense.

        ``offset`` is where the message stands in its stream, for the errors. A damaged tag
        is left out; the tags beside it are kept as long as its own length makes sense.
        """
        reads: list[TagRead] = []
        errors: list[FrameError] = []
        position, end = HEADER_BYTES, len(frame)
        while position < end:
            kind, size = (0, 0) if position + 4 > end else _pair.unpack_from(frame, position)
            kind &= 0x3FF
            if size < _PARAMETER_BYTES or position + size > end:
                what = f"A tag report holds a parameter of {size} bytes with {end - position} left"
                errors.append(_error(what, frame, offset, position))
                self.missed()
                break
            if kind != TAG_REPORT_DATA:
                position += size
                continue
            try:
                layout = self._layout(frame, position, size)
            except _NonsenseError as reason:
                what = f"A tag was refused: {reason}"
                errors.append(_error(what, frame, offset, position))
                self.missed()
                position += size
                continue
            if layout.remark:
                what = f"A tag was read in part: {layout.remark}"
                errors.append(_error(what, frame, offset, position))
                position = self._run(layout, frame, position, position + size, reads)
                self.missed()
            else:
                position = self._run(layout, frame, position, end, reads)
        return reads, errors

    def missed(self) -> None:
        """Something that the reader sent was not understood: it may have held a new value."""
        if self._last is not None:
            self._last.forget()

    def _layout(self, frame: bytes, position: int, size: int) -> _Layout:
        known = self._layouts.get(size, ())
        header = int.from_bytes(frame[position : position + size], "big")
        for layout in known:
            if header & layout.mask == layout.pattern:
                return layout
        layout = _Walk(frame, position, position + size).walk()
        if self._layout_count < _LAYOUTS_MAX:
            self._layout_count += 1
            self._layouts.setdefault(size, []).append(layout)
        return layout

    def _run(
        self, layout: _Layout, frame: bytes, position: int, end: int, reads: list[TagRead]
    ) -> int:
        """Read tags as long as they have this layout; return where it ends."""
        size, mask, pattern, unpack_from, pick, bits, scale, uptime, _ = layout
        from_bytes, append, none = int.from_bytes, reads.append, (None,)
        texts, last_values = self._epc_texts, self._last
        while (
            position + size <= end
            and from_bytes(frame[position : position + size], "big") & mask == pattern
        ):
            epc, antenna, rssi, first, last, count, channel, phase, doppler, rospec = pick(
                unpack_from(frame, position) + none
            )
            position += size
            text = texts.get(epc)
            if text is None:
                if len(texts) >= _EPC_TEXTS_MAX:
                    texts.clear()
                text = texts[epc] = epc.hex().upper()
            read = TagRead(
                epc=text,
                epc_bits=bits,
                antenna=antenna,
                peak_rssi_dbm=None if rssi is None else rssi / scale,
                first_seen_us=first,
                last_seen_us=last,
                uptime_clock=uptime,
                count=count or 1,
                phase_rad=None if phase is None else (phase & 0xFFF) * _RADIANS,
                doppler_hz=None if doppler is None else doppler / 16,
                channel=channel,
            )
            if last_values is not None:
                read = last_values.fill(read, counted=count is not None, rospec=rospec)
            append(read)
        return position


def _error(what: str, frame: bytes, offset: int, position: int) -> FrameError:
    return FrameError(what, offset=offset + position, frame=frame[position : position + 64])


class LlrpDecoder:
    """Readings from a byte stream of concatenated LLRP messages (``drivers.driver.Decoder``).

    Messages in either direction may be in it. Tag reports and reader events become
    readings; other messages are passed over; what makes no sense goes to ``errors`` (the
    first 10,000 are kept, ``error_count`` counts all). Without ``refill`` (see
    ``ReportDecoder``) every report is taken as it stands.
    """

    def __init__(self, *, refill: Collection[str] = ()) -> None:
        self.errors: list[FrameError] = []
        self.error_count = 0
        self._splitter = FrameSplitter()
        self._reports = ReportDecoder(refill=refill)

    def feed(self, data: bytes) -> list[Reading]:
        """Decode every message that is complete; keep the rest (at most 4 MiB)."""
        frames, errors = self._splitter.feed(data)
        return self._read(frames, errors)

    def finish(self) -> list[Reading]:
        """The stream ended: report an unfinished message."""
        frames, errors = self._splitter.finish()
        return self._read(frames, errors)

    def _read(self, frames: list[Frame], errors: list[FrameError]) -> list[Reading]:
        readings: list[Reading] = []
        found: list[FrameError] = []
        for frame in in_order(frames, errors):
            if isinstance(frame, FrameError):
                self._reports.missed()
                found.append(frame)
            elif frame.kind == RO_ACCESS_REPORT:
                reads, refused = self._reports.decode(frame.data, frame.offset)
                readings += reads
                found += refused
            elif frame.kind == READER_EVENT_NOTIFICATION:
                try:
                    readings += event_readings(frame.data, frame.offset)
                except FrameError as error:
                    found.append(error)
            elif frame.kind not in MESSAGE_KINDS:
                what = f"Message type {frame.kind} is not LLRP: {len(frame.data)} bytes skipped"
                found.append(FrameError(what, offset=frame.offset, frame=frame.data[:64]))
        found.sort(key=lambda error: error.offset)
        self.error_count += len(found)
        self.errors += found[: max(0, _ERRORS_MAX - len(self.errors))]
        return readings
