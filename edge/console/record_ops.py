"""``records`` lists what was kept; ``record`` hands one out: as JSON, as a PDF, or the recordings
of a walk.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any, Literal

import msgspec

from edge.console import records
from edge.console.bench import Bench
from edge.console.operation import Operation, Tell
from edge.console.paper import pdf_of
from gateway.console import Troubled

__all__ = ["RECORD", "RECORDS"]

_MOST_LISTED = 100
_MEDIA = {"json": "application/json", "pdf": "application/pdf", "tar.gz": "application/gzip"}


class RecordsArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one ``device``, of one ``kind`` (``calibration``, ``walk``), or all: the newest first."""

    device: str = ""
    kind: Literal["", "calibration", "walk"] = ""
    most: Annotated[int, msgspec.Meta(ge=1, le=_MOST_LISTED)] = 20


async def listed(bench: Bench, asked: RecordsArguments, _tell: Tell) -> dict[str, Any]:
    """Their heads."""

    def heads() -> list[dict[str, Any]]:
        found = records.names(bench.data_dir, kind=asked.kind, device=asked.device)
        return [_head(name, records.read(bench.data_dir, name)) for name in found[: asked.most]]

    return {"records": await asyncio.to_thread(heads)}


def _head(name: str, record: dict[str, Any]) -> dict[str, Any]:
    keys = ("kind", "device", "at", "by", "verdict", "due", "recording", "good_for_pieces_g")
    return {"name": name, **{key: record.get(key) for key in keys}}


class RecordArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which record, in what form, from which byte on."""

    name: str
    form: Literal["json", "pdf", "tar.gz"] = "json"
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0


async def handed_out(bench: Bench, asked: RecordArguments, _tell: Tell) -> dict[str, Any]:
    """A part of the file in base64, and how many bytes all of it has. The same record gives the
    same bytes, so that parts fit together.
    """
    record = await asyncio.to_thread(records.read, bench.data_dir, asked.name)
    if asked.form == "pdf":
        data = await pdf_of(record)
    elif asked.form == "json":
        data = msgspec.json.format(msgspec.json.encode(record))
    else:
        path = records.folder(bench.data_dir) / f"{asked.name}.tar.gz"
        if not path.exists():
            raise Troubled("no-recording", f"There are no recordings beside {asked.name}.")
        data = await asyncio.to_thread(path.read_bytes)
    return {
        "file": f"{asked.name}.{asked.form}",
        "media_type": _MEDIA[asked.form],
        "bytes": len(data),
        "base64": base64.b64encode(data[asked.offset : asked.offset + records.PART_BYTES]).decode(
            "ascii"
        ),
    }


RECORDS = Operation(RecordsArguments, listed)
RECORD = Operation(RecordArguments, handed_out)
