"""What a process has loaded is out of the collector's way; what comes later is collected still."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import gc, weakref
import duckdb
from gateway.settled import settle

class Knot:
    def __init__(self):
        self.itself = self

loaded = [[one] for one in range(100_000)]
settle()
walked = len(gc.get_objects())
knots = [Knot() for _ in range(50_000)]
seen = weakref.ref(knots[0])
del knots
fresh = [[one] for one in range(500_000)]
print(len(loaded) < gc.get_freeze_count(), walked < 20_000, seen() is None)
"""


def test_a_settled_process_is_not_walked_over_again() -> None:
    done = subprocess.run(  # a process of its own: the collector is everybody's
        [sys.executable, "-c", _SCRIPT], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["True", "True", "True"]
    assert not done.stderr, "DuckDB says at the end what it never got back"
