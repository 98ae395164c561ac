"""A central with the floor's warehouse, as a process: ``FOLDER PORT``. It dies by SIGKILL after it
has committed a receipt and before it answers, once, where the file ``die`` lies in the folder.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.central.harness import bench
from tests.central.scan.floor import furnish
from tests.fakes.books import sqlite_books


class Dying:
    """Passes everything on, but for one answer."""

    def __init__(self, app: ASGIApp, fuse: Path) -> None:
        self._app = app
        self._fuse = fuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def unless_doomed(message: Message) -> None:
            if self._fuse.exists() and str(scope.get("path", "")).endswith("/receipts"):
                self._fuse.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            await send(message)

        await self._app(scope, receive, unless_doomed)


async def main(folder: Path, port: int) -> None:
    there = (folder / "central.sqlite").exists()
    url = f"sqlite:///{folder / 'central.sqlite'}" if there else None
    async with bench(folder, url or sqlite_books(folder / "central.sqlite")) as made:
        if not there:
            await furnish(made)
        app = Dying(made.app, folder / "die")
        config = uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
