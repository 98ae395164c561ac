"""``sweep.apply``: the powers that a sweep recommends, into the settings, and a look whether they
do what was promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import tomlkit

from drivers.llrp.config import LlrpConfig
from drivers.llrp.decode import IMPINJ_PEN
from edge.config import DeviceConfig
from edge.console import marks
from edge.console.bench import Bench
from edge.console.calibrate import By
from edge.console.hearing import hearing
from edge.console.operation import Changing, Operation, Tell
from edge.console.sweep_steps import Tally, capabilities_of, repeating
from gateway.console import Troubled

__all__ = ["APPLY", "put_powers"]

Power = Annotated[float, msgspec.Meta(ge=-20, le=40)]


class ApplyArguments(Changing, frozen=True, kw_only=True):
    """``powers`` are dBm by antenna. Where the settings name no antennas, ``antennas`` are those
    of the reader: naming one alone would silence the others.
    """

    device: str
    by: By
    powers: dict[str, Power]
    antennas: tuple[Annotated[int, msgspec.Meta(ge=1, le=255)], ...] = ()
    verify_s: Annotated[float, msgspec.Meta(ge=0.2, le=30)] = 3.0


def put_powers(table: Any, powers: Mapping[int, float], antennas: tuple[int, ...]) -> None:  # noqa: ANN401
    """Set the powers in a device's table; antennas that were not there are added."""
    rows = table.get("antennas")
    if rows is None:
        rows = tomlkit.aot()
        table["antennas"] = rows
        for number in sorted({*antennas, *powers}):
            row = tomlkit.table()
            row["antenna"] = number
            rows.append(row)
    found = {int(row["antenna"]): row for row in rows}
    for number, dbm in powers.items():
        if number not in found:
            raise Troubled(
                "no-such-antenna",
                f"Antenna {number} is not among those in the settings.",
                "Add it there first: side and place belong to it.",
            )
        found[number]["tx_power_dbm"] = dbm


async def apply(bench: Bench, asked: ApplyArguments, tell: Tell) -> dict[str, Any]:
    """Write, see the reader run with it, then listen whether the marked tags do as they should."""
    device = bench.device(asked.device)
    if not isinstance(device.options, LlrpConfig):
        raise Troubled("no-antennas", f"{device.name} is no RFID reader.")
    powers = _numbered(asked.powers)
    listed = ", ".join(f"antenna {no}: {dbm:g} dBm" for no, dbm in sorted(powers.items()))
    changed = await bench.settings.change(
        device.name,
        lambda table: put_powers(table, powers, asked.antennas),
        why=f"power of {device.name} by sweep ({listed})",
        who=f"{asked.by}, at {asked.who}" if asked.who else asked.by,
        tell=lambda told: tell({"phase": "applying", **told}),
    )
    tell({"phase": "verifying"})
    kept = await asyncio.to_thread(marks.load, bench.data_dir, device.name)
    async with bench.hold(device.name, "a look at the new power") as held:
        heard = await _heard(held, {*kept.must, *kept.must_not}, asked.verify_s)
    missing = sorted(epc for epc in kept.must if epc not in heard)
    strays = sorted(epc for epc in kept.must_not if epc in heard)
    return {
        "settings": changed,
        "powers": {str(no): dbm for no, dbm in sorted(powers.items())},
        "missing": missing,
        "strays": strays,
        "verified": not missing and not strays,
        "says": list(_says(len(kept.must), missing, strays)),
    }


def _numbered(powers: Mapping[str, float]) -> dict[int, float]:
    if not powers or not all(one.isdigit() for one in powers):
        raise Troubled("bad-arguments", "Powers are given by antenna: {1: 24.5, 2: 22}.")
    return {int(number): dbm for number, dbm in powers.items()}


async def _heard(device: DeviceConfig, marked: set[str], seconds: float) -> set[str]:
    found, _ = await capabilities_of(device)
    impinj = found.vendor_pen == IMPINJ_PEN and device.options.impinj_reports is not False
    async with hearing(repeating(device, impinj=impinj)) as ear:
        tally = Tally(marked, seconds)
        ear.hear = tally.hear
        await ear.listen(seconds)
        ear.hear = lambda _: None
    return set(tally.step(0, 0.0).heard)


def _says(must: int, missing: list[str], strays: list[str]) -> list[str]:
    if missing:
        return [
            f"{len(missing)} of {must} must-read tags did not answer with the new power. "
            "Has anything moved since the sweep? Sweep again, or go back to the settings before."
        ]
    if strays:
        return [
            f"{len(strays)} must-not-read tags still answer: all antennas together reach farther "
            "than each alone. Sweep them together, or lower the power a little."
        ]
    if must:
        return [f"All {must} must-read tags answer with the new power, and no marked stray does."]
    return ["The reader runs with the new power. No tags are marked, so nothing was checked."]


APPLY = Operation(ApplyArguments, apply)
