"""Many live screens in a process of their own: server-sent events, or a page fetched anew.

``python -m benchmarks.screens.crowd`` takes one JSON object on its command line and prints one
when it is told to end (a line on stdin). Times are of the monotonic clock, which all processes of
a Linux machine share.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from typing import Any

_HEAD = "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: {accept}\r\n\r\n"
_SMALL = 4_096
_CHUNK = 65_536


class Watcher:
    """One live screen. ``seen`` are the ledger's places that it was brought to, and when."""

    def __init__(self, port: int, *, deaf: bool) -> None:
        self._port = port
        self._deaf = deaf
        self._begun = b""
        self._hears = asyncio.Event()
        self.bytes = 0
        self.seen: list[tuple[int, float]] = []

    async def run(self) -> None:
        """Watch until cancelled; a deaf one reads nothing before it is told to hear."""
        made = socket.socket()
        made.setblocking(False)
        if self._deaf:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(made, ("127.0.0.1", self._port))
            await loop.sock_sendall(made, _asked("/live", "text/event-stream"))
            if self._deaf:
                await self._hears.wait()
            while chunk := await loop.sock_recv(made, _CHUNK):
                self._take(chunk)
        finally:
            made.close()

    def hear(self) -> None:
        """Read from now on."""
        self._hears.set()

    def _take(self, chunk: bytes) -> None:
        now_s = time.monotonic()
        self.bytes += len(chunk)
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.seen.append((int(line[4:]), now_s))


class Poller:
    """One page that is fetched anew every second. ``seen`` are when it asked and had it."""

    def __init__(self, port: int, path: str, every_s: float, first_s: float) -> None:
        self._port, self._path = port, path
        self._every_s, self._first_s = every_s, first_s
        self.bytes = 0
        self.seen: list[tuple[float, float]] = []

    async def run(self) -> None:
        """Fetch until cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        due = time.monotonic() + self._first_s
        try:
            while True:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                asked = time.monotonic()
                writer.write(_asked(self._path, "text/html"))
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.partition(b":")[2])
                    for line in head.lower().splitlines()
                    if line.startswith(b"content-length:")
                )
                self.bytes += len(head) + len(await reader.readexactly(length))
                self.seen.append((asked, time.monotonic()))
                due = max(due + self._every_s, asked)
        finally:
            writer.close()


def _asked(path: str, accept: str) -> bytes:
    return _HEAD.format(path=path, accept=accept).encode()


async def _told(asked: dict[str, Any]) -> dict[str, Any]:
    port, clients = asked["port"], asked["clients"]
    ends = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(ends), sys.stdin
    )
    crowd: list[Watcher | Poller] = []
    if asked["how"] == "poll":
        crowd += [Poller(port, asked["path"], 1.0, one / clients) for one in range(clients)]
    else:
        crowd += [Watcher(port, deaf=False) for _ in range(clients)]
        crowd += [Watcher(port, deaf=True) for _ in range(asked["deaf"])]
    tasks = [asyncio.create_task(one.run()) for one in crowd]
    heard_again = 0.0
    while line := (await ends.readline()).strip():
        if line == b"hear":
            heard_again = time.monotonic()
            for one in crowd:
                if isinstance(one, Watcher):
                    one.hear()
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [repr(one) for one in ended if not isinstance(one, asyncio.CancelledError)]
    return {
        "failed": failed,
        "heard_again_s": heard_again,
        "clients": [
            {"seen": one.seen, "bytes": one.bytes, "messages": len(one.seen)} for one in crowd
        ],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_told(json.loads(sys.argv[1])))))
