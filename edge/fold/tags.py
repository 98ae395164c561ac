"""Tag reads to sightings and residents: far fewer rows, nothing of what judging needs lost.

A sighting is all reads of one tag on one antenna within 100 ms. A tag that lies in the field
unchanged becomes a resident, which is told at once and summarised every 10 s: its reads fill no
journal and hold no gate window open. It stops being one with the first sign of a change, and what
was pending of it is told first, so that the counts of all sightings and residents add up to the
reads heard.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from drivers.readings import DeviceEvent, TagRead
from edge.clock import ReaderClock
from edge.fold.beam import Beam
from edge.fold.gate import Gate
from edge.fold.moments import Place, moment
from edge.fold.residence import Residence
from edge.fold.settings import FoldSettings
from gateway.contract import GateWindow, Observation, TagSighting

_FORGET_US = 300_000_000
"""A tag not heard for so long is forgotten; coming back it is a new one."""
_LEVELLESS_READS = 50
"""Who reads so many times in a row without a level tells none; once or twice it goes missing."""


class _OpenSighting:
    """Reads of one tag on one antenna, being added up."""

    __slots__ = (
        "arrival_us", "channel", "count", "doppler", "dopplers", "epc_bits", "first_us",
        "last_us", "peak", "phase", "rssi", "rssis",
    )  # fmt: skip

    def __init__(self, read: TagRead, at_us: int, arrived_us: int) -> None:
        self.first_us = self.last_us = at_us
        self.arrival_us = arrived_us
        self.epc_bits = read.epc_bits
        self.count = self.rssis = self.dopplers = 0
        self.rssi = self.doppler = 0.0
        self.peak: float | None = None
        self.phase: float | None = None
        self.channel: int | None = None

    def add(self, read: TagRead, at_us: int) -> None:
        self.first_us = min(self.first_us, at_us)
        self.last_us = max(self.last_us, at_us)
        self.count += read.count
        rssi = read.peak_rssi_dbm
        if rssi is not None:
            self.rssi += rssi
            self.rssis += 1
            if self.peak is None or rssi > self.peak:
                self.peak = rssi
        if read.doppler_hz is not None:
            self.doppler += read.doppler_hz
            self.dopplers += 1
        if read.phase_rad is not None:
            self.phase = read.phase_rad
        if read.channel is not None:
            self.channel = read.channel

    def spans(self, at_us: int) -> int:
        """How long the sighting would be with a read of ``at_us``."""
        return max(self.last_us, at_us) - min(self.first_us, at_us)


class TagFolder:
    """One reader's tag reads, folded. Memory is bounded by ``settings.max_tags``."""

    def __init__(self, place: Place, settings: FoldSettings) -> None:
        self._place = place
        self._settings = settings
        self._sighting_us = settings.sighting_ms * 1_000
        self._resident_every_us = round(settings.resident_every_s * 1e6)
        self._clock = ReaderClock()
        self._gate = Gate(place, settings)
        self._beam = Beam(place, settings)
        self._open: dict[tuple[str, int], _OpenSighting] = {}
        self._tags: OrderedDict[str, Residence] = OrderedDict()
        self._due: OrderedDict[str, int] = OrderedDict()
        self._reads = self._sightings = self._residents = self._windows = self._evicted = 0
        self._darks = self._levelless = 0

    def feed(self, reads: Sequence[TagRead], arrived_us: int) -> list[Observation]:
        """Fold one lot of reads that arrived together."""
        self._learn_clock(reads, arrived_us)
        out: list[Observation] = []
        for read in reads:
            stamp = read.first_seen_us if read.first_seen_us is not None else read.last_seen_us
            at_us = self._clock.to_edge(stamp, arrived_us, uptime=read.uptime_clock)
            self._hear(read, at_us, arrived_us, out)
        return out

    def event(self, event: DeviceEvent, arrived_us: int) -> list[Observation]:
        """A reader's own event: an input changed, or it booted and its clock starts anew."""
        out: list[Observation] = []
        if event.name == "gpi":
            at_us = self._clock.to_edge(event.at_us, arrived_us, uptime=event.uptime_clock)
            reason = self._gate.breaks(at_us)
            if reason is not None:
                self._close_window(reason, arrived_us, out)
            self._gate.input(event.port, event.state, at_us, arrived_us)
            self._dark(self._beam.input(event.port, event.state, at_us, arrived_us), out)
        elif event.name == "reader_restarted":
            self._clock.restarted()
        elif event.name == "connected" and event.at_us is not None:
            self._clock.told(event.at_us, arrived_us, uptime=event.uptime_clock)
        return out

    def tick(self, now_us: int) -> list[Observation]:
        """Tell what is due by the passing of time alone."""
        out: list[Observation] = []
        for key, sighting in list(self._open.items()):
            if now_us - sighting.arrival_us < self._sighting_us:
                break  # opened in order of arrival: the rest is younger
            self._close_sighting(key, out)
        while self._due and next(iter(self._due.values())) <= now_us:
            epc, _ = self._due.popitem(last=False)
            self._summarise(epc, now_us, out)
        self._dark(self._beam.due(now_us), out)
        reason = self._gate.due(now_us)
        if reason is not None:
            self._close_window(reason, now_us, out)
        while self._tags:
            oldest = next(iter(self._tags.values()))
            if now_us - oldest.arrival_us < _FORGET_US:
                break
            self._forget(oldest, out)
        return out

    def flush(self, now_us: int) -> list[Observation]:
        """Tell everything that is pending, at the end."""
        out: list[Observation] = []
        for tag in self._tags.values():
            self._residents_of(tag, out)
        self._dark(self._beam.flush(now_us), out)
        if self._gate.is_open:
            self._close_window(self._gate.due(now_us) or "quiet", now_us, out)
        self._close_all(out)
        return out

    @property
    def tells_no_levels(self) -> bool:
        """Whether the reader leaves out how loud it hears tags."""
        return self._levelless >= _LEVELLESS_READS

    def counters(self) -> dict[str, int]:
        """Monotonic counters for health."""
        return {
            "tag_reads": self._reads,
            "sightings": self._sightings,
            "residents": self._residents,
            "windows": self._windows,
            "beams_dark": self._darks,
            "tags_evicted": self._evicted,
            "clock_steps": self._clock.steps,
        }

    # ---- one read ------------------------------------------------------------------------
    def _learn_clock(self, reads: Sequence[TagRead], arrived_us: int) -> None:
        newest: int | None = None
        uptime = False
        for read in reads:
            stamp = read.last_seen_us if read.last_seen_us is not None else read.first_seen_us
            if stamp is not None and (newest is None or stamp > newest):
                newest, uptime = stamp, read.uptime_clock
        if newest is not None:
            self._clock.observe(newest, arrived_us, uptime=uptime)

    def _hear(self, read: TagRead, at_us: int, arrived_us: int, out: list[Observation]) -> None:
        self._reads += read.count
        self._levelless = 0 if read.peak_rssi_dbm is not None else self._levelless + 1
        antenna = read.antenna or 0
        tag = self._tags.get(read.epc)
        if tag is None:
            tag = self._meet(read, at_us, out)
        else:
            self._tags.move_to_end(read.epc)
        tag.arrival_us = arrived_us
        if tag.resident:
            if tag.stays(antenna, read.peak_rssi_dbm, at_us):
                if tag.is_overdue(at_us, self._resident_every_us):
                    self._residents_of(tag, out)
                tag.add(antenna, read.count, read.peak_rssi_dbm, at_us)
                if not tag.told:  # else its silence would look as if it had gone
                    self._residents_of(tag, out)
                return
            self._residents_of(tag, out)
            tag.leave(at_us)
            self._due.pop(read.epc, None)
        if tag.watch(antenna, read.peak_rssi_dbm, at_us):
            self._due[read.epc] = arrived_us + self._resident_every_us
        self._sight(read, antenna, at_us, arrived_us, out)

    def _meet(self, read: TagRead, at_us: int, out: list[Observation]) -> Residence:
        if len(self._tags) >= self._settings.max_tags:
            self._evicted += 1
            self._forget(next(iter(self._tags.values())), out)
        tag = Residence(read.epc, read.epc_bits, at_us, self._settings)
        self._tags[read.epc] = tag
        return tag

    def _sight(
        self, read: TagRead, antenna: int, at_us: int, arrived_us: int, out: list[Observation]
    ) -> None:
        reason = self._gate.breaks(at_us)
        if reason is not None:
            self._close_window(reason, arrived_us, out)
        self._gate.fresh(read.epc, read.count, at_us, arrived_us)
        key = (read.epc, antenna)
        sighting = self._open.get(key)
        if sighting is not None and sighting.spans(at_us) >= self._sighting_us:
            self._close_sighting(key, out)
            sighting = None
        if sighting is None:
            if len(self._open) >= self._settings.max_tags:
                self._close_sighting(next(iter(self._open)), out)
            sighting = self._open[key] = _OpenSighting(read, at_us, arrived_us)
        sighting.add(read, at_us)

    # ---- telling -------------------------------------------------------------------------
    def _close_sighting(self, key: tuple[str, int], out: list[Observation]) -> None:
        one = self._open.pop(key)
        self._sightings += 1
        out.append(
            TagSighting(
                device=self._place.device,
                read_point=self._place.read_point,
                event_time=moment(one.first_us),
                epc=key[0],
                antenna=key[1],
                count=one.count,
                peak_rssi_dbm=one.peak,
                mean_rssi_dbm=round(one.rssi / one.rssis, 2) if one.rssis else None,
                phase_rad=one.phase,
                doppler_hz=round(one.doppler / one.dopplers, 3) if one.dopplers else None,
                channel=one.channel,
                epc_bits=one.epc_bits,
            )
        )

    def _close_all(self, out: list[Observation]) -> None:
        for key in list(self._open):
            self._close_sighting(key, out)

    def _close_window(self, reason: str, now_us: int, out: list[Observation]) -> None:
        """All sightings of a window stand before it."""
        self._close_all(out)
        self._windows += 1
        out.append(self._gate.close(reason, now_us))

    def _dark(self, told: list[GateWindow], out: list[Observation]) -> None:
        self._darks += len(told)
        out.extend(told)

    def _summarise(self, epc: str, now_us: int, out: list[Observation]) -> None:
        tag = self._tags.get(epc)
        if tag is None or not tag.resident:
            return
        if self._residents_of(tag, out):
            self._due[epc] = now_us + self._resident_every_us
        else:
            tag.leave(tag.heard_us)  # not heard for a whole round: its next read is fresh

    def _residents_of(self, tag: Residence, out: list[Observation]) -> bool:
        told = tag.tell(self._place)
        self._residents += len(told)
        out.extend(told)
        return bool(told)

    def _forget(self, tag: Residence, out: list[Observation]) -> None:
        self._residents_of(tag, out)
        self._due.pop(tag.epc, None)
        del self._tags[tag.epc]
