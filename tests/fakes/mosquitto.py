"""The real Mosquitto, as tests name it."""

from __future__ import annotations

from benchmarks.servers.mosquitto import (
    MISSING,
    MosquittoProcess,
    find_mosquitto,
    start_mosquitto,
)
from tallyport.demo.processes import free_port

__all__ = ["MISSING", "MosquittoProcess", "find_mosquitto", "free_port", "start_mosquitto"]
