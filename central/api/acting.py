"""Who sends a request, as the audit and what is kept of commands name them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from central.api.services import now_us
from central.catalogue.changes import Told

CLIENT = "api"
"""Who nobody said who they are."""


def who(request: Request) -> str:
    """The name of whoever asks."""
    return str(getattr(request.state, "actor", CLIENT))


# On the loop: FastAPI hands what is not async to a thread, which costs more than an answer.
async def _told(request: Request) -> Told:
    return Told(by=who(request), at_us=now_us())


async def _asker(request: Request) -> str:
    return who(request)


Telling = Annotated[Told, Depends(_told)]
"""A route's parameter: who changes something, and now."""
Asker = Annotated[str, Depends(_asker)]
"""A route's parameter: who asks."""
