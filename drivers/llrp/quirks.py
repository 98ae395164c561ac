"""What readers of one maker do otherwise than LLRP or a technician expects, as data.

Each quirk says how it is known: ``tested-on-bytes`` (bytes that a real reader sent, decoded by a
test), ``documented`` (``source`` says where) or ``unverified`` (told, but no source found).
``effect`` is what the driver does about it; a quirk without one is for people, who see it in
``tallyport edge probe`` and in docs/devices.md. Makers are known by their private enterprise
number, as the capabilities tell it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

IMPINJ, ZEBRA, MOTOROLA = 25882, 10642, 161
THINGMAGIC = 26554  # unverified
R420, XSPAN, R700 = 2_001_002, 2_001_008, 2_001_052
"""Impinj's model numbers, as the capabilities tell them (EdgeX's list of models)."""
_MODELS = {R420: "R420", XSPAN: "xSpan", R700: "R700"}

Evidence = Literal["tested-on-bytes", "documented", "unverified"]


class Effect(Enum):
    """What the driver does about a quirk."""

    EXTENSIONS = "they are enabled first, and only this maker's readers get its own parameters"
    LINK_MONITOR = "the reader is told to drop a client that leaves keepalives unanswered"
    SENDS_EVERY_FIELD = "fields that are missing in a report are not filled in"
    RATE_IS_LINK_FREQUENCY = "the rate in the RF mode table is divided by Miller's number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """One peculiarity. ``models`` empty: all of the maker; ``pens`` empty: no number is known."""

    maker: str
    pens: frozenset[int]
    what: str
    evidence: Evidence
    source: str = ""
    models: frozenset[int] = frozenset()
    effect: Effect | None = None

    def holds(self, vendor_pen: int, model: int) -> bool:
        """Whether it is told of this reader."""
        return vendor_pen in self.pens and (not self.models or model in self.models)

    @property
    def whose(self) -> str:
        """The readers that it is told of."""
        models = ", ".join(_MODELS[model] for model in sorted(self.models))
        return f"{self.maker} {models}" if models else self.maker

    def __str__(self) -> str:
        done = f"; so {self.effect.value}" if self.effect else ""
        source = f": {self.source}" if self.source else ""
        return f"{self.what}{done} [{self.evidence}{source}]"


def _impinj(
    what: str,
    evidence: Evidence,
    source: str,
    *models: int,
    effect: Effect | None = None,
) -> Quirk:
    return Quirk(
        maker="Impinj",
        pens=frozenset({IMPINJ}),
        what=what,
        evidence=evidence,
        source=source,
        models=frozenset(models),
        effect=effect,
    )


def _of(maker: str, what: str, evidence: Evidence, source: str = "", *pens: int) -> Quirk:
    return Quirk(maker=maker, pens=frozenset(pens), what=what, evidence=evidence, source=source)


_EDGEX = "EdgeX app-rfid-llrp-inventory, internal/llrp/behavior.go"
_R420_BYTES = "capabilities of an R420 with firmware 5.14, from EdgeX device-rfid-llrp-go"
_FX_MANUAL = "Zebra FX7500 manual, appendix Data Protection"
_FX = (ZEBRA, MOTOROLA)

QUIRKS: tuple[Quirk, ...] = (
    _impinj(
        "Phase, fine RSSI, Doppler and search modes come only after the extensions are enabled",
        "documented",
        "Octane LLRP, IMPINJ_ENABLE_EXTENSIONS",
        effect=Effect.EXTENSIONS,
    ),
    _impinj(
        "It keeps a dead client's connection, and refuses every new one, unless it watches "
        "that its keepalives are answered",
        "documented",
        "support.impinj.com, ImpinjLinkMonitorConfiguration",
        effect=Effect.LINK_MONITOR,
    ),
    _impinj(
        "Every report holds every enabled field, although LLRP lets a reader leave out what "
        "did not change",
        "documented",
        _EDGEX,
        effect=Effect.SENDS_EVERY_FIELD,
    ),
    _impinj(
        "The RF mode table gives the link frequency where LLRP wants the data rate",
        "tested-on-bytes",
        f"{_R420_BYTES}: modes 0 (FM0) and 1 (Miller 2) both say 640 k",
        effect=Effect.RATE_IS_LINK_FREQUENCY,
    ),
    _impinj(
        "RF modes from 1000 on choose by themselves; their columns in the table mean nothing",
        "tested-on-bytes",
        f"{_R420_BYTES}: the same made-up row five times, without a spectral mask",
    ),
    _impinj(
        "Only transmit power and receive sensitivity can differ from antenna to antenna",
        "documented",
        _EDGEX,
    ),
    _impinj("A filter may not ask for truncated EPCs", "documented", _EDGEX),
    _impinj(
        "At most two filters, one ROSpec, no Tari to choose and no state-aware inventory",
        "tested-on-bytes",
        _R420_BYTES,
        R420,
    ),
    _impinj(
        "Where the region hops, a list of fixed frequencies is refused",
        "documented",
        "sllurp, pull request 112",
    ),
    _impinj(
        "TagFocus keeps only tags with Impinj's chips quiet, and only in session 1",
        "documented",
        f"{_EDGEX}; llrpkit 0.3.0",
    ),
    _impinj(
        "Its own REST interface and LLRP exclude each other",
        "documented",
        "llrpkit 0.3.0; support.impinj.com 32123172324755",
        R700,
    ),
    _impinj(
        "Modes 4000 to 4999 read only tags with chips of the M800 series",
        "documented",
        "llrpkit 0.3.0, after Impinj's note Reader Modes for the R700 series",
        R700,
    ),
    _impinj(
        "Its antenna numbers are beams of one array, not ports: a whole round takes longer",
        "unverified",
        "",
        XSPAN,
    ),
    _of(
        "Zebra FX7500 and FX9600",
        "While the network is down it keeps up to 66,000 messages and sends them afterwards: "
        "expect a burst of old reads with their own times",
        "documented",
        _FX_MANUAL,
        *_FX,
    ),
    _of(
        "Zebra FX7500 and FX9600",
        "It may be set to hold events and reports until the client asks for them, so that a "
        "client which never does reads nothing",
        "documented",
        "bytes in sllurp, issue 115",
        *_FX,
    ),
    _of(
        "Zebra FX7500 and FX9600",
        "Its own parameters carry Motorola's number 161, not Zebra's 10642",
        "documented",
        "bytes in sllurp, issue 115",
        *_FX,
    ),
    _of(
        "Zebra FX7500 and FX9600",
        "The IoT Connector must be off while LLRP is used",
        "unverified",
        "",
        *_FX,
    ),
    _of(
        "ThingMagic",
        "An AISpec that stops after a number of tags is refused (stop trigger 3)",
        "documented",
        "sllurp, issue 57 (Sargas)",
        THINGMAGIC,
    ),
    _of(
        "ThingMagic",
        "A power index that its region does not allow is refused, though another reader's "
        "table has it",
        "documented",
        "sllurp, issue 45 (Astra-EX)",
        THINGMAGIC,
    ),
    _of(
        "ThingMagic",
        "Antennas without a DC resistor count as unplugged until its antenna check is off",
        "documented",
        "wiki.keonn.com, /reader/antenna/checkPort",
        THINGMAGIC,
    ),
    _of(
        "Feig",
        "LLRP has to be switched on in the reader's own configuration; how, no source tells",
        "unverified",
    ),
)


def quirks_of(vendor_pen: int, model: int) -> tuple[Quirk, ...]:
    """What is told of this reader."""
    return tuple(quirk for quirk in QUIRKS if quirk.holds(vendor_pen, model))


def effects(vendor_pen: int, model: int) -> frozenset[Effect]:
    """What the driver does about it."""
    return frozenset(one.effect for one in quirks_of(vendor_pen, model) if one.effect is not None)
