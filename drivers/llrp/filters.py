"""Select filters: which tags a reader inventories at all, by the first bits of their EPC. Pure.

LLRP 1.0.1 section 15.2.1.2.1.1 (C1G2Filter). A tag that is not selected does not answer, so that
it costs no air time: better than to throw its reads away. Filters work one after the other: the
first decides of every tag, each later one only of the tags that it matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_EPC_BANK = 1
_EPC_STARTS_AT = 32
"""In the EPC bank 16 bits of CRC and 16 bits of PC come first."""

# C1G2StateUnawareAction: what matching and other tags do
SELECT_UNSELECT, SELECT_LEAVE, LEAVE_UNSELECT, UNSELECT_LEAVE, UNSELECT_SELECT, LEAVE_SELECT = (
    range(6)
)


class TagFilter(BaseModel):
    """Tags whose EPC begins with ``epc_prefix`` (hexadecimal), read alone or left out.

    ``bits`` is how many of the prefix's bits count; left out, all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epc_prefix: str = Field(pattern=r"^[0-9A-Fa-f]{1,124}$")
    bits: int | None = Field(default=None, ge=1, le=496)
    action: Literal["only", "except"] = "only"

    @model_validator(mode="after")
    def _bits_are_there(self) -> Self:
        if self.bits is not None and self.bits > 4 * len(self.epc_prefix):
            raise ValueError(f"bits = {self.bits}, but the prefix has {4 * len(self.epc_prefix)}")
        return self

    @property
    def bit_count(self) -> int:
        """How many bits are compared."""
        return self.bits or 4 * len(self.epc_prefix)

    def mask(self) -> bytes:
        """The compared bits, padded with zeros to whole bytes."""
        size, given = self.bit_count, 4 * len(self.epc_prefix)
        number = int(self.epc_prefix, 16) >> (given - size)
        return (number << -size % 8).to_bytes((size + 7) // 8, "big")

    def __str__(self) -> str:
        return f"{self.action} {self.epc_prefix.upper()}/{self.bit_count}"


def filter_parameters(filters: Sequence[TagFilter]) -> list[dict[str, Any]]:
    """The C1G2Filters, as ``encode_filter`` takes them: what is read alone comes first."""
    ordered = sorted(filters, key=lambda one: one.action == "except")
    return [
        {"filter": one, "action": _action(one, first=position == 0)}
        for position, one in enumerate(ordered)
    ]


def _action(one: TagFilter, *, first: bool) -> int:
    if one.action == "only":
        return SELECT_UNSELECT if first else SELECT_LEAVE
    return UNSELECT_SELECT if first else UNSELECT_LEAVE


def encode_filter(values: Mapping[str, Any], _info: object = None) -> bytes:
    """The body of one C1G2Filter. sllurp cannot: it has no action, and counts by four bits.

    Truncation stays 0 (unspecified): Impinj's readers accept nothing else.
    """
    chosen: TagFilter = values["filter"]
    inner = pack(">BHH", _EPC_BANK << 6, _EPC_STARTS_AT, chosen.bit_count) + chosen.mask()
    mask = pack(">HH", 332, 4 + len(inner)) + inner
    return b"\x00" + mask + pack(">HHB", 334, 5, values["action"])
