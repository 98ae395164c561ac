"""Captures of two quiet minutes and ten walks, judged as in production: what is certified."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from central.reconcile.portal import crossing
from drivers.recording import (
    PassTruth,
    PortalHeader,
    Recording,
    RecordingError,
    TagHeard,
    read_recording,
)
from tallyport.certify.advice import Advice, advice
from tallyport.certify.plan import Direction, Plan, PlanError, lacking
from tallyport.certify.survey import Captured, Survey, survey
from tallyport.evaluate import portal
from tallyport.evaluate.events import Happening
from tallyport.evaluate.measures import Share


class WalkJudged(NamedTuple):
    """What was made of one walk: how many of its tags ``carried`` were heard at all, told the
    right way, the wrong way, asked of a person; and how many others were told to have moved.
    """

    number: int
    file: str
    direction: Direction
    note: str
    carried: int
    heard: int
    right: int
    wrong_way: int
    asked: int
    strays: int
    why_asked: str

    @property
    def verdict(self) -> str:
        """In words."""
        if self.strays:
            return f"{self.strays} that did not move"
        if self.direction == "by":
            return "right" if not (self.asked or self.wrong_way) else "asked"
        if self.wrong_way:
            return f"{self.wrong_way} the wrong way"
        if self.right < self.carried:
            return f"{self.carried - self.right} missed"
        return "asked" if self.asked else "right"

    @property
    def is_right(self) -> bool:
        """Whether all of it was told right, with or without asking."""
        return self.verdict in {"right", "asked"}


class Source(NamedTuple):
    """A file that something was measured in."""

    file: str
    what: str
    seconds: float
    reads: int
    sha256: str


class Certificate(NamedTuple):
    """All that is certified, with what it rests on."""

    plan: Plan
    measured_at: datetime
    emulated: str
    survey: Survey
    walks: tuple[WalkJudged, ...]
    heard: Share
    recall: Share
    direction: Share
    asked: Share
    quiet: Share
    strays_idle: int
    strays_walking: int
    idle_s: float
    walked_s: float
    advice: tuple[Advice, ...]
    sources: tuple[Source, ...]
    tallyport: str
    weights: str

    @property
    def strays_per_hour(self) -> float:
        """Tags told to have moved that did not, in an hour like those captured."""
        return 3600.0 * (self.strays_idle + self.strays_walking) / (self.idle_s + self.walked_s)

    @property
    def strays_per_pass(self) -> float:
        """The same for each walk."""
        return self.strays_walking / len(self.walks)


def certify(plan: Plan, folder: Path, *, emulated: str = "") -> Certificate:
    """Judge what a plan names. Raises ``PlanError`` with all that is missing,
    ``RecordingError`` for a file that is no recording.
    """
    missing = lacking(plan, folder)
    if missing:
        raise PlanError("\n".join(missing))
    quiet = [_captured(plan, folder / one.file, seconds=one.seconds) for one in plan.idle]
    walks = [
        _captured(plan, folder / one.file, direction=one.direction, carried=plan.carried(one))
        for one in plan.walks
    ]
    missing = lacking(plan, folder, sum(one.seconds for one in quiet))
    if missing:
        raise PlanError("\n".join(missing))
    return _certificate(plan, folder, quiet, walks, emulated)


def _captured(
    plan: Plan,
    path: Path,
    *,
    seconds: float = 0.0,
    direction: Direction | None = None,
    carried: frozenset[str] = frozenset(),
) -> Captured:
    recording = read_recording(path)
    header = recording.header
    if not isinstance(header, PortalHeader):
        raise RecordingError(f"{path} is no portal's recording")
    if header.read_point != plan.read_point:
        raise PlanError(
            f"{path} was captured at {header.read_point}, but the plan is of {plan.read_point}"
        )
    length = max(recording.duration_s, seconds)
    return Captured(path.name, recording, length, direction, carried)


def _certificate(
    plan: Plan,
    folder: Path,
    quiet: Sequence[Captured],
    walks: Sequence[Captured],
    emulated: str,
) -> Certificate:
    judge = portal.Production()
    ordered = sorted((*quiet, *walks), key=lambda one: one.header.started_at)
    seen = {id(one): portal.grade(_with_truth(one), judge) for one in ordered}
    told = tuple(
        _walk(number, one, note.note, seen[id(one)])
        for number, (one, note) in enumerate(zip(walks, plan.walks, strict=True), 1)
    )
    through = [one for one in told if one.direction != "by"]
    carried = sum(one.carried for one in through)
    right, wrong = sum(one.right for one in through), sum(one.wrong_way for one in through)
    measured = survey(ordered)
    asked = sum(bool(one.asked) for one in told)
    calm = [one for one in told if one.direction == "by"]
    return Certificate(
        plan=plan,
        measured_at=ordered[0].header.started_at,
        emulated=emulated,
        survey=measured,
        walks=told,
        heard=Share(sum(one.heard for one in through), carried),
        recall=Share(right, carried),
        direction=Share(right, right + wrong),
        asked=Share(asked, len(told)),
        quiet=Share(sum(one.verdict == "right" for one in calm), len(calm)),
        strays_idle=sum(_told(one.seen) for each in quiet for one in seen[id(each)]),
        strays_walking=sum(one.strays for one in told),
        idle_s=sum(one.seconds for one in quiet),
        walked_s=sum(one.seconds for one in walks),
        advice=tuple(advice(measured)),
        sources=tuple(_source(folder, one) for one in (*quiet, *walks)),
        tallyport=version("tallyport"),
        weights=crossing.model(),
    )


def _with_truth(one: Captured) -> Recording:
    """With a truth for each tag that was carried through; as noted in the capture itself, or at
    the middle of when its tags were loudest.
    """
    if one.direction not in {"in", "out"} or one.recording.truths:
        return one.recording
    loudest: dict[str, TagHeard] = {}
    for read in one.reads(carried=True):
        best = loudest.setdefault(read.epc.upper(), read)
        if (read.peak_rssi_dbm or -99.0) > (best.peak_rssi_dbm or -99.0):
            loudest[read.epc.upper()] = read
    middle = median([read.t for read in loudest.values()]) if loudest else one.seconds / 2
    truths = tuple(
        PassTruth(t=middle, epc=epc, direction="in" if one.direction == "in" else "out")
        for epc in sorted(one.carried)
    )
    return Recording(header=one.recording.header, heard=one.recording.heard, truths=truths)


def _walk(
    number: int, one: Captured, note: str, graded: Sequence[portal.TagHappening]
) -> WalkJudged:
    assert one.direction is not None
    through = one.direction != "by"
    own = [tag.seen for tag in graded if tag.epc in one.carried]
    others = [tag.seen for tag in graded if tag.epc not in one.carried]
    asked = [seen for seen in (*own, *others) if seen.asked]
    return WalkJudged(
        number=number,
        file=one.file,
        direction=one.direction,
        note=note,
        carried=len(one.carried),
        heard=len({read.epc.upper() for read in one.reads(carried=True)}),
        right=sum(bool(seen.want) and seen.want == seen.got for seen in own),
        wrong_way=sum(seen.mistake == "wrong direction" for seen in own),
        asked=len(asked),
        strays=sum(map(_told, others)) + (0 if through else sum(map(_told, own))),
        why_asked=asked[0].asked if asked else "",
    )


def _told(seen: Happening) -> int:
    """Whether something was posted that did not happen; what a person was asked about was not."""
    return abs(seen.posted) if not seen.want else 0


def _source(folder: Path, one: Captured) -> Source:
    what = "quiet" if one.direction is None else f"walk {one.direction}"
    reads = sum(isinstance(line, TagHeard) for line in one.recording.heard)
    digest = sha256((folder / one.file).read_bytes()).hexdigest()
    return Source(one.file, what, one.seconds, reads, digest)
