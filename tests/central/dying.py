"""Processes of our own that end with SIGKILL at a chosen statement: real ones, forked from a
server that has the imports already, so that hundreds of deaths cost seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["central.cli", "central.database.store", __name__])
PATIENCE_S = 90.0
KILLED = -signal.SIGKILL
_ONE = "\N{BULLET}"


def settings_for(url: str, folder: Path) -> Path:
    """A settings file of central for the database at ``url``."""
    folder.mkdir(exist_ok=True)
    path = folder / "central.toml"
    path.write_text(f'[central]\ndata_dir = "{folder}"\n[database]\nurl = "{url}"\n')
    return path


def run(
    arguments: list[str], log: Path, *, die_at: int = 0, victim: int = 0, untied: bool = False
) -> int:
    """Run ``tallyport central ARGUMENTS`` as a process; its exit status.

    Before it would execute (or commit) the statement of number ``die_at``, counted from 1, it
    kills itself, or ``victim`` (a process id) with SIGQUIT; 0 is never. ``log`` takes what it
    says. ``untied`` plants the mistake of leaving SQLite's transactions to themselves.
    """
    process = _forks.Process(target=_central, args=(arguments, log, die_at, victim, untied))
    process.start()
    try:
        process.join(PATIENCE_S)
        assert process.exitcode is not None, "it hangs"
        return process.exitcode
    finally:
        process.kill()
        process.join()
        process.close()


def statements(arguments: list[str], log: Path) -> int:
    """Run it to its end; how many statements and commits that took."""
    assert run(arguments, log) == 0, log.read_text()
    return log.read_text().count(_ONE)


def _central(arguments: list[str], log: Path, die_at: int, victim: int, untied: bool) -> None:
    from central.cli import app
    from central.database import store

    numbers = count(1)

    def perhaps_die(*_: Any) -> None:
        sys.stdout.write(_ONE)
        if next(numbers) == die_at:
            os.kill(victim or os.getpid(), signal.SIGQUIT if victim else signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", perhaps_die)
    event.listen(Engine, "commit", perhaps_die)
    if untied:
        assert store._begin_writing
        store._begin_writing = lambda _connection: None
    sys.stdout = sys.stderr = log.open("w", encoding="utf-8")
    app(arguments)
