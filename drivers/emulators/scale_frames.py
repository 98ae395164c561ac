"""A weight as a scale of each protocol would send it: the other half of the decoders.

Written from the same manuals and not from our decoders' patterns: fields have the widths that
the manuals print.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from operator import xor
from typing import NamedTuple


class Shown(NamedTuple):
    """What the scale shows: kilograms with three decimals, and how it is."""

    kg: Decimal
    stable: bool
    net: bool = False
    over: bool = False
    under: bool = False

    @property
    def figure(self) -> str:
        """Without its sign."""
        return f"{abs(self.kg):.3f}"

    @property
    def sign(self) -> str:
        """A minus or a blank."""
        return "-" if self.kg < 0 else " "

    @property
    def beyond(self) -> bool:
        """Outside of the range, on whichever side."""
        return self.over or self.under


Encode = Callable[[Shown], bytes]


def _continuous(shown: Shown) -> bytes:
    status = 0x30 | shown.net | (shown.kg < 0 or shown.under) << 1 | shown.beyond << 2
    status |= (not shown.stable) << 3
    weight = f"{abs(int(shown.kg * 1000)):06d}"[-6:]
    return b"\x02\x25" + bytes([status]) + b"\x20" + weight.encode() + b"000000\r"


def _continuous_checked(shown: Shown) -> bytes:
    frame = _continuous(shown)
    return frame + bytes([-sum(frame) & 0x7F])


def _toledo(shown: Shown) -> bytes:
    if shown.beyond or shown.kg < 0 or not shown.stable:
        under = shown.under or shown.kg < 0
        status = 0x40 | (not shown.stable) | shown.over << 1 | under << 2 | shown.net << 5
        return b"\x02?" + bytes([status]) + b"\r"
    return f"\x02{shown.figure:0>6}{'N' if shown.net else ''}\r".encode()


def _nci(shown: Shown) -> bytes:
    one, two = 0x30 | (not shown.stable), 0x30 | shown.under | shown.over << 1
    weight = b"" if shown.beyond else f"\n{shown.sign}{shown.figure:0>7}KG\r".encode()
    return weight + b"\n" + bytes([one, two]) + b"\r\x03"


def _sma(shown: Shown) -> bytes:
    state = "O" if shown.over else "U" if shown.under else " "
    mode, motion = "N" if shown.net else "G", " " if shown.stable else "M"
    weight = "-" * 10 if shown.beyond else f"{shown.kg:10.3f}"
    return f"\n{state}1{mode}{motion} {weight}kg \r".encode()


def _and(shown: Shown) -> bytes:
    if shown.beyond:
        return f"OL,{'-' if shown.under else '+'}9999.999 kg\r\n".encode()
    return f"{'ST' if shown.stable else 'US'},{shown.kg:+09.3f} kg\r\n".encode()


def _st_gs(shown: Shown) -> bytes:
    head = "OL" if shown.beyond else "ST" if shown.stable else "US"
    sign = "-" if shown.under or shown.kg < 0 else "+"
    return f"{head},{'NT' if shown.net else 'GS'},{sign}{shown.figure:0>7}kg\r\n".encode()


def _dini(shown: Shown) -> bytes:
    head = ("UL" if shown.under else "OL") if shown.beyond else "ST" if shown.stable else "US"
    return f"{head},{'NT' if shown.net else 'GS'},{shown.kg:9.3f},kg\r\n".encode()


def _cas_22(shown: Shown) -> bytes:
    head = "OL" if shown.beyond else "ST" if shown.stable else "US"
    weight = f"{shown.sign if not shown.under else '-'}{shown.figure:>7}"
    return f"{head},{'NT' if shown.net else 'GS'},1@,{weight} kg\r\n".encode()


def _cas_enq(shown: Shown) -> bytes:
    motion = "S" if shown.stable else "U"
    body = f"{motion}{shown.sign}{shown.figure:>7}kg".encode()
    if shown.beyond:
        body = f"{'F-' if shown.under else f'{motion}F'}{shown.figure:>6.6}kg".encode()
    return b"\x01\x02" + body + bytes([reduce(xor, body)]) + b"\x03\x04"


def _dibal(shown: Shown) -> bytes:
    if shown.beyond or shown.kg < 0 or not shown.stable:
        return b""  # it answers when the weight is stable
    body = f"990{int(shown.kg * 1000):05d}0000000".encode()
    return body + bytes([reduce(xor, body)]) + b"\r\n"


def _ohaus(shown: Shown) -> bytes:
    if shown.beyond:
        return b"ES\r\n"
    legend = ("" if shown.stable else " ?") + (" NET" if shown.net else "")
    return f"{shown.kg:11.3f} kg{legend}\r\n".encode()


def _sartorius(shown: Shown) -> bytes:
    if shown.beyond:
        return f"Stat  {'L' if shown.under else 'H':^14}\r\n".encode()
    name, sign = "N" if shown.net else "G", "-" if shown.kg < 0 else "+"
    return f"{name:<6}{sign} {shown.figure:>8} {'kg' if shown.stable else '':<3} \r\n".encode()


def _radwag(shown: Shown) -> bytes:
    state = "^" if shown.over else "v" if shown.under else " " if shown.stable else "?"
    return f"S   {state} {shown.sign}{shown.figure:>9} kg \r\n".encode()


ENCODERS: dict[str, Encode] = {
    "mt-continuous": _continuous,
    "mt-continuous-checksum": _continuous_checked,
    "toledo-8217": _toledo,
    "nci-scp01": _nci,
    "sma": _sma,
    "and-standard": _and,
    "st-gs": _st_gs,
    "dini-argeo": _dini,
    "cas-22": _cas_22,
    "cas-enq": _cas_enq,
    "dibal-epos-tisa": _dibal,
    "ohaus-print": _ohaus,
    "ohaus-ranger": _ohaus,
    "sartorius-sbi": _sartorius,
    "radwag": _radwag,
}
"""By the protocol's name."""
