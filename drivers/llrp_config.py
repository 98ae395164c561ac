"""Settings of an LLRP reader, and the check of them against what the reader says it can do.

Everything is refused rather than bent: a power outside the reader's own table, an antenna
or a GPI it does not have, an RF mode it does not know. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.errors import DeviceRefused
from drivers.llrp_decode import IMPINJ_PEN

_STRICT = ConfigDict(frozen=True, extra="forbid")


class Antenna(BaseModel):
    """One antenna port of the reader, and where the antenna hangs (metres and degrees).

    ``side`` tells the portal's outside row from its inside row. Without ``tx_power_dbm`` the
    reader keeps the power it is set to.
    """

    model_config = _STRICT

    antenna: int = Field(ge=1, le=255)
    side: Literal["outside", "inside", "unknown"] = "unknown"
    alias: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    yaw_deg: float | None = None
    tx_power_dbm: float | None = None


class GpiTrigger(BaseModel):
    """Read only while an input is in ``state``, ``timeout_s`` at most (0: no limit)."""

    model_config = _STRICT

    port: int = Field(ge=1, le=255)
    state: bool = True
    timeout_s: float = Field(default=30.0, ge=0, le=3600)


class LlrpConfig(BaseModel):
    """Settings of one LLRP reader; ``firmware_configs/llrp/portal.toml`` is their manual.

    An empty ``antennas`` means all that the reader has, each on an unknown side.
    """

    model_config = _STRICT

    host: str = Field(min_length=1)
    port: int = Field(default=5084, ge=1, le=65535)
    antennas: tuple[Antenna, ...] = ()
    session: int = Field(default=1, ge=0, le=3)
    rf_mode: int | None = Field(default=None, ge=0, le=65535)
    tag_population: int = Field(default=32, ge=1, le=65535)
    impinj_reports: Literal["auto"] | bool = "auto"
    impinj_search_mode: int | None = Field(default=None, ge=0, le=5)
    report_every_n: int = Field(default=1, ge=1, le=1000)
    gpis: tuple[int, ...] = ()
    gpi_trigger: GpiTrigger | None = None
    hold_reports: bool = True
    keepalive_s: float = Field(default=5.0, gt=0, le=60)
    idle_timeout_s: float = Field(default=12.0, gt=0, le=180)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=120)
    setup_timeout_s: float = Field(default=15.0, gt=0, le=120)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ports = [antenna.antenna for antenna in self.antennas]
        if len(set(ports)) != len(ports):
            raise ValueError(f"antennas: each antenna once, not {ports}")
        if self.idle_timeout_s < 2 * self.keepalive_s:
            raise ValueError(
                f"idle_timeout_s ({self.idle_timeout_s:g}) is at least twice keepalive_s "
                f"({self.keepalive_s:g}), or one late keepalive looks like a dead link"
            )
        if self.impinj_search_mode is not None and self.impinj_reports is False:
            raise ValueError("impinj_search_mode needs impinj_reports to be true or 'auto'")
        return self

    @property
    def watched_gpis(self) -> tuple[int, ...]:
        """Inputs whose edges are reported."""
        trigger = () if self.gpi_trigger is None else (self.gpi_trigger.port,)
        return tuple(sorted({*self.gpis, *trigger}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a reader says of itself. ``powers_dbm`` maps its power index to dBm."""

    antennas: int
    vendor_pen: int
    model: int
    firmware: str
    gpis: int
    powers_dbm: Mapping[int, float]
    rf_modes: tuple[int, ...]
    hop_table: int
    channel: int

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """From a decoded GET_READER_CAPABILITIES_RESPONSE; ``KeyError`` when parts lack."""
        device = message["GeneralDeviceCapabilities"]
        band = message["RegulatoryCapabilities"]["UHFBandCapabilities"]
        modes = band.get("UHFC1G2RFModeTable", {}).get("UHFC1G2RFModeTableEntry", [])
        frequencies = band.get("FrequencyInformation", {})
        tables = frequencies.get("FrequencyHopTable") or [{}]
        hopping = bool(frequencies.get("Hopping"))
        return cls(
            antennas=int(device["MaxNumberOfAntennaSupported"]),
            vendor_pen=int(device["DeviceManufacturerName"]),
            model=int(device["ModelName"]),
            firmware=bytes(device.get("ReaderFirmwareVersion", b"")).decode("utf-8", "replace"),
            gpis=int(device.get("GPIOCapabilities", {}).get("NumGPIs", 0)),
            powers_dbm={
                int(entry["Index"]): int(entry["TransmitPowerValue"]) / 100
                for entry in band.get("TransmitPowerLevelTableEntry", [])
            },
            rf_modes=tuple(int(mode["ModeIdentifier"]) for mode in modes),
            hop_table=int(tables[0].get("HopTableId", 1)) if hopping else 0,
            channel=0 if hopping else 1,
        )

    def power_index(self, dbm: float) -> int:
        """The reader's index for the highest power that is not above ``dbm``.

        Raises ``DeviceRefused`` naming the range when ``dbm`` is outside the table: a
        power is never raised, nor cut to the maximum.
        """
        powers = self.powers_dbm
        low, high = min(powers.values(), default=0.0), max(powers.values(), default=0.0)
        if not powers or not low <= dbm <= high:
            raise DeviceRefused(
                f"tx_power_dbm = {dbm:g} is outside this reader's table, {low:g} to {high:g} dBm",
                hint=f"Set tx_power_dbm to a value from {low:g} to {high:g}, or leave it out.",
            )
        return max((index for index in powers if powers[index] <= dbm), key=powers.__getitem__)


def check_settings(config: LlrpConfig, found: Capabilities) -> None:
    """Raise ``DeviceRefused`` when the reader cannot do what the settings ask."""
    for antenna in config.antennas:
        if antenna.antenna > found.antennas:
            raise DeviceRefused(
                f"Antenna {antenna.antenna} is configured; the reader has {found.antennas}",
                hint=f"Name antennas from 1 to {found.antennas} in [[devices.antennas]].",
            )
        if antenna.tx_power_dbm is not None:
            found.power_index(antenna.tx_power_dbm)
    if config.rf_mode is not None and config.rf_mode not in found.rf_modes:
        modes = ", ".join(map(str, found.rf_modes)) or "none"
        raise DeviceRefused(
            f"rf_mode = {config.rf_mode} is not in this reader's table: {modes}",
            hint=f"Set rf_mode to one of {modes}, or leave it out for the reader's default.",
        )
    if config.impinj_reports is True and found.vendor_pen != IMPINJ_PEN:
        raise DeviceRefused(
            f"impinj_reports = true, but the reader's vendor is {found.vendor_pen}, not Impinj",
            hint='Set impinj_reports to "auto" or false.',
        )
    missing = [port for port in config.watched_gpis if not 1 <= port <= found.gpis]
    if missing:
        raise DeviceRefused(
            f"GPI {missing[0]} is configured; the reader has {found.gpis} inputs",
            hint=f"Name inputs from 1 to {found.gpis} in gpis and gpi_trigger.",
        )
