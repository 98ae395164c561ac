"""What machine a figure was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from tallyport.not_here import NotHere

__all__ = ["NotHere", "describe"]


def describe() -> dict[str, object]:
    """Processor, cores, memory in MiB, load average, system and Python of this machine."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "load_1min": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
