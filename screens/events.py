"""Server-sent events as every page gets them: nothing keeps or buffers what is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

__all__ = ["RETRY", "STILL_HERE", "event_stream", "too_many"]

RETRY = b"retry: 1000\n\n"
"""The first bytes of each stream: a browser that lost it comes again after a second."""
STILL_HERE = b": still here\n\n"
"""A comment, so that nobody between takes a quiet stream for a dead one."""


def event_stream(events: AsyncIterator[bytes]) -> Response:
    """The answer that sends ``events`` as they come."""
    return StreamingResponse(
        events,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def too_many() -> Response:
    """The answer to one more than can be served."""
    return Response("Too many screens are open.", 503, {"retry-after": "10"})
