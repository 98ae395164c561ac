"""The journal on a card that forgets: a real process, kill -9, a power cut, and on it goes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.powercut import journal
from benchmarks.powercut.disk import SURVIVALS
from benchmarks.powercut.journal import Story
from benchmarks.powercut.mount import Card, mounted, why_not

CUTS = 30
WRITER = """
import sys
from pathlib import Path
from benchmarks.powercut import journal
journal.work(Path(sys.argv[1]), lambda told: print(told, flush=True), steps=100_000,
             seed=int(sys.argv[2]), serial=int(sys.argv[3]))
"""


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    if reason := why_not():
        pytest.skip(reason)
    with mounted(tmp_path / "card") as made:
        yield made


def write_until_killed(card: Card, story: Story, marks: int, seed: int) -> None:
    """A process that opens the journal and works on it until it has left so many marks."""
    serial = max(story.tried.values(), default=0) + 1
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, card.path, str(seed), str(serial)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(marks):
        story.hear(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    for line in rest.splitlines()[: rest.count("\n")]:
        story.hear(line)
    process.wait()
    process.stdout.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
def test_power_cuts_on_a_real_file_system(card: Card, lies: bool) -> None:
    story, chance, forgotten = Story(), random.Random(11), 0
    card.lie(lies)
    for number in range(CUTS):
        write_until_killed(card, story, chance.randint(2, 120), seed=number)
        card.cut(chance.choice(SURVIVALS), seed=number)
        marks: list[str] = []
        found = journal.check(card.path, story, marks.append, honest=not lies)
        for mark in marks:
            story.hear(mark)
        assert found.wrong == [], f"cut {number}"
        forgotten += found.forgotten
    assert (forgotten > 0) == lies
