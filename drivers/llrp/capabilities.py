"""What an LLRP reader says that it can do: its tables, in units of people. Pure.

From GET_READER_CAPABILITIES_RESPONSE (LLRP 1.0.1 section 9.2). Nothing here is assumed of a
model: power, sensitivity, RF modes, filters and channels are the connected reader's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_SPECTRAL_MASKS = {1: "single-reader", 2: "multi-reader", 3: "dense-reader"}
_MILLER = {0: 1, 1: 2, 2: 4, 3: 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class RfMode:
    """One row of the RF mode table.

    ``miller`` is 1 for FM0, else the subcarrier cycles per symbol; ``bps`` the backscatter value
    as sent; ``mask`` empty where the reader does not say for what spectral mask the row is.
    ``tari_ns`` is the smallest, the largest and the step, in nanoseconds.
    """

    identifier: int
    miller: int
    bps: int
    mask: str
    tari_ns: tuple[int, int, int]

    def accepts_tari(self, tari_ns: int) -> bool:
        """Whether the row allows this Tari (0: the reader's choice)."""
        low, high, step = self.tari_ns
        if not low <= tari_ns <= high:
            return tari_ns == 0
        return (tari_ns - low) % step == 0 if step else tari_ns in {low, high}

    def taris(self) -> str:
        """The Tari values of the row, in words."""
        low, high, step = self.tari_ns
        if low == high:
            return f"{low} ns"
        return f"{low} to {high} ns" + (f" in steps of {step}" if step else " (these two)")

    def __str__(self) -> str:
        coding = "FM0" if self.miller == 1 else f"Miller {self.miller}"
        if not self.mask:
            return f"{self.identifier} (the reader says nothing of it)"
        return f"{self.identifier} ({coding}, {self.bps / 1000:g} k, {self.mask})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a reader says of itself.

    ``powers_dbm`` and ``sensitivities_db`` map the reader's index to dBm, and to dB above the
    weakest signal that it can hear; ``sensitivity_ranges`` are the indexes that an antenna takes,
    where the reader limits them. ``fixed_khz`` are the channels of a reader that does not hop,
    the first one is channel 1. ``max_filters`` is ``None`` where the reader does not say.
    """

    antennas: int
    vendor_pen: int
    model: int
    firmware: str
    gpis: int
    powers_dbm: Mapping[int, float]
    modes: tuple[RfMode, ...]
    hop_table: int
    channel: int
    gpos: int = 0
    sensitivities_db: Mapping[int, int] = field(default_factory=dict)
    sensitivity_ranges: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    hopping: bool = True
    fixed_khz: tuple[int, ...] = ()
    max_filters: int | None = None
    holds_reports: bool = True

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """From a decoded GET_READER_CAPABILITIES_RESPONSE; ``KeyError`` when parts lack."""
        device = message["GeneralDeviceCapabilities"]
        band = message["RegulatoryCapabilities"]["UHFBandCapabilities"]
        modes = band.get("UHFC1G2RFModeTable", {}).get("UHFC1G2RFModeTableEntry", [])
        frequencies = band.get("FrequencyInformation", {})
        tables = frequencies.get("FrequencyHopTable") or [{}]
        hopping = bool(frequencies.get("Hopping"))
        inputs = device.get("GPIOCapabilities", {})
        filters = message.get("C1G2LLRPCapabilities", {}).get("MaxNumSelectFiltersPerQuery")
        return cls(
            antennas=int(device["MaxNumberOfAntennaSupported"]),
            vendor_pen=int(device["DeviceManufacturerName"]),
            model=int(device["ModelName"]),
            firmware=bytes(device.get("ReaderFirmwareVersion", b"")).decode("utf-8", "replace"),
            gpis=int(inputs.get("NumGPIs", 0)),
            gpos=int(inputs.get("NumGPOs", 0)),
            powers_dbm={
                int(entry["Index"]): _signed(entry["TransmitPowerValue"]) / 100
                for entry in band.get("TransmitPowerLevelTableEntry", [])
            },
            modes=tuple(_mode(entry) for entry in modes),
            hop_table=int(tables[0].get("HopTableId", 1)) if hopping else 0,
            channel=0 if hopping else 1,
            sensitivities_db={
                int(entry["Index"]): _signed(entry["ReceiveSensitivityValue"])
                for entry in device.get("ReceiveSensitivityTableEntry", [])
            },
            sensitivity_ranges={
                int(entry["AntennaID"]): (
                    int(entry["ReceiveSensitivityIndexMin"]),
                    int(entry["ReceiveSensitivityIndexMax"]),
                )
                for entry in device.get("PerAntennaReceiveSensitivityRange", [])
            },
            hopping=hopping,
            fixed_khz=tuple(
                int(khz) for khz in frequencies.get("FixedFrequencyTable", {}).get("Frequency", [])
            ),
            max_filters=None if filters is None else int(filters),
            holds_reports=bool(
                message.get("LLRPCapabilities", {}).get("SupportsEventAndReportHolding", True)
            ),
        )

    @property
    def rf_modes(self) -> tuple[int, ...]:
        """The identifiers of the RF mode table."""
        return tuple(mode.identifier for mode in self.modes)

    def power_index(self, dbm: float) -> int:
        """The reader's index for the highest power that is not above ``dbm``.

        ``LookupError`` where ``dbm`` is outside the table: a power is never raised, nor cut.
        """
        powers = self.powers_dbm
        if not powers or not min(powers.values()) <= dbm <= max(powers.values()):
            raise LookupError(dbm)
        return max((index for index in powers if powers[index] <= dbm), key=powers.__getitem__)

    def sensitivity_index(self, antenna: int, db: int) -> int:
        """The reader's index for exactly ``db``; ``LookupError`` where this antenna lacks it."""
        indexes = [index for index, value in self._sensitivities(antenna) if value == db]
        if not indexes:
            raise LookupError(db)
        return indexes[0]

    def sensitivities_of(self, antenna: int) -> str:
        """What this antenna accepts, in words."""
        return spans(value for _, value in self._sensitivities(antenna))

    def _sensitivities(self, antenna: int) -> list[tuple[int, int]]:
        low, high = self.sensitivity_ranges.get(antenna, (0, 0xFFFF))
        return [item for item in self.sensitivities_db.items() if low <= item[0] <= high]

    def powers(self) -> str:
        """The power table, in words."""
        if not self.powers_dbm:
            return "the reader shows no power table"
        low, high = min(self.powers_dbm.values()), max(self.powers_dbm.values())
        return f"{low:g} to {high:g} dBm"

    def mode_table(self) -> str:
        """The RF mode table, in words."""
        return ", ".join(map(str, self.modes)) or "none"

    def channels(self) -> str:
        """On what frequencies the reader sends, in words."""
        if self.hopping:
            return "the reader hops, as its region wants it"
        megahertz = ", ".join(f"{khz / 1000:g}" for khz in self.fixed_khz)
        return f"fixed channels: {megahertz} MHz" if megahertz else "no table of channels"

    def described(self) -> list[str]:
        """What a technician may set on this reader, a line each."""
        filters = "not told" if self.max_filters is None else str(self.max_filters)
        return [
            f"antennas: 1 to {self.antennas}",
            f"inputs (gpis): {self.gpis}, outputs: {self.gpos}",
            f"tx_power_dbm: {self.powers()}",
            f"rx_sensitivity_db: {spans(self.sensitivities_db.values()) or 'no table'}",
            f"rf_mode: {self.mode_table()}",
            f"filters at once: {filters}",
            f"frequencies: {self.channels()}",
            f"holds reports while the edge is away: {'yes' if self.holds_reports else 'no'}",
        ]


def _signed(value: int) -> int:
    """LLRP's s16, which sllurp decodes without its sign: -1 dBm would be the highest power."""
    return value - 0x10000 if value & 0x8000 else value


def _mode(entry: Mapping[str, Any]) -> RfMode:
    # sllurp calls the modulation "Mod" and the spectral mask "M"
    return RfMode(
        identifier=int(entry["ModeIdentifier"]),
        miller=_MILLER.get(int(entry["Mod"]), 1),
        bps=int(entry["BDR"]),
        mask=_SPECTRAL_MASKS.get(int(entry["M"]), ""),
        tari_ns=(int(entry["MinTari"]), int(entry["MaxTari"]), int(entry["StepTari"])),
    )


def spans(values: Iterable[int]) -> str:
    """Whole numbers in words: ``0, 10 to 50``."""
    parts: list[list[int]] = []
    for value in sorted(set(values)):
        if parts and value == parts[-1][-1] + 1:
            parts[-1][1:] = [value]
        else:
            parts.append([value])
    return ", ".join(" to ".join(map(str, part)) for part in parts)
