"""Who holds a busy reader, as far as this computer can know.

LLRP says that a client is connected, never which. But the usual one is near: a second agent, the
maker's program, a session of our own that has not ended. The kernel lists this computer's
connections (proc(5), /proc/net/tcp and tcp6) and, to those who may look, whose they are.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_ESTABLISHED = "01"
_PROC = Path("/proc")


class _Connection(NamedTuple):
    """One line of the kernel's list: both ends, and the socket's number."""

    local: tuple[str, int]
    remote: tuple[str, int]
    inode: str


def holder_here(reader: tuple[str, int], ours: tuple[str, int], proc: Path = _PROC) -> str:
    """Another connection from this computer to ``reader``, in words, empty if there is none.

    ``ours`` is this end of the connection that was refused. ``ValueError`` where the kernel has no
    such list.
    """
    if not (proc / "net" / "tcp").exists():
        raise ValueError("this system has no /proc/net/tcp")
    wanted, own = _plain(*reader), _plain(*ours)
    for connection in _established(proc):
        if connection.remote == wanted and connection.local != own:
            owner = _owner(connection.inode, proc) or "by a program of another user"
            return f"this computer holds it, {owner} (local port {connection.local[1]})"
    return ""


def _established(proc: Path) -> Iterator[_Connection]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):  # no IPv6 here
            for line in (proc / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if len(fields) > 9 and fields[3] == _ESTABLISHED:
                    yield _Connection(_end(fields[1]), _end(fields[2]), fields[9])


def _end(written: str) -> tuple[str, int]:
    """``0100007F:13DC`` is 127.0.0.1, port 5084: words of the machine's own byte order."""
    digits, _, port = written.partition(":")
    words = bytes.fromhex(digits)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return _plain(str(ipaddress.ip_address(words)), int(port, 16))


def _plain(host: str, port: int) -> tuple[str, int]:
    """An IPv4 address that goes through an IPv6 socket is an IPv4 address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), port


def _owner(inode: str, proc: Path) -> str:
    """The program that has this socket open, empty where we may not look."""
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it ended, or is another user's
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(handle.readlink()) == f"socket:[{inode}]":
                        name = (process / "comm").read_text().strip()
                        own = ", this very program" if process.name == str(os.getpid()) else ""
                        return f"by process {process.name} ({name}{own})"
    return ""
