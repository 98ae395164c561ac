"""The antenna power sweep: each antenna alone, power by power, through the reader's own table.

The device is held meanwhile, so that nothing heard reaches the books; each power is set by a ROSpec
of its own on a connection of its own, by the same driver, with the same checks and the same
reading back, as in production. Nothing is stored in the reader: whoever cancels leaves it as it
was, for the supervisor sends its own ROSpec when it comes back.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.config import LlrpConfig
from drivers.llrp.decode import IMPINJ_PEN
from edge.config import DeviceConfig
from edge.console import marks, power_cap
from edge.console.bench import Bench
from edge.console.operation import Changing, Operation, Tell
from edge.console.power_window import (
    Step,
    Window,
    between,
    doubtful,
    edge_of,
    jobs,
    ordered,
    window,
)
from edge.console.sweep_steps import at_power, capabilities_of, measure
from gateway.console import Troubled

__all__ = ["SWEEP", "SweepArguments", "sweep"]

TOGETHER = 0
"""The antenna number that stands for all at once."""
_OVERHEAD_S = 0.6
"""About what a connection of its own costs for each step."""


class SweepArguments(Changing, frozen=True, kw_only=True):
    """``antennas``: none named means all that are configured, or plugged in. ``together`` has them
    send with the same power, as one curve. ``step_db`` is how coarse the first look is: around
    the window's ends every power of the reader's table is looked at. ``region`` ``auto`` goes by
    the reader's channels. Without ``must`` and ``must_not`` the marks kept for the device count.
    """

    device: str
    antennas: tuple[Annotated[int, msgspec.Meta(ge=1, le=255)], ...] = ()
    together: bool = False
    step_db: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 2.0
    measure_s: Annotated[float, msgspec.Meta(ge=0.2, le=30)] = 2.0
    region: Literal["auto", "fcc", "etsi-865", "etsi-915", "reader"] = "auto"
    gain_dbi: Annotated[float, msgspec.Meta(ge=-10, le=20)] = 6.0
    cable_loss_db: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0
    must: tuple[str, ...] | None = None
    must_not: tuple[str, ...] | None = None


async def sweep(bench: Bench, asked: SweepArguments, tell: Tell) -> dict[str, Any]:
    """Measure, and say which power to use. The result is the last picture of all."""
    device = bench.device(asked.device)
    if not isinstance(device.options, LlrpConfig):
        raise Troubled(
            "no-antennas",
            f"{device.name} is no RFID reader: it has no antennas whose power could be set.",
        )
    marked = marks.load(bench.data_dir, device.name)
    must = frozenset(marked.must if asked.must is None else asked.must)
    must_not = frozenset(marked.must_not if asked.must_not is None else asked.must_not)
    if both := must & must_not:
        raise Troubled(
            "marked-twice",
            f"{len(both)} tags are marked both as must-read and as must-not-read: "
            f"{', '.join(sorted(both)[:3])}.",
            "Take them out of one of the two lists.",
        )
    begun_us = bench.time.now_us()
    async with bench.hold(device.name, "a power sweep"):
        run = _Sweep(device, asked, must, must_not, tell)
        await run.run()
    return run.picture("done") | {"blind_s": round((bench.time.now_us() - begun_us) / 1e6, 1)}


class _Sweep:
    """One sweep, as far as it got."""

    def __init__(
        self,
        device: DeviceConfig,
        asked: SweepArguments,
        must: frozenset[str],
        must_not: frozenset[str],
        tell: Tell,
    ) -> None:
        self._device, self._asked, self._tell = device, asked, tell
        self._must, self._must_not = must, must_not
        self._steps: dict[int, list[Step]] = {}
        self._table: list[float] = []
        self._cap: power_cap.Cap | None = None
        self._groups: dict[int, tuple[int, ...]] = {}
        self._unplugged: list[int] = []
        self._left = 0
        self._impinj = False
        self._now: dict[str, Any] | None = None

    async def run(self) -> None:
        """Coarsely over all antennas, then finely around each window's ends."""
        self._tell(self.picture("asking the reader"))
        found, unplugged = await capabilities_of(self._device)
        self._plan(found, unplugged)
        coarse = power_cap.grid(self._table, self._asked.step_db)
        self._left = len(coarse) * len(self._groups)
        for antenna in self._groups:
            for power in coarse:
                await self._measure("looking", antenna, power)
        self._left = 0
        while (fine := self._next()) is not None:
            await self._measure("looking closer", *fine)

    def _plan(self, found: Capabilities, unplugged: frozenset[int]) -> None:
        asked, options = self._asked, self._device.options
        self._impinj = found.vendor_pen == IMPINJ_PEN and options.impinj_reports is not False
        region = asked.region
        if region == "auto":
            region = power_cap.region_of(hopping=found.hopping, fixed_khz=found.fixed_khz)
        self._cap = power_cap.cap(
            region, gain_dbi=asked.gain_dbi, cable_loss_db=asked.cable_loss_db
        )
        self._table = power_cap.allowed(found.powers_dbm.values(), self._cap)
        if not self._table:
            raise _no_power(found, self._cap)
        configured = [one.antenna for one in options.antennas]
        chosen = list(asked.antennas) or configured or list(range(1, found.antennas + 1))
        if beyond := [one for one in chosen if one > found.antennas]:
            raise Troubled(
                "no-such-antenna",
                f"This reader has antennas 1 to {found.antennas}, not {beyond[0]}.",
            )
        self._unplugged = [one for one in chosen if one in unplugged]
        chosen = [one for one in chosen if one not in unplugged]
        if not chosen:
            raise Troubled(
                "unplugged",
                "No antenna is connected to the ports that were chosen.",
                "Check the cables at the reader's antenna ports.",
            )
        together = asked.together and len(chosen) > 1
        self._groups = {TOGETHER: tuple(chosen)} if together else {one: (one,) for one in chosen}

    async def _measure(self, phase: str, antenna: int, power: float) -> None:
        self._now = {"antenna": antenna, "power_dbm": power}
        self._tell(self.picture(phase))
        device = at_power(self._device, self._groups[antenna], power, impinj=self._impinj)
        marked = self._must | self._must_not
        step = await measure(device, marked, self._asked.measure_s, antenna=antenna, power=power)
        known = self._steps.setdefault(antenna, [])
        before = next((one for one in known if one.power_dbm == power), None)
        if before is not None:
            known.remove(before)
            step = msgspec.structs.replace(step, tries=before.tries + 1)
        known.append(step)
        self._left = max(0, self._left - 1)
        self._now = None
        self._tell(self.picture(phase))

    def _next(self) -> tuple[int, float] | None:
        mine = jobs(self._steps, self._must)
        for antenna, steps in self._steps.items():
            power = doubtful(steps, self._must)
            if power is None:
                power = between(steps, mine[antenna], self._must_not, self._table)
            if power is not None:
                return antenna, power
        return None

    def picture(self, phase: str) -> dict[str, Any]:
        """All as of now."""
        done = sum(len(steps) for steps in self._steps.values())
        table, limit = self._table, self._cap
        return {
            "phase": phase,
            "device": self._device.name,
            "now": self._now,
            "done": done,
            "left": self._left,
            "left_s": round(self._left * (self._asked.measure_s + _OVERHEAD_S)),
            "table": {"from_dbm": table[0], "to_dbm": table[-1], "powers": len(table)}
            if table
            else None,
            "cap": None if limit is None else msgspec.to_builtins(limit),
            "groups": {str(antenna): list(one) for antenna, one in self._groups.items()},
            "unplugged": self._unplugged,
            "set_dbm": {
                str(one.antenna): one.tx_power_dbm for one in self._device.options.antennas
            },
            "must": sorted(self._must),
            "must_not": sorted(self._must_not),
            "steps": {
                str(antenna): [self._row(step) for step in ordered(steps)]
                for antenna, steps in self._steps.items()
            },
            **self._judged(finished=phase == "done"),
        }

    def _row(self, step: Step) -> dict[str, Any]:
        """A step for whoever draws it: in ``must`` and ``must_not`` one digit for each tag of the
        lists of the same name, in how many slots it was heard. (Hundreds of tags at hundreds of
        steps must fit into a message.)
        """
        return {
            "power_dbm": step.power_dbm,
            "reads_per_s": round(step.reads_per_s, 1),
            "tags": step.tags,
            "p10_dbm": step.p10_dbm,
            "p50_dbm": step.p50_dbm,
            "slots": step.slots,
            "must": "".join(str(step.heard.get(epc, 0)) for epc in sorted(self._must)),
            "must_not": "".join(str(step.heard.get(epc, 0)) for epc in sorted(self._must_not)),
        }

    def _judged(self, *, finished: bool) -> dict[str, Any]:
        if not finished:
            return {"windows": {}, "tags": {}, "uncovered": []}
        mine = jobs(self._steps, self._must)
        covered = {epc for duties in mine.values() for epc in duties}
        windows: dict[str, Window] = {
            str(antenna): window(
                steps, mine[antenna], self._must_not, self._table, spare=bool(covered)
            )
            for antenna, steps in self._steps.items()
        }
        return {
            "windows": msgspec.to_builtins(windows),
            "tags": {
                epc: {
                    str(antenna): msgspec.to_builtins(edge_of(ordered(steps), epc))
                    for antenna, steps in self._steps.items()
                }
                for epc in sorted(self._must | self._must_not)
            },
            "uncovered": sorted(self._must - covered),
        }


def _no_power(found: Capabilities, limit: power_cap.Cap) -> Troubled:
    if not found.powers_dbm:
        return Troubled("no-table", "This reader shows no table of powers: none can be set.")
    return Troubled(
        "beyond-the-cap",
        f"The least this reader can send with, {min(found.powers_dbm.values()):g} dBm, is more "
        f"than {limit.port_dbm:g} dBm, which is allowed here ({limit.rule}).",
        "Use an antenna with less gain, or a longer cable; check region and gain.",
    )


SWEEP = Operation(SweepArguments, sweep)
