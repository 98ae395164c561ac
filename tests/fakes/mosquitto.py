"""The real Mosquitto, as tests name it."""

from __future__ import annotations

from benchmarks.servers.mosquitto import (
    MISSING,
    MosquittoProcess,
    find_mosquitto,
    free_port,
    start_mosquitto,
)

__all__ = ["MISSING", "MosquittoProcess", "find_mosquitto", "free_port", "start_mosquitto"]
