"""LLRP readers (Impinj Speedway and R700, Zebra FX, and any other LLRP 1.0.1 reader).

Manuals: EPCglobal LLRP 1.0.1; Impinj Octane LLRP. sllurp (GPL-3.0-only) builds the messages
and runs the handshake, and is imported nowhere else; socket, framing, watchdog, ROSpec,
checks and the decoding of tag reports are ours. Why each of them is stands in
``tests/drivers/test_llrp_faults.py``, one test per fault.

A reader's time stamps are passed on as they are. While ``emit`` waits, nothing is read: the
reader then holds its reports. With ``hold_reports`` it also holds them between connections.
"""

# sllurp's names and its untyped signatures are overridden as they are.
# ruff: noqa: N802, N803, ANN401

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from struct import error as struct_error
from struct import pack
from typing import Any, ClassVar

import sllurp.llrp
import sllurp.llrp_proto
from sllurp.llrp_errors import LLRPError, ReaderConfigurationError

from drivers.driver import Emit, Tap
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable, FrameError
from drivers.llrp import frames
from drivers.llrp.capabilities import Capabilities
from drivers.llrp.check import check_settings
from drivers.llrp.config import Antenna, GpiTrigger, LlrpConfig
from drivers.llrp.decode import IMPINJ_PEN, LlrpDecoder
from drivers.llrp.filters import encode_filter
from drivers.llrp.link import Link, dial
from drivers.llrp.listen import Listener, listener_of
from drivers.llrp.quirks import Effect, effects, quirks_of
from drivers.llrp.readback import ReadBack
from drivers.llrp.refill import enabled_fields
from drivers.llrp.rospec import build_rospec
from drivers.llrp.session import Session

__all__ = ["Antenna", "GpiTrigger", "LlrpConfig", "LlrpReader"]

_GPI_DEBOUNCE, _LINK_MONITOR = 36, 38
_MISSED_KEEPALIVES = 3
_STATE = sllurp.llrp.LLRPReaderState


def _mend_sllurp() -> None:
    """Encode what sllurp 3.0.5 cannot: GPITriggerValue is type 181, EventsAndReports, filters."""
    known: dict[str, Any] = sllurp.llrp_proto.Param_struct
    known["GPITriggerValue"]["type"] = 181
    names: dict[tuple[int, int, int], str] = sllurp.llrp_proto.Param_Type2Name
    names[180, 0, 0] = "PeriodicTriggerValue"
    names[181, 0, 0] = "GPITriggerValue"
    known["EventsAndReports"]["encode"] = _encode_events_and_reports
    known["C1G2Filter"]["encode"] = encode_filter


def _encode_events_and_reports(values: Mapping[str, bool], _info: object) -> bytes:
    return b"\x80" if values["HoldEventsAndReportsUponReconnect"] else b"\x00"


_mend_sllurp()


class _Handshake(sllurp.llrp.LLRPClient):  # type: ignore[misc]  # sllurp has no types
    """sllurp's client state machine, with our settings, checks and ROSpec in it."""

    def __init__(self, config: LlrpConfig, write: Callable[[bytes], None]) -> None:
        ports = [antenna.antenna for antenna in config.antennas] or [1]
        super().__init__(
            sllurp.llrp.LLRPReaderConfig({"antennas": ports}), transport_tx_write=write
        )
        self._ours = config
        self.found: Capabilities | None = None
        self.impinj = False
        self._read_back: ReadBack | None = None
        self._once_read_back: Callable[[], None] | None = None
        self.refill: frozenset[str] = frozenset()
        self.waiting: dict[int, str] = {}
        """Requests that the reader has not answered: message id and name."""

    @property
    def inventorying(self) -> bool:
        return bool(self.state == _STATE.STATE_INVENTORYING)

    def sendMessage(self, msg_dict: dict[str, Any]) -> Any:
        sent = super().sendMessage(msg_dict)
        for name, message_id in sent:
            if name != "ENABLE_EVENTS_AND_REPORTS":
                self.waiting[message_id] = name
        return sent

    def ask_rospecs(self) -> None:
        """Send GET_ROSPECS, which sllurp does not know; ``read_back`` takes the answer."""
        if not self._ours.read_back:
            self._go_on()
            return
        self.last_msg_id += 1
        self.waiting[self.last_msg_id] = "GET_ROSPECS"
        header = pack(">HII", 0x0400 | frames.GET_ROSPECS, frames.HEADER_BYTES, self.last_msg_id)
        self.transport_tx_write(header)

    def read_back(self, answer: bytes | None) -> list[str]:
        """Compare the reader's ROSpecs with what was asked, and go on.

        ``None`` where the reader does not tell them. Gives what a person may want to know;
        raises ``DeviceRefused`` where the reader would read otherwise than it was asked to.
        """
        told: list[str] = []
        if answer is None:
            told = ["the reader does not say what it runs: it refuses GET_ROSPECS"]
        elif self._read_back is not None:
            waits = self._ours.gpi_trigger is not None if self.inventorying else None
            try:
                told = self._read_back.compare(answer, waits_for_input=waits)
            except DeviceRefused:
                self.sendMessage({"DELETE_ROSPEC": {"ROSpecID": 0}})
                raise
        self._go_on()
        return told

    def _go_on(self) -> None:
        go_on, self._once_read_back = self._once_read_back, None
        if go_on is not None:
            go_on()

    def parseCapabilities(self, capdict: Mapping[str, Any]) -> None:
        try:
            self.found = Capabilities.of(capdict)
        except KeyError as reason:
            raise DeviceRefused(
                f"The LLRP reader at {self._ours.where} does not say what it can do: {reason} "
                "is missing",
                hint="Set the reader's region (country) in its own configuration: without one "
                "it may not transmit.",
            ) from reason
        check_settings(self._ours, self.found)
        wanted, known = self._ours.impinj_reports, effects(self.found.vendor_pen, self.found.model)
        self.impinj = wanted is not False and Effect.EXTENSIONS in known

    def send_GET_READER_CONFIG(self, onCompletion: Any) -> None:
        ask = super().send_GET_READER_CONFIG
        if self.impinj:
            self.send_ENABLE_IMPINJ_EXTENSIONS(onCompletion=lambda *_: ask(onCompletion))
        else:
            ask(onCompletion)

    def send_SET_READER_CONFIG(self, onCompletion: Any) -> None:
        ours = self._ours
        events = ("GPIEvent", "ReportBufferFillWarning", "ReaderExceptionEvent", "AntennaEvent")
        settings: dict[str, Any] = {
            "ResetToFactoryDefaults": False,
            "ReaderEventNotificationSpec": {"EventNotificationState": dict.fromkeys(events, True)},
            "KeepaliveSpec": {
                "KeepaliveTriggerType": 1,
                "TimeInterval": round(ours.keepalive_s * 1000),
            },
            "GPIPortCurrentState": [
                {"GPIPortNum": port, "GPIConfig": True} for port in ours.watched_gpis
            ],
        }
        assert self.found is not None
        if self.found.holds_reports:
            held = {"HoldEventsAndReportsUponReconnect": ours.hold_reports}
            settings["EventsAndReports"] = held
        if self.impinj:
            settings["CustomParameter"] = [
                {"VendorID": IMPINJ_PEN, "Subtype": subtype, "Payload": payload}
                for subtype, payload in self._impinj_settings()
            ]
        self.sendMessage({"SET_READER_CONFIG": settings})
        self.setState(_STATE.STATE_SENT_SET_CONFIG)
        self._deferreds["SET_READER_CONFIG_RESPONSE"].append(onCompletion)

    def _impinj_settings(self) -> list[tuple[int, bytes]]:
        assert self.found is not None
        settings: list[tuple[int, bytes]] = []
        if Effect.LINK_MONITOR in effects(self.found.vendor_pen, self.found.model):
            settings.append((_LINK_MONITOR, pack(">HH", 1, _MISSED_KEEPALIVES)))
        debounce_ms = self._ours.impinj_gpi_debounce_ms
        if debounce_ms is not None:
            settings += [
                (_GPI_DEBOUNCE, pack(">HI", port, debounce_ms)) for port in self._ours.watched_gpis
            ]
        return settings

    def stopPolitely(self, onCompletion: Any = None, disconnect: bool = False) -> None:
        self.sendMessage({"DELETE_ACCESSSPEC": {"AccessSpecID": 0}})
        self.setState(_STATE.STATE_SENT_DELETE_ACCESSSPEC)
        then = self._deferreds["DELETE_ACCESSSPEC_RESPONSE"]
        then.append(lambda *_: self.stopAllROSpecs(onCompletion))

    def stopAllROSpecs(self, onCompletion: Any = None) -> None:
        self.sendMessage({"DELETE_ROSPEC": {"ROSpecID": 0}})
        self.setState(_STATE.STATE_SENT_DELETE_ROSPEC)
        then = self._deferreds["DELETE_ROSPEC_RESPONSE"]
        then.append(lambda state, *_: onCompletion(state, True))

    def startInventory(self, force_regen_rospec: bool = False) -> None:
        rospec = self.getROSpec()

        def inventorying(*_: object) -> None:
            self.setState(_STATE.STATE_INVENTORYING)

        def enabled(state: int, *_: object) -> None:
            if self._ours.gpi_trigger is None:
                self.send_START_ROSPEC(state, rospec, onCompletion=inventorying)
            else:
                inventorying()

        def added(state: int, *_: object) -> None:
            # still disabled: nothing is read before it is known to be what was asked
            self._once_read_back = lambda: self.send_ENABLE_ROSPEC(
                state, rospec, onCompletion=enabled
            )
            self.ask_rospecs()

        self.send_ADD_ROSPEC(rospec, onCompletion=added)

    def getROSpec(self, force_new: bool = False) -> dict[str, Any]:
        assert self.found is not None
        current = {
            int(settings["AntennaID"]): (int(radio["HopTableId"]), int(radio["ChannelIndex"]))
            for settings in self.reader_config.get("AntennaConfiguration", [])
            if (radio := settings.get("RFTransmitter"))
        }
        rospec = build_rospec(self._ours, self.found, current, impinj=self.impinj)
        known = effects(self.found.vendor_pen, self.found.model)
        if Effect.SENDS_EVERY_FIELD not in known:
            self.refill = enabled_fields(rospec["ROReportSpec"]["TagReportContentSelector"])
        sent = sllurp.llrp.LLRPMessage(msgdict={"ADD_ROSPEC": {"ROSpec": rospec}})
        self._read_back = ReadBack(sent.msgbytes, self.found)
        return rospec

    def take(self, frame: frames.Frame) -> None:
        """Go on with one message of the reader; ``FrameError`` where it cannot be decoded."""
        try:
            self.handleMessage(sllurp.llrp.LLRPMessage(msgbytes=frame.data))
        except DeviceError:
            raise
        except ReaderConfigurationError as reason:
            raise DeviceUnavailable(
                f"Setting up the LLRP reader at {self._ours.where} failed: {reason}",
                hint="Restart the reader; send a capture if it happens again.",
            ) from reason
        except (LLRPError, struct_error, ValueError, LookupError, TypeError) as reason:
            what = f"Message type {frame.kind} cannot be decoded: {reason!r}"
            raise FrameError(what, offset=frame.offset, frame=frame.data[:64]) from reason

    def unplugged(self) -> list[int]:
        """Configured antennas that the reader finds no antenna at."""
        ours = {antenna.antenna for antenna in self._ours.antennas}
        return [
            int(antenna["AntennaID"])
            for antenna in self.reader_config.get("AntennaProperties", [])
            if not antenna["AntennaConnected"] and antenna["AntennaID"] in ours
        ]


class LlrpReader:
    """One LLRP reader. ``tap`` gets the reader's bytes as they come."""

    Config: ClassVar[type[LlrpConfig]] = LlrpConfig

    def __init__(self, config: LlrpConfig, *, tap: Tap | None = None) -> None:
        self._config = config
        self._tap = tap
        self._listener: Listener | None = None
        self._found: Capabilities | None = None
        self._counters: Counter[str] = Counter(
            dict.fromkeys(("connections", "bytes", "frames", "tags", "events", "keepalives"), 0)
        )
        self._counters.update(dict.fromkeys(("frame_errors", "error_messages", "unexpected"), 0))
        self._counters["strangers"] = 0

    @classmethod
    def decoder(cls) -> LlrpDecoder:
        """A decoder for bytes that this kind of device sends."""
        return LlrpDecoder()

    def counters(self) -> Mapping[str, int]:
        """Monotonic: connections, bytes, frames, tags, events, keepalives, frame_errors,
        error_messages (the reader's own), unexpected (answers nobody asked for), strangers
        (calls refused at the port where readers dial in; each is told by one of its devices).
        """
        if self._listener is not None:
            self._counters["strangers"] += self._listener.new_strangers()
        return dict(self._counters)

    @property
    def capabilities(self) -> Capabilities | None:
        """What the reader of the last run can do; ``None`` before one ended."""
        return self._found

    def notes(self) -> list[str]:
        """What the reader of the last run accepts, and the quirks told of its make."""
        found = self._found
        if found is None:
            return []
        quirks = quirks_of(found.vendor_pen, found.model)
        return [*found.described(), *(f"quirk: {quirk}" for quirk in quirks)]

    async def _connect(self) -> Link:
        if self._config.listen is None:
            return await dial(self._config)
        self._listener = await listener_of(self._config)
        return await self._listener.next_call(self._config)

    async def run(self, emit: Emit) -> None:
        """Connect, set the reader up, emit what it reads until it fails or this is cancelled.

        Raises ``DeviceUnavailable`` (unreachable, busy, silent, closed) or ``DeviceRefused``
        (the settings do not suit the reader). Every run starts from nothing. A cancellation
        waits until what was on the way is emitted; a second one does not.
        """
        comes_back = False
        try:
            await self._run(emit)
        except DeviceUnavailable:
            comes_back = True
            raise
        finally:
            if self._listener is not None and not comes_back:
                self._listener.release(self._config)

    async def _run(self, emit: Emit) -> None:
        link = await self._connect()
        self._counters["connections"] += 1
        handshake = _Handshake(self._config, link.writer.write)
        session = Session(self._config, handshake, link, counters=self._counters, tap=self._tap)
        try:
            await session.run(emit)
        except DeviceUnavailable:
            session.abort()
            raise
        finally:
            self._found = handshake.found or self._found
            await session.close(emit)
