"""Power cuts under a real process: a journal on the forgetful file system, kill -9, and a cut.

What the process had printed is what it had promised; after each cut the journal is opened on
the mounted card and held to that, and the next process goes on with it.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.powercut import journal
from benchmarks.powercut.disk import SURVIVALS
from benchmarks.powercut.journal import Story
from benchmarks.powercut.mount import Card, mounted

_CUTS_A_CARD = 30
"""Then a new card, so that a long run does not slow down under its own past."""
_WRITER = """
import sys
from pathlib import Path
from benchmarks.powercut import journal
journal.work(Path(sys.argv[1]), lambda told: print(told, flush=True), steps=100_000,
             seed=int(sys.argv[2]), serial=int(sys.argv[3]))
"""


def cut_often(cuts: int, seed: int, *, lies: bool) -> tuple[Counter[str], list[str]]:
    """So many power cuts, on honest cards or on lying ones; counts, and what was wrong.

    Raises RuntimeError where nothing can be mounted.
    """
    counted: Counter[str] = Counter(cuts=0, repaired=0, quarantined=0, rows_lost=0)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tallyport-card-") as folder:
        for begin in range(0, cuts, _CUTS_A_CARD):
            with mounted(Path(folder) / str(begin)) as card:
                card.lie(lies)
                story = Story()
                for number in range(begin, min(cuts, begin + _CUTS_A_CARD)):
                    faults = _one_cut(card, story, random.Random(f"{seed} {number}"), counted)
                    kind = "lying" if lies else "honest"
                    wrong += [f"{kind} card, seed {seed}, cut {number}: {one}" for one in faults]
    return counted, wrong


def _one_cut(card: Card, story: Story, chance: random.Random, counted: Counter[str]) -> list[str]:
    write_until_killed(card, story, chance.randint(2, 120), seed=chance.randrange(2**30))
    card.cut(chance.choice(SURVIVALS), seed=chance.randrange(2**30))
    marks: list[str] = []
    found = journal.check(card.path, story, marks.append, honest=not card.lies)
    for mark in marks:
        story.hear(mark)
    counted["cuts"] += 1
    counted["repaired"] += bool(found.repaired)
    counted["quarantined"] += bool(found.quarantined)
    counted["rows_lost"] += found.forgotten
    return found.wrong


def write_until_killed(card: Card, story: Story, marks: int, *, seed: int) -> None:
    """A process that opens the journal and works on it until it has left so many marks."""
    serial = max(story.tried.values(), default=0) + 1
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, card.path, str(seed), str(serial)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(marks):
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the writer died by itself with {process.wait()}")
        story.hear(line)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    for line in rest.splitlines()[: rest.count("\n")]:
        story.hear(line)
    process.wait()
    process.stdout.close()
