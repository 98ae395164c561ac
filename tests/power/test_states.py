"""Power cuts at random moments: the journal and central's SQLite start on what is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from benchmarks.powercut import central, journal, states
from benchmarks.powercut.disk import Disk
from benchmarks.powercut.journal import Found, Story
from benchmarks.powercut.recording import Op, parse
from benchmarks.powercut.run import STEPS, Plan, look

SEED = 20261121


@pytest.mark.timeout(300)
def test_230_disk_states_of_the_edges_journal(tmp_path: Path, recorder_library: Path) -> None:
    plan = Plan("journal", STEPS["journal"], 230, SEED)
    counted, wrong = look(plan, tmp_path, recorder_library, processes=1)
    assert wrong == []
    assert counted["rows_lost"] == counted["quarantined"] == 0
    assert counted["opened"] > 200  # one in four of the honest ones is cut twice
    assert counted["repaired"] > 0
    assert counted["opened_lying"] > 20
    assert counted["rows_lost_lying"] > 0


@pytest.mark.timeout(300)
def test_40_disk_states_of_centrals_sqlite(tmp_path: Path, recorder_library: Path) -> None:
    plan = Plan("central", STEPS["central"], 40, SEED)
    counted, wrong = look(plan, tmp_path, recorder_library, processes=1)
    assert wrong == []
    assert counted["rows_lost"] == 0
    assert counted["opened"] > 43


RECORDED = """
import sys
from pathlib import Path
from benchmarks.powercut import central, journal
from benchmarks.powercut.recording import Recorder
folder, log = Path(sys.argv[2]), Path(sys.argv[3])
work = {"journal": journal.work, "central": central.work}[sys.argv[1]]
recorder = Recorder()
recorder.start(log, folder)
work(folder, recorder.mark, steps=60, seed=5)
recorder.stop()
"""


def recorded(subject: str, folder: Path, log: Path, library: Path) -> list[Op]:
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", RECORDED, subject, folder, log],
        env={**os.environ, "LD_PRELOAD": str(library)},
        check=True, timeout=100, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return list(parse(log.read_bytes()))


@pytest.mark.parametrize("subject", ["journal", "central"])
def test_the_recording_tells_every_byte_of_every_file(
    subject: str, tmp_path: Path, recorder_library: Path
) -> None:
    folder = tmp_path / "work"
    disk = Disk()
    for op in recorded(subject, folder, tmp_path / "log", recorder_library):
        disk.apply(op)
    there = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert disk.now.by_name() == {
        name: content for name, content in there.items() if not name.endswith("-shm")
    }


def look_at_the_journal(folder: Path, marks: Sequence[str], _: Path) -> Found:
    story = Story()
    for mark in marks:
        story.hear(mark)
    return journal.check(folder, story, lambda _: None)


def look_at_central(folder: Path, marks: Sequence[str], scratch: Path) -> Found:
    told = max((int(mark.split()[1]) for mark in marks), default=0)
    sent = central.messages(60, 5)
    return central.check(folder, told, sent, central.reference(scratch, sent))


@pytest.mark.parametrize(
    ("subject", "look_at"), [("journal", look_at_the_journal), ("central", look_at_central)]
)
def test_a_program_that_does_not_sync_is_caught(
    subject: str,
    look_at: Callable[[Path, Sequence[str], Path], Found],
    tmp_path: Path,
    recorder_library: Path,
) -> None:
    """The negative control: without its syncs the same recording must lose rows."""
    ops = recorded(subject, tmp_path / "work", tmp_path / "log", recorder_library)
    unsynced = [op for op in ops if op.kind not in "SD"]
    caught = 0
    for state, files in states.rebuild(unsynced, states.draw(12, unsynced, 1, lies=False), 1):
        folder = tmp_path / f"state-{state.number}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        marks = [op.name for op in unsynced[: state.cut] if op.kind == "M"]
        try:
            found = look_at(folder, marks, tmp_path / f"uncut-{state.number}")
        except DatabaseError:  # SQLite finds its file malformed
            caught += 1
        else:
            caught += bool(found.wrong and found.forgotten)
    assert caught > 5


def test_the_states_of_a_seed_are_the_same_every_time(
    tmp_path: Path, recorder_library: Path
) -> None:
    ops = recorded("journal", tmp_path / "work", tmp_path / "log", recorder_library)
    drawn = states.draw(30, ops, 3, lies=True)
    assert drawn == states.draw(30, ops, 3, lies=True)
    assert drawn != states.draw(30, ops, 4, lies=True)
    first, second = ([files for _, files in states.rebuild(ops, drawn, 3)] for _ in range(2))
    assert first == second
