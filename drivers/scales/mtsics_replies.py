"""MT-SICS replies taken apart: one line of a scale to what it answers, and to a reading.

Manual: Mettler-Toledo, "MT-SICS Interface Commands", levels 0 and 1. A reply is the command's
name, a status letter, and perhaps a weight with its unit or a text in quotes. How wide the
blanks between them are differs from scale to scale, and means nothing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus


class Reply(NamedTuple):
    """One line of a scale, taken apart: what it answers, how it went, and a weight or text."""

    command: str
    status: str
    value: Decimal | None = None
    unit: str | None = None
    text: str = ""


_NUMBER = r"(?P<sign>[-+]?) ?(?P<digits>\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})"
_UNIT = r"(?: ?(?P<unit>[A-Za-z\u00b5%#][A-Za-z/*']{0,5}))?"
_LOAD = re.compile(rf"(?P<command>S) (?P<status>[SD]) {_NUMBER}{_UNIT}")
_TARE = re.compile(rf"(?P<command>TA|TI?) (?P<status>[ASD]) {_NUMBER}{_UNIT}")
_ANSWER = re.compile(
    r"(?P<command>[A-Z]{1,3}|[A-Z][0-9]{1,2}) (?P<status>[ABILSD+\-])(?: (?P<text>.+))?"
)
ERRORS = {
    "ES": "the scale did not understand a command",
    "ET": "the scale got damaged bytes",
    "EL": "the scale cannot carry out a command",
}
"""Replies that say what was wrong with a command, whichever it was."""

_STATES = {
    "I": WeightStatus.BUSY,
    "+": WeightStatus.OVERLOAD,
    "-": WeightStatus.UNDERLOAD,
    "L": WeightStatus.ERROR,
}
_STABLE = {"S": True, "D": False}
_COMMANDS = frozenset(
    {"C", "COM", "D", "DAT", "DW", "K", "M", "PW", "R", "SIR", "SM", "SNR", "SR", "T", "TA", "TAC"}
    | {"TI", "TIM", "TST", "U", "UPD", "Z", "ZI"}
)
"""Commands without a number in their name; those with one (``I4``, ``C3``, ``M21``) all count."""
_TARE_COMMANDS = frozenset({"T", "TI", "TA"})

_MEANINGS = {
    ("Z", "A"): "zero is set",
    ("ZI", "S"): "zero is set",
    ("ZI", "D"): "zero is set, while the load still moved",
    ("TAC", "A"): "the tare is cleared",
    ("I1", "A"): "levels of MT-SICS and their versions",
    ("I2", "A"): "model",
    ("I3", "A"): "software",
    ("I4", "A"): "serial number",
}
_ENDS = {
    "I": "not carried out, busy",
    "+": "not carried out, above the range",
    "-": "not carried out, below the range",
    "L": "wrong parameter",
}


def parse_reply(line: str) -> Reply | None:
    """Take one line apart (without its end); ``None`` when it is not MT-SICS."""
    line = " ".join(line.split())
    if line in ERRORS:
        return Reply(line, "", text=ERRORS[line])
    match = _LOAD.fullmatch(line) or _TARE.fullmatch(line)
    if match is not None:
        return _weight(match)
    match = _ANSWER.fullmatch(line)
    if match is None:
        return None
    command, status, text = match["command"], match["status"], match["text"] or ""
    if command == "S":
        return Reply("S", status) if status in _STATES and not text else None
    known = command in _COMMANDS or command[-1].isdigit()
    return Reply(command, status, text=text) if known else None


def _weight(match: re.Match[str]) -> Reply:
    value = Decimal(match["digits"])
    if match["sign"] == "-" and value:  # minus zero is zero
        value = -value
    unit = match["unit"]
    return Reply(match["command"], match["status"], value, unit.lower() if unit else None)


def reading_of(reply: Reply) -> Reading:
    """Say what a reply means: a weight, or a ``DeviceEvent`` named ``info``.

    The remembered tare (``T``, ``TA``) is a figure too, marked as one that is no load.
    """
    if reply.command in ERRORS:
        return WeightReading(value=None, status=WeightStatus.ERROR)
    if reply.value is not None:
        return WeightReading(
            value=reply.value,
            unit=reply.unit,
            stable=_STABLE.get(reply.status),
            tare=reply.command in _TARE_COMMANDS,
        )
    if (reply.command == "S" or reply.command in _TARE_COMMANDS) and reply.status in _STATES:
        return WeightReading(value=None, status=_STATES[reply.status])
    line = " ".join(part for part in (reply.command, reply.status, reply.text) if part)
    meaning = _MEANINGS.get((reply.command, reply.status)) or _ENDS.get(reply.status)
    return DeviceEvent(name="info", detail=f"{line} ({meaning})" if meaning else line)


def unquoted(text: str) -> str:
    """A text without its quotes."""
    return text.strip().strip('"').strip()
