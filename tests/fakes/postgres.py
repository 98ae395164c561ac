"""A real PostgreSQL server in a temporary folder, for one test session."""

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


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server on a free port; gives a URL without the database's name at its end."""
    programs = postgres_folder()
    assert programs is not None
    servant = _servant() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tallyport-postgres-"))
    try:
        if servant is not None:
            os.chown(folder, servant.pw_uid, servant.pw_gid)
        rights: dict[str, Any] = (
            {} if servant is None else {"user": servant.pw_uid, "group": servant.pw_gid}
        )
        if servant is not None:
            rights["extra_groups"] = []
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "tallyport", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **rights,
        )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), "-k", folder,
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                stdout=subprocess.DEVNULL, stderr=log, cwd=folder, **rights,
            )  # fmt: skip
        try:
            _await_ready(server, port, folder / "log")
            yield f"postgresql+psycopg://tallyport@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: ends sessions, no waiting
            server.wait(_PATIENCE_S)
    finally:
        shutil.rmtree(folder)


def fresh_database(server: str, name: str) -> str:
    """Make an empty database on the server; gives its URL."""
    plain = server.replace("+psycopg", "")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
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
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)  # asked again until it answers
        else:
            return
