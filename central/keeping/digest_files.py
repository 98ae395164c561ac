"""The file of published digests: one JSON object a line, only ever appended to.

A file that has grown to 16 MiB is put aside under a number (``digests.jsonl.000001``, then
``.000002``) and another begun; the newest 64 are kept. At one digest a minute that is more than
ten years. What falls off the end only costs the place of a rewriting, not its discovery: a head
that fits proves every block before it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from central.stock.chain import Head
from gateway import codec
from gateway.contract import ContractError, Digest
from gateway.files import sync_folder

__all__ = ["append", "generations", "read_digests", "restores", "say_restored"]

_log = structlog.get_logger("central.keeping.digests")
LARGEST = 16 * 2**20
"""Bytes after which a file is put aside."""
KEPT = 64
"""How many files that were put aside are kept."""


class _Mark(msgspec.Struct, frozen=True):
    """What a line may say beside its digest: the books were put back to it, so that what stands
    before it of later blocks is of books that are no more.
    """

    restored: bool = False


_mark = msgspec.json.Decoder(_Mark)


def append(file: Path, payload: bytes) -> None:
    """Add a digest, durably. Raises OSError."""
    if file.exists() and file.stat().st_size > LARGEST:
        _put_aside(file)
    fresh = not file.exists()
    with file.open("ab") as out:
        if out.tell() and not _ends_a_line(file):
            out.write(b"\n")  # what a power cut tore stays a line of its own
        out.write(payload + b"\n")
        out.flush()
        os.fsync(out.fileno())
    if fresh:
        sync_folder(file.parent)


def say_restored(file: Path, digest: Digest) -> None:
    """Add that the books were put back to ``digest`` by a restore. Raises OSError."""
    line = {**msgspec.json.decode(codec.encode_digest(digest)), "restored": True}
    append(file, msgspec.json.encode(line))


def generations(file: Path) -> list[Path]:
    """The files put aside before ``file``, oldest first."""
    found = {
        int(path.name.removeprefix(file.name + ".")): path
        for path in file.parent.glob(f"{file.name}.*")
        if path.name.removeprefix(file.name + ".").isdecimal()
    }
    return [found[number] for number in sorted(found)]


def read_digests(file: Path) -> Iterator[Head]:
    """The heads that a file of digests and those put aside before it hold, oldest first, without
    those that a later restore made void.

    A line that a power cut tore is passed over: it never was a whole JSON object. Raises
    ValueError for any other line that is no digest, naming it, and OSError.
    """
    marks = [mark.no for mark in restores(file)]
    passed = 0
    limit = min(marks, default=math.inf)
    for digest, restored in _lines(file):
        if restored:
            passed += 1
            limit = min(marks[passed:], default=math.inf)
        if digest.no <= limit:
            yield Head(digest.no, digest.last_seq, digest.hash)


def restores(file: Path) -> list[Digest]:
    """To which heads, and when, the books were put back. Raises as ``read_digests``."""
    return [digest for digest, restored in _lines(file) if restored]


def _lines(file: Path) -> Iterator[tuple[Digest, bool]]:
    aside = generations(file)
    # A cut right after putting a file aside leaves none of the first name.
    for path in aside if aside and not file.exists() else (*aside, file):
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line:
                continue
            try:
                yield codec.decode_digest(line), _mark.decode(line).restored
            except (ContractError, msgspec.ValidationError) as error:
                if not line.endswith(b"}"):
                    continue
                raise ValueError(f"line {number} of {path} is no digest: {error}") from error


def _put_aside(file: Path) -> None:
    before = generations(file)
    last = int(before[-1].name.rpartition(".")[2]) if before else 0
    file.replace(file.with_name(f"{file.name}.{last + 1:06d}"))
    for oldest in before[: max(0, len(before) + 1 - KEPT)]:
        oldest.unlink()
        _log.warning("digests_forgotten", file=str(oldest), kept=KEPT)
    sync_folder(file.parent)


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as written:
        written.seek(-1, os.SEEK_END)
        return written.read() == b"\n"
