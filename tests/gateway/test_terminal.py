"""A status at the foot of a terminal: torn by nothing, and never in anybody's way."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pyte
import pytest
from rich.text import Text

from gateway.terminal import wording
from gateway.terminal.screen import MOST_LINES, Screen
from gateway.terminal.wanted import wanted


@pytest.fixture
def ends() -> Iterator[tuple[int, TextIO]]:
    """A terminal's two ends: who looks, and who writes."""
    person, program = pty.openpty()
    stream = os.fdopen(program, "w")
    yield person, stream
    os.close(person)  # whoever still writes is told so, where closing its stream would wait for it
    with suppress(OSError):
        stream.close()


def test_a_terminal_that_takes_nothing_holds_up_nobody(ends: tuple[int, TextIO]) -> None:
    person, stream = ends
    screen = Screen(stream)
    line = "x" * 1_000 + "\n"  # a terminal's buffer holds some KiB
    for _ in range(MOST_LINES + 500):
        screen.above.write(line)  # would wait for ever
    screen.show(lambda _width, _height: Text("status"))
    shown = b""
    while b"lines were not shown: the terminal took nothing" not in shown:
        shown += os.read(person, 65_536)
    screen.close("the end")


def test_a_status_that_cannot_be_drawn_is_told_and_lines_go_on(ends: tuple[int, TextIO]) -> None:
    person, stream = ends

    def broken(_width: int, _height: int) -> Text:
        raise ValueError("no picture")

    screen = Screen(stream)
    screen.show(broken)
    shown = b""
    while b"the status cannot be drawn: ValueError: no picture" not in shown:
        shown += os.read(person, 65_536)
    screen.above.write("a line\n")
    screen.close("the end")
    while b"the end" not in shown:
        shown += os.read(person, 65_536)
    assert b"a line" in shown


def test_lines_stand_above_the_status_whole(ends: tuple[int, TextIO]) -> None:
    person, stream = ends
    picture = pyte.Screen(80, 24)
    feed = pyte.ByteStream(picture).feed
    screen = Screen(stream)
    for number in range(50):
        screen.show(lambda _width, _height, at=number: Text(f"first {at}\nsecond {at}"))
        screen.above.write(f"line {number} ")  # a line may come in pieces
        screen.above.write("is whole\n")
    told = [f"line {number} is whole" for number in range(28, 50)]
    while [line.rstrip() for line in picture.display] != [*told, "first 49", "second 49"]:
        feed(os.read(person, 65_536))
    screen.close("the end")
    while picture.display[22].rstrip() != "the end":
        feed(os.read(person, 65_536))
    assert not picture.cursor.hidden


def test_who_gets_a_status(ends: tuple[int, TextIO]) -> None:
    _, stream = ends
    term = {"TERM": "xterm"}
    assert wanted(stream, plain=False, style="auto", environ=term)
    assert not wanted(stream, plain=True, style="auto", environ=term)
    assert not wanted(stream, plain=False, style="json", environ=term)
    assert not wanted(stream, plain=False, style="auto", environ={"TERM": "dumb"})
    assert not wanted(stream, plain=False, style="auto", environ={})
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        assert not wanted(nowhere, plain=False, style="auto", environ=term)


def test_figures_in_few_words() -> None:
    assert [wording.lasted(s) for s in (0, 59.9, 61, 7_500, 100_000)] == [
        "0 s", "59 s", "1 min", "2 h 05 min", "1 d 3 h",
    ]  # fmt: skip
    assert [wording.ago(s) for s in (None, 1.0, 12.0)] == ["never", "now", "12 s ago"]
    assert [wording.size(b) for b in (12, 2_048, 12 * 2**20)] == ["12 B", "2.0 KiB", "12 MiB"]
    assert [wording.rate(r) for r in (0, 0.24, 12.4, 1204)] == ["0/s", "0.2/s", "12/s", "1,204/s"]
    assert wording.several(1, "movement") == "1 movement"
    assert wording.several(1_200, "movement") == "1,200 movements"
    assert wording.harmless("a\x1b[2Jb") == "a\N{MIDDLE DOT}[2Jb"
