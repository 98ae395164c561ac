"""Scale protocols framed by control characters: MT continuous, Toledo 8217, NCI, SMA, CAS POS.

Manuals: Mettler-Toledo Wildcat p. 40 and Kern FTC p. 42 (continuous); Mettler-Toledo DIVA
service manual pp. 35-54 (8217); Weigh-Tronix SCP-01 (NCI); SMA SCP-0499; for CAS at tills (ENQ,
ACK, DC1) the CAS SW-II manual p. 16, OHAUS Aviator 7000 service manual p. 36 and Pinnacle OS2CX
manual p. 19.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

from drivers.frames import FrameFormat, blank, searched
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.weights import NUMBER, UNIT, fault, figure, told, unit_of

# ---- Mettler-Toledo continuous ----------------------------------------------------------------
_CONTINUOUS = (
    rb"\x02(?P<a>[\x20-\x7f])(?P<b>[\x20-\x7f])(?P<c>[\x20-\x7f])(?P<weight>[ \d.-]{6})[ \d.-]{6}\r"
)
_PLAIN = re.compile(_CONTINUOUS)
_CHECKED = re.compile(_CONTINUOUS + rb"[\x00-\x7f]")
_SHIFTED_UNITS = {1: "g", 2: "t", 3: "oz"}
_SWB_NET, _SWB_MINUS, _SWB_BEYOND, _SWB_MOTION, _SWB_KG = 1, 2, 4, 8, 16


def continuous_check(frame: bytes) -> int:
    """The two's complement of the sum of the low seven bits of STX to CR."""
    return -sum(byte & 0x7F for byte in frame) & 0x7F


def _continuous(frame: bytes) -> Reading:
    match = _PLAIN.match(frame)
    assert match is not None, "the search found it"
    status, minus = match["b"][0], match["b"][0] & _SWB_MINUS
    stable = not status & _SWB_MOTION
    if status & _SWB_BEYOND:
        return fault(WeightStatus.UNDERLOAD if minus else WeightStatus.OVERLOAD, stable=stable)
    # Clones send a sign and a point in the figure itself, and set the bits and the code at will.
    shown = match["weight"].strip()
    minus = minus or shown.startswith(b"-")
    value = figure(b"-" if minus else b"", shown.removeprefix(b"-").strip())
    if b"." not in shown:
        places = (match["a"][0] & 7) - 2
        value = value.scaleb(-places) if places >= 0 else value * 10**-places
    basic = "kg" if status & _SWB_KG else "lb"
    unit = _SHIFTED_UNITS.get(match["c"][0] & 7, basic)
    return WeightReading(value=value, unit=unit, stable=stable, net=bool(status & _SWB_NET))


def _continuous_checked(frame: bytes) -> Reading:
    if continuous_check(frame[:-1]) != frame[-1]:
        raise ValueError("The check character does not fit")
    return _continuous(frame)


def _quiet_check(gap: bytes, last: bytes) -> bool:
    """After a frame may stand its check character."""
    rest = gap[1:] if last and gap[0] == continuous_check(last) else gap
    return blank(rest, last)


CONTINUOUS = FrameFormat(
    find=searched(_PLAIN, longest=17), read=_continuous, quiet=_quiet_check, seven_bits=True
)
CONTINUOUS_CHECKED = FrameFormat(
    find=searched(_CHECKED, longest=18), read=_continuous_checked, seven_bits=True
)

# ---- Toledo 8217 ------------------------------------------------------------------------------
_TOLEDO = re.compile(
    rb"\x02(?: {0,4}(?P<digits>\d{1,4}\.\d{1,4}|\d{4,6})(?P<net>N?)"
    rb"|\?(?P<status>[\x40-\x7f])|(?P<echo>[EF])|(?P<test>\?))\r"
)
_MOTION, _OVER, _UNDER, _OUTSIDE, _CENTRE, _NET = 1, 2, 4, 8, 16, 32


def _toledo(frame: bytes) -> Reading:
    match = _TOLEDO.fullmatch(frame)
    assert match is not None, "the search found it"
    if match["echo"]:
        return told(b"echo" if match["echo"] == b"E" else b"echo ended")
    if match["test"]:
        return told(b"self test")
    if match["status"]:
        return _toledo_status(match["status"][0])
    digits = match["digits"]
    # The unit is not sent: kilograms are shown as WW.WWW, pounds as WW.WW.
    unit = "lb" if len(digits.partition(b".")[2]) == 2 else "kg"
    return WeightReading(
        value=figure(b"", digits),
        unit=unit,
        stable=True,
        net=bool(match["net"]),
        digits=digits.decode("ascii"),
    )


def _toledo_status(bits: int) -> WeightReading:
    """Why there is no weight. Without a fault or motion it is the same as the last one."""
    if bits & _OVER:
        status = WeightStatus.OVERLOAD
    elif bits & _UNDER:
        status = WeightStatus.UNDERLOAD
    elif bits & _OUTSIDE:
        status = WeightStatus.ERROR
    else:
        status = WeightStatus.BUSY if bits & _MOTION else WeightStatus.OK
    return WeightReading(
        value=None,
        stable=not bits & _MOTION,
        net=bool(bits & _NET),
        zero=bool(bits & _CENTRE),
        status=status,
    )


def _quiet_echo(gap: bytes, last: bytes) -> bool:
    """In echo mode it sends back what it was sent."""
    return (last == b"\x02E\r" and gap.isascii()) or blank(gap, last)


TOLEDO_8217 = FrameFormat(
    find=searched(_TOLEDO, longest=16), read=_toledo, quiet=_quiet_echo, seven_bits=True
)

# ---- NCI (Weigh-Tronix SCP-01) ----------------------------------------------------------------
_NCI = re.compile(
    rb"\n(?: {0,7}(?P<sign>[-+]?) {0,7}(?P<digits>\d{1,7}\.?\d{0,6}) {0,2}"
    + UNIT
    + rb"\r\n)?S?(?:(?P<one>[0-?])(?P<two>[0-\x7e])[0-\x7e]{0,2}|(?P<unknown>\?))\r\x03"
)


def _nci(frame: bytes) -> Reading:
    match = _NCI.fullmatch(frame)
    assert match is not None, "the search found it"
    if match["unknown"]:
        return fault(WeightStatus.ERROR)
    one, two = match["one"][0], match["two"][0]
    stable = not one & 1
    if two & 2:
        return fault(WeightStatus.OVERLOAD, stable=stable)
    if two & 1:
        return fault(WeightStatus.UNDERLOAD, stable=stable)
    if one & 12 or two & 12:  # memory or calibration at fault
        return fault(WeightStatus.ERROR, stable=stable)
    zero = bool(one & 2)
    digits = match["digits"]
    if digits is None:
        status = WeightStatus.OK if stable else WeightStatus.BUSY
        return WeightReading(value=None, stable=stable, zero=zero, status=status)
    value = figure(match["sign"], digits)
    sent = ("-" if value < 0 else "") + digits.decode("ascii")
    return WeightReading(
        value=value, unit=unit_of(match["unit"]), stable=stable, zero=zero, digits=sent
    )


NCI = FrameFormat(find=searched(_NCI, longest=56), read=_nci, seven_bits=True)

# ---- SMA SCP-0499 -----------------------------------------------------------------------------
_SMA = re.compile(
    rb"\n(?:(?P<state>[ ZOUEIT])(?P<range>\d)(?P<mode>[GTNgn])(?P<motion>[ M])(?P<more>[ -~])"
    rb" {0,10}(?:"
    + NUMBER
    + rb"|[-.]{1,10}) {0,2}"
    + UNIT
    + rb"? {0,3}|(?P<fault>[?!])|(?P<about>[A-Z]{2,4}:[ -~]{0,60}))\r"
)
_SMA_FAULTS = {b"O": WeightStatus.OVERLOAD, b"U": WeightStatus.UNDERLOAD}
_SMA_NO_FAULT = {b" ", b"Z"}


def _sma(frame: bytes) -> Reading:
    match = _SMA.fullmatch(frame)
    assert match is not None, "the search found it"
    if match["about"]:
        return told(match["about"])
    state = match["state"]
    if match["fault"]:
        return fault(WeightStatus.ERROR)
    stable = match["motion"] != b"M"
    if state not in _SMA_NO_FAULT:
        return fault(_SMA_FAULTS.get(state, WeightStatus.ERROR), stable=stable)
    if match["mode"] == b"T":
        return told(frame)
    if match["digits"] is None:
        return fault(WeightStatus.ERROR, stable=stable)
    return WeightReading(
        value=figure(match["sign"], match["digits"]),
        unit=unit_of(match["unit"]),
        stable=stable,
        net=match["mode"] in b"Nn",
        zero=state == b"Z",
    )


SMA = FrameFormat(find=searched(_SMA, longest=80), read=_sma, seven_bits=True)

# ---- CAS at a till (ENQ, ACK, DC1) -------------------------------------------------------------
_CAS_POS = re.compile(
    rb"\x01\x02(?:(?P<motion>[SU]) {0,4}"
    + NUMBER
    + rb" {0,2}(?P<unit>kg|KG|lb|LB|oz|g) ?"
    + rb"|(?P<beyond>[SU]F|F[ -])[ \d.F-]{0,8}[A-Za-z ]{0,3})(?P<check>[\x00-\xff])\x03\x04"
)
# F for the sign is too much. F for the state is that, or not zeroed since it was switched on.
_CAS_POS_BEYOND = {b"F ": WeightStatus.ERROR, b"F-": WeightStatus.UNDERLOAD}


def _cas_pos(frame: bytes) -> Reading:
    match = _CAS_POS.fullmatch(frame)
    assert match is not None, "the search found it"
    # Most makers leave SOH and STX out of the check, some (Pinnacle) take them in.
    if reduce(xor, frame[2:-2]) not in (0, frame[0] ^ frame[1]):
        raise ValueError("The check byte does not fit")
    if match["beyond"]:
        return fault(_CAS_POS_BEYOND.get(match["beyond"], WeightStatus.OVERLOAD))
    return WeightReading(
        value=figure(match["sign"], match["digits"]),
        unit=unit_of(match["unit"]),
        stable=match["motion"] == b"S",
    )


def _quiet_handshake(gap: bytes, last: bytes) -> bool:
    """Before a frame it acknowledges that it was asked."""
    return blank(gap.replace(b"\x06", b""), last)


CAS_POS = FrameFormat(find=searched(_CAS_POS, longest=40), read=_cas_pos, quiet=_quiet_handshake)
