"""The watch over leftover tasks and threads does bite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT

LEAVING = """
import asyncio, threading
release = threading.Event()
kept = []

async def test_leaves_a_task():
    kept.append(asyncio.create_task(asyncio.Event().wait(), name="stray-task"))

async def test_ends_its_task():
    task = asyncio.create_task(asyncio.Event().wait())
    task.cancel()

def test_leaves_a_thread():
    threading.Thread(target=release.wait, args=(60,), name="stray-thread").start()

def test_lets_it_go():
    release.set()

def test_ends_its_thread():
    thread = threading.Thread(target=release.wait, args=(60,))
    thread.start()
    thread.join()
"""


def test_a_leftover_task_or_thread_fails_its_test(tmp_path: Path) -> None:
    watch = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(watch.replace("GRACE_S = 10.0", "GRACE_S = 0.2"))
    (tmp_path / "test_leaving.py").write_text(LEAVING)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "stray-task" in done.stdout
    assert "stray-thread" in done.stdout
    assert "2 errors" in done.stdout, done.stdout
    assert "5 passed" in done.stdout
