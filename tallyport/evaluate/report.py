"""Figures of many recordings together: for scripts as JSON, for people as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from drivers.recording import PortalHeader, Recording
from tallyport.evaluate import portal, shelf
from tallyport.evaluate.events import Happening
from tallyport.evaluate.measures import Share, f1, quantile

_SHOWN = 20


class Seen(NamedTuple):
    """One happening of a file: ``what`` is a tag's EPC or a plate's number."""

    file: str
    what: str | int
    seen: Happening


class Graded(NamedTuple):
    """All that happened in some recordings; ``tags`` were heard in them."""

    portals: list[Seen]
    shelves: list[Seen]
    tags: int
    kinds: frozenset[str]


def grade(
    recordings: Iterable[tuple[Path, Recording]], judge: portal.Judge | None = None
) -> Graded:
    """Judge every recording and hold it against its truth, in the order in which they were made.

    ``judge`` is for portals; without one it is the judging that runs in production, with a
    memory of every read point.
    """
    judge = portal.Production() if judge is None else judge
    portals: list[Seen] = []
    shelves: list[Seen] = []
    kinds: set[str] = set()
    tags = 0
    for path, recording in recordings:
        if isinstance(recording.header, PortalHeader):
            kinds.add("portal")
            tags += portal.tags(recording)
            portals += [
                Seen(path.name, one.epc, one.seen) for one in portal.grade(recording, judge)
            ]
        else:
            kinds.add("shelf")
            shelves += [Seen(path.name, one.plate, one.seen) for one in shelf.grade(recording)]
    return Graded(portals, shelves, tags, frozenset(kinds))


def told(graded: Graded, files: int) -> dict[str, object]:
    """The object that ``--json`` prints; None for a kind of which there is no recording."""
    return {
        "files": files,
        "portal": _portal(graded) if "portal" in graded.kinds else None,
        "shelf": _shelf(graded) if "shelf" in graded.kinds else None,
    }


def _portal(graded: Graded) -> dict[str, object]:
    seen = [one.seen for one in graded.portals]
    both = [one for one in seen if one.want and one.got]
    return {
        **_found(seen),
        "direction_accuracy": Share(sum(_alike(o.want, o.got) for o in both), len(both)).told(),
        "tags": graded.tags,
        **_asked_and_late(seen),
        "errors": [_error(one, "epc") for one in graded.portals if one.seen.want != one.seen.got],
    }


def _shelf(graded: Graded) -> dict[str, object]:
    seen = [one.seen for one in graded.shelves]
    true = [one for one in seen if one.want]
    return {
        **_found(seen),
        "quantity_exact": Share(sum(one.want == one.got for one in true), len(true)).told(),
        "spurious": sum(1 for one in seen if one.posted and not one.want),
        **_asked_and_late(seen),
        "errors": [_error(one, "plate") for one in graded.shelves if one.seen.want != one.seen.got],
    }


def _found(seen: Sequence[Happening]) -> dict[str, object]:
    """What was believed, whether posted or proposed to a person."""
    right = sum(_right(one.want, one.got) for one in seen)
    said, true = sum(abs(one.got) for one in seen), sum(abs(one.want) for one in seen)
    return {
        "precision": Share(right, said).told(),
        "recall": Share(right, true).told(),
        "f1": f1(right, said, true),
    }


def _asked_and_late(seen: Sequence[Happening]) -> dict[str, object]:
    posted = sum(abs(one.posted) for one in seen)
    right = sum(_right(one.want, one.posted) for one in seen)
    decided = [one for one in seen if one.got or one.asked]
    late = [one.latency_s for one in seen if one.latency_s is not None]
    return {
        "posted_wrong": Share(posted - right, posted).told(),
        "reviewed": Share(sum(1 for one in decided if one.asked), len(decided)).told(),
        "latency_s": {"p50": quantile(late, 0.5), "p95": quantile(late, 0.95)},
    }


def _alike(want: int, got: int) -> bool:
    return (want > 0) == (got > 0)


def _right(want: int, got: int) -> int:
    """How many of the pieces that were said are true."""
    return min(abs(want), abs(got)) if _alike(want, got) else 0


def _error(one: Seen, what: str) -> dict[str, object]:
    seen = one.seen
    sure = [event.confidence for event in seen.events if event.judged]
    return {
        "file": one.file,
        "t": round(seen.t, 3),
        what: one.what,
        "want": seen.want,
        "got": seen.got,
        "asked": seen.asked or None,
        "confidence": min(sure) if sure else None,
    }


def show(figures: dict[str, object], console: Console) -> None:
    """As a table for people, with the first errors below."""
    for kind in ("portal", "shelf"):
        part = figures[kind]
        if isinstance(part, dict):
            _show_part(kind, part, console)


def _show_part(kind: str, part: dict[str, object], console: Console) -> None:
    table = Table(title=f"{kind.capitalize()}: judged against the truth", title_justify="left")
    for column in ("", "value", "of", "95 % interval"):
        table.add_column(column, justify="left" if not column else "right")
    for name, value in part.items():
        if name == "errors":
            continue
        if isinstance(value, dict) and "cases" in value:
            table.add_row(_words(name), *_share_cells(value))
        elif isinstance(value, dict):
            table.add_row(_words(name), ", ".join(f"{k} {_number(v)}" for k, v in value.items()))
        else:
            table.add_row(_words(name), _number(value))
    console.print(table)
    errors = part["errors"]
    assert isinstance(errors, list)
    for error in errors[:_SHOWN]:
        console.print(_sentence(error), highlight=False)
    if len(errors) > _SHOWN:
        console.print(f"... and {len(errors) - _SHOWN} more: --json lists them all")


def _share_cells(share: dict[str, object]) -> tuple[str, str, str]:
    between = "" if share["low"] is None else f"{_number(share['low'])} - {_number(share['high'])}"
    return _number(share["value"]), f"{share['hits']}/{share['cases']}", between


def _sentence(error: dict[str, object]) -> str:
    what = f"plate {error['plate']}" if "plate" in error else str(error["epc"])
    asked = f", a person was asked: {error['asked']}" if error["asked"] else ""
    return (
        f"{error['file']} at {error['t']} s: {what} was {error['want']:+d}, "
        f"judged {error['got']:+d}{asked}"
    )


def _words(name: str) -> str:
    return name.replace("_", " ").replace("f1", "F1")


def _number(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
