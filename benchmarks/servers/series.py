"""A server that takes InfluxDB's v2 writes and remembers what it was told; it can be away, or hang.

It keeps the last value of each field at each time, so that what is sent twice counts once.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HANGS_AT_MOST_S = 60.0


class SeriesServer:
    """On a free port of the loopback. ``writes`` counts what was answered well, ``hung`` what was
    kept waiting.
    """

    def __init__(self) -> None:
        self.writes = self.hung = 0
        self._values: dict[tuple[str, int], float] = {}
        self._lock = threading.Lock()
        self._well = threading.Event()
        self._well.set()
        self._keeps = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._serving: threading.Thread | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it takes writes."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, or listen again on the same port."""
        handler = type("Handler", (_Handler,), {"of": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        self._serving = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._serving.start()

    def stop(self) -> None:
        """Refuse connections from now on; may be repeated."""
        self.answer()
        server, self._server = self._server, None
        if server is not None and self._serving is not None:
            server.shutdown()
            server.server_close()
            self._serving.join()

    def hang(self) -> None:
        """Take connections and what comes on them, and answer nothing."""
        self._keeps.clear()
        self._well.clear()

    def keeps_someone(self, patience_s: float) -> bool:
        """Wait until someone calls in vain."""
        return self._keeps.wait(patience_s)

    def answer(self) -> None:
        """Answer again."""
        self._well.set()

    def newest(self, measurement: str, field: str) -> dict[str, float]:
        """The newest value of a field, by the tags as they were written: ``tag=value,...``."""
        newest: dict[str, tuple[int, float]] = {}
        with self._lock:
            for (key, at), value in self._values.items():
                name, _, of = key.rpartition(" ")
                kind, _, tags = name.partition(",")
                if (kind, of) == (measurement, field) and at >= newest.get(tags, (0, 0.0))[0]:
                    newest[tags] = (at, value)
        return {tags: value for tags, (_, value) in newest.items()}

    def take(self, body: bytes) -> bool:
        """One write; false when it was kept waiting until whoever sent it had gone."""
        if not self._well.is_set():
            self.hung += 1
            self._keeps.set()
            if not self._well.wait(_HANGS_AT_MOST_S):
                return False
        with self._lock:
            self._values.update(_fields(body.decode()))
            self.writes += 1
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: SeriesServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        taken = self.of.take(body)
        with suppress(ConnectionError):  # who was kept waiting has hung up
            if taken:
                self.send_response(204)
                self.send_header("content-length", "0")
                self.end_headers()
                self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


def _fields(text: str) -> Iterator[tuple[tuple[str, int], float]]:
    """Line protocol as central writes it: its names have no spaces."""
    for line in text.splitlines():
        series, fields, at = line.split(" ")
        for field in fields.split(","):
            name, _, value = field.partition("=")
            yield (f"{series} {name}", int(at)), float(value)
