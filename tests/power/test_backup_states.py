"""Power cuts while a backup replaces an older one: there is always a whole one, or none is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.powercut import states
from benchmarks.powercut.recording import Op, parse
from central.keeping.backup_files import BackupFailed, manifest_of

TWO_BACKUPS = """
import sys
from pathlib import Path
from benchmarks.powercut.recording import Recorder
from central.keeping.backup import backup
from central.database.store import Database
from tests.central.test_digests import fill, post
books, folder, log = (Path(each) for each in sys.argv[1:])
url = f"sqlite:///{books}"
database = Database(url)
database.migrate()
database.write_now(fill)
recorder = Recorder()
recorder.start(log, folder)
backup(url, folder / "copy")
recorder.mark("12")
database.write_now(lambda conn: post(conn, 20))
backup(url, folder / "copy")
recorder.mark("15")
recorder.stop()
database.close()
"""


@pytest.fixture
def ops(tmp_path: Path, recorder_library: Path) -> list[Op]:
    """Everything that two backups to one name did to their folder."""
    folder, log = tmp_path / "copies", tmp_path / "log"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", TWO_BACKUPS, tmp_path / "central.sqlite", folder, log],
        env={**os.environ, "LD_PRELOAD": str(recorder_library)},
        check=True, timeout=100,
    )  # fmt: skip
    return list(parse(log.read_bytes()))


def broken_promises(ops: list[Op], scratch: Path, count: int) -> tuple[int, set[int]]:
    """In how many states the backup that had been told of is not there; how far those go that
    were found.
    """
    wrong, found = 0, set()
    for state, files in states.rebuild(ops, states.draw(count, ops, 11, lies=False), 11):
        folder = scratch / f"state-{state.number}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        told = max((int(op.name) for op in ops[: state.cut] if op.kind == "M"), default=0)
        try:
            reach = manifest_of(folder / "copy").ledger_seq
        except BackupFailed:
            reach = 0
        wrong += reach < told
        found.add(reach)
    return wrong, found


def test_a_cut_leaves_the_old_backup_or_the_new_one(ops: list[Op], tmp_path: Path) -> None:
    """A cut seldom falls behind the new one's last step, the larger the books are."""
    wrong, found = broken_promises(ops, tmp_path, 150)
    assert wrong == 0
    assert {0, 12} <= found <= {0, 12, 15}


def test_a_backup_that_is_not_synced_is_caught(ops: list[Op], tmp_path: Path) -> None:
    unsynced = [op for op in ops if op.kind not in "SD"]
    assert broken_promises(unsynced, tmp_path, 150)[0] > 5
