"""One process of the power-cut bench: records a workload, or looks at a share of the states.

Started with the recorder preloaded, and apart from whoever counts, so that a crash on some
state is a finding about that state and not the end of the run.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from benchmarks.powercut import central, journal, states
from benchmarks.powercut.disk import Disk
from benchmarks.powercut.journal import Found, Story
from benchmarks.powercut.recording import Op, Recorder, parse
from benchmarks.powercut.states import State


class Subject(Protocol):
    """What is put under power cuts."""

    def check(self, folder: Path, marks: Sequence[str], state: State) -> Found:
        """Open what is in ``folder`` and hold it to what the ``marks`` say it promised."""
        ...


class JournalSubject:
    """The edge's journal."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def check(self, folder: Path, marks: Sequence[str], state: State) -> Found:
        """See ``Subject``."""
        story = Story()
        for mark in marks:
            story.hear(mark)
        honest = state.lying_since is None
        return journal.check(folder, story, self._recorder.mark, honest=honest)


class CentralSubject:
    """Central's database on SQLite."""

    def __init__(self, scratch: Path, steps: int, seed: int) -> None:
        self._sent = central.messages(steps, seed)
        self._expected = central.reference(_emptied(scratch / "uncut"), self._sent)

    def check(self, folder: Path, marks: Sequence[str], _state: State) -> Found:
        """See ``Subject``."""
        told = max((int(mark.split()[1]) for mark in marks), default=0)
        return central.check(folder, told, self._sent, self._expected)


def main() -> None:
    """See ``--help``."""
    parser = argparse.ArgumentParser(prog="powercut.worker", description=__doc__)
    parser.add_argument("task", choices=("record", "check"))
    parser.add_argument("subject", choices=("journal", "central"))
    parser.add_argument("log", type=Path, help="the recording")
    parser.add_argument("--steps", type=int, required=True, help="length of the workload")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--states", type=int, default=0, help="how many are drawn in all")
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("NO", "OF"))
    parser.add_argument("--skip", type=int, default=0, help="so many of the share are done")
    parser.add_argument("--only", type=int, help="look at the state of this number alone")
    told = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="tallyport-powercut-", dir=_memory()) as scratch:
        if told.task == "record":
            _record(told, Path(scratch))
        else:
            for line in _look(told, Path(scratch)):
                print(json.dumps(line), flush=True)


def _memory() -> str | None:
    """A folder in memory, where a sync costs nothing: what is safe is the model's business."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _record(told: argparse.Namespace, scratch: Path) -> None:
    recorder = Recorder()
    work = journal.work if told.subject == "journal" else central.work
    recorder.start(told.log, _emptied(scratch / "work"))
    work(scratch / "work", recorder.mark, steps=told.steps, seed=told.seed)
    recorder.stop()


def _look(told: argparse.Namespace, scratch: Path) -> Iterator[dict[str, Any]]:
    ops = list(parse(told.log.read_bytes()))
    number, of = told.share
    drawn = states.draw(told.states, ops, told.seed, lies=told.subject == "journal")
    mine = drawn[number::of][told.skip :]
    if told.only is not None:
        mine = [state for state in drawn if state.number == told.only]
    recorder = Recorder()
    subject: Subject = (
        JournalSubject(recorder)
        if told.subject == "journal"
        else CentralSubject(scratch, told.steps, told.seed)
    )
    marks: list[str] = []
    heard = 0
    for state, files in states.rebuild(ops, mine, told.seed):
        yield {"looks_at": state.number, "state": str(state)}
        marks += [op.name for op in ops[heard : state.cut] if op.kind == "M"]
        heard = state.cut
        looked = _Looking(subject, recorder, scratch, state, told.seed)
        for found in looked.at(files, marks):
            lies = state.lying_since is not None
            yield {"found": state.number, "lies": lies, **vars(found)}


class _Looking:
    """Looks at one state, and perhaps at what a second cut leaves of its recovery."""

    def __init__(
        self, subject: Subject, recorder: Recorder, scratch: Path, state: State, seed: int
    ) -> None:
        self._subject = subject
        self._recorder = recorder
        self._scratch = scratch
        self._state = state
        self._chance = random.Random(f"{seed} {state.number} again")

    def at(self, files: dict[str, bytes], marks: Sequence[str]) -> list[Found]:
        folder = _laid(files, self._scratch / "state")
        if not self._state.again:
            return [_told(lambda: self._subject.check(folder, marks, self._state))]
        log = self._scratch / "again.log"
        self._recorder.start(log, folder)
        found = _told(lambda: self._subject.check(folder, marks, self._state))
        self._recorder.stop()
        return [found, self._cut_again(files, list(parse(log.read_bytes())), marks)]

    def _cut_again(self, files: dict[str, bytes], ops: Sequence[Op], marks: Sequence[str]) -> Found:
        disk = Disk(files, self._state.model)
        cut = self._chance.randint(0, len(ops))
        for op in ops[:cut]:
            disk.apply(op)
        left = disk.after_cut(self._state.survival, self._chance)
        more = [op.name for op in ops[:cut] if op.kind == "M"]
        folder = _laid(left, self._scratch / "state")
        return _told(lambda: self._subject.check(folder, [*marks, *more], self._state))


def _told(look: Callable[[], Found]) -> Found:
    """What was found; whatever is raised is the worst finding: the start was refused."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 (any of them is the finding)
        where = traceback.extract_tb(error.__traceback__)[-1]
        found = Found()
        found.wrong.append(f"raised {error!r:.300} at {Path(where.filename).name}:{where.lineno}")
        return found


def _laid(files: dict[str, bytes], folder: Path) -> Path:
    _emptied(folder)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    main()
