"""The recorder (``recorder.c``) from Python: build it, start and stop it, read what it wrote."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SOURCE = Path(__file__).with_name("recorder.c")
_HEAD = struct.Struct("<c3xIQqQ")


class Op(NamedTuple):
    """One thing that happened, in order. ``kind`` is one letter:

    ``C`` file ``file`` was made as ``name``; ``O`` it was opened as ``name``; ``W`` ``data`` was
    written at ``at``; ``T`` its size was set to ``at``; ``S`` it was synced; ``D`` the folder was
    synced; ``U`` ``name`` was removed; ``R`` ``name`` was renamed to ``data``; ``M`` the program
    left the mark ``name``.
    """

    kind: str
    file: int = 0
    at: int = 0
    name: str = ""
    data: bytes = b""


def why_not() -> str:
    """Why nothing can be recorded here; empty when it can."""
    if os.uname().sysname != "Linux":
        return "the recorder needs Linux"
    return "" if shutil.which("gcc") else "there is no C compiler (gcc) to build the recorder with"


def build(folder: Path) -> Path:
    """Compile the recorder into ``folder``; the library's path. Raises CalledProcessError."""
    library = folder / "recorder.so"
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl", "-lpthread"],
        check=True,
    )
    return library


class Recorder:
    """The recorder in this process, which must have been started with it preloaded."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)

    def start(self, log: Path, folder: Path) -> None:
        """Record into ``log`` what happens to the files directly inside ``folder``."""
        self._library.powercut_record(os.fsencode(log), os.fsencode(folder))

    def mark(self, text: str) -> None:
        """Say where the program stands: goes into the log between what it did."""
        self._library.powercut_mark(text.encode())

    def stop(self) -> None:
        """End the log."""
        self._library.powercut_stop()


def parse(log: bytes) -> Iterator[Op]:
    """What a log says. Raises ValueError when it ends in the middle of a record."""
    at = 0
    while at < len(log):
        if at + _HEAD.size > len(log):
            raise ValueError(f"the log ends inside the record at byte {at}")
        kind, name_length, file, where, data_length = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        name = log[at : at + name_length].decode()
        at += name_length
        data = log[at : at + data_length]
        if len(data) < data_length:
            raise ValueError(f"the log ends inside the data at byte {at}")
        at += data_length
        yield Op(kind.decode(), file, where, name, data)
