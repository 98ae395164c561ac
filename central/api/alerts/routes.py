"""All routes of alerts, in the order in which they are looked through."""

from __future__ import annotations

from fastapi import APIRouter

from central.api.alerts import channels, found, messages, rules
from central.api.services import Services

__all__ = ["router"]


def router(services: Services) -> APIRouter:
    """``/alerts/rules`` and its like before ``/alerts/{no}``, which would take them for numbers."""
    made = APIRouter()
    for each in (rules, channels, messages, found):
        made.routes += each.router(services).routes
    return made
