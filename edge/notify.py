"""Telling systemd that the agent is up and alive (sd_notify(3)); nothing without it."""

from __future__ import annotations

import asyncio
import os
import socket


def notify(state: str) -> None:
    """Send e.g. ``READY=1``; silent where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return  # the manager is gone; that is its matter


async def watchdog() -> None:
    """Say ``WATCHDOG=1`` twice per period that the unit asks for, while the loop turns."""
    period_us = int(os.environ.get("WATCHDOG_USEC", "0") or 0)
    if not period_us:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(period_us / 2e6)
