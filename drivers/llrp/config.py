"""Settings of an LLRP reader; what they must agree on before any reader is asked. Pure.

What a reader accepts stands in its own tables: ``drivers.llrp.check`` compares the two.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drivers.llrp.filters import TagFilter
from drivers.llrp.link_settings import LinkSettings
from drivers.llrp.modes import MODE_NAMES, ModeName

_STRICT = ConfigDict(frozen=True, extra="forbid")

SearchMode = Literal["reader", "single", "dual", "tagfocus", "single-reset", "dual-select"]
SEARCH_MODES: dict[SearchMode, int] = {
    "reader": 0,
    "single": 1,
    "dual": 2,
    "tagfocus": 3,
    "single-reset": 5,
    "dual-select": 6,
}
"""Impinj's names and numbers (ImpinjInventorySearchType of its LLRP definitions)."""

Reported = Literal[
    "antenna", "channel", "rssi", "first_seen", "last_seen", "count", "rospec", "access",
    "crc", "pc", "phase", "fine_rssi", "doppler",
]  # fmt: skip
IMPINJ_FIELDS: frozenset[Reported] = frozenset({"phase", "fine_rssi", "doppler"})
REPORTED: tuple[Reported, ...] = (
    "antenna", "channel", "rssi", "first_seen", "last_seen", "count", *sorted(IMPINJ_FIELDS),
)  # fmt: skip
"""What is reported unless the settings say otherwise."""


def _word_or(numbers: Collection[object], *words: str) -> Callable[[object], object]:
    """Let one of the words or numbers pass; say once, not per type, what else would be right."""

    def checked(value: object) -> object:
        if value in (words if isinstance(value, str) else numbers):
            return value
        near = difflib.get_close_matches(str(value), words, n=1) if isinstance(value, str) else []
        guess = f'; the nearest is "{near[0]}"' if near else ""
        if isinstance(numbers, range):
            others = f"or a number from {numbers[0]} to {numbers[-1]}"
        else:
            others = "or " + ", ".join(str(one).lower() for one in numbers)
        raise ValueError(f"it is one of {', '.join(words)}; {others}{guess}")

    return checked


_RfMode = Annotated[int | ModeName, BeforeValidator(_word_or(range(65_536), *MODE_NAMES))]
_Search = Annotated[
    int | SearchMode, BeforeValidator(_word_or((*SEARCH_MODES.values(),), *SEARCH_MODES))
]
_Auto = Annotated[Literal["auto"] | bool, BeforeValidator(_word_or((True, False), "auto"))]


class Antenna(BaseModel):
    """One antenna port of the reader, and where the antenna hangs (metres and degrees).

    ``side`` tells the portal's outside row from its inside row. Without ``tx_power_dbm`` and
    ``rx_sensitivity_db`` the reader keeps what it is set to. ``rx_sensitivity_db`` is how many
    dB a signal must be above the weakest that the reader can hear.
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
    rx_sensitivity_db: int | None = Field(default=None, ge=0, le=128)


class GpiTrigger(BaseModel):
    """Read from the moment that input ``port`` turns to ``state`` until ``stop_port`` turns to
    ``stop_state`` (left out: the same input turns back), ``timeout_s`` at most (0: no limit).
    """

    model_config = _STRICT

    port: int = Field(ge=1, le=255)
    state: bool = True
    stop_port: int | None = Field(default=None, ge=1, le=255)
    stop_state: bool | None = None
    timeout_s: float = Field(default=30.0, ge=0, le=3600)

    @property
    def stop(self) -> tuple[int, bool]:
        """The input, and its state, that ends reading."""
        port = self.port if self.stop_port is None else self.stop_port
        state = not self.state if self.stop_state is None else self.stop_state
        return port, state

    @model_validator(mode="after")
    def _ends_otherwise_than_it_starts(self) -> Self:
        if self.stop == (self.port, self.state):
            raise ValueError("reading would start and stop by the same edge of the same input")
        return self


class LlrpConfig(LinkSettings):
    """Settings of one LLRP reader; ``firmware_configs/llrp/dock-portal.toml`` is their manual.

    An empty ``antennas`` means all that the reader has, each on an unknown side.
    """

    antennas: tuple[Antenna, ...] = ()
    session: int = Field(default=1, ge=0, le=3)
    rf_mode: _RfMode | None = None
    tari_ns: int = Field(default=0, ge=0, le=0xFFFF)
    tag_population: int = Field(default=32, ge=1, le=65535)
    tag_transit_ms: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    filters: tuple[TagFilter, ...] = ()
    report: tuple[Reported, ...] | None = None
    impinj_reports: _Auto = "auto"
    impinj_search_mode: _Search | None = None
    impinj_frequencies_mhz: tuple[float, ...] = ()
    impinj_gpi_debounce_ms: int | None = Field(default=None, ge=0, le=60_000)
    report_every_n: int = Field(default=1, ge=1, le=1000)
    gpis: tuple[int, ...] = ()
    gpi_trigger: GpiTrigger | None = None
    hold_reports: bool = True
    read_back: bool = True
    keepalive_s: float = Field(default=5.0, gt=0, le=60)
    idle_timeout_s: float = Field(default=12.0, gt=0, le=180)
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
        if self.tari_ns and self.rf_mode is None:
            raise ValueError("tari_ns needs rf_mode: each RF mode has its own Tari values")
        return self

    @model_validator(mode="after")
    def _impinj_fits_together(self) -> Self:
        if self.impinj_reports is False and (wanted := self.impinj_settings):
            raise ValueError(f"{wanted[0]} needs impinj_reports to be true or 'auto'")
        if self.search_mode == SEARCH_MODES["tagfocus"] and self.session != 1:
            raise ValueError(
                f"impinj_search_mode = tagfocus works in session 1 only, not in {self.session}"
            )
        return self

    @property
    def search_mode(self) -> int | None:
        """Impinj's number of the search mode."""
        wanted = self.impinj_search_mode
        return SEARCH_MODES[wanted] if isinstance(wanted, str) else wanted

    @property
    def impinj_settings(self) -> list[str]:
        """The settings in use that only Impinj's readers have."""
        fields = IMPINJ_FIELDS.intersection(self.report or ())
        used = {
            "impinj_search_mode": self.impinj_search_mode is not None,
            "impinj_frequencies_mhz": bool(self.impinj_frequencies_mhz),
            "impinj_gpi_debounce_ms": self.impinj_gpi_debounce_ms is not None,
            f"report = {sorted(fields)}": bool(fields),
        }
        return [name for name, wanted in used.items() if wanted]

    @property
    def watched_gpis(self) -> tuple[int, ...]:
        """Inputs whose edges are reported."""
        trigger = self.gpi_trigger
        pulled = () if trigger is None else (trigger.port, trigger.stop[0])
        return tuple(sorted({*self.gpis, *pulled}))
