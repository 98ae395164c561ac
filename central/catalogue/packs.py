"""Packs: GTINs that stand for some number of an item's units."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from central import schema
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.items import get_item
from central.judging.effective import next_log_id
from central.reconcile.verdict import Pack
from gateway.gs1.keys import Gs1Error, to_gtin14

NO_PACK = 0
"""The quantity of a row that takes a GTIN away: from then on it stands for nothing."""


def put_pack(conn: Connection, gtin: str, sku: str, quantity: int = 1) -> Pack:
    """Let a GTIN (8 to 14 digits) stand for ``quantity`` units of an item from the next
    observation on, whatever it stood for before; raises ``NotFound`` or ``NotValid``.
    """
    gtin14 = _gtin14(gtin)
    if not 1 <= quantity <= 2**31:
        raise NotValid(f"a pack holds at least one unit, not {quantity}")
    if get_item(conn, sku).family:
        raise NotValid(f"{sku} is a family: give the GTIN to one of its variants")
    pack = Pack(gtin=gtin14, sku=sku, quantity=quantity)
    _write(conn, pack)
    return pack


def set_packs(conn: Connection, sku: str, packs: Iterable[tuple[str, int]]) -> None:
    """Let exactly these GTINs (each with its quantity) stand for an item.

    Raises ``AlreadyExists`` where one stands for another item, and what ``put_pack`` raises.
    """
    wanted: dict[str, int] = {}
    for gtin, quantity in packs:
        if wanted.setdefault(_gtin14(gtin), quantity) != quantity:
            raise NotValid(f"GTIN {gtin} is told twice with different quantities")
    before = {pack.gtin: pack for pack in list_packs(conn, sku)}
    for gtin in before.keys() - wanted.keys():
        _write(conn, msgspec.structs.replace(before[gtin], quantity=NO_PACK))
    for gtin, quantity in sorted(wanted.items()):
        if gtin in before and before[gtin].quantity == quantity:
            continue
        there = find_pack(conn, gtin)
        if there is not None and there.sku != sku:
            raise AlreadyExists(f"GTIN {gtin} stands for {there.sku}: take it from there first")
        put_pack(conn, gtin, sku, quantity)


def find_pack(conn: Connection, gtin: str) -> Pack | None:
    """What a GTIN (8 to 14 digits) stands for now; ``None`` for nothing. Raises ``NotValid``."""
    table = schema.pack.c
    query = select(schema.pack).where(table.gtin == _gtin14(gtin)).order_by(table.id.desc())
    row = conn.execute(query.limit(1)).mappings().one_or_none()
    return None if row is None or row["quantity"] == NO_PACK else pack_of(row)


def known_pack(conn: Connection, gtin: str) -> Pack:
    """What a GTIN stands for now; raises ``NotFound``, ``NotValid``."""
    found = find_pack(conn, gtin)
    if found is None:
        raise NotFound(f"no item has the GTIN {gtin}: add it to the item first")
    return found


def list_packs(conn: Connection, sku: str) -> list[Pack]:
    """The packs of an item that are in force, by GTIN."""
    table = schema.pack.c
    query = select(table.gtin).where(table.sku == sku).distinct().order_by(table.gtin)
    found = (find_pack(conn, gtin) for gtin in conn.execute(query).scalars().all())
    return [pack for pack in found if pack is not None and pack.sku == sku]


def pack_of(row: RowMapping) -> Pack:
    """A row of ``pack`` as judging knows it."""
    return Pack(gtin=row["gtin"], sku=row["sku"], quantity=row["quantity"])


def _write(conn: Connection, pack: Pack) -> None:
    conn.execute(
        insert(schema.pack).values(
            gtin=pack.gtin,
            sku=pack.sku,
            quantity=pack.quantity,
            valid_from_log=next_log_id(conn),
        )
    )


def _gtin14(gtin: str) -> str:
    try:
        return to_gtin14(gtin)
    except Gs1Error as error:
        raise NotValid(str(error)) from error
