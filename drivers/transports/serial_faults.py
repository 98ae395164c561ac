"""Why a serial port cannot be used, in words and with what a person can do about it."""

from __future__ import annotations

import errno
import grp
import os
from pathlib import Path

from drivers.errors import DeviceUnavailable

BY_ID = Path("/dev/serial/by-id")
_PROC = Path("/proc")
_MISSING = {errno.ENOENT, errno.ENOTDIR}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK, errno.ETXTBSY}
_GONE = {errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF}
_NOT_SERIAL = {errno.ENOTTY, errno.EINVAL, errno.EISDIR, errno.ENOTSUP}


def cannot_open(port: str, settings: str, error: Exception) -> DeviceUnavailable:
    """Opening ``port`` failed; ``settings`` is the line setting in short (``9600 8N1``)."""
    code = _errno(error)
    if code in _MISSING:
        return DeviceUnavailable(
            f"There is no serial port {port}.",
            hint=f"Is it plugged in, and has it power? {_ports_here()}",
        )
    if code in _FORBIDDEN:
        return DeviceUnavailable(f"{port} may not be opened.", hint=_permission_hint(port))
    if code in _BUSY:
        return DeviceUnavailable(f"{port} is in use.", hint=_busy_hint(port))
    if code in _NOT_SERIAL:
        return DeviceUnavailable(
            f"{port} does not take the line settings {settings}.",
            hint="Is it a serial port, and can its adapter do baud_rate, bytesize, parity and "
            f"stop_bits as set? ({error})",
        )
    if code in _GONE:
        return DeviceUnavailable(
            f"{port} exists, but no device answers behind it ({error}).",
            hint="Unplug it, wait five seconds, and plug it in again.",
        )
    return DeviceUnavailable(f"{port} cannot be opened: {error}.", hint=_ports_here())


def line_lost(port: str, error: Exception) -> DeviceUnavailable:
    """Reading or writing failed on a port that was open: nearly always it was unplugged."""
    return DeviceUnavailable(
        f"{port} was lost: {error}.",
        hint="Was it unplugged, or did its power fail? It is opened again when it is back.",
    )


def _errno(error: Exception) -> int | None:
    """The number behind an error; pyserial and termios hide it in different places."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None:
            return seen.errno
        if seen.args and isinstance(seen.args[0], int):  # termios.error
            return int(seen.args[0])
        seen = seen.__cause__ or seen.__context__
    return None


def _ports_here() -> str:
    try:
        ports = sorted(str(entry) for entry in BY_ID.iterdir())
    except OSError:
        ports = []
    if not ports:
        return "No USB serial device is plugged in at the moment."
    return f"Plugged in at the moment: {', '.join(ports)}."


def _permission_hint(port: str) -> str:
    try:
        group = grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    return (
        f"Serial ports belong to the group {group}: say `sudo usermod -aG {group} USER` with the "
        "user that runs the edge, and start it again."
    )


def _busy_hint(port: str) -> str:
    holders = port_holders(port)
    if not holders:
        return (
            "Another program holds it, one that may not be seen from here: "
            f"`sudo fuser -v {port}` names it."
        )
    if holders.keys() == {os.getpid()}:
        return "This very edge holds it: is the same port set for two devices?"
    named = ", ".join(f"{name} (process {pid})" for pid, name in holders.items())
    return f"Held by {named}: end that program, or give the device another port."


def port_holders(port: str) -> dict[int, str]:
    """Processes that hold ``port``, with their names: by its lock, else by an open file."""
    try:
        target = Path(port).resolve(strict=True)
        inode = target.stat().st_ino
    except OSError:
        return {}
    return {pid: _process_name(pid) for pid in _lockers(inode) or _openers(str(target))}


def _lockers(inode: int) -> list[int]:
    """Processes in /proc/locks (``1: FLOCK ADVISORY WRITE 812 00:05:97 0 EOF``)."""
    try:
        lines = (_PROC / "locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split()
        if len(fields) > 5 and "FLOCK" in fields and fields[-3].endswith(f":{inode}"):
            found.append(int(fields[-4]))
    return [pid for pid in found if (_PROC / str(pid)).exists()]


def _openers(target: str) -> list[int]:
    processes = [entry for entry in _PROC.iterdir() if entry.name.isdigit()]
    pids = [int(process.name) for process in processes if _opens(process, target)]
    return [pid for pid in pids if pid != os.getpid()]


def _opens(process: Path, target: str) -> bool:
    try:
        files = list((process / "fd").iterdir())
    except OSError:  # ended meanwhile, or somebody else's
        return False
    return any(_link(file) == target for file in files)


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""


def _process_name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program that has ended"
