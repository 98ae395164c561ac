"""Listens for a technician's browser, and becomes a web server when the first one calls.

Until then it costs a socket: the libraries of pages are loaded with the first call, which waits
in the socket's queue meanwhile. A port that is taken does not stop the agent: it is told, and
tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge.config import PageSection

if TYPE_CHECKING:
    from screens.console.port import Desk

__all__ = ["PageServer"]

_log = structlog.get_logger("edge.page")
_RETRY_S = 30.0
_QUEUE = 64


class PageServer:
    """``run`` serves until it is cancelled. ``address`` is where, once it listens."""

    def __init__(self, settings: PageSection, desk: Desk, *, edge: str, data_dir: Path) -> None:
        self._settings = settings
        self._desk = desk
        self._edge = edge
        self._data_dir = data_dir
        self.address = ""
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen, wait for somebody, serve."""
        listening = await self._listen()
        try:
            await _called(listening)
            await self._serve(listening)
        finally:
            listening.close()

    async def _listen(self) -> socket.socket:
        told = False
        while True:
            try:
                found = _bound(self._settings.host, self._settings.port)
            except OSError as error:
                if not told:
                    where = f"{self._settings.host}:{self._settings.port}"
                    _log.error(
                        "page_not_served", address=where, why=str(error),
                        hint="another program uses the port: set [page] port, or enabled = false",
                    )  # fmt: skip
                told = True
                await asyncio.sleep(_RETRY_S)
            else:
                host, port = found.getsockname()[:2]
                self.address = (
                    f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
                )
                self.listening.set()
                _log.info("page_listens", address=self.address, pin=self._settings.pin is not None)
                return found

    async def _serve(self, listening: socket.socket) -> None:
        import uvicorn  # noqa: PLC0415 - see the module

        from edge.page.app import application  # noqa: PLC0415
        from edge.page.entry import Entry, own_key  # noqa: PLC0415

        key = await asyncio.to_thread(own_key, self._data_dir)
        app, asks = application(self._desk, self._edge, Entry(self._settings, key, edge=self._edge))
        config = uvicorn.Config(
            app, loop="asyncio", http="h11", ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, timeout_graceful_shutdown=1,
            limit_concurrency=100,
        )  # fmt: skip
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        try:
            await server.main_loop()
        finally:
            asks.stop()
            await server.shutdown(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol told, asyncio turns Nagle's waiting off.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_QUEUE)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


async def _called(listening: socket.socket) -> None:
    """Wait until somebody connects, without taking the call."""
    loop, called = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, called.set)
    try:
        await called.wait()
    finally:
        with contextlib.suppress(ValueError, OSError):
            loop.remove_reader(listening)
