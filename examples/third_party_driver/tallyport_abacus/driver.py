"""The Abacus AB-1 counting scale, on a serial port or over TCP.

Source of the format: "AB-1 Interface", p. 4 (the device is invented for this example). Asked with
``? CR LF`` it answers ``#<unit>,<state>,<sign><figure>,<g|kg|pcs>*<check> CR LF``. The state is
S (at rest), M (in motion) or O (overload); the check is the exclusive or of all bytes between
``#`` and ``*``, as two hexadecimal digits.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

from drivers.frames import FrameFormat, searched
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.protocols import ScaleProtocol
from drivers.scales.scale import ScaleConfig, ScaleKind
from drivers.scales.weights import fault, figure, unit_of

LONGEST_BYTES = 40
# Where a frame lies in the stream. Its last byte stands nowhere else in a frame.
_FRAME = re.compile(rb"#[^#\r\n]{1,%d}\r\n" % (LONGEST_BYTES - 3))
# What a frame says.
_SAID = re.compile(
    rb"#(?P<said>\d+,(?P<state>[SMO]),(?P<sign>[-+])(?P<figure>[\d.]+),(?P<unit>g|kg|pcs))"
    rb"\*(?P<check>[0-9A-F]{2})\r\n"
)


def check_of(said: bytes) -> bytes:
    """The two digits after the ``*``."""
    return b"%02X" % reduce(xor, said, 0)


def read(frame: bytes) -> Reading:
    """What one frame says. Raises ``ValueError`` where it is none: its bytes are then told."""
    match = _SAID.fullmatch(frame)
    if match is None:
        raise ValueError("No frame of an AB-1")
    if match["check"] != check_of(match["said"]):
        raise ValueError(
            f"The check says {match['check']!r}, the bytes {check_of(match['said'])!r}"
        )
    if match["state"] == b"O":
        return fault(WeightStatus.OVERLOAD)
    return WeightReading(
        value=figure(match["sign"], match["figure"]),
        unit=unit_of(match["unit"]),
        stable=match["state"] == b"S",
    )


class AbacusConfig(ScaleConfig):
    """Where the scale is, and how to hear it: as every scale, but that it must be asked."""

    ask: bool = True


ABACUS_AB1 = ScaleKind(
    ScaleProtocol(
        name="abacus-ab1",
        title="Abacus AB-1",
        form=FrameFormat(find=searched(_FRAME, longest=LONGEST_BYTES), read=read),
        poll=b"?\r\n",
    ),
    AbacusConfig,
)
"""The kind: what the entry point in pyproject.toml names."""
