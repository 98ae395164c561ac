"""Items as rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydantic import ValidationError
from sqlalchemy import Connection

from central.api.item_bodies import ItemBody
from central.catalogue import changes, items
from central.catalogue.bulk_items import Done, Proposal, put_items
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.imports.model import Column, Fault, Row
from gateway.gs1 import Gs1Error, to_gtin14

__all__ = ["COLUMNS", "apply", "tell"]

_WHOLE = "a whole number"
COLUMNS = (
    Column("sku", "1 to 64 characters", ("article", "article number", "item", "item number",
           "part number", "product"), needed=True),
    Column("name", "1 to 200 characters", ("description", "title"), needed=True),
    Column("category", "up to 100 characters", ("group", "product group")),
    Column("unit", "up to 20 characters", ("uom", "unit of measure")),
    Column("unit_mg", f"{_WHOLE} of milligrams", ("mass mg", "weight mg"), numeric=True),
    Column("unit_cv", "0 to 1", numeric=True),
    Column("unit_price", "0 to 1,000,000,000, six decimals at most", ("price",), numeric=True),
    Column("currency", "three capital letters (ISO 4217)"),
    Column("length_mm", f"{_WHOLE} of millimetres", numeric=True),
    Column("width_mm", f"{_WHOLE} of millimetres", numeric=True),
    Column("height_mm", f"{_WHOLE} of millimetres", numeric=True),
    Column("parent", "a SKU that is there or comes before", ("variant of",)),
    Column("family", "yes or no"),
    Column("status", "active or retired"),
    Column("tracking", "none, lot or serial", ("tracked by",)),
    Column("gtins", "GTINs with blanks between; 4012345000016*12 is a pack of 12",
           ("gtin", "ean", "barcode", "upc")),
)  # fmt: skip
_TAKES = {one.name: one.takes for one in COLUMNS}
_SIZES = ("length_mm", "width_mm", "height_mm")
_PLAIN = frozenset(_TAKES) - {"gtins", "family", *_SIZES}
_YES, _NO = {"yes", "true", "1", "y", "ja", "oui", "x"}, {"no", "false", "0", "n", "nein", "non"}
_PAGE = 1_000


def apply(
    conn: Connection, rows: Sequence[Row], told: Told, *, dry: bool
) -> list[Done | list[Fault]]:
    """Add or change the items; for each row what came of it."""
    read = [_proposal(row, told) for row in rows]
    done = iter(put_items(conn, [p for p in read if isinstance(p, Proposal)], told, dry=dry))
    found: list[Done | list[Fault]] = []
    for row, one in zip(rows, read, strict=True):
        if isinstance(one, list):
            found.append(one)
            continue
        came = next(done)
        found.append(
            [Fault(row.number, "", str(came))] if isinstance(came, CatalogueError) else came
        )
    return found


def _proposal(row: Row, told: Told) -> Proposal | list[Fault]:
    """The item that a row describes, or all that is wrong with it."""
    faults: list[Fault] = []
    body: dict[str, object] = {k: v for k, v in row.values.items() if k in _PLAIN}
    if "family" in row.values:
        body["family"] = _yes(row, faults)
    if any(name in row.values for name in _SIZES):
        body["dimensions_mm"] = {
            name.removesuffix("_mm"): row.values[name] for name in _SIZES if name in row.values
        }
    body["attributes"] = {
        name.removeprefix("attribute:"): _typed(value)
        for name, value in row.values.items()
        if name.startswith("attribute:")
    }
    gtins = _gtins(row, faults)
    try:
        item = ItemBody.model_validate(body)
    except ValidationError as error:
        faults += [_fault(row, dict(one)) for one in error.errors(include_url=False)]
        return faults
    return faults or Proposal(item.item(item.sku, told.at_us), gtins)


def _fault(row: Row, error: dict[str, object]) -> Fault:
    where = error["loc"]
    assert isinstance(where, tuple)
    column = str(where[0]) if where else ""
    if column == "dimensions_mm":
        column = f"{where[1]}_mm" if len(where) > 1 else "length_mm"
    elif column == "attributes" and len(where) > 1:
        column = f"attribute:{where[1]}"
    said = row.values.get(column)
    what = str(error["msg"]) if said is None else f"{error['msg']}: {said[:60]!r}"
    return Fault(row.number, column, what, _TAKES.get(column, ""))


def _yes(row: Row, faults: list[Fault]) -> bool:
    said = row.values["family"].lower()
    if said not in _YES | _NO:
        faults.append(Fault(row.number, "family", f"{said!r} is neither", _TAKES["family"]))
    return said in _YES


def _typed(said: str) -> str | int | float | bool:
    """An attribute is a number or a yes or no only where it is written as one."""
    if said in {"true", "false"}:
        return said == "true"
    for kind in (int, float):
        try:
            value = kind(said)
        except ValueError:
            continue
        if str(value) == said:
            return value
    return said


def _gtins(row: Row, faults: list[Fault]) -> dict[str, int]:
    found: dict[str, int] = {}
    for said in row.values.get("gtins", "").replace(",", " ").replace(";", " ").split():
        gtin, _, quantity = said.partition("*")
        try:
            found[to_gtin14(gtin)] = int(quantity or 1)
        except (Gs1Error, ValueError) as error:
            faults.append(Fault(row.number, "gtins", str(error), _TAKES["gtins"]))
    return found


def tell(conn: Connection) -> Iterator[dict[str, object]]:
    """Every item as a row that can be imported again: what others are variants of comes first."""
    table: dict[str, items.Item] = {}
    after = ""
    while found := items.list_items(conn, after=after, limit=_PAGE):
        table.update((one.sku, one) for one in found)
        after = found[-1].sku
    for one in sorted(table.values(), key=lambda item: (_depth(item, table), item.sku)):
        yield _row(changes.described(conn, one))


def _depth(item: items.Item, table: dict[str, items.Item]) -> int:
    depth = 0
    while item.parent is not None:
        item, depth = table[item.parent], depth + 1
    return depth


def _row(shown: dict[str, object]) -> dict[str, object]:
    row = {name: shown.get(name) for name in _PLAIN}
    row["family"] = "yes" if shown["family"] else "no"
    sizes = shown["dimensions_mm"]
    if isinstance(sizes, dict):
        row |= {f"{name}_mm": size for name, size in sizes.items()}
    gtins = shown["gtins"]
    assert isinstance(gtins, Iterable)
    row["gtins"] = " ".join(
        one["gtin"] if one["quantity"] == 1 else f"{one['gtin']}*{one['quantity']}" for one in gtins
    )
    attributes = shown["attributes"]
    assert isinstance(attributes, dict)
    for name, value in attributes.items():
        row[f"attribute:{name}"] = str(value).lower() if isinstance(value, bool) else value
    return row
