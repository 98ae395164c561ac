"""Which tags must be read and which must not, by device: kept on the edge, in one JSON file.

They are of a technician's day, no settings: power sweep and walk test read them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec

from edge.console.bench import Bench
from edge.console.operation import Changing, Operation, Tell
from edge.console.records import folder, write_whole
from gateway.console import Troubled

Epc = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2,124}\Z")]
_MOST = 500


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of EPCs, upper-case hexadecimal; no tag is in both."""

    must: tuple[Epc, ...] = ()
    must_not: tuple[Epc, ...] = ()


def _path(data_dir: Path) -> Path:
    return folder(data_dir) / "marks.json"


def _all(data_dir: Path) -> dict[str, Marks]:
    path = _path(data_dir)
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Marks])
    except msgspec.DecodeError as error:
        raise Troubled(
            "marks-unreadable",
            f"The marks of tags in {path} cannot be read: {error}.",
            "Remove the file, and mark the tags again.",
        ) from error


def load(data_dir: Path, device: str) -> Marks:
    """The marks of one device. Raises ``Troubled`` where their file is broken."""
    return _all(data_dir).get(device, Marks())


def save(data_dir: Path, device: str, marks: Marks) -> Marks:
    """Keep them; what is kept is given back. Raises ``Troubled`` where a tag is in both sets."""
    must = tuple(sorted({epc.upper() for epc in marks.must}))
    must_not = tuple(sorted({epc.upper() for epc in marks.must_not}))
    if both := set(must) & set(must_not):
        raise Troubled("marked-twice", f"A tag is in both lists: {', '.join(sorted(both)[:3])}.")
    if len(must) + len(must_not) > _MOST:
        raise Troubled("too-many", f"At most {_MOST} tags can be marked.")
    kept = Marks(must=must, must_not=must_not)
    write_whole(_path(data_dir), msgspec.json.encode(_all(data_dir) | {device: kept}))
    return kept


class MarkArguments(Changing, frozen=True, kw_only=True):
    """With neither set: only say what is kept."""

    device: str
    must: tuple[Epc, ...] | None = None
    must_not: tuple[Epc, ...] | None = None


async def mark(bench: Bench, asked: MarkArguments, _tell: Tell) -> dict[str, Any]:
    """Keep the sets that are given, and say both."""
    device = bench.device(asked.device).name
    kept = await asyncio.to_thread(load, bench.data_dir, device)
    if asked.must is not None or asked.must_not is not None:
        wanted = Marks(
            must=kept.must if asked.must is None else asked.must,
            must_not=kept.must_not if asked.must_not is None else asked.must_not,
        )
        kept = await asyncio.to_thread(save, bench.data_dir, device, wanted)
    told: dict[str, Any] = msgspec.to_builtins(kept)
    return told


MARKS = Operation(MarkArguments, mark)
