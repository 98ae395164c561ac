"""Figures of many recordings together, as the object that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from drivers.recording import PortalHeader, Recording
from tallyport.evaluate import portal, shelf
from tallyport.evaluate.events import Happening
from tallyport.evaluate.measures import (
    Counts,
    Share,
    Sure,
    calibration_error,
    covered_at,
    f1,
    f1_interval,
    quantile,
    rounded,
)
from tallyport.evaluate.passes import Passes, passes

_ERRORS_AT = (0.001, 0.01)


class Seen(NamedTuple):
    """One happening of a file: ``what`` is a tag's EPC or a plate's number, ``heard`` whether any
    reader heard the tag.
    """

    file: str
    what: str | int
    seen: Happening
    heard: bool = True


class OfFile(NamedTuple):
    """What one recording came to: of so many ``seconds`` and so many ``tags`` heard; of a shelf,
    how many pieces each plate can count at once.
    """

    file: str
    kind: Literal["portal", "shelf"]
    seconds: float
    tags: int
    seen: tuple[Seen, ...]
    countable: tuple[tuple[int, int], ...] = ()

    @property
    def happenings(self) -> list[Happening]:
        """All that happened or was said to."""
        return [one.seen for one in self.seen]


def grade(
    recordings: Iterable[tuple[Path, Recording]], judge: portal.Judge | None = None
) -> list[OfFile]:
    """Judge every recording and hold it against its truth, in the order in which they were made.

    ``judge`` is for portals; without one it is the judging that runs in production, with a
    memory of every read point.
    """
    judge = portal.Production() if judge is None else judge
    return [_of_file(path.name, recording, judge) for path, recording in recordings]


def _of_file(name: str, recording: Recording, judge: portal.Judge) -> OfFile:
    if not isinstance(recording.header, PortalHeader):
        changes = shelf.grade(recording)
        plates = tuple(Seen(name, one.plate, one.seen) for one in changes)
        most = tuple(sorted(shelf.countable_by_plate(recording).items()))
        return OfFile(name, "shelf", recording.duration_s, 0, plates, most)
    heard = portal.tags(recording)
    moved = portal.grade(recording, judge)
    tags = tuple(Seen(name, one.epc, one.seen, one.epc in heard) for one in moved)
    return OfFile(name, "portal", recording.duration_s, len(heard), tags)


def told(graded: Sequence[OfFile]) -> dict[str, object]:
    """The object that ``--json`` prints; None for a kind of which there is no recording."""
    portals = [one for one in graded if one.kind == "portal"]
    shelves = [one for one in graded if one.kind == "shelf"]
    return {
        "files": len(graded),
        "portal": portal_figures(portals) if portals else None,
        "shelf": shelf_figures(shelves) if shelves else None,
    }


def portal_figures(graded: Sequence[OfFile]) -> dict[str, object]:
    """Figures of portal recordings. Each share stands as a number, and in ``intervals`` with what
    it is a share of and its interval at 95 %.
    """
    seen = [one for file in graded for one in file.seen]
    every = [one.seen for one in seen]
    both = [one for one in every if one.want and one.got]
    heard = [one.seen for one in seen if one.heard]
    whole = [passes(file.happenings) for file in graded]
    shares = {
        **_found(every),
        "recall_heard": _recall(heard),
        "direction_accuracy": Share(sum(_alike(o.want, o.got) for o in both), len(both)),
        "passes_exact": Share(sum(one.exact for one in whole), sum(one.true for one in whole)),
        **_asked(every),
    }
    return {
        **_values(shares, graded),
        **_sure_and_late(every),
        "never_heard": sum(1 for one in seen if one.seen.want and not one.heard),
        "tags": sum(one.tags for one in graded),
        **_spurious(graded, whole),
        "intervals": _intervals(shares, graded),
        "errors": [_error(one, "epc") for one in seen if one.seen.mistake],
    }


def shelf_figures(graded: Sequence[OfFile]) -> dict[str, object]:
    """The same of shelf recordings."""
    seen = [one for file in graded for one in file.seen]
    every = [one.seen for one in seen]
    true = [one for one in every if one.want]
    shares = {
        **_found(every),
        "quantity_exact": Share(sum(one.want == one.got for one in true), len(true)),
        **_asked(every),
    }
    return {
        **_values(shares, graded),
        **_sure_and_late(every),
        "spurious": sum(1 for one in every if one.posted and not one.want),
        "hours": _hours(graded),
        "countable": [
            {"file": file.file, "plate": plate, "most": most}
            for file in graded
            for plate, most in file.countable
        ],
        "intervals": _intervals(shares, graded),
        "errors": [_error(one, "plate") for one in seen if one.seen.mistake],
    }


def counts_of(seen: Iterable[Happening]) -> Counts:
    """Pieces that were believed (posted, or proposed to a person) beside those that moved."""
    right = said = true = 0
    for one in seen:
        right += _right(one.want, one.got)
        said += abs(one.got)
        true += abs(one.want)
    return Counts(right, said, true)


def answers_of(seen: Iterable[Happening]) -> list[Sure]:
    """How sure each answer was, and whether it was right."""
    return [
        Sure(one.confidence, one.want == one.got)
        for one in seen
        if one.got and one.confidence is not None
    ]


def _found(seen: Sequence[Happening]) -> dict[str, Share]:
    counts = counts_of(seen)
    return {"precision": Share(counts.right, counts.said), "recall": _recall(seen)}


def _recall(seen: Sequence[Happening]) -> Share:
    counts = counts_of(seen)
    return Share(counts.right, counts.true)


def _asked(seen: Sequence[Happening]) -> dict[str, Share]:
    """How often a person was asked, and how wrong what moved by itself was."""
    posted = sum(abs(one.posted) for one in seen)
    right = sum(min(abs(one.posted), one.true_so(one.posted)) for one in seen)
    decided = [one for one in seen if one.got or one.asked]
    return {
        "reviewed": Share(sum(1 for one in decided if one.asked), len(decided)),
        "posted_wrong": Share(posted - right, posted),
    }


def _values(shares: dict[str, Share], graded: Sequence[OfFile]) -> dict[str, object]:
    values: dict[str, object] = {name: rounded(share.value) for name, share in shares.items()}
    return {**values, "f1": f1(*counts_of(chain.from_iterable(f.happenings for f in graded)))}


def _intervals(shares: dict[str, Share], graded: Sequence[OfFile]) -> dict[str, object]:
    between = f1_interval([counts_of(file.happenings) for file in graded])
    drawn = {"low": between[0], "high": between[1]} if between else {"low": None, "high": None}
    return {**{name: share.told() for name, share in shares.items()}, "f1": drawn}


def _sure_and_late(seen: Sequence[Happening]) -> dict[str, object]:
    late = [one.latency_s for one in seen if one.latency_s is not None]
    sure = answers_of(seen)
    return {
        "latency_s": {"p50": quantile(late, 0.5), "p95": quantile(late, 0.95)},
        "calibration_error": calibration_error(sure),
        "coverage_at_error": {f"{error:g}": covered_at(sure, error) for error in _ERRORS_AT},
    }


def _spurious(graded: Sequence[OfFile], whole: Sequence[Passes]) -> dict[str, object]:
    """Tags said to have moved that did not; also by recordings in which nothing moved."""
    idle = [file for file in graded if not any(one.want for one in file.happenings)]
    false = sum(abs(one.got) for file in idle for one in file.happenings)
    return {
        "spurious": sum(abs(o.got) for f in graded for o in f.happenings if not o.want),
        "false_passes": sum(one.false for one in whole),
        "idle_recordings": len(idle),
        "spurious_per_idle_recording": round(false / len(idle), 4) if idle else None,
        "hours": _hours(graded),
    }


def _hours(graded: Sequence[OfFile]) -> float:
    return round(sum(one.seconds for one in graded) / 3600.0, 4)


def _alike(want: int, got: int) -> bool:
    return (want > 0) == (got > 0)


def _right(want: int, got: int) -> int:
    """How many of the pieces that were said are true."""
    return min(abs(want), abs(got)) if _alike(want, got) else 0


def _error(one: Seen, what: str) -> dict[str, object]:
    seen = one.seen
    told: dict[str, object] = {
        "file": one.file,
        "t": round(seen.t, 3),
        "kind": seen.mistake,
        what: one.what,
        "want": seen.want,
        "got": seen.got,
        "posted": seen.posted,
        "asked": seen.asked or None,
        "confidence": seen.confidence,
    }
    return told if what == "plate" else {**told, "heard": one.heard}
