"""PostgreSQL's own programs, run on a database."""

from __future__ import annotations

import os
import shutil
import subprocess

from sqlalchemy.engine import URL

from central.keeping.backup_files import BackupFailed

__all__ = ["plain", "run_program"]


def run_program(program: str, url: URL, *arguments: str) -> None:
    """Run one to its end; the password goes by environment. Raises ``BackupFailed``."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"{program} is not installed here: apt-get install postgresql-client")
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = url.password
    done = subprocess.run(  # noqa: S603 (found on the path, our own arguments)
        [found, f"--dbname={plain(url.set(password=None))}", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip() or done.returncode}")


def plain(url: URL) -> str:
    """The URL as PostgreSQL's own programs and libraries read it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
