"""What a technician walks, and which capture is of which walk: a TOML file.

``read_point``, ``site`` and ``technician`` at the top; ``epcs``: the tags on the trolley, for all
walks that do not name their own; an ``[[idle]]`` table for each quiet stretch and a ``[[walks]]``
table for each walk, both with the ``file`` of the capture beside the plan.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from drivers.recording import Epc, Name

IDLE_S = 120.0
_IDLE_SLACK_S = 2.0
"""A capture's length is told by its last read, which is a little before its end."""
LEAST: dict[str, int] = {"in": 3, "out": 3, "by": 2}
WALKS = 10
SCRIPT: tuple[tuple[str, str], ...] = (
    ("in", "Push the trolley through the middle of the door, at walking pace."),
    ("out", "Back out again, at walking pace."),
    ("by", "Past the door without entering, as near as people do."),
    ("in", "Through along the left pillar."),
    ("out", "Out along the left pillar."),
    ("in", "Through along the right pillar, fast."),
    ("out", "Out along the right pillar, fast."),
    ("by", "Come up to the door, stop a step before it, and turn back."),
    ("in", "Through slowly; stand still in the doorway for three seconds."),
    ("out", "Out slowly; stand still in the doorway for three seconds."),
)
"""Ten walks that show what a portal can do: each way four times, and twice none."""

Direction = Literal["in", "out", "by"]


class PlanError(ValueError):
    """A plan that cannot be read or lacks what a certificate needs; the text says all of it."""


class Idle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch in which nothing moved; ``seconds`` if it was longer than its last read tells."""

    file: str
    seconds: float = 0.0


class Walk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One walk: ``by`` is any that does not end on the other side."""

    file: str
    direction: Direction
    epcs: tuple[Epc, ...] = ()
    note: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    read_point: Name
    site: str = ""
    technician: str = ""
    epcs: tuple[Epc, ...] = ()
    idle: tuple[Idle, ...] = ()
    walks: tuple[Walk, ...] = ()

    def carried(self, walk: Walk) -> frozenset[str]:
        """The tags that were on this walk."""
        return frozenset(epc.upper() for epc in walk.epcs or self.epcs)


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises ``PlanError``."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Plan)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise PlanError(f"{path}: {error}. `tallyport certify plan` writes one to fill.") from error


def lacking(plan: Plan, folder: Path, idle_s: float | None = None) -> list[str]:
    """What is to be done before this can be certified, sentence by sentence; empty when nothing.

    ``idle_s`` is how much quiet was captured; without it only the files are looked at.
    """
    return [*_lacking_walks(plan), *_lacking_files(plan, folder), *_lacking_quiet(idle_s)]


def _lacking_walks(plan: Plan) -> Iterator[str]:
    if not plan.idle:
        yield f"No quiet was captured: capture {IDLE_S:.0f} s in which nothing moves."
    if len(plan.walks) < WALKS:
        more = WALKS - len(plan.walks)
        yield f"{len(plan.walks)} of {WALKS} walks are listed: walk {more} more."
    for direction, least in LEAST.items():
        there = sum(1 for walk in plan.walks if walk.direction == direction)
        if there < least:
            yield f'{there} of at least {least} walks are "{direction}": walk {least - there} more.'
    for number, walk in enumerate(plan.walks, 1):
        if not plan.carried(walk):
            yield (
                f"Walk {number} ({walk.file}) names no tags: list the EPCs of the trolley in "
                "`epcs`, at the top of the plan or in the walk."
            )


def _lacking_files(plan: Plan, folder: Path) -> Iterator[str]:
    for file in [one.file for one in plan.idle] + [one.file for one in plan.walks]:
        if not (folder / file).is_file():
            yield f"{file} is not here: {_capture(plan.read_point, file)}"


def _lacking_quiet(idle_s: float | None) -> Iterator[str]:
    if idle_s is not None and idle_s < IDLE_S - _IDLE_SLACK_S:
        yield (
            f"Only {idle_s:.0f} s of quiet were captured: {IDLE_S:.0f} s are needed. Should the "
            "capture have been longer than its last read, say so with `seconds` in [[idle]]."
        )


def _capture(read_point: str, file: str, seconds: int = 30) -> str:
    return (
        f"tallyport edge capture -c edge.toml --device {read_point} --recording {file} "
        f"--seconds {seconds}"
    )


def template(read_point: str) -> str:
    """A plan to fill: what to do, step by step, with the command for every capture."""
    lines = [
        "# A portal's certificate: two quiet minutes and ten walks.",
        "#",
        "# 1. Put at least 8 tagged cases on a trolley, as your goods are packed, and list their",
        "#    EPCs below (`tallyport edge probe` shows them).",
        "# 2. Leave all else as it stands on a usual day: staged pallets, parked trucks.",
        "# 3. Capture each file with the command above its table; keep 4 m away from the door",
        "#    before and after each walk, for at least 3 s.",
        "# 4. tallyport certify --plan THIS-FILE --out certificate",
        "",
        f'read_point = "{read_point}"',
        'site = ""',
        'technician = ""',
        "epcs = []",
        "",
        f"# {_capture(read_point, 'idle.jsonl.gz', round(IDLE_S))}",
        "[[idle]]",
        'file = "idle.jsonl.gz"',
        f"seconds = {IDLE_S:.0f}",
    ]
    for number, (direction, note) in enumerate(SCRIPT, 1):
        file = f"walk-{number:02d}.jsonl.gz"
        lines += [
            "",
            f"# Walk {number}: {note}",
            f"# {_capture(read_point, file)}",
            "[[walks]]",
            f'file = "{file}"',
            f'direction = "{direction}"',
            f'note = "{note}"',
        ]
    return "\n".join(lines) + "\n"
