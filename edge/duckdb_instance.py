"""The one DuckDB to which the journal's segments are attached, and what its errors mean."""

from __future__ import annotations

import errno
import os

import duckdb

__all__ = ["connect", "is_fatal", "is_starved"]

_AFTERMATH = "database has been invalidated because of a previous fatal error"
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def is_fatal(error: Exception) -> bool:
    """Whether DuckDB answers nothing any more, of whatever is attached, until it is begun anew."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException)


def is_starved(error: Exception) -> bool:
    """Whether the machine, or what was fatal before, and not the file is to blame; DuckDB tells
    of both only in words.
    """
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or _AFTERMATH in str(error):
        return True
    return any(os.strerror(one) in str(error) for one in _SHORTAGES)


def connect(memory_mib: int) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB to which segments are attached; it never checkpoints by itself."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": f"{memory_mib}MB",
            "checkpoint_threshold": "1TB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    return connection
