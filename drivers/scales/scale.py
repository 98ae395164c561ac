"""Scales of every protocol but MT-SICS, on a serial port or over TCP: one driver, two halves.

The protocol (``drivers.scales.protocols``) says how frames look and how the weight is asked for;
the transport (``transports.transport``) carries the bytes. A scale is only ever asked for its
weight, or listened to: no zero, no tare and no clear leaves this driver.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from drivers.driver import Tap
from drivers.frames import FrameDecoder
from drivers.scales.hearing import HeardScale, HearingSettings
from drivers.scales.protocols import PROTOCOLS, Parity, ScaleProtocol
from drivers.transports.transport import Transport, TransportSettings, open_transport


class ScaleConfig(TransportSettings, HearingSettings):
    """Where the scale is and how to hear it.

    ``ask``: ask for each weight, ``interval_s`` apart; false for a scale that sends on its own.
    """

    ask: bool = False
    interval_s: Annotated[float, Field(ge=0.05, le=60)] = 0.2

    @model_validator(mode="after")
    def _patient_enough(self) -> Self:
        if self.ask and self.silence_timeout_s <= self.interval_s:
            raise ValueError("silence_timeout_s must be longer than interval_s")
        return self

    @property
    def ask_every_s(self) -> float | None:
        """How far apart the questions are; ``None`` for a scale that sends on its own."""
        return self.interval_s if self.ask else None

    def compared(self, title: str) -> str:
        """What the scale's own settings should be compared with."""
        return f"{title}, {self.line}" if self.is_serial else title

    def quiet_hint(self, title: str) -> str:
        """What to look at where not a byte came."""
        asked = "" if self.ask else " Does it send on its own, or must it be asked (ask)?"
        return (
            f"Is it switched on, is the cable the right one (crossed or not), and is its "
            f"interface set to {self.compared(title)}?{asked}"
        )


class Scale(HeardScale):
    """One scale on a serial port or behind a socket (``drivers.driver.Driver``)."""

    def __init__(
        self, protocol: ScaleProtocol, config: ScaleConfig, *, tap: Tap | None = None
    ) -> None:
        super().__init__(protocol, config)
        self.config = config
        self._tap = tap

    def _line(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(self.config, tap=self._tap)


@dataclass(frozen=True, slots=True)
class ScaleKind:
    """A protocol as a kind of device (``drivers.registry.DriverClass``)."""

    protocol: ScaleProtocol
    Config: type[ScaleConfig]

    def decoder(self) -> FrameDecoder:
        """A fresh decoder of what such a scale sends."""
        return FrameDecoder(self.protocol.form)

    def __call__(self, config: ScaleConfig, *, tap: Tap | None = None) -> Scale:
        """Build the driver for one scale."""
        return Scale(self.protocol, config, tap=tap)


# ---- the kinds -----------------------------------------------------------------------------
def _kind(name: str) -> ScaleKind:
    """A protocol with its usual line as the defaults of its settings."""
    protocol = PROTOCOLS[name]
    title = "".join(part.capitalize() for part in name.split("-"))
    fields: dict[str, Any] = {
        "baud_rate": (int, Field(default=protocol.baud_rate, ge=50, le=4_000_000)),
        "bytesize": (Literal[5, 6, 7, 8], protocol.bytesize),
        "parity": (Parity, protocol.parity),
        "ask": (bool if protocol.poll else Literal[False], bool(protocol.poll)),
    }
    config = create_model(f"{title}Config", __base__=ScaleConfig, **fields)
    return ScaleKind(protocol, config)


MT_CONTINUOUS = _kind("mt-continuous")
MT_CONTINUOUS_CHECKSUM = _kind("mt-continuous-checksum")
TOLEDO_8217 = _kind("toledo-8217")
NCI_SCP01 = _kind("nci-scp01")
SMA = _kind("sma")
AND_STANDARD = _kind("and-standard")
ST_GS = _kind("st-gs")
DINI_ARGEO = _kind("dini-argeo")
CAS_22 = _kind("cas-22")
CAS_ENQ = _kind("cas-enq")
DIBAL_EPOS_TISA = _kind("dibal-epos-tisa")
OHAUS_PRINT = _kind("ohaus-print")
OHAUS_RANGER = _kind("ohaus-ranger")
SARTORIUS_SBI = _kind("sartorius-sbi")
RADWAG = _kind("radwag")
