"""RF modes by name: chosen from the reader's own table, by what its columns say. Pure.

``dense``  a row for the dense-reader mask, and of these the fastest: many readers in one hall
``fast``   the fastest row there is: one reader, strong tags that pass quickly
``robust`` the slowest and most redundant row: weak tags that hold still

The speed of a row is its backscatter rate; Impinj's readers put the link frequency there, which
Miller's cycles per symbol divide (``drivers.llrp.quirks``). A row of which the reader says
nothing (Impinj's autoset modes above 1000) is never chosen by name, only by number.
"""

from __future__ import annotations

from typing import Literal, get_args

from drivers.llrp.capabilities import Capabilities, RfMode
from drivers.llrp.quirks import Effect, effects

ModeName = Literal["dense", "fast", "robust"]
MODE_NAMES: tuple[ModeName, ...] = get_args(ModeName)


def mode_named(name: ModeName, found: Capabilities) -> RfMode | None:
    """The row of the reader's table for this name; ``None`` where no row suits."""
    known = [mode for mode in found.modes if mode.mask]
    if name == "dense":
        known = [mode for mode in known if mode.mask == "dense-reader"]
    if not known:
        return None
    divided = Effect.RATE_IS_LINK_FREQUENCY in effects(found.vendor_pen, found.model)

    def speed(mode: RfMode) -> tuple[float, int]:
        rate = mode.bps / mode.miller if divided else float(mode.bps)
        return rate, -mode.identifier  # a tie goes to the smaller number

    return min(known, key=speed) if name == "robust" else max(known, key=speed)


def chosen_mode(wanted: int | ModeName | None, found: Capabilities) -> RfMode | None:
    """The row that the settings mean; ``None`` for the reader's default, or where there is none."""
    if wanted is None:
        return None
    if isinstance(wanted, int):
        return next((mode for mode in found.modes if mode.identifier == wanted), None)
    return mode_named(wanted, found)
