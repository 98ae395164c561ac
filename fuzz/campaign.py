"""Every target for a while, each in a process of its own, and a table of what came of it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from fuzz.targets import TARGETS

HERE = Path(__file__).parent
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
_PULSE = re.compile(r"^#(\d+)\t", re.MULTILINE)


class Run(NamedTuple):
    """One target's run. ``edges`` are those of our code that inputs reached, ``learnt`` how
    many inputs are worth keeping; ``found`` are the files of new findings.
    """

    target: str
    executions: int
    seconds: float
    edges: int
    learnt: int
    found: tuple[str, ...]
    status: int

    @property
    def failed(self) -> bool:
        """Whether there is something for a person to look at."""
        return bool(self.found) or self.status != 0


def run_all(seconds: int, together: int, learnt: Path) -> int:
    """Run every target; prints a line as each ends and the table at last. 1 on a finding."""
    with ThreadPoolExecutor(max(1, together)) as pool:
        runs = list(pool.map(lambda name: _run(name, seconds, learnt), TARGETS))
    print(table(runs))  # noqa: T201 (a command's answer)
    return 1 if any(run.failed for run in runs) else 0


def _run(name: str, seconds: int, learnt: Path) -> Run:
    findings = HERE / "findings" / name
    before = set(findings.glob("*"))
    log = learnt / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("wb") as said:
        status = subprocess.run(
            [
                sys.executable, "-m", "fuzz.run", name,
                "--seconds", str(seconds), "--learnt", str(learnt),
            ],
            stdout=said, stderr=subprocess.STDOUT, check=False, cwd=HERE.parent,
        ).returncode  # fmt: skip
    took_s = time.monotonic() - began
    found = tuple(sorted(path.name for path in set(findings.glob("*")) - before))
    told = read_log(name, log.read_text(errors="replace"), took_s, found, status)
    print(_row(told), f"({log})" if told.failed else "", flush=True)  # noqa: T201
    return told


def read_log(name: str, log: str, seconds: float, found: tuple[str, ...], status: int) -> Run:
    """What libFuzzer's log tells of a run."""
    executed = _EXECUTED.findall(log) or _PULSE.findall(log) or ["0"]
    edges, _, learnt = (_COVERED.findall(log) or [("0", "0", "0")])[-1]
    return Run(name, int(executed[-1]), seconds, int(edges), int(learnt), found, status)


def table(runs: list[Run]) -> str:
    """The runs as a table for people and for docs/reliability.md."""
    lines = [
        "| target | executions | seconds | per second | edges | inputs learnt | new findings |",
        "|---|---|---|---|---|---|---|",
        *map(_row, runs),
    ]
    executions, seconds = sum(run.executions for run in runs), sum(run.seconds for run in runs)
    found = sum(len(run.found) for run in runs)
    lines.append(f"| all | {executions:,} | {seconds:,.0f} | | | | {found} |")
    return "\n".join(lines)


def _row(run: Run) -> str:
    ended = "" if run.status == 0 else f" (ended with {run.status})"
    found = ", ".join(run.found) or "0"
    return (
        f"| {run.target} | {run.executions:,} | {run.seconds:,.0f} "
        f"| {run.executions / max(run.seconds, 1e-9):,.0f} | {run.edges:,} | {run.learnt:,} "
        f"| {found}{ended} |"
    )
