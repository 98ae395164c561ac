"""A second box with a copy of the edge's card: one identity, two agents."""

from __future__ import annotations

import asyncio
import re
import shutil

from benchmarks.nemesis.field import Field
from tallyport.demo.processes import Process
from tallyport.demo.run import until

_SERIAL = re.compile(r'^port = "/(.*)"$', re.MULTILINE)


class Clone:
    """Has the edge's name, client id and journal; none of its serial devices."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._folder = field.folder / "clone"
        self._data = self._folder / "edge"

    def copy_card(self) -> None:
        """The edge must not run: a card is copied when it is out of its box."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        shutil.copytree(self._field.data / "journal", self._data / "journal")

    async def live(self, seconds: float) -> None:
        """Run beside the first one for so long after central has taken it for the edge, and die."""
        original = self._field.data.parent / "edge.toml"
        text = (await asyncio.to_thread(original.read_text)).replace(
            str(self._field.data), str(self._data)
        )
        settings = self._folder / "edge.toml"
        text = _SERIAL.sub(rf'port = "{self._folder}/absent/\1"', text)
        await asyncio.to_thread(settings.write_text, text)
        clone = Process(
            "clone", ["edge", "run", "--config", str(settings)], self._folder / "edge.log"
        )
        before = await self._field.starts_known()

        async def took_over() -> bool:
            return await self._field.starts_known() > before

        await clone.start()
        try:
            await until(took_over, 60, "central does not hear the clone", self._field.demo.site)
            await asyncio.sleep(seconds)
        finally:
            await clone.kill()
        await asyncio.to_thread(self._field.witness.look, self._data / "journal", comes_back=False)
