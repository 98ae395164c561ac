"""``walk`` holds a portal while a technician walks tagged goods through it, and counts passes by
itself; ``walk.tell`` ends or discards one. ``walk_finish`` keeps the acceptance record.

The portal is held: test goods that go in and out move no stock. The reads are kept as recordings
beside the record, with the truth that was walked, so that ``tallyport evaluate`` can grade the
same walk by the very judging that runs at central.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from weakref import WeakValueDictionary

import msgspec

from drivers.llrp.config import LlrpConfig
from drivers.readings import DeviceEvent, Reading, TagRead
from drivers.recording import GpiChanged, Line, Recording, TagHeard
from edge.clock import ReaderClock
from edge.config import DeviceConfig
from edge.console import marks
from edge.console.bench import Bench
from edge.console.calibrate import By
from edge.console.hearing import hearing
from edge.console.operation import Changing, Operation, Tell
from edge.console.walk_model import Read, Walking, Way, summary
from edge.console.walk_record import recordings
from gateway.console import Troubled, new_id

__all__ = ["TELL", "WALK", "Walk", "walk_of"]

_EVERY_S = 0.2
_MOST_LINES = 300_000
_LEFT_ALONE_S = 1_800.0
_MISSING_SHOWN = 50


class WalkArguments(Changing, frozen=True, kw_only=True):
    """``tags`` are those on the trolley; without them the must-read marks of the device count.
    Passes go in and out by turns, ``first`` first. ``quiet_s`` and ``limit_s`` end a pass as in
    production, unless given.
    """

    device: str
    by: By
    tags: tuple[marks.Epc, ...] | None = None
    passes: Annotated[int, msgspec.Meta(ge=1, le=50)] = 4
    first: Way = "in"
    quiet_s: Annotated[float, msgspec.Meta(ge=0.2, le=60)] | None = None
    limit_s: Annotated[float, msgspec.Meta(ge=1, le=600)] | None = None


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Walk:
    """A walk under way."""

    id: str
    device: DeviceConfig
    by: str
    walking: Walking
    begun_at: datetime
    begun_s: float
    lines: list[Line] = field(default_factory=list)
    identity: str = ""
    touched_s: float = 0.0
    observed: bytes | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def now_s(self) -> float:
        """Seconds since the start."""
        return asyncio.get_running_loop().time() - self.begun_s

    def recordings(self) -> list[Recording]:
        """One of each pass so far."""
        return recordings(
            self.device,
            self.begun_at,
            lines=sorted(self.lines, key=lambda line: line.t),
            passes=self.walking.passes,
            expected=self.walking.expected,
        )

    def picture(self) -> dict[str, Any]:
        """All as of now."""
        walking = self.walking
        heard = {read.epc for read in walking.now} & walking.expected
        missing = sorted(walking.expected - heard)
        number = len(walking.passes)
        return {
            "session": self.id,
            "device": self.device.name,
            "by": self.by,
            "expected": sorted(walking.expected),
            "wanted": walking.wanted,
            "next": None if walking.done else walking.wanted[number],
            "now": {
                "number": number + 1,
                "heard": len(heard),
                "missing": missing[:_MISSING_SHOWN],
                "seconds": round(self.now_s() - walking.now[0].t, 1),
                "reads": len(walking.now),
            }
            if walking.now
            else None,
            "passes": msgspec.to_builtins(walking.passes),
            "summary": summary(walking.passes, judges_direction=walking.judges_direction),
            "judges_direction": walking.judges_direction,
            "done": walking.done,
        }


_open: WeakValueDictionary[str, Walk] = WeakValueDictionary()


def walk_of(session: str) -> Walk:
    """The walk of this session. Raises ``Troubled`` where it is over."""
    found = _open.get(session)
    if found is None or found.finished.is_set():
        raise Troubled("no-such-walk", "This walk test is over.", "Start another one.")
    found.touched_s = found.now_s()
    return found


def _expected(bench: Bench, asked: WalkArguments) -> frozenset[str]:
    tags = asked.tags
    if tags is None:
        tags = marks.load(bench.data_dir, asked.device).must
    if not tags:
        raise Troubled(
            "no-tags",
            "It is not known which tags are on the trolley.",
            "Mark them as must-read, or list them here.",
        )
    return frozenset(epc.upper() for epc in tags)


async def walk(bench: Bench, asked: WalkArguments, tell: Tell) -> dict[str, Any]:
    """Hold the portal until the walk is finished or cancelled."""
    device = bench.device(asked.device)
    if not isinstance(device.options, LlrpConfig):
        raise Troubled("no-portal", f"{device.name} is no RFID reader: nothing passes it.")
    expected, fold = _expected(bench, asked), device.fold
    wanted: list[Way] = [
        asked.first if n % 2 == 0 else ("out" if asked.first == "in" else "in")
        for n in range(asked.passes)
    ]
    here = Walk(
        id=new_id(),
        device=device,
        by=asked.by,
        walking=Walking(
            expected,
            wanted,
            {one.antenna: one.side for one in device.options.antennas},
            quiet_s=asked.quiet_s or fold.quiet_s,
            limit_s=asked.limit_s or fold.limit_s,
        ),
        begun_at=datetime.fromtimestamp(bench.time.now_us() / 1e6, UTC),
        begun_s=asyncio.get_running_loop().time(),
    )
    _open[here.id] = here
    try:
        async with (
            bench.hold(device.name, f"a walk test by {asked.by}"),
            hearing(device) as heard,
        ):
            here.identity = heard.identity
            ear = _Ear(here)
            heard.hear = ear.hear
            while not here.finished.is_set():
                if here.now_s() - here.touched_s > _LEFT_ALONE_S:
                    raise Troubled(
                        "left-alone", f"Nobody walked: {device.name} was given back to the agent."
                    )
                here.walking.look(here.now_s())
                tell(here.picture())
                await heard.listen(_EVERY_S)
    finally:
        here.finished.set()
        here.released.set()
    return {"session": here.id, "ended": "finished"}


class _Ear:
    """Puts readings into the walk, at the times of the reader's own clock."""

    def __init__(self, here: Walk) -> None:
        self._here = here
        self._clock = ReaderClock()

    def hear(self, readings: Sequence[Reading]) -> None:
        here = self._here
        now_us = round(here.now_s() * 1e6)
        stamps = [
            one.last_seen_us
            for one in readings
            if isinstance(one, TagRead) and one.last_seen_us is not None
        ]
        if stamps:
            self._clock.observe(max(stamps), now_us)
        for reading in readings:
            if isinstance(reading, TagRead):
                at_us = self._clock.to_edge(reading.first_seen_us, now_us)
                self._read(reading, max(0.0, at_us / 1e6))
            elif isinstance(reading, DeviceEvent) and reading.name == "gpi":
                self._input(reading, now_us / 1e6)

    def _read(self, read: TagRead, t: float) -> None:
        here = self._here
        here.walking.hear(Read(t, read.epc, read.antenna or 0, read.peak_rssi_dbm))
        if read.epc in here.walking.expected:
            here.touched_s = here.now_s()
        self._keep(
            TagHeard(
                t=t, epc=read.epc, antenna=read.antenna or 0, peak_rssi_dbm=read.peak_rssi_dbm,
                phase_rad=read.phase_rad, doppler_hz=read.doppler_hz, channel=read.channel,
            )
        )  # fmt: skip

    def _input(self, event: DeviceEvent, t: float) -> None:
        if event.port is not None and event.state is not None:
            self._keep(GpiChanged(t=t, gpi=event.port, state=event.state))

    def _keep(self, line: Line) -> None:
        if len(self._here.lines) < _MOST_LINES:
            self._here.lines.append(line)


class TellArguments(Changing, frozen=True, kw_only=True):
    """``end`` ends the pass under way now; ``discard`` forgets it, or else the last one."""

    session: str
    do: Literal["end", "discard"]


async def tell_walk(_bench: Bench, asked: TellArguments, _tell: Tell) -> dict[str, Any]:
    """Tell a walk what only the walker knows."""
    here = walk_of(asked.session)
    if asked.do == "end":
        here.walking.end("hand")
    else:
        here.walking.discard()
    return here.picture()


WALK = Operation(WalkArguments, walk)
TELL = Operation(TellArguments, tell_walk)
