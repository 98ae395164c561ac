"""How much an antenna may be fed by law, and what of a reader's table that leaves. Pure.

Limits are of what leaves the antenna; a reader's table is of what leaves the reader's port. So
``port cap = limit (EIRP) - antenna gain + cable loss``, where the antenna's gain is in dBi (for a
circular antenna the figure in dBic stands for it, which is on the safe side).

Sources: 47 CFR 15.247 (b)(2) and (b)(4) (902-928 MHz, 50 hop channels or more: 30 dBm at the port
with at most 6 dBi, a decibel less for each decibel more); ETSI EN 302 208 V3.3.1 (865-868 MHz: 2 W
ERP on four channels; 915-921 MHz: 4 W ERP). ERP counts against a dipole: EIRP = ERP + 2.15 dB.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

Region = Literal["fcc", "etsi-865", "etsi-915", "reader"]
_ERP_TO_EIRP_DB = 2.15
EIRP_DBM: dict[str, float] = {
    "fcc": 36.0,
    "etsi-865": 33.0 + _ERP_TO_EIRP_DB,
    "etsi-915": 36.0 + _ERP_TO_EIRP_DB,
}
_FCC_PORT_DBM = 30.0
WORDS: dict[Region, str] = {
    "fcc": "USA and Canada, 902-928 MHz: 36 dBm EIRP, at most 30 dBm at the port",
    "etsi-865": "Europe, 865-868 MHz: 2 W ERP (35.15 dBm EIRP)",
    "etsi-915": "Europe, 915-921 MHz: 4 W ERP (38.15 dBm EIRP)",
    "reader": "The reader's own table, which its maker limits to its region",
}


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """The most that may leave the reader's port, and by what rule. ``port_dbm`` is ``None``
    where only the reader's table counts.
    """

    region: Region
    rule: str
    port_dbm: float | None


def cap(region: Region, *, gain_dbi: float = 6.0, cable_loss_db: float = 0.0) -> Cap:
    """The cap of a region with this antenna and cable."""
    limit = EIRP_DBM.get(region)
    if limit is None:
        return Cap(region=region, rule=WORDS[region], port_dbm=None)
    port = limit - gain_dbi + cable_loss_db
    if region == "fcc":
        port = min(port, _FCC_PORT_DBM)
    rule = f"{WORDS[region]}; antenna {gain_dbi:g} dBi, cable {cable_loss_db:g} dB"
    return Cap(region=region, rule=rule, port_dbm=round(port, 2))


def region_of(*, hopping: bool, fixed_khz: Collection[int]) -> Region:
    """The region that a reader's channels speak of; ``reader`` where they are of none of ours."""
    if hopping:
        return "fcc"
    if fixed_khz and all(865_000 <= khz <= 868_000 for khz in fixed_khz):
        return "etsi-865"
    if fixed_khz and all(915_000 <= khz <= 921_000 for khz in fixed_khz):
        return "etsi-915"
    return "reader"


def allowed(powers_dbm: Collection[float], limit: Cap) -> list[float]:
    """The powers of a reader's table that the cap leaves, rising."""
    most = limit.port_dbm
    return sorted(dbm for dbm in set(powers_dbm) if most is None or dbm <= most)


def grid(powers_dbm: Sequence[float], step_db: float) -> list[float]:
    """Some of the table's rising ``powers_dbm``, about ``step_db`` apart; both ends are in it."""
    chosen = [powers_dbm[0]] if powers_dbm else []
    for dbm in powers_dbm[1:]:
        if dbm - chosen[-1] >= step_db - 1e-9:
            chosen.append(dbm)
    if chosen and chosen[-1] != powers_dbm[-1]:
        chosen.append(powers_dbm[-1])
    return chosen
