"""The journal opened as the settings want it, and how it was found."""

from __future__ import annotations

import asyncio

import structlog

from edge.config import EdgeConfig
from edge.journal import Journal, JournalLimits

__all__ = ["open_journal", "tell_recovery"]

_log = structlog.get_logger("edge.agent")


async def open_journal(config: EdgeConfig) -> Journal:
    """Open it, or begin one. Raises ``OSError``, ``Starved``."""
    limits = JournalLimits(
        max_bytes=config.journal.max_mib * 2**20,
        segment_rows=config.journal.segment_rows,
        segment_bytes=config.journal.segment_mib * 2**20,
        when_full=config.journal.when_full,
        memory_mib=config.journal.memory_mib,
    )
    return await asyncio.to_thread(Journal.open, config.edge.data_dir / "journal", limits)


def tell_recovery(journal: Journal) -> None:
    """Say in the log how the journal was found."""
    found = journal.recovery
    if found.repaired or found.quarantined:
        _log.warning("journal_recovered", repaired=found.repaired, quarantined=found.quarantined)
    limits = journal.limits
    _log.info(
        "journal_open", epoch=journal.epoch, when_full=limits.when_full,
        max_mib=limits.max_bytes // 2**20,
        waiting=[chapter._asdict() for chapter in journal.chapters[:-1]],
    )  # fmt: skip
