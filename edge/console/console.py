"""The technician's way in, whole: the desk, central's asks of it, and the page of this edge."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from edge.console.bench import Bench
from edge.console.desk import Desk
from edge.console.remote import Publish, Remote
from edge.page.server import PageServer
from edge.settings_file.settings import Settings
from gateway import topics
from gateway.mqtt_settings import Incoming

__all__ = ["Console"]


class Console:
    """``run`` serves until it is cancelled; then everything that was asked is ended, and what it
    had changed for a while is put back. ``page`` is ``None`` where the settings want none.
    """

    def __init__(self, bench: Bench, publish: Publish, *, with_page: bool) -> None:
        edge, page = bench.config.edge, bench.config.page
        bench = replace(bench, file=_settings(bench))
        self._settings = bench.file
        self.desk = Desk(bench)
        self._remote = Remote(self.desk, publish, site=edge.site, edge=edge.name)
        self.page: PageServer | None = None
        if with_page and page.enabled:
            self.page = PageServer(page, self.desk, edge=edge.name, data_dir=edge.data_dir)

    @property
    def topic_filter(self) -> str:
        """What central asks by."""
        return self._remote.topic_filter

    @property
    def counters(self) -> Mapping[str, int]:
        """Of asks, whoever asked."""
        return {**self.desk.counters, **self._remote.counters}

    def take(self, message: Incoming) -> bool:
        """Whether a message was central's ask; then it is taken care of."""
        if topics.parse_command(message.topic) is None:
            return False
        self._remote.take(message.topic, message.payload, retained=message.retained)
        return True

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.run(), name="desk")
                if self._settings is not None:
                    group.create_task(self._settings.resume(), name="trial of settings")
                if self.page is not None:
                    group.create_task(self.page.run(), name="page")
        finally:
            if self._settings is not None:
                await self._settings.close()
            await self._remote.close()


def _settings(bench: Bench) -> Settings | None:
    """The settings file as it may be changed, where there is one."""
    if bench.settings_file is None:
        return None
    return Settings(
        bench.settings_file,
        bench.config,
        bench.fleet,
        connected=lambda: bool(bench.uplink()["connected"]),
        restart=bench.restart,
        now_us=bench.time.now_us,
    )
