"""What another program sent, as one document: JSON, XML, or the rows of a table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import msgspec
import xmltodict

from central.erp.config import Orders
from central.erp.fields import Wrong
from central.imports.model import ImportRefused
from central.imports.tables import lines_of

__all__ = ["ROW", "document_of"]

ROW = "_row"
"""Where the number of a table's row stands, counted from 1 with the head."""
_MOST_ROWS = 200_000


def document_of(raw: bytes, reading: Orders) -> Any:  # noqa: ANN401 (it is what they sent)
    """The message as objects, lists and values. Raises ``Wrong`` where it cannot be read."""
    kind = _kind_of(raw) if reading.format == "auto" else reading.format
    if kind == "json":
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Wrong("unreadable", f"this is no JSON: {error}") from error
    if kind == "xml":
        try:
            return xmltodict.parse(raw)  # entities are refused
        except (ExpatError, ValueError, RecursionError) as error:
            raise Wrong("unreadable", f"this is no XML that is taken: {error}") from error
    if not reading.group_by:
        raise Wrong("unreadable", f"this looks like {kind}, and the settings have no group_by")
    return _grouped(raw, reading)


def _kind_of(raw: bytes) -> str:
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:4]
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start[:1] == b"<":
        return "xml"
    return "json" if start[:1] in {b"{", b"["} else "csv"


def _grouped(raw: bytes, reading: Orders) -> dict[str, object]:
    """``{"orders": [{COLUMN: VALUE, ..., "lines": [...]}]}``, in the order of the file."""
    orders: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in _rows(raw):
        lacking = [name for name in reading.group_by if name not in row]
        if lacking:
            raise Wrong(
                "unreadable", f"row {row[ROW]} has nothing in {', '.join(lacking)}",
                f"the columns of group_by; there are {', '.join(row)}",
            )  # fmt: skip
        key = tuple(row[name] for name in reading.group_by)
        orders.setdefault(key, {**row, "lines": []})["lines"].append(row)
    return {"orders": list(orders.values())}


def _rows(raw: bytes) -> Iterator[dict[str, Any]]:
    with tempfile.NamedTemporaryFile(prefix="tallyport-erp-") as file:
        file.write(raw)
        file.flush()
        try:
            head: Sequence[str] | None = None
            for count, (number, cells) in enumerate(lines_of(Path(file.name))):
                if head is None:
                    head = [cell.strip() for cell in cells]
                    continue
                if count > _MOST_ROWS:
                    raise Wrong("unreadable", f"a file has at most {_MOST_ROWS} rows")
                said = {
                    title: cell.strip()
                    for title, cell in zip(head, cells, strict=False)
                    if title and cell.strip()
                }
                yield {**said, ROW: number}
        except ImportRefused as error:
            raise Wrong("unreadable", str(error)) from error
