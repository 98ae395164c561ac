"""Many HTTP clients over kept-alive connections, as cheap as they can be in Python: what is
measured is the server.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

_LENGTH = b"content-length:"


class Request(NamedTuple):
    """What one client asks next."""

    method: str
    path: str
    body: bytes = b""
    headers: str = ""

    def wire(self) -> bytes:
        """Its bytes."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{self.headers}"
        if self.body:
            head += f"content-type: application/json\r\ncontent-length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


class Outcome(NamedTuple):
    """Latencies of all answers in seconds, sorted; how often each status came; the time it took."""

    latencies_s: list[float]
    statuses: Counter[int]
    took_s: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies_s) / self.took_s

    def at(self, share: float) -> float:
        """The latency that this share of the answers did not exceed, in milliseconds."""
        return 1e3 * self.latencies_s[int(share * (len(self.latencies_s) - 1))]


Ask = Callable[[int], Request]


async def hammer(
    port: int, ask: Ask, *, clients: int, seconds: float, every_s: float = 0.0
) -> Outcome:
    """``clients`` connections that ask at once after every answer, or ``every_s`` each."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    began = time.perf_counter()
    until = began + seconds

    async def client(number: int) -> None:
        reader, writer = links[number]
        due = began + every_s * number / clients
        while (now := time.perf_counter()) < until:
            if due > now:
                await asyncio.sleep(due - now)
            sent = time.perf_counter()
            writer.write(ask(number).wire())
            statuses[await _answer(reader)] += 1
            latencies.append(time.perf_counter() - sent)
            due = max(due + every_s, sent)

    await asyncio.gather(*(client(number) for number in range(clients)))
    took_s = time.perf_counter() - began
    for _, writer in links:
        writer.close()
    return Outcome(sorted(latencies), statuses, took_s)


async def _answer(reader: asyncio.StreamReader) -> int:
    """Reads one answer to its end; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.index(_LENGTH) + len(_LENGTH)
    await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
    return int(head[9:12])
