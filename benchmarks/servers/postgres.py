"""A real PostgreSQL server in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_PATIENCE_S = 60.0
_THRIFTY = ("-c", "min_wal_size=4MB", "-c", "max_wal_size=16MB")
_PASSING = (
    "-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "full_page_writes=off",
    "-c", "autovacuum=off", "-c", "jit=off",
)  # fmt: skip


def postgres_folder() -> Path | None:
    """Where the newest installed server's programs are, or ``None``."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def why_not() -> str | None:
    """Why no server can be started here, or ``None``."""
    if postgres_folder() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and _servant() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    return None


class PostgresProcess:
    """A server in a folder of its own; ``kill`` is a power cut but for the page cache.

    Its data stand in ``folder / "data"``, where a disk may be mounted beforehand; ``thrifty``
    keeps little of its log there, for a small one. Of ``passing`` databases nothing is kept that
    only a machine's crash would make use of, and nobody tidies them up. A ``durable`` one syncs
    what it commits.
    """

    def __init__(
        self, folder: Path, *, thrifty: bool = False, passing: bool = False, durable: bool = False
    ) -> None:
        programs = postgres_folder()
        assert programs is not None
        self._programs = programs
        self._folder = folder
        self._rights = _rights(folder)
        sync = ("-c", f"fsync={'on' if durable else 'off'}")
        self._settings = (*sync, *_THRIFTY * thrifty, *_PASSING * passing)
        segments = ("--wal-segsize=1",) if thrifty else ()
        if (folder / "data").exists():
            _rights(folder / "data")
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "tallyport", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--no-sync", *segments],
            check=True, capture_output=True, cwd=folder, **self._rights,
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Without the database's name at its end."""
        return f"postgresql+psycopg://tallyport@127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, or start again; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port),
                 "-k", self._folder, "-c", "listen_addresses=127.0.0.1",
                 *self._settings],
                stdout=subprocess.DEVNULL, stderr=log, cwd=self._folder, **self._rights,
            )  # fmt: skip
        _await_ready(self._process, self.port, self._folder / "log")

    def start_if_ended(self) -> None:
        """What a service manager does for a server that gave up; returns when it answers."""
        assert self._process is not None
        try:
            _await_ready(self._process, self.port, self._folder / "log")
        except RuntimeError:
            if self.running:
                raise
            self.start()

    def kill(self) -> None:
        """SIGQUIT: every process of it ends at once, without a checkpoint, as in a crash."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Fast shutdown: ends sessions, no waiting."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)
            self._process = None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server on a free port; gives a URL without the database's name at its end."""
    folder = Path(tempfile.mkdtemp(prefix="tallyport-postgres-"))
    try:
        server = PostgresProcess(folder, passing=True)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _rights(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: the folder goes to a servant, and so does the server."""
    servant = _servant() if os.geteuid() == 0 else None
    if servant is None:
        return {}
    os.chown(folder, servant.pw_uid, servant.pw_gid)
    return {"user": servant.pw_uid, "group": servant.pw_gid, "extra_groups": []}


def fresh_database(server: str, name: str, template: str = "template1") -> str:
    """Make a database on the server, empty or a copy of another that nobody uses; its URL."""
    plain = server.replace("+psycopg", "")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        # By files, as every server did before 15: by its log costs five times as much.
        how = " STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{how}'.encode())
    return f"{server}/{name}"


def _servant() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _await_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            psycopg.connect(f"postgresql://tallyport@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            if _ends(server, 0.05) or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
        else:
            return


def _ends(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Whether a process ends, or has ended, within a time."""
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True
