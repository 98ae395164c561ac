"""How a ZPL printer says that it is: its answer to ``~HS``. Pure.

Three strings between STX and ETX, fields parted by commas (ZPL II Programming Guide, ~HS).
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["ASK", "STRINGS", "HostStatus", "parse"]

ASK = b"~HS"
STRINGS = 3
_STRING = re.compile(rb"\x02([^\x02\x03]*)\x03")
_FIELDS = (12, 11, 2)
"""Of each string, at least; newer printers send more."""


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer says. ``waiting`` are formats in the printer's memory, ``left`` labels of the
    one that it prints.
    """

    paper_out: bool = False
    ribbon_out: bool = False
    head_open: bool = False
    paused: bool = False
    buffer_full: bool = False
    too_hot: bool = False
    too_cold: bool = False
    memory_lost: bool = False
    waiting: int = 0
    left: int = 0

    @property
    def trouble(self) -> str:
        """What somebody has to do before it prints; empty when it is ready."""
        for wrong, words in (
            (self.head_open, "its head is open: close it"),
            (self.paper_out, "it has no labels left: put in a new roll"),
            (self.ribbon_out, "it has no ribbon left: put in a new one"),
            (self.memory_lost, "its memory is damaged: switch it off and on"),
            (self.too_hot, "its head is too hot: let it cool down"),
            (self.too_cold, "its head is too cold: wait until it is warm"),
            (self.paused, "it is paused: press PAUSE"),
            (self.buffer_full, "it has more to print than it can hold: wait"),
        ):
            if wrong:
                return words
        return ""


def parse(answer: bytes) -> HostStatus | None:
    """The status; ``None`` for what is no whole answer."""
    found = [one.decode("ascii", "replace").split(",") for one in _STRING.findall(answer)]
    if len(found) < STRINGS:
        return None
    first, second = found[0], found[1]
    if any(len(one) < most for one, most in zip(found, _FIELDS, strict=False)):
        return None
    try:
        return HostStatus(
            paper_out=first[1] == "1",
            paused=first[2] == "1",
            waiting=int(first[4]),
            buffer_full=first[5] == "1",
            memory_lost=first[9] == "1",
            too_cold=first[10] == "1",
            too_hot=first[11] == "1",
            head_open=second[2] == "1",
            ribbon_out=second[3] == "1",
            left=int(second[8]),
        )
    except ValueError:
        return None
