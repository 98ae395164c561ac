"""A real influxd 1.6 in a temporary folder, with v2's write address in front of it.

Debian's influxd has no ``/api/v2/write``; the shim renames the parameters and hands the
bytes through untouched, so that InfluxDB's own strict parser judges our lines.
"""

from __future__ import annotations

import http.client
import http.server
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


def influxd_path() -> str | None:
    return shutil.which("influxd")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def request(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_for_http(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server that we started answers; its death is an error at once."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            if request(port, "GET", path)[0] < 500:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer within 60 s")


class _Shim(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: int

    def do_POST(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        assert address.path == "/api/v2/write", self.path
        asked = dict(urllib.parse.parse_qsl(address.query))
        database, _, policy = asked["bucket"].partition("/")
        precision = {"ns": "n", "us": "u"}.get(asked["precision"], asked["precision"])
        query = {"db": database, "precision": precision} | ({"rp": policy} if policy else {})
        self._through("POST", "/write?" + urllib.parse.urlencode(query))

    def do_GET(self) -> None:
        self._through("GET", self.path)

    def _through(self, method: str, path: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        encoding = self.headers.get("content-encoding")
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)
        headers = {"content-encoding": encoding} if encoding else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@contextmanager
def running_influxd(folder: Path, database: str) -> Iterator[str]:
    """The URL of a server with one database, stopped at the end."""
    binary = influxd_path()
    assert binary is not None
    port = free_port()
    config = folder / "influxdb.conf"
    config.write_text(_CONFIG.format(folder=folder, http=port, rpc=free_port()))
    process = subprocess.Popen(
        [binary, "-config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    shim = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Shim", (_Shim,), {"behind": port})
    )
    serving = threading.Thread(target=shim.serve_forever, daemon=True)
    try:
        wait_for_http(port, "/ping", process)
        create = urllib.parse.urlencode({"q": f'CREATE DATABASE "{database}"'})
        assert request(port, "POST", f"/query?{create}")[0] == 200
        serving.start()
        yield f"http://127.0.0.1:{shim.server_port}"
    finally:
        if serving.ident is not None:
            shim.shutdown()
            serving.join()
        shim.server_close()
        process.terminate()
        process.wait(30)
