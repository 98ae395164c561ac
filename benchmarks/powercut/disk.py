"""What a disk may hold after a power cut, given what a program wrote and synced. Pure.

A disk is told operations (``recording.Op``) and knows, of each, whether it is safe. The cut
leaves everything safe, and of the rest what chance and a ``Survival`` leave.

Two models say what a sync makes safe. ``ordered`` is ext4 as it is mounted everywhere
(``data=ordered``): changes of names and sizes become safe in the order in which they were made,
all that were made so far with any sync of a file that has such changes of its own or of the
folder; content becomes safe by a sync of its file. ``strict`` is POSIX to the letter: a sync
of a file makes its content and size safe and no name; names are safe after a sync of the
folder, and until then each survives or not by itself.

A lying disk takes syncs and does nothing: what is safe is a prefix of everything that was
done, as a card's controller happened to get to it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from benchmarks.powercut.recording import Op

Model = Literal["ordered", "strict"]
Survival = Literal["dropped", "kept", "pages", "sectors", "torn"]
"""What becomes of writes that were not synced: none is there; all are; some 4 KiB pages; some
512 B sectors, with the files' sizes already extended; all up to one that is torn at a byte.
"""
MODELS: tuple[Model, ...] = ("ordered", "strict")
SURVIVALS: tuple[Survival, ...] = ("dropped", "kept", "pages", "sectors", "torn")
_GRAIN = {"pages": 4096, "sectors": 512}
_NAMING = "CUR"


class Files:
    """Names, and the content behind them; operations change them as the system would.

    Content without a name is kept: its name may yet become safe.
    """

    def __init__(self, content: Mapping[str, bytes] | None = None) -> None:
        self.names: dict[str, int] = {}
        self.content: dict[int, bytearray] = {}
        for number, (name, data) in enumerate((content or {}).items(), start=1):
            self.names[name] = -number  # no inode is negative
            self.content[-number] = bytearray(data)

    def copy(self) -> Files:
        """An independent copy."""
        made = Files()
        made.names = dict(self.names)
        made.content = {file: bytearray(data) for file, data in self.content.items()}
        return made

    def apply(self, op: Op) -> None:
        """Do what ``op`` says; names that are not there are left alone."""
        if op.kind == "C":
            self.names[op.name] = op.file
            self.content.setdefault(op.file, bytearray())
        elif op.kind == "U":
            self.names.pop(op.name, None)
        elif op.kind == "R":
            if op.name in self.names:
                self.names[op.data.decode()] = self.names.pop(op.name)
        elif op.kind == "T":
            self.resize(op.file, op.at)
        elif op.kind == "W":
            self.write(op.file, op.at, op.data)

    def resize(self, file: int, size: int) -> None:
        """Cut off, or extend with zeros."""
        content = self.content.setdefault(file, bytearray())
        del content[size:]
        content.extend(bytes(size - len(content)))

    def write(self, file: int, at: int, data: bytes) -> None:
        """Put ``data`` at ``at``; a hole before it is zeros."""
        content = self.content.setdefault(file, bytearray())
        content.extend(bytes(max(0, at - len(content))))
        content[at : at + len(data)] = data

    def by_name(self) -> dict[str, bytes]:
        """What a program would find."""
        return {
            name: bytes(self.content.get(file, b"")) for name, file in sorted(self.names.items())
        }


class Disk:
    """See the module. ``now`` is what programs see, ``safe`` what no power cut takes; ``lies``
    says that syncs do nothing.
    """

    def __init__(
        self, content: Mapping[str, bytes] | None = None, model: Model = "ordered"
    ) -> None:
        self.now = Files(content)
        self.safe = Files(content)
        self._model = model
        self.lies = False
        self._waiting: list[Op] = []

    def copy(self) -> Disk:
        """An independent copy."""
        made = Disk(model=self._model)
        made.now, made.safe = self.now.copy(), self.safe.copy()
        made.lies, made._waiting = self.lies, list(self._waiting)
        return made

    def lie(self, lies: bool = True) -> None:
        """From now on syncs do nothing (or something again)."""
        self.lies = lies

    def apply(self, op: Op) -> None:
        """The program did ``op``."""
        if op.kind == "O":
            self._bind(op)
        elif op.kind in "SD":
            if not self.lies:
                self._sync(op)
        elif op.kind != "M":
            if op.kind == "C":
                self._reused(op.file)
            self.now.apply(op)
            self._waiting.append(op)

    def after_cut(self, survival: Survival, chance: random.Random) -> dict[str, bytes]:
        """What may be there when the power is back."""
        left = self.safe.copy()
        waiting = list(self._waiting)
        if self.lies and waiting:
            reached = chance.randint(0, len(waiting))
            for op in waiting[:reached]:
                left.apply(op)
            waiting = waiting[reached:]
        if survival == "kept":
            for op in waiting:
                left.apply(op)
        elif survival == "torn":
            _tear(left, waiting, chance)
        else:
            _scatter(left, waiting, self._surviving_names(waiting, chance), survival, chance)
        return left.by_name()

    # ---- what a sync makes safe ----------------------------------------------------------------
    def _sync(self, op: Op) -> None:
        if self._model == "strict":
            folder = op.kind == "D"
            self._settle(
                lambda one: one.kind in _NAMING if folder else one.kind in "WT" and _of(one, op)
            )
        elif op.kind == "D" or any(
            self._is_metadata(one) and _of(one, op) for one in self._waiting
        ):
            self._settle(lambda one: one.kind != "W" or _of(one, op))
        else:
            self._settle(lambda one: _of(one, op))

    def _is_metadata(self, op: Op) -> bool:
        return op.kind != "W" or op.at + len(op.data) > len(self.safe.content.get(op.file, b""))

    def _settle(self, becomes_safe: Callable[[Op], bool]) -> None:
        still: list[Op] = []
        for op in self._waiting:
            if becomes_safe(op):
                # What is cut off a file is no longer waiting to be written to it.
                if op.kind == "T":
                    still = list(_clipped(still, op))
                self.safe.apply(op)
            else:
                still.append(op)
        self._waiting = still

    # ---- files that have a new name, or an old number ------------------------------------------
    def _bind(self, op: Op) -> None:
        """A file that was there before the recording: from now on it goes by its inode."""
        known = self.now.names.get(op.name)
        if known is None or known == op.file:
            return
        for files in (self.now, self.safe):
            files.content[op.file] = files.content.pop(known)
            for name in [name for name, file in files.names.items() if file == known]:
                files.names[name] = op.file

    def _reused(self, file: int) -> None:
        """The system gave the number of a removed file to a new one."""
        if file not in self.now.content:
            return
        fresh = min([0, *self.now.content, *self.safe.content]) - 1
        for files in (self.now, self.safe):
            if file in files.content:
                files.content[fresh] = files.content.pop(file)
            for name in [name for name, one in files.names.items() if one == file]:
                files.names[name] = fresh
        self._waiting = [
            one._replace(file=fresh) if one.file == file else one for one in self._waiting
        ]

    # ---- what survives -------------------------------------------------------------------------
    def _surviving_names(self, waiting: list[Op], chance: random.Random) -> set[int]:
        """Which of the waiting changes of names and sizes are there, by index."""
        metadata = [index for index, op in enumerate(waiting) if op.kind in "CURT"]
        if self._model == "ordered":
            return set(metadata[: chance.randint(0, len(metadata))])
        gone: set[str] = set()
        there = set()
        for index in metadata:
            op = waiting[index]
            touched = {op.name, op.data.decode()} if op.kind == "R" else {op.name or str(op.file)}
            if gone.isdisjoint(touched) and chance.random() < 0.5:
                there.add(index)
            else:  # what came later to the same name builds upon it
                gone |= touched
        return there


def _of(op: Op, sync: Op) -> bool:
    return op.file == sync.file and op.kind not in "UR"


def _clipped(ops: list[Op], cut: Op) -> Iterator[Op]:
    for op in ops:
        if op.kind != "W" or op.file != cut.file or op.at + len(op.data) <= cut.at:
            yield op
        elif op.at < cut.at:
            yield op._replace(data=op.data[: cut.at - op.at])


def _tear(left: Files, waiting: list[Op], chance: random.Random) -> None:
    """Everything up to one operation; a write is torn at a byte."""
    if not waiting:
        return
    last = chance.randrange(len(waiting))
    for op in waiting[:last]:
        left.apply(op)
    torn = waiting[last]
    if torn.kind == "W":
        left.write(torn.file, torn.at, torn.data[: chance.randint(0, len(torn.data))])


def _scatter(
    left: Files, waiting: list[Op], there: set[int], survival: Survival, chance: random.Random
) -> None:
    grain = _GRAIN.get(survival, 0)
    for index, op in enumerate(waiting):
        if op.kind != "W":
            if index in there:
                left.apply(op)
            continue
        if not grain:
            continue
        if survival == "sectors":
            size = len(left.content.get(op.file, b""))
            left.resize(op.file, max(size, op.at + len(op.data)))
        for begin, end in _pieces(op, grain):
            if chance.random() < 0.5:
                left.write(op.file, begin, op.data[begin - op.at : end - op.at])


def _pieces(op: Op, grain: int) -> Iterator[tuple[int, int]]:
    """The offsets in the file where the write crosses pages or sectors."""
    begin, end = op.at, op.at + len(op.data)
    while begin < end:
        edge = min(end, (begin // grain + 1) * grain)
        yield begin, edge
        begin = edge
