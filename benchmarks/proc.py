"""What Linux says of a process: processor time and memory."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cpu_s", "resident_mib"]


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, its threads' included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Memory that a process has in RAM now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1_024
