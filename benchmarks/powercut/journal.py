"""The edge's journal under power cuts: what to do while recorded, and what must hold after.

Rows are numbered by a serial of our own, which their bodies carry, so that a row tells by
itself whether it is what was appended and where it stood.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge.journal import Journal, JournalLimits

LIMITS = JournalLimits(segment_rows=400, segment_bytes=200_000)
Mark = Callable[[str], None]


class Place(NamedTuple):
    """What identifies a row to central."""

    epoch: str
    seq: int


@dataclass
class Story:
    """What the program had been told when the power was cut, from its marks.

    ``tried`` is every place at which a row was ever begun to be written, ``kept`` those whose
    append had returned, ``trimmed`` up to where each epoch may have been let go, and
    ``epochs`` those that were ever opened.
    """

    tried: dict[Place, int] = field(default_factory=dict)
    kept: set[Place] = field(default_factory=set)
    trimmed: dict[str, int] = field(default_factory=dict)
    epochs: set[str] = field(default_factory=set)

    def hear(self, mark: str) -> None:
        """Take in one mark."""
        verb, epoch, *numbers = mark.split()
        if verb == "opened":
            self.epochs.add(epoch)
        elif verb == "trimming":
            self.trimmed[epoch] = max(self.trimmed.get(epoch, 0), int(numbers[0]))
        else:
            first_seq, first_serial, count = map(int, numbers)
            for offset in range(count):
                place = Place(epoch, first_seq + offset)
                if verb == "trying":
                    self.tried[place] = first_serial + offset
                else:
                    self.kept.add(place)

    def waiting(self) -> set[Place]:
        """What must be there: acknowledged to whoever appended it, and not let go."""
        return {place for place in self.kept if place.seq > self.trimmed.get(place.epoch, 0)}


@dataclass
class Found:
    """What an opened journal held: ``repaired``, ``quarantined`` and ``removed`` count the
    sentences that it told, ``forgotten`` acknowledged rows that are not there, ``wrong`` says
    which promises are broken.
    """

    repaired: int = 0
    quarantined: int = 0
    removed: int = 0
    forgotten: int = 0
    wrong: list[str] = field(default_factory=list)


def body(serial: int) -> bytes:
    """A row's content: tells its serial, of a size that differs from row to row."""
    return b'{"n":%d,"pad":"%s"}' % (serial, b"x" * (serial * 2_654_435_761 % 700))


def work(folder: Path, mark: Mark, *, steps: int, seed: int, serial: int = 1) -> None:
    """Open, append, let go, close or just end, and open again: ``steps`` times one of them.
    ``serial`` is the first row's.
    """
    chance = random.Random(seed)
    journal = _opened(folder, mark)
    for step in range(steps):
        if step % 40 == 39:
            if chance.random() < 0.5:
                journal.close()
            del journal
            journal = _opened(folder, mark)
        elif step % 5 == 4:
            _let_go(journal, mark, chance)
        else:
            count = chance.choice((1, 1, 3, 20, 60, 300))
            _append(journal, mark, serial, count)
            serial += count


def _opened(folder: Path, mark: Mark) -> Journal:
    journal = Journal.open(folder, LIMITS)
    mark(f"opened {journal.epoch}")
    return journal


def _append(journal: Journal, mark: Mark, serial: int, count: int) -> None:
    told = f"{journal.epoch} {journal.next_seq} {serial} {count}"
    mark(f"trying {told}")
    journal.append([body(one) for one in range(serial, serial + count)])
    mark(f"kept {told}")


def _let_go(journal: Journal, mark: Mark, chance: random.Random) -> None:
    """As if central had committed some more of the oldest that waits."""
    chapter = journal.chapters[0]
    upto = chance.randint(chapter.trimmed_upto, chapter.last_seq)
    if len(journal.chapters) > 1 and chance.random() < 0.5:
        upto = chapter.last_seq
    mark(f"trimming {chapter.epoch} {upto}")
    journal.trim(chapter.epoch, upto)


# ---- after the cut ---------------------------------------------------------------------------
def check(folder: Path, story: Story, mark: Mark, *, honest: bool = True) -> Found:
    """Open what the cut left, and hold it to its promises.

    On a disk that lies acknowledged rows may be gone; all else must hold there too.
    """
    found = Found()
    bad = _put_aside(folder)
    journal = _opened(folder, mark)
    told = journal.recovery
    found.repaired, found.removed = len(told.repaired), len(told.removed)
    there = _everything(journal)
    found.quarantined = len(told.quarantined)
    found.wrong += _order(there, story)
    missing = story.waiting() - {place for place, _ in there}
    found.forgotten = len(missing)
    if missing and honest:
        found.wrong.append(f"{len(missing)} acknowledged rows are gone, as {min(missing)}")
    story.kept -= missing  # what is gone is told of once
    if (more := _put_aside(folder) - bad) > found.quarantined:
        found.wrong.append(f"{more} files were put aside, and {found.quarantined} told of")
    if journal.epoch in story.epochs:
        found.wrong.append(f"epoch {journal.epoch} was given a second time")
    found.wrong += _goes_on(journal, folder, there, story, mark)
    return found


def _put_aside(folder: Path) -> int:
    return len(list(folder.glob("*.duckdb.bad")))


def _everything(journal: Journal) -> list[tuple[Place, bytes]]:
    """All rows that wait, in the order in which they would be sent."""
    rows = []
    for chapter in journal.chapters:
        after = chapter.trimmed_upto
        while (stretch := journal.read(chapter.epoch, after, 500)).bodies:
            for seq, content in enumerate(stretch.bodies, start=stretch.first_seq):
                rows.append((Place(chapter.epoch, seq), content))
            after = stretch.first_seq + len(stretch.bodies) - 1
    return rows


def _order(there: Iterable[tuple[Place, bytes]], story: Story) -> list[str]:
    before = 0
    for place, content in there:
        serial = story.tried.get(place)
        if serial is None:
            return [f"{place} was never appended"]
        if content != body(serial):
            return [f"{place} is not what was appended there"]
        if serial <= before:
            return [f"{place} (serial {serial}) stands behind serial {before}"]
        before = serial
    return []


def _goes_on(
    journal: Journal, folder: Path, there: list[tuple[Place, bytes]], story: Story, mark: Mark
) -> list[str]:
    """Appending works, and a second start finds all of it and all that was found before."""
    serial = max(story.tried.values(), default=0) + 1
    fresh = [
        (Place(journal.epoch, journal.next_seq + offset), body(serial + offset))
        for offset in range(3)
    ]
    clash = [place for place, _ in fresh if place in story.tried]
    _append(journal, mark, serial, len(fresh))
    journal.close()
    again = _opened(folder, mark)
    after = _everything(again)
    again.close()
    if clash:
        return [f"{clash[0]} was given a second time"]
    if after != [*there, *fresh]:
        gone = {place for place, _ in [*there, *fresh]} - {place for place, _ in after}
        return [f"after the second start {len(gone)} rows are gone or changed, as {min(gone)}"]
    return []
