"""Telling edges how far they are committed, once they are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import structlog

from gateway import codec
from gateway.contract import Watermark
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused

__all__ = ["publish"]

_log = structlog.get_logger("central.intake.watermarks")


async def publish(
    link: Link, marks: Mapping[tuple[str, str], Watermark], counters: Counter[str]
) -> None:
    """Publish watermarks by topic and epoch, all at once: with hundreds of edges, one answer
    after the other would be seconds. What is not delivered counts as ``watermarks_unsent``.
    """
    async with asyncio.TaskGroup() as group:
        for (topic, _epoch), mark in marks.items():
            group.create_task(_tell(link, topic, mark, counters))


async def _tell(link: Link, topic: str, mark: Watermark, counters: Counter[str]) -> None:
    """A watermark that is not delivered costs only repeats: it is retained, and the next one
    says the same and more.
    """
    payload = codec.encode_watermark(mark)
    try:
        # What an elder epoch hears must not hide the living one's word.
        await link.publish(topic, payload, retain=not mark.fenced)
    except (NotConnected, PublishRefused) as error:
        counters["watermarks_unsent"] += 1
        _log.warning("watermark_not_sent", edge=mark.edge, why=str(error))
