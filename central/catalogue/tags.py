"""Tags of which people say what they stand for, whatever is written in them.

A binding is in force from the next observation on, as all that judging knows; a tag's newest word
holds. Bindings may be as many as pieces: they are looked up as they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, insert, select, text

from central import schema
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.items import get_item
from central.database import keyset
from central.database.bulk import BulkLookup
from central.judging.effective import next_log_id
from central.reconcile.verdict import Pack

__all__ = ["Binding", "KeptBindings", "bind", "binding_of", "list_bindings", "serials_of", "unbind"]

_MOST_KEPT = 65_536
_NEWEST = text(
    "SELECT id, valid_from_log FROM tag_binding WHERE valid_from_log <= :at "
    "ORDER BY id DESC LIMIT 1"
)
_OF = text(
    "SELECT sku, quantity, lot FROM tag_binding WHERE epc = :epc AND id <= :newest "
    "ORDER BY id DESC LIMIT 1"
)


_SERIALS = BulkLookup(
    "SELECT b.epc, b.sku, b.serial FROM {keys} JOIN tag_binding b "
    "ON b.id = (SELECT max(n.id) FROM tag_binding n WHERE n.epc = k.epc) WHERE b.serial <> ''",
    (("epc", "text"),),
)


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """A tag (``epc``, upper-case hexadecimal) stands for ``quantity`` units of ``sku``, of a
    ``lot`` or for the one piece with a ``serial``, where these are told.
    """

    epc: str
    sku: str
    quantity: int = 1
    lot: str = ""
    serial: str = ""


def bind(conn: Connection, binding: Binding) -> bool:
    """Let a tag stand for an item from the next observation on; ``False`` when it does already.

    Raises ``NotFound``, ``NotValid``, and ``AlreadyExists`` where it stands for something else.
    """
    item = get_item(conn, binding.sku)
    if item.family:
        raise NotValid(f"{binding.sku} is a family: bind the tag to one of its variants")
    if binding.serial and binding.quantity != 1:
        raise NotValid("a tag with a serial stands for one piece, not for more")
    before = _newest(conn, binding.epc)
    if before == binding:
        return False
    if before is not None:
        raise AlreadyExists(f"tag {binding.epc} stands for {before.sku}: unbind it first")
    _write(conn, binding.epc, msgspec.structs.asdict(binding))
    return True


def unbind(conn: Connection, epc: str) -> Binding:
    """From the next observation on a tag says only what is written in it; raises ``NotFound``."""
    before = binding_of(conn, epc)
    _write(conn, epc, {"epc": epc, "sku": None})
    return before


def binding_of(conn: Connection, epc: str) -> Binding:
    """What a tag stands for now; raises ``NotFound`` where nobody said."""
    found = _newest(conn, epc)
    if found is None:
        raise NotFound(f"tag {epc} is bound to nothing")
    return found


def list_bindings(
    conn: Connection, *, sku: str | None = None, after: str = "", limit: int = 200
) -> list[Binding]:
    """The bindings in force, by EPC, those behind ``after``; only those of ``sku`` when given."""
    table, later = schema.tag_binding.c, schema.tag_binding.alias()
    overtaken = select(1).where(later.c.epc == table.epc, later.c.id > table.id).exists()
    query = select(schema.tag_binding).where(table.sku.is_not(None), ~overtaken)
    if sku is not None:
        query = query.where(table.sku == sku)
    page: Select[*tuple[object, ...]] = keyset.ascending(query, (table.epc,), (after,), limit)
    return [_binding(row) for row in conn.execute(page).mappings()]


def serials_of(conn: Connection, epcs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The item and the serial of those tags that stand for one piece now."""
    return {row[0]: (row[1], row[2]) for row in _SERIALS.run(conn, [(epc,) for epc in epcs])}


class KeptBindings:
    """Loads what bound tags stand for, keeping what was asked for as long as nothing changes."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._kept: dict[str, Pack | None] = {}

    def at(self, conn: Connection, at_log: int) -> tuple[Mapping[str, Pack], int]:
        """The bindings in force at a log entry, to be asked inside this transaction, and the log
        entry from which on the newest of them holds (0: there are none).
        """
        row = conn.execute(_NEWEST, {"at": at_log}).one_or_none()
        if row is None:
            return {}, 0
        if row.id != self._newest:
            self._newest, self._kept = row.id, {}
        return _BoundTags(conn, row.id, self._kept), row.valid_from_log


class _BoundTags(Mapping[str, Pack]):
    """What bound tags stand for, up to the binding ``newest``."""

    def __init__(self, conn: Connection, newest: int, kept: dict[str, Pack | None]) -> None:
        self._conn, self._newest, self._kept = conn, newest, kept

    def __getitem__(self, epc: str) -> Pack:
        if epc not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[epc] = self._read(epc)
        found = self._kept[epc]
        if found is None:
            raise KeyError(epc)
        return found

    def _read(self, epc: str) -> Pack | None:
        row = self._conn.execute(_OF, {"epc": epc, "newest": self._newest}).one_or_none()
        if row is None or row.sku is None:
            return None
        return Pack(sku=row.sku, quantity=row.quantity, lot=row.lot)

    def __iter__(self) -> Iterator[str]:
        table = schema.tag_binding.c
        newest = select(func.max(table.id)).where(table.id <= self._newest).group_by(table.epc)
        query = select(table.epc).where(table.id.in_(newest), table.sku.is_not(None))
        return iter(self._conn.execute(query).scalars().all())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _write(conn: Connection, epc: str, values: dict[str, object]) -> None:
    conn.execute(insert(schema.tag_binding).values(values | {"valid_from_log": next_log_id(conn)}))


def _newest(conn: Connection, epc: str) -> Binding | None:
    table = schema.tag_binding.c
    query = select(schema.tag_binding).where(table.epc == epc).order_by(table.id.desc()).limit(1)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None or row["sku"] is None else _binding(row)


def _binding(row: RowMapping) -> Binding:
    return Binding(**{name: row[name] for name in Binding.__struct_fields__})
