"""The emulated LLRP reader's state: what it is, how it is set, its ROSpecs, and its answers.

Pure: messages in, messages out. Connections and reads are in ``llrp_reader``.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import error as struct_error
from struct import pack, unpack_from

from drivers.emulators import llrp_encode as encode
from drivers.emulators.llrp_rospec import (
    ACTIVE,
    DISABLED,
    INACTIVE,
    RefusedError,
    Rospec,
    parse_rospec,
)
from drivers.emulators.llrp_settings import configure
from drivers.llrp.frames import Frame


class ReaderModel:
    """A reader without its network. ``facts`` never change, the rest a client may set."""

    def __init__(self, facts: encode.ReaderFacts) -> None:
        self.facts = facts
        self.rospecs: dict[int, Rospec] = {}
        self.rewrites: Callable[[bytes], bytes] = bytes
        """What the reader makes of the body of a ROSpec that it accepted."""
        self.unknown: set[int] = set()
        """Message types that it answers with ERROR_MESSAGE."""
        self.settings = encode.ReaderSettings(
            events=dict.fromkeys(range(9), False),
            gpi_enabled=dict.fromkeys(range(1, facts.gpis + 1), False),
            gpi_state=dict.fromkeys(range(1, facts.gpis + 1), False),
            gpo_state=dict.fromkeys(range(1, facts.gpos + 1), False),
            antenna_connected=dict.fromkeys(range(1, facts.antennas + 1), True),
        )
        self._acts: dict[int, tuple[int, Callable[[Frame], bytes]]] = {
            1: (11, self._capabilities),
            2: (12, self._configuration),
            3: (13, self._configure),
            14: (4, self._nothing),
            20: (30, self._add_rospec),
            21: (31, self._delete_rospec),
            22: (32, self._start_rospec),
            23: (33, self._stop_rospec),
            24: (34, self._enable_rospec),
            25: (35, self._disable_rospec),
            26: (36, self._get_rospecs),
            41: (51, self._nothing),
            44: (54, self._nothing),
        }
        if facts.vendor_pen == encode.IMPINJ_PEN:
            self._acts[encode.CUSTOM] = (encode.CUSTOM, self._extensions)

    @property
    def active(self) -> Rospec | None:
        """The ROSpec that reads now."""
        return next((spec for spec in self.rospecs.values() if spec.state == ACTIVE), None)

    def restart(self) -> None:
        """Lose what a reader without stored configuration loses with its power."""
        self.rospecs.clear()
        self.settings.events = dict.fromkeys(self.settings.events, False)
        self.settings.keepalive_ms = self.settings.link_down_threshold = 0
        self.settings.hold_upon_reconnect = False

    def drive_gpi(self, port: int, *, state: bool) -> None:
        """An input changed: start and stop the ROSpecs that wait for this edge."""
        self.settings.gpi_state[port] = state
        for spec in self.rospecs.values():
            start, stop = spec.gpi_start, spec.gpi_stop
            if spec.state == INACTIVE and start and (start.port, start.state) == (port, state):
                spec.state = ACTIVE
            elif spec.state == ACTIVE and stop and (stop.port, stop.state) == (port, state):
                spec.state = INACTIVE

    def answer(self, frame: Frame, refusal: tuple[int, str] | None = None) -> bytes:
        """Do what the message asks and give the answer; ``refusal`` is the status to say no."""
        known = None if frame.kind in self.unknown else self._acts.get(frame.kind)
        kind, act = known or (100, self._unknown)
        try:
            body = encode.status(*refusal) if refusal else encode.status() + act(frame)
        except RefusedError as refused:
            body = encode.status(refused.code, str(refused))
        except (ValueError, IndexError, struct_error) as reason:
            body = encode.status(100, f"the message makes no sense: {reason}")
        prefix = pack(">IB", encode.IMPINJ_PEN, 22) if kind == encode.CUSTOM else b""
        return encode.message(kind, frame.message_id, prefix + body)

    def _capabilities(self, _frame: Frame) -> bytes:
        return encode.capabilities(self.facts)

    def _configuration(self, _frame: Frame) -> bytes:
        return encode.configuration(self.settings, self.facts)

    def _configure(self, frame: Frame) -> bytes:
        configure(self.settings, frame.data[11:])
        return b""

    def _add_rospec(self, frame: Frame) -> bytes:
        spec = parse_rospec(frame.data, self.facts)
        if spec.rospec_id in self.rospecs:
            raise RefusedError(204, f"ROSpec {spec.rospec_id} exists already")
        self.rospecs[spec.rospec_id] = spec
        return b""

    def _named(self, frame: Frame) -> list[Rospec]:
        rospec_id = unpack_from(">I", frame.data, 10)[0]
        if rospec_id == 0:
            return list(self.rospecs.values())
        if rospec_id not in self.rospecs:
            raise RefusedError(300, f"there is no ROSpec {rospec_id}")
        return [self.rospecs[rospec_id]]

    def _enable_rospec(self, frame: Frame) -> bytes:
        for spec in self._named(frame):
            if spec.state == DISABLED:
                spec.state = ACTIVE if spec.immediate else INACTIVE
        return b""

    def _start_rospec(self, frame: Frame) -> bytes:
        for spec in self._named(frame):
            if spec.state == DISABLED:
                raise RefusedError(300, f"ROSpec {spec.rospec_id} is disabled")
            spec.state = ACTIVE
        return b""

    def _stop_rospec(self, frame: Frame) -> bytes:
        for spec in self._named(frame):
            if spec.state == ACTIVE:
                spec.state = INACTIVE
        return b""

    def _disable_rospec(self, frame: Frame) -> bytes:
        for spec in self._named(frame):
            spec.state = DISABLED
        return b""

    def _delete_rospec(self, frame: Frame) -> bytes:
        for spec in self._named(frame):
            del self.rospecs[spec.rospec_id]
        return b""

    def _get_rospecs(self, _frame: Frame) -> bytes:
        return b"".join(
            encode.parameter(
                177, self.rewrites(spec.data[:5] + bytes([spec.state]) + spec.data[6:])
            )
            for spec in self.rospecs.values()
        )

    def _unknown(self, frame: Frame) -> bytes:
        raise RefusedError(109, f"message type {frame.kind} is not supported")

    def _nothing(self, _frame: Frame) -> bytes:
        return b""

    def _extensions(self, frame: Frame) -> bytes:
        if unpack_from(">IB", frame.data, 10) != (encode.IMPINJ_PEN, 21):
            raise RefusedError(109, "custom message is not supported")
        return b""
