"""Reads ZPL strictly, as its programming guide has it: whatever is not known here fails."""

from __future__ import annotations

import re
from typing import NamedTuple

_COMMAND = re.compile(r"\^(XA|XZ|FO|FD|FS|A0|BC|BX|BQ|[A-Z]{2})")
_KNOWN = {
    "XA", "XZ", "CI", "PW", "LL", "LH", "FO", "FD", "FS", "FH", "FB", "A0", "BY", "BC", "BX", "BQ",
    "GB", "GF", "RS", "RF", "PQ",
}  # fmt: skip
GS = "\x1d"


class Field(NamedTuple):
    """A field: where, of which command with which parameters, and its data as it is meant."""

    x: int
    y: int
    kind: str
    parameters: tuple[str, ...]
    data: str


class Format(NamedTuple):
    """One label."""

    width: int
    height: int
    fields: tuple[Field, ...]
    quantity: int
    epc: str


def read(zpl: bytes) -> list[Format]:
    """All formats of a document."""
    text = zpl.decode()
    assert "~" not in text, "a control command, or one that ^FH should have hidden"
    found = re.findall(r"\^XA(.*?)\^XZ", text, re.DOTALL)
    rest = re.sub(r"\^XA.*?\^XZ\n?", "", text, flags=re.DOTALL)
    assert not rest.strip(), rest
    return [_format(one) for one in found]


def _format(body: str) -> Format:
    commands = [(part[:2], part[2:].rstrip("\n")) for part in body.split("^")[1:]]
    assert {name for name, _ in commands} <= _KNOWN, commands
    assert commands[0] == ("CI", "28"), "texts are UTF-8"
    values = dict(commands)
    fields: list[Field] = []
    x = y = 0
    state: dict[str, str] = {}
    quantity, epc = 1, ""
    for name, said in commands:
        if name == "FO":
            x, y = (int(one) for one in said.split(","))
            state = {}
        elif name == "PQ":
            quantity = int(said)
        elif name == "FS":
            if "RF" in state:
                epc = _epc(state)
            else:
                fields.append(_field(x, y, state))
            state = {}
        else:
            state[name] = said
    return Format(int(values["PW"]), int(values["LL"]), tuple(fields), quantity, epc)


def _epc(state: dict[str, str]) -> str:
    digits = state["FD"]
    assert state["RS"] == "8", "Gen2"
    if state["RF"] == "W,H":
        assert len(digits) == 24
        return digits
    start, size, bank = re.fullmatch(r"W,H,(\d+),(\d+),(\d+)", state["RF"]).groups()  # type: ignore[union-attr]
    assert (start, bank) == ("1", "1"), "from the PC word on"
    assert int(size) * 2 == len(digits)
    assert int(digits[:4], 16) >> 11 == len(digits) // 4 - 1, "the PC says how long the EPC is"
    return digits[4:]


def _field(x: int, y: int, state: dict[str, str]) -> Field:
    kinds = [name for name in ("A0", "BC", "BX", "BQ", "GB", "GF") if name in state]
    assert len(kinds) == 1, state
    (kind,) = kinds
    parameters = tuple(state[kind].split(","))
    data = state.get("FD", "")
    if "FH" in state:
        mark = re.escape(state["FH"] or "_")
        raw = re.sub(
            rf"(?:{mark}[0-9A-F]{{2}})+",
            lambda run: bytes.fromhex(run[0].replace(state["FH"] or "_", "")).decode(),
            data,
        )
        data = raw
    if kind == "BC":
        assert parameters[0] == "N"
        assert parameters[2:] == ("N", "N", "N", "N")
        data = _code128(data)
    elif kind == "BX":
        assert parameters[0] == "N"
        assert parameters[2] == "200"
        escape = parameters[6]
        marked = re.sub(rf"{escape}(1|{escape})", lambda one: GS if one[1] == "1" else escape, data)
        data = marked
    elif kind == "BQ":
        assert parameters[:2] == ("N", "2")
        assert data.startswith("MA,")
        data = data.removeprefix("MA,")
    return Field(x, y, kind, parameters, data)


def _code128(data: str) -> str:
    """What a printer makes of ^BC's data without a mode; FNC1 is GS."""
    code_set, text, at = "B", "", 0
    if data[:2] in (">:", ">;"):
        code_set, at = {":": "B", ";": "C"}[data[1]], 2
    while at < len(data):
        if data[at] == ">":
            sign = data[at + 1]
            if sign == "8":
                text += GS
            elif sign in "56":
                wanted = {"5": "C", "6": "B"}[sign]
                assert wanted != code_set, "a change to the set that it is in means something else"
                code_set = wanted
            else:
                assert code_set == "B"
                text += {"<": "^", "0": ">", "=": "~"}[sign]
            at += 2
        elif code_set == "C":
            pair = data[at : at + 2]
            assert re.fullmatch(r"\d\d", pair), f"an unpaired digit is ignored: {data}"
            text, at = text + pair, at + 2
        else:
            text, at = text + data[at], at + 1
    return text
