"""Power cuts: disk states after a cut at any moment, each opened and held to its promises.

A workload runs once with its writes and syncs recorded; from the recording, states are drawn
that a disk may be in after a cut (see ``disk``), and the real journal or the real central is
started on each. The states of one seed are always the same. In every state the start must
succeed, nothing acknowledged may be missing, and nothing may be there that was not written;
on a card that lies about its syncs rows may be missing, all else holds. One in four of the
honest states is cut a second time, in the middle of the recovery.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import NotHere, describe
from benchmarks.powercut import mount, recording
from benchmarks.powercut.card import cut_often

STEPS = {"journal": 200, "central": 60}
_TOLD = ("repaired", "quarantined", "removed")
_A_STATE_S = 60.0
"""A state that takes so long to look at has hung the start."""


class Plan(NamedTuple):
    """What to put under power cuts, with how long a workload, and how many states of it."""

    subject: str
    steps: int
    states: int
    seed: int


def run(*, states: int = 300, seed: int = 1, cuts: int = 0) -> dict[str, Any]:
    """Look at ``states`` states, a third of them central's, and return the figures.

    ``cuts`` are power cuts under a real process on the forgetful file system besides, on an
    honest card and as many on a lying one.
    """
    if reason := recording.why_not() or (mount.why_not() if cuts else ""):
        raise NotHere(reason)
    begin = time.monotonic()
    figures: dict[str, Any] = {}
    violations: list[str] = []
    of_central = states // 3
    with tempfile.TemporaryDirectory(prefix="tallyport-powercut-") as folder:
        library = recording.build(Path(folder))
        for subject, share in (("journal", states - of_central), ("central", of_central)):
            plan = Plan(subject, STEPS[subject], share, seed)
            counted, wrong = look(plan, Path(folder), library)
            violations += wrong
            for name, value in counted.items():
                unit = "rows" if name.startswith("rows") else "states"
                figures[f"{subject}_{name}"] = _figure(value, unit)
    for kind, lies in (("honest", False), ("lying", True)):
        if cuts:
            counted, wrong = cut_often(cuts, seed, lies=lies)
            violations += wrong
            for name, value in counted.items():
                unit = "rows" if name.startswith("rows") else "cuts"
                figures[f"{kind}_card_{name}"] = _figure(value, unit)
    figures["states"] = _figure(states, "states")
    figures["seed"] = _figure(seed, "seed")
    figures["took"] = _figure(time.monotonic() - begin, "s")
    return {
        "bench": "powercut", "machine": describe(), "figures": figures, "violations": violations,
    }  # fmt: skip


def _figure(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "baseline": None, "ratio": None}


def look(
    plan: Plan, folder: Path, library: Path, *, processes: int = 2
) -> tuple[Counter[str], list[str]]:
    """Record the plan's workload in ``folder`` and look at its states, in so many processes.

    Returns counts and what was wrong, each with the command that shows that state again.
    """
    log = folder / f"{plan.subject}-{plan.steps}-{plan.seed}.log"
    _worker(library, ["record", plan.subject, str(log), *_told(plan)], timeout_s=300)
    with ThreadPoolExecutor(processes) as pool:
        shares = [
            pool.submit(_share, plan, library, log, number, processes)
            for number in range(processes)
        ]
        findings = [finding for share in shares for finding in share.result()]
    return _count(findings), _wrong(plan, findings)


def _share(plan: Plan, library: Path, log: Path, number: int, of: int) -> list[dict[str, Any]]:
    """Look at every ``of``-th state. A process that dies on one is started again behind it."""
    findings: list[dict[str, Any]] = []
    done = 0
    words = ["check", plan.subject, str(log), *_told(plan), "--states", str(plan.states)]
    words += ["--share", str(number), str(of)]
    while True:
        most_s = _A_STATE_S + 3.0 * plan.states
        ended = _worker(library, [*words, "--skip", str(done)], timeout_s=most_s)
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        begun = [line for line in lines if "looks_at" in line]
        findings += [line for line in lines if "found" in line]
        if not ended.returncode:
            return findings
        if not begun:
            raise RuntimeError(f"the worker did not start:\n{ended.stderr[-2000:]}")
        why = f"the process died with {ended.returncode}: {ended.stderr[-300:]}"
        findings.append({"found": begun[-1]["looks_at"], "lies": False, "wrong": [why]})
        done += len(begun)


def _worker(
    library: Path, words: Sequence[str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.powercut.worker", *words],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True, text=True, check=False, timeout=timeout_s,
    )  # fmt: skip
    if words[0] == "record" and ended.returncode:
        raise RuntimeError(f"the workload could not be recorded:\n{ended.stderr[-2000:]}")
    return ended


def _told(plan: Plan) -> list[str]:
    return ["--steps", str(plan.steps), "--seed", str(plan.seed)]


def _count(findings: Sequence[dict[str, Any]]) -> Counter[str]:
    """By what opening found; a state that was cut twice was opened twice. What happened on
    lying cards is counted apart.
    """
    counted: Counter[str] = Counter(dict.fromkeys(("opened", *_TOLD, "clean", "rows_lost"), 0))
    for one in findings:
        told = [name for name in _TOLD if one.get(name)]
        if not told and not one["wrong"]:
            told = ["clean"]
        suffix = "_lying" if one["lies"] else ""
        counted.update(f"{name}{suffix}" for name in ("opened", *told))
        counted[f"rows_lost{suffix}"] += one.get("forgotten", 0)
    return counted


def _wrong(plan: Plan, findings: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{plan.subject}, seed {plan.seed}, {plan.steps} steps, state {one['found']} of "
        f"{plan.states}: {sentence}"
        for one in findings
        for sentence in one["wrong"]
    ]
