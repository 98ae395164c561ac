"""The scale protocols as one table: how each frames, its usual line, and what it can be asked.

``poll`` asks for the weight now; where it is empty the scale sends on its own. ``commands`` are
what a person may ask for. Zero, tare and clear change the scale: no driver and no probe sends
them, only ``tallyport edge tell`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drivers.frames import FrameFormat
from drivers.scales import blocks, lines

Parity = Literal["none", "even", "odd"]
Command = Literal["zero", "tare", "clear", "identify"]
CHANGES: frozenset[Command] = frozenset({"zero", "tare", "clear"})
"""Commands that change what the scale shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleProtocol:
    """One protocol. ``steps`` are pairs of what the scale answers and what is sent then.

    ``unit_set_up``: the unit is not sent but set in the scale, so that what is decoded is a guess.
    ``packets``: the line keeps messages apart, so that what is left of one joins no other.
    """

    name: str
    title: str
    form: FrameFormat
    poll: bytes = b""
    steps: tuple[tuple[bytes, bytes], ...] = ()
    commands: Mapping[Command, bytes] = field(default_factory=dict)
    baud_rate: int = 9600
    bytesize: Literal[7, 8] = 8
    parity: Parity = "none"
    unit_set_up: bool = False
    packets: bool = False


_ESC = b"\x1b"
PROTOCOLS: dict[str, ScaleProtocol] = {
    protocol.name: protocol
    for protocol in (
        ScaleProtocol(
            name="mt-continuous",
            title="Mettler-Toledo continuous, without check",
            form=blocks.CONTINUOUS,
            commands={"zero": b"Z", "tare": b"T", "clear": b"C"},
            bytesize=7,
            parity="even",
        ),
        ScaleProtocol(
            name="mt-continuous-checksum",
            title="Mettler-Toledo continuous, with check",
            form=blocks.CONTINUOUS_CHECKED,
            commands={"zero": b"Z", "tare": b"T", "clear": b"C"},
            bytesize=7,
            parity="even",
        ),
        ScaleProtocol(
            name="toledo-8217",
            title="Toledo 8217",
            form=blocks.TOLEDO_8217,
            poll=b"W",
            commands={"zero": b"Z", "tare": b"T", "clear": b"C", "identify": b"EhelloF"},
            unit_set_up=True,
            bytesize=7,
            parity="even",
        ),
        ScaleProtocol(
            name="nci-scp01",
            title="NCI, Weigh-Tronix SCP-01",
            form=blocks.NCI,
            poll=b"W\r",
            commands={"zero": b"Z\r"},
            bytesize=7,
            parity="even",
        ),
        ScaleProtocol(
            name="sma",
            title="SMA SCP-0499",
            form=blocks.SMA,
            poll=b"\nW\r",
            commands={
                "zero": b"\nZ\r",
                "tare": b"\nT\r",
                "clear": b"\nC\r",
                "identify": b"\nA\r\nB\r",
            },
        ),
        ScaleProtocol(
            name="and-standard",
            title="A&D standard",
            form=lines.HEADED,
            poll=b"Q\r\n",
            commands={"zero": b"Z\r\n", "tare": b"T\r\n"},
            baud_rate=2400,
            bytesize=7,
            parity="even",
        ),
        ScaleProtocol(
            name="st-gs",
            title="ST,GS lines: CAS CI, Yaohua, and many clones",
            form=lines.HEADED,
        ),
        ScaleProtocol(
            name="dini-argeo",
            title="Dini Argeo",
            form=lines.DINI,
            poll=b"READ\r\n",
        ),
        ScaleProtocol(name="cas-22", title="CAS, 22 bytes", form=lines.CAS_22),
        ScaleProtocol(
            name="cas-enq",
            title="CAS at tills",
            form=blocks.CAS_POS,
            poll=b"\x05",
            steps=((b"\x06", b"\x11"),),
        ),
        ScaleProtocol(
            name="dibal-epos-tisa",
            title="Dibal EPOS (TISA)",
            form=lines.DIBAL,
            poll=b"98000001\r\n",
        ),
        ScaleProtocol(
            name="ohaus-print",
            title="OHAUS print",
            form=lines.OHAUS,
            poll=b"IP\r\n",
            commands={"zero": b"Z\r\n", "tare": b"T\r\n"},
        ),
        ScaleProtocol(
            name="ohaus-ranger",
            title="OHAUS Ranger",
            form=lines.OHAUS,
            poll=b"IP\r\n",
            commands={"zero": b"Z\r\n", "tare": b"T\r\n"},
        ),
        ScaleProtocol(
            name="sartorius-sbi",
            title="Sartorius SBI",
            form=lines.SARTORIUS,
            poll=_ESC + b"P\r\n",
            commands={
                "zero": _ESC + b"V\r\n",
                "tare": _ESC + b"T\r\n",
                "identify": _ESC + b"x1_\r\n" + _ESC + b"x2_\r\n",
            },
            baud_rate=1200,
            bytesize=7,
            parity="odd",
        ),
        ScaleProtocol(
            name="radwag",
            title="Radwag",
            form=lines.RADWAG,
            poll=b"SI\r\n",
            commands={"zero": b"Z\r\n", "tare": b"T\r\n"},
        ),
    )
}
