"""What is known of lots as rows of a file: their dates, and what their makers call them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import Connection

from central.api.lots import LotBody
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.imports.model import Column, Fault, Row
from central.lots import store
from central.lots.store import Words

__all__ = ["COLUMNS", "apply", "tell"]

_DAY = "a day, as 2026-12-24"
COLUMNS = (
    Column("sku", "an item of the catalogue", ("article", "item", "product"), needed=True),
    Column("lot", "1 to 64 characters", ("batch", "lot number", "batch number"), needed=True),
    Column("expires_on", _DAY, ("expiry", "expiry date", "best before", "use by")),
    Column("made_on", _DAY, ("made", "production date", "manufactured")),
    Column("supplier_lot", "up to 64 characters", ("supplier batch", "maker's lot")),
)
_TAKES = {one.name: one.takes for one in COLUMNS}
_DAYS = ("expires_on", "made_on")
_MIDNIGHT = "T00:00:00"
_PAGE = 1_000
Came = Literal["created", "changed", "unchanged"]


def apply(
    conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool
) -> list[Came | list[Fault]]:
    """Let the lots be known with what the rows say; what a row leaves out stays as it is."""
    del dry  # what is written is rolled back
    read = [_words(row) for row in rows]
    kept = iter(store.keep_each(conn, [one for one in read if isinstance(one, Words)], told))
    found: list[Came | list[Fault]] = []
    for row, one in zip(rows, read, strict=True):
        if isinstance(one, list):
            found.append(one)
            continue
        came = next(kept)
        if isinstance(came, CatalogueError):
            found.append([Fault(row.number, "", str(came))])
        else:
            found.append(
                "created"
                if came.before is None
                else "unchanged"
                if came.before == came.after
                else "changed"
            )
    return found


def _words(row: Row) -> Words | list[Fault]:
    # A spreadsheet's day is a moment at midnight.
    values = {
        name: value.removesuffix(_MIDNIGHT) if name in _DAYS else value
        for name, value in row.values.items()
    }
    sku, lot = values.pop("sku", ""), values.pop("lot", "")
    lacking = [name for name, value in (("sku", sku), ("lot", lot)) if not 1 <= len(value) <= 64]
    faults = [Fault(row.number, name, "is missing, or too long", _TAKES[name]) for name in lacking]
    try:
        known = LotBody.model_validate(values).model_dump(exclude_unset=True)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            column = str(one["loc"][0]) if one["loc"] else ""
            what = f"{one['msg']}: {row.values.get(column, '')[:60]!r}"
            faults.append(Fault(row.number, column, what, _TAKES.get(column, "")))
        return faults
    return faults or Words(sku, lot, known)


def tell(conn: Connection) -> Iterator[dict[str, object]]:
    """Everything that is known of lots."""
    after = None
    while found := store.page(conn, store.Asked(), after=after, limit=_PAGE):
        for one in found:
            yield {
                "sku": one.sku, "lot": one.lot,
                "expires_on": None if one.expires_on is None else one.expires_on.isoformat(),
                "made_on": None if one.made_on is None else one.made_on.isoformat(),
                "supplier_lot": one.supplier_lot,
            }  # fmt: skip
        after = (found[-1].sku, found[-1].lot)
