"""Settings against what the connected reader says it can do: every mistake at once. Pure.

Everything is refused rather than bent: a power outside the reader's own table, an antenna or an
input it does not have, an RF mode it does not know. Each mistake names what would be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.errors import DeviceRefused
from drivers.llrp.capabilities import Capabilities, spans
from drivers.llrp.config import LlrpConfig
from drivers.llrp.modes import chosen_mode
from drivers.llrp.quirks import Effect, effects


@dataclass(frozen=True, slots=True)
class Mistake:
    """A setting that this reader cannot do, and what it accepts instead."""

    what: str
    accepted: str


def check_settings(config: LlrpConfig, found: Capabilities) -> None:
    """Raise ``DeviceRefused`` with all that the reader cannot do of what the settings ask."""
    wrong = list(mistakes(config, found))
    if not wrong:
        return
    if len(wrong) == 1:
        raise DeviceRefused(wrong[0].what, hint=wrong[0].accepted)
    listed = "; ".join(f"({place}) {one.what}" for place, one in enumerate(wrong, start=1))
    accepted = " ".join(f"({place}) {one.accepted}" for place, one in enumerate(wrong, start=1))
    raise DeviceRefused(
        f"{len(wrong)} settings do not suit this reader: {listed}",
        hint=f"{accepted} `tallyport edge probe` shows all that the reader accepts.",
    )


def mistakes(config: LlrpConfig, found: Capabilities) -> Iterator[Mistake]:
    """Everything in the settings that this reader cannot do."""
    yield from _antennas(config, found)
    yield from _air(config, found)
    yield from _impinj(config, found)
    yield from _inputs(config, found)


def _antennas(config: LlrpConfig, found: Capabilities) -> Iterator[Mistake]:
    for antenna in config.antennas:
        number = antenna.antenna
        if number > found.antennas:
            yield Mistake(
                f"Antenna {number} is configured; the reader has {found.antennas}",
                f"Name antennas from 1 to {found.antennas} in [[devices.antennas]].",
            )
            continue
        if (dbm := antenna.tx_power_dbm) is not None and not _has_power(found, dbm):
            yield Mistake(
                f"tx_power_dbm = {dbm:g} of antenna {number} is outside this reader's table, "
                f"{found.powers()}",
                f"Set tx_power_dbm within {found.powers()}, or leave it out.",
            )
        if (db := antenna.rx_sensitivity_db) is not None and not _hears(found, number, db):
            values = found.sensitivities_of(number) or "none: this reader has no such table"
            yield Mistake(
                f"rx_sensitivity_db = {db} of antenna {number} is not in this reader's table: "
                f"{values}",
                f"Set rx_sensitivity_db to one of {values}; or leave it out.",
            )


def _has_power(found: Capabilities, dbm: float) -> bool:
    try:
        found.power_index(dbm)
    except LookupError:
        return False
    return True


def _hears(found: Capabilities, antenna: int, db: int) -> bool:
    try:
        found.sensitivity_index(antenna, db)
    except LookupError:
        return False
    return True


def _air(config: LlrpConfig, found: Capabilities) -> Iterator[Mistake]:
    mode = chosen_mode(config.rf_mode, found)
    if config.rf_mode is not None and mode is None:
        named = isinstance(config.rf_mode, str)
        asked = f'"{config.rf_mode}" fits no row of' if named else f"{config.rf_mode} is not in"
        numbers = ", ".join(map(str, found.rf_modes)) or "none"
        yield Mistake(
            f"rf_mode = {asked} this reader's table: {found.mode_table()}",
            f"Set rf_mode to one of {numbers}, or leave it out for the reader's default.",
        )
    if mode is not None and not mode.accepts_tari(config.tari_ns):
        yield Mistake(
            f"tari_ns = {config.tari_ns} is none that RF mode {mode.identifier} has: "
            f"{mode.taris()}",
            f"Set tari_ns to {mode.taris()}, or leave it out for the reader's choice.",
        )
    if found.max_filters is not None and len(config.filters) > found.max_filters:
        yield Mistake(
            f"{len(config.filters)} filters are configured; the reader takes {found.max_filters}",
            f"Keep at most {found.max_filters} of [[devices.filters]]; a shorter prefix may "
            "cover several.",
        )


def _impinj(config: LlrpConfig, found: Capabilities) -> Iterator[Mistake]:
    if Effect.EXTENSIONS not in effects(found.vendor_pen, found.model):
        if config.impinj_reports is True:
            yield Mistake(
                f"impinj_reports = true, but the reader's vendor is {found.vendor_pen}, not Impinj",
                'Set impinj_reports to "auto" or false.',
            )
        for name in config.impinj_settings:
            yield Mistake(
                f"{name}: the reader's vendor is {found.vendor_pen}, not Impinj",
                "Leave it out: only Impinj's readers have it.",
            )
        return
    if config.impinj_frequencies_mhz and found.hopping:
        yield Mistake(
            "impinj_frequencies_mhz is set, but this reader's region makes it hop",
            "Leave impinj_frequencies_mhz out in this region.",
        )
        return
    for mhz in config.impinj_frequencies_mhz:
        if round(mhz * 1000) not in found.fixed_khz:
            yield Mistake(
                f"impinj_frequencies_mhz has {mhz:g}, which is no channel of this reader; "
                f"{found.channels()}",
                f"Name {found.channels()}.",
            )


def _inputs(config: LlrpConfig, found: Capabilities) -> Iterator[Mistake]:
    missing = [port for port in config.watched_gpis if not 1 <= port <= found.gpis]
    if missing:
        yield Mistake(
            f"GPI {spans(missing)} is configured; the reader has {found.gpis} inputs",
            f"Name inputs from 1 to {found.gpis} in gpis and gpi_trigger."
            if found.gpis
            else "Leave gpis and gpi_trigger out.",
        )
