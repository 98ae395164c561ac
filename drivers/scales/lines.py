"""Scale protocols of text lines: A&D, CAS 22, Dini, OHAUS, Sartorius, Radwag, Dibal.

Manuals: A&D EK-L, EJ and GC (data output format); CAS NT-200 and CI series (22-byte format); Dini
Argeo 3590 p. 65 (standard and AF strings) and DGT4X p. 52 (extended string); OHAUS RS232 interface
manual and Ranger; Sartorius LE, EB (SBI, 16 and 22 characters); Radwag PS; Dibal EPOS (TISA).
Blanks between the fields differ from maker to maker and mean nothing, so they are never counted.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

import msgspec

from drivers.frames import FrameFormat, searched
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.weights import NUMBER, UNIT, beyond, fault, figure, told, unit_of

LONGEST = 128
_START = rb"(?<![^\r\n])\x02?"  # a line's beginning
_END = rb"[ \x03]{0,16}[\r\n]"


# ---- "ST,GS,": A&D, and the many that took the header over -----------------------------------
# What stands for a weight beyond the range differs: nines, blanks, 9999999E+19.
_HEADED = re.compile(
    rb"(?:(?P<head>ST|US|QT|HD)(?:, ?(?P<second>GS|NT|TR|HI|OK|LO))?[, ]{1,12}"
    rb"(?:"
    + NUMBER
    + rb")?[, ]{0,8}"
    + UNIT
    + rb"?|(?P<beyond>OL|UL)(?:,[-+, .0-9A-Za-z%]{0,24})?)"
    + _END
)
_NET = {b"GS": False, b"NT": True}
_VERDICTS = frozenset({b"LO", b"OK", b"HI"})
_STABLE = {b"ST": True, b"QT": True, b"US": False}


def _headed(frame: bytes) -> Reading:
    match = _HEADED.fullmatch(frame)
    assert match is not None, "the search found it"
    if match["beyond"]:
        return beyond(b"-" if match["beyond"] == b"UL" or b",-" in frame else b"")
    return told(frame) if match["second"] == b"TR" else _with_header(match, match["second"])


def _with_header(match: re.Match[bytes], second: bytes | None) -> WeightReading:
    head, digits = match["head"], match["digits"]
    if digits is None:
        return fault(WeightStatus.ERROR, stable=_STABLE.get(head))
    return WeightReading(
        value=figure(match["sign"], digits),
        unit=unit_of(match["unit"]),
        stable=_STABLE.get(head),
        net=_NET.get(second or b""),
        compare=second.decode("ascii") if second in _VERDICTS else None,
    )


HEADED = FrameFormat(
    find=searched(_HEADED, longest=LONGEST), read=_headed, seven_bits=True, lines=True
)

# ---- Dini Argeo ------------------------------------------------------------------------------
# Standard: [CC]ST,GS,weight,kg. Extended (REXT): [CC]1,ST,net,PT tare,pieces,kg. AF: [CC]ST,1,
# gross kg,PT tare kg. CC is the instrument's code on RS-485, 1 the scale's number.
_DINI = re.compile(
    rb"(?<![^\r\n])(?P<code>\d\d)?(?:(?P<scale>\d),)?(?P<said>(?:ST|US|OL|UL|TL),[^\r\n]{1,80})"
    rb"[\r\n]|(?<![^\r\n])(?P<fault>ERR ?\d\d)[\r\n]"
)
_DINI_FIGURE = re.compile(rb"(?:PT)? {0,12}" + NUMBER + rb" {0,4}" + UNIT + rb"? {0,4}")


def _dini(frame: bytes) -> Reading:
    match = _DINI.fullmatch(b"\n" + frame, 1)
    assert match is not None, "the search found it"
    if match["fault"]:
        return fault(WeightStatus.ERROR)
    head, *fields = match["said"].rstrip().split(b",")
    scale = match["scale"] or match["code"]
    if head in {b"OL", b"UL"}:
        return _of_device(beyond(b"-" if head == b"UL" or b",-" in frame else b""), scale)
    standard = match["said"] + b"\r"
    if match["scale"] is None and _HEADED.fullmatch(standard):
        return _of_device(_headed(standard), scale)
    net, unit = False, b""
    if match["scale"] is not None and len(fields) >= 4:
        tare, unit = _dini_figure(fields[1]), fields[3]
        weight, net = _dini_figure(fields[0]), bool(figure(tare["sign"], tare["digits"]))
    elif len(fields) == 3 and fields[0].isdigit():
        scale, weight = fields[0], _dini_figure(fields[1])
    else:
        raise ValueError("A line without a weight")
    reading = WeightReading(
        value=figure(weight["sign"], weight["digits"]),
        unit=unit_of(weight["unit"] or unit),
        stable=_STABLE.get(head),
        net=net,
    )
    return _of_device(reading, scale)


def _dini_figure(field: bytes) -> re.Match[bytes]:
    found = _DINI_FIGURE.fullmatch(field)
    if found is None:
        raise ValueError("A field without its figure")
    return found


def _of_device(reading: Reading, number: bytes | None) -> Reading:
    if number is None or not isinstance(reading, WeightReading):
        return reading
    return msgspec.structs.replace(reading, device=int(number))


DINI = FrameFormat(find=searched(_DINI, longest=LONGEST), read=_dini, seven_bits=True, lines=True)

# ---- CAS, 22 bytes ---------------------------------------------------------------------------
_CAS_22 = re.compile(
    rb"(?P<head>ST|US|OL|UL),(?P<second>GS|NT),(?P<device>[^\r\n])(?P<lamp>[^\r\n]),[ ]{0,8}"
    rb"(?:" + NUMBER + rb"|(?<=[,+ ])-{2,8}|[*]{1,8})?[ ]{0,8}" + UNIT + rb"?" + _END
)


def _cas_22(frame: bytes) -> Reading:
    match = _CAS_22.fullmatch(frame)
    assert match is not None, "the search found it"
    device = match["device"][0] - 0x30
    reading = _with_header(match, match["second"])
    if match["head"] in {b"OL", b"UL"}:
        reading = beyond(b"-" if match["head"] == b"UL" else match["sign"] or b"")
    return msgspec.structs.replace(
        reading,
        # Of the lamps, bit 0 is the one at the centre of zero (CI-400 manual p. 104).
        zero=bool(match["lamp"][0] & 1),
        device=device if device >= 0 else None,
    )


CAS_22 = FrameFormat(find=searched(_CAS_22, longest=LONGEST), read=_cas_22, lines=True)

# ---- OHAUS print -----------------------------------------------------------------------------
_OHAUS = re.compile(
    _START
    + rb"(?:[ ]{0,16}"
    + NUMBER
    + rb" {0,4}"
    + UNIT
    + rb" {0,4}(?P<moves>\??) {0,8}(?P<legend>NET|N|GROSS|G|B|PT|TARE|T|TOTAL)?"
    + rb"(?: {1,8}\d\d:\d\d:\d\d)?"
    + rb"|(?P<fault>ES))"
    + _END
)
_OHAUS_NET = {b"NET": True, b"N": True, b"GROSS": False, b"G": False, b"B": False}
_OHAUS_NO_LOAD = frozenset({b"TOTAL", b"TARE", b"T", b"PT"})


def _ohaus(frame: bytes) -> Reading:
    match = _OHAUS.fullmatch(b"\n" + frame, 1)
    assert match is not None, "the search found it"
    if match["fault"]:
        return fault(WeightStatus.ERROR)
    legend = match["legend"] or b""
    if legend in _OHAUS_NO_LOAD:
        return told(frame)
    return WeightReading(
        value=figure(match["sign"], match["digits"]),
        unit=unit_of(match["unit"]),
        stable=not match["moves"],
        net=_OHAUS_NET.get(legend),
    )


OHAUS = FrameFormat(find=searched(_OHAUS, longest=LONGEST), read=_ohaus, lines=True)

# ---- Sartorius SBI ---------------------------------------------------------------------------
# The last digit may stand in brackets: it is shown and not verified. Blanks may stand in figures.
_SARTORIUS = re.compile(
    _START
    + rb"(?:(?P<id>[A-Z][A-Za-z0-9# ]{0,5}?) {0,6})?(?P<sign>[-+]) {0,8}"
    + rb"(?P<digits>[\d.,\[\]](?:[\d., \[\]]{0,12}[\d.,\]])?) {0,4}"
    + UNIT
    + rb"?"
    + _END
    + rb"|"
    + _START
    + rb"(?:Stat[A-Za-z]{0,2})? {1,16}"
    + rb"(?P<state>OFF|HIGH|High|H|LOW|Low|L|Err {0,3}\d{0,4}|APP\. ?ERR)"
    + _END
    + rb"|"
    + _START
    + rb"(?P<other>Stat[A-Za-z]{0,2} {1,16}[A-Za-z][A-Za-z0-9. ]{0,11})"
    + _END
)
_SARTORIUS_NET = {b"N": True, b"G": False, b"G#": False, b"": None, b"Qnt": None, b"QNT": None}
_SARTORIUS_STATES = {b"h": WeightStatus.OVERLOAD, b"l": WeightStatus.UNDERLOAD}


def _sartorius(frame: bytes) -> Reading:
    match = _SARTORIUS.fullmatch(b"\n" + frame, 1)
    assert match is not None, "the search found it"
    if match["state"]:
        return fault(_SARTORIUS_STATES.get(match["state"][:1].lower(), WeightStatus.ERROR))
    if match["other"]:
        return fault(WeightStatus.ERROR)
    name = (match["id"] or b"").strip()
    value = figure(match["sign"], re.sub(rb"[\[\] ]", b"", match["digits"]))
    if name not in _SARTORIUS_NET:
        return told(frame)  # a tare, a total, a reference weight
    unit = unit_of(match["unit"])
    # A weight that still moves is sent without its unit.
    return WeightReading(value=value, unit=unit, stable=unit is not None, net=_SARTORIUS_NET[name])


SARTORIUS = FrameFormat(find=searched(_SARTORIUS, longest=LONGEST), read=_sartorius, lines=True)

# ---- Radwag ----------------------------------------------------------------------------------
_RADWAG = re.compile(
    _START
    + rb"(?:S(?:UI|U|I)? {1,4}(?P<state>[?^v]?) {0,8}"
    + NUMBER
    + rb" {0,4}"
    + UNIT
    + rb"?|S(?:UI|U|I)? {1,4}(?P<range>[\^v])[^\r\n]{0,20}"
    + rb"|(?P<command>[A-Z][A-Z0-9]{0,3})[_ ](?P<answer>[ADIE^v])|(?P<fault>ES))"
    + _END
)
_RADWAG_RANGE = {b"^": WeightStatus.OVERLOAD, b"v": WeightStatus.UNDERLOAD}
_RADWAG_WEIGHTS = {b"S", b"SI", b"SU", b"SUI"}
_RADWAG_ANSWERS = _RADWAG_RANGE | {b"I": WeightStatus.BUSY, b"E": WeightStatus.ERROR}


def _radwag(frame: bytes) -> Reading:
    match = _RADWAG.fullmatch(b"\n" + frame, 1)
    assert match is not None, "the search found it"
    if match["fault"]:
        return fault(WeightStatus.ERROR)
    if match["command"]:
        if match["command"] in _RADWAG_WEIGHTS and match["answer"] in _RADWAG_ANSWERS:
            return fault(_RADWAG_ANSWERS[match["answer"]])
        return told(frame)
    outside = match["range"] or match["state"]
    if outside in _RADWAG_RANGE:
        return fault(_RADWAG_RANGE[outside])
    return WeightReading(
        value=figure(match["sign"], match["digits"]),
        unit=unit_of(match["unit"]),
        stable=not match["state"],
    )


RADWAG = FrameFormat(find=searched(_RADWAG, longest=LONGEST), read=_radwag, lines=True)

# ---- Dibal EPOS (TISA) -----------------------------------------------------------------------
# The check is the XOR of the characters. A page that calls it a sum of digits prints an XOR too.
_DIBAL = re.compile(_START + rb"99(?P<state>\d)(?P<grams>\d{5})\d{7}(?P<check>[0-?])" + _END)


def _dibal(frame: bytes) -> Reading:
    match = _DIBAL.fullmatch(b"\n" + frame, 1)
    assert match is not None, "the search found it"
    text = frame.strip()
    if reduce(xor, text[:15]) != text[15]:
        raise ValueError("The check character does not fit")
    if match["state"] != b"0":
        return fault(WeightStatus.BUSY)
    value = figure(b"", match["grams"][:2] + b"." + match["grams"][2:])
    return WeightReading(value=value, unit="kg", stable=True)


DIBAL = FrameFormat(find=searched(_DIBAL, longest=LONGEST), read=_dibal, lines=True)
