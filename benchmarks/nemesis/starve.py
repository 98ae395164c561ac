"""What a running process may have is taken from it for a while: file handles, memory, processor."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_STANDARD = 3
"""Handles that every process has: below this limit it can open nothing, whatever it closes."""
_SPIN = "while True: pass"


@contextmanager
def files(pid: int, most: int = _STANDARD) -> Iterator[None]:
    """``pid`` may have no handle from number ``most`` on; what it has it keeps."""
    with _limited(pid, resource.RLIMIT_NOFILE, most):
        yield


@contextmanager
def memory(pid: int, more_bytes: int = 0) -> Iterator[None]:
    """``pid`` may map only so much more for its data than it has now."""
    with _limited(pid, resource.RLIMIT_DATA, data_bytes(pid) + more_bytes):
        yield


@contextmanager
def processor(hogs: int) -> Iterator[None]:
    """So many programs that never rest, at the priority that everything has."""
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(hogs)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


@contextmanager
def visitors(port: int, count: int) -> Iterator[None]:
    """So many who connect to a port of the loopback, say nothing and stay."""
    with ExitStack() as stack:
        for _ in range(count):
            visitor = stack.enter_context(socket.socket())
            visitor.setblocking(False)
            visitor.connect_ex(("127.0.0.1", port))
        yield


def data_bytes(pid: int) -> int:
    """What counts against RLIMIT_DATA: private writable memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = next(line for line in lines if line.startswith("VmData:"))
    return int(told.split()[1]) * 1024


@contextmanager
def _limited(pid: int, what: int, soft: int) -> Iterator[None]:
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have ended of it
            resource.prlimit(pid, what, before)
