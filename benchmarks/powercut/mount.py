"""The forgetful file system, mounted for as long as it is needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.powercut.disk import Survival


def why_not() -> str:
    """Why nothing can be mounted here; empty when it can."""
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse on this machine"
    return "" if shutil.which("fusermount3") else "fuse3 is not installed"


class Card:
    """A mounted file system and the hand on its power switch. Files are under ``path``; ``lies``
    says whether syncs do nothing.
    """

    def __init__(self, path: Path, serving: subprocess.Popen[str]) -> None:
        self.path = path
        self.lies = False
        self._serving = serving

    def cut(self, survival: Survival, seed: int) -> None:
        """Cut the power and give it back. Programs that had files open must be dead."""
        self._order(f"cut {survival} {seed}")

    def lie(self, lies: bool = True) -> None:
        """From now on syncs do nothing, or something again."""
        self._order("lie" if lies else "honest")
        self.lies = lies

    def _order(self, line: str) -> None:
        assert self._serving.stdin is not None
        self._serving.stdin.write(line + "\n")
        self._serving.stdin.flush()
        self.expect("done")

    def expect(self, word: str) -> None:
        """Wait for the file system's next word."""
        assert self._serving.stdout is not None
        told = self._serving.stdout.readline().strip()
        if told != word:
            raise RuntimeError(f"the file system said {told!r} instead of {word!r}")


@contextmanager
def mounted(path: Path) -> Iterator[Card]:
    """Mount an empty card at ``path``. Raises RuntimeError when FUSE does not let us."""
    path.mkdir(parents=True, exist_ok=True)
    serving = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.powercut.fusefs", path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        card = Card(path, serving)
        card.expect("ready")
        yield card
    finally:
        subprocess.run(["fusermount3", "-u", "-z", path], check=False)
        assert serving.stdin is not None
        serving.stdin.close()
        serving.wait(timeout=30)
        assert serving.stdout is not None
        serving.stdout.close()
