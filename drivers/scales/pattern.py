"""Scales of any protocol whose frames are lines: a pattern with named groups says what they mean.

No manual: for the scale that no other kind knows. The pattern is a regular expression for one
line without its end. Its groups: ``value`` (needed) and perhaps ``sign``, ``unit``, ``thousands``
(what sets them apart), and flags that count where they match something: ``stable``, ``moving``,
``net``, ``over``, ``under``, ``fault``.
``learn`` (``tallyport edge learn``) proposes one from three lines or more.
"""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from drivers.driver import Tap
from drivers.frames import FrameDecoder, FrameFormat, searched
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.protocols import ScaleProtocol
from drivers.scales.scale import Scale, ScaleConfig
from drivers.scales.weights import fault, figure, unit_of

LINE_BYTES_MAX = 200
FLAGS = frozenset({"stable", "moving", "net", "over", "under", "fault"})
GROUPS = FLAGS | {"value", "sign", "unit", "thousands"}
ANY_WEIGHT = (
    r".*?(?P<sign>[-+]?) *(?P<value>\d+(?:[.,]\d+)?) *"
    r"(?P<unit>kg|KG|g|G|lb|LB|oz|OZ|t)(?![A-Za-z]).*"
)
"""A figure with its unit, wherever in the line. Says nothing of stability."""

_LINE = re.compile(rb"(?<![^\r\n])[^\r\n]{1,%d}[\r\n]" % LINE_BYTES_MAX)
_ESCAPES = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([rnt\\]))")
_ESCAPED = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, checked. Raises ``ValueError`` with what is wrong."""
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the pattern is no regular expression: {error}") from error
    names = set(found.groupindex)
    if "value" not in names:
        raise ValueError("the pattern needs a group (?P<value>...)")
    if strange := sorted(names - GROUPS):
        raise ValueError(f"the pattern knows no group {', '.join(strange)}")
    return found


def pattern_format(pattern: re.Pattern[str]) -> FrameFormat:
    """Lines of which each must fit the pattern."""

    def read(frame: bytes) -> Reading:
        line = frame.strip(b"\r\n\x02\x03\0").decode("latin-1")
        match = pattern.fullmatch(line)
        if match is None:
            raise ValueError("A line that does not fit the pattern")
        return _reading(match.groupdict())

    return FrameFormat(find=searched(_LINE, longest=LINE_BYTES_MAX + 1), read=read, lines=True)


def _reading(groups: dict[str, str | None]) -> WeightReading:
    for name, status in (
        ("over", WeightStatus.OVERLOAD),
        ("under", WeightStatus.UNDERLOAD),
        ("fault", WeightStatus.ERROR),
    ):
        if groups.get(name):
            return fault(status)
    stable: bool | None = None
    if "moving" in groups:
        stable = not groups["moving"]
    if "stable" in groups:
        stable = bool(groups["stable"])
    value = (groups["value"] or "").strip()
    if not value:
        return fault(WeightStatus.ERROR, stable=stable)
    if mark := groups.get("thousands"):
        value = value.replace(mark, "")
    sign = (groups.get("sign") or value[0]).strip()
    return WeightReading(
        value=figure(sign.encode("latin-1"), value.lstrip("+-").encode("latin-1")),
        unit=unit_of((groups.get("unit") or "").encode("latin-1")),
        stable=stable,
        net=bool(groups["net"]) if "net" in groups else None,
    )


class PatternConfig(ScaleConfig):
    r"""How the lines of a scale read, and how it is asked.

    ``question`` is sent for each weight, with ``\r``, ``\n`` and ``\x05`` as escapes; it must ask
    and nothing else. Without one the scale sends on its own.
    """

    pattern: str = Field(default=ANY_WEIGHT, min_length=1, max_length=1_000)
    question: Annotated[str, Field(max_length=40)] = ""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        compiled(self.pattern)
        if self.ask != bool(self.question):
            raise ValueError("ask and question belong together: set both or neither")
        if not all(ord(letter) < 256 for letter in unescaped(self.question)):
            raise ValueError("question is bytes: give what is no ASCII as \\x05")
        return self


def unescaped(text: str) -> str:
    r"""A text with ``\r``, ``\n``, ``\t``, ``\\`` and ``\x05`` for what they mean."""
    return _ESCAPES.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPED[found[2]], text
    )


class PatternScale(Scale):
    """One scale whose lines fit a pattern (``drivers.driver.Driver``)."""

    Config = PatternConfig

    def __init__(self, config: PatternConfig, *, tap: Tap | None = None) -> None:
        protocol = ScaleProtocol(
            name="scale-pattern",
            title="line that fits the pattern",
            form=pattern_format(compiled(config.pattern)),
            poll=unescaped(config.question).encode("latin-1"),
        )
        super().__init__(protocol, config, tap=tap)

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder for any line with a figure and its unit."""
        return FrameDecoder(pattern_format(compiled(ANY_WEIGHT)))
