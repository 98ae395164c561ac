"""When a portal's readers did not hear: what went by meanwhile, nobody knows.

A technician holds a reader for a test read, a power sweep or a walk; a line breaks; an edge dies
and starts again. The log tells all of it as the device's state. Tags that are under way just then
are judged on a part of their reads, and what came and went meanwhile was never heard. So judging
keeps who was there when it began (``before``) and who when it ended (``after``), and asks once
for each such time about whoever is not where he was (``missing``).

A time is kept until it is asked about and a little longer; its tags are some hundred bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from central.reconcile.portal.track import Track
from gateway.contract import DeviceHealth

NEAR_US = 1_500_000
"""A pass of which any tag was nearest so shortly before or after was heard in part."""
BACK_US = 1_500_000
"""So long after it hears again a reader has told of everybody who is still there."""
FIRST_US = 3_000_000
"""Who is heard within this of its end was there when it ended."""
STAYS_US, LIES_US = 6_000_000, 12_000_000
"""Who is heard so shortly before it is asked who is missing is still there, and who was told
within the second to lie there.
"""
ASKED_AFTER_US = 20_000_000
"""What is missing is asked about so long after its end: an edge tells of tags that lie unchanged
every 10 s."""
ASKED_AT_LAST_US = 120_000_000
"""Of one that does not end it is asked so long after its beginning."""
FILLED_US = 1_000_000
"""A silence no longer than this is none."""
KEPT_US = 300_000_000
MOST = 8
MOST_TAGS = 4_000
_GONE = ("held", "retrying", "refused", "stopped")


class Outage(msgspec.Struct):
    """A time in which a reader did not hear. ``said_us`` is when the log tells of it, ``since_us``
    when the reader was heard last before, ``until_us`` when it was heard again (0: not yet).
    ``alone`` says that no other reader of the portal heard meanwhile; ``source`` and ``seq`` are
    where the log tells of it. ``before`` are the tags under way when it began, ``after`` those
    there when it ended (``lay``: on which side the portal knew them), ``caught`` those of passes
    that it cut.
    """

    device: str
    state: str
    cause: str
    said_us: int
    since_us: int
    source: int
    seq: int
    alone: bool
    until_us: int = 0
    asked: bool = False
    before: dict[str, Track] = {}
    after: dict[str, Track] = {}
    lay: dict[str, int] = {}
    caught: dict[str, Track] = {}

    @property
    def tracks(self) -> Iterable[Track]:
        """All tracks that it keeps."""
        return (track for kept in (self.before, self.after, self.caught) for track in kept.values())

    @property
    def held(self) -> bool:
        """Whether a technician had the reader."""
        return self.state == "held"

    @property
    def is_filled(self) -> bool:
        """Whether the reader told later what it heard meanwhile."""
        return bool(self.until_us) and not self.held and self.until_us - self.since_us <= FILLED_US

    def touches(self, first_us: int, last_us: int) -> bool:
        """Whether what was nearest between these moments was heard in part. A reader that was
        stopped beside others is not one of the portal's any more.
        """
        left = self.state == "stopped" and not self.alone
        until_us = self.said_us if left else self.until_us
        over = until_us and first_us > until_us + NEAR_US
        return last_us >= self.since_us - NEAR_US and not over

    def is_due(self, now_us: int) -> bool:
        """Whether it is to be asked now who is missing."""
        if self.asked:
            return False
        if self.until_us:
            return now_us >= self.until_us + ASKED_AFTER_US
        return now_us >= self.said_us + ASKED_AT_LAST_US

    def done(self) -> None:
        """It was asked, or there was nothing to ask."""
        self.asked = True
        self.before, self.after, self.lay, self.caught = {}, {}, {}, {}


class Hearing(msgspec.Struct):
    """A portal's readers, and the times in which one did not hear, the oldest first. ``told_us``
    is when each was heard last, of those that hear now ``hears`` is true.
    """

    told_us: dict[str, int] = {}
    hears: dict[str, bool] = {}
    outages: list[Outage] = []

    def meet(self, device: str) -> None:
        """There is a reader of this name."""
        self.hears.setdefault(device, False)

    def heard(self, device: str, at_us: int) -> None:
        """A reader told of a tag."""
        self.told_us[device] = max(self.told_us.get(device, at_us), at_us)
        if self.outages:
            self._fill(device, at_us)
        if self._open(device) is None:
            self.hears[device] = True

    def turn(self, seen: DeviceHealth, at_us: int, source: int, seq: int) -> Outage | None:
        """Take in what a reader says of itself; a time that begins by that."""
        if seen.device not in self.hears:
            return None
        before_us = self.told_us.get(seen.device, at_us)
        self.told_us[seen.device] = max(before_us, at_us)
        if seen.state == "running":
            self._ends(seen.device, at_us)
            return None
        died = seen.state == "starting"
        if not self.hears[seen.device] or not (died or seen.state in _GONE):
            return None
        self.hears[seen.device] = False
        in_order = seen.state in {"held", "stopped"}
        outage = Outage(
            device=seen.device,
            state=seen.state,
            cause=seen.cause,
            said_us=at_us,
            since_us=at_us if in_order else min(before_us, at_us),
            source=source,
            seq=seq,
            alone=not any(self.hears.values()),
        )
        self.outages = [*self.outages, outage][-MOST:]
        return outage

    def is_deaf(self, now_us: int) -> bool:
        """Whether no reader hears, or has heard for so short that not everybody who is there was
        told of again. A portal of which nobody says how its readers are is not.
        """
        return any(
            one.alone
            and now_us >= one.since_us
            and (not one.until_us or now_us < one.until_us + BACK_US)
            for one in self.outages
        )

    def touching(self, first_us: int, last_us: int) -> Outage | None:
        """The time that cut what was nearest between these moments, the newest of several."""
        found = (one for one in reversed(self.outages) if one.touches(first_us, last_us))
        return next(found, None)

    def cut(self, track: Track) -> bool:
        """Whether a tag was under way when a reader ceased to hear."""
        return any(
            track.first_us <= one.said_us and track.last_us >= one.since_us - NEAR_US
            for one in self.outages
        )

    def ending(self, at_us: int) -> Iterable[Outage]:
        """The times that have just ended: who is heard now was there."""
        return (
            one
            for one in self.outages
            if one.until_us and not one.asked and one.until_us <= at_us <= one.until_us + FIRST_US
        )

    def due(self, now_us: int) -> list[Outage]:
        """The times of which it is to be asked now who is missing."""
        self.outages = [
            one
            for one in self.outages
            if not one.asked or not one.until_us or now_us < one.until_us + KEPT_US
        ]
        return [one for one in self.outages if one.is_due(now_us)]

    def _open(self, device: str) -> Outage | None:
        found = (one for one in self.outages if one.device == device and not one.until_us)
        return next(found, None)

    def _fill(self, device: str, at_us: int) -> None:
        """Readers keep what they hear while nobody asks for it, and tell it later: then there was
        no such time. One that a technician had does not, as he set it up otherwise.
        """
        for outage in self.outages:
            if outage.device != device or outage.held or outage.asked:
                continue
            if at_us > outage.since_us and not 0 < outage.until_us < at_us:
                outage.since_us = at_us
        self.outages = [one for one in self.outages if not one.is_filled]

    def _ends(self, device: str, at_us: int) -> None:
        self.hears[device] = True
        outage = self._open(device)
        if outage is not None:
            outage.until_us = max(at_us, outage.said_us)
