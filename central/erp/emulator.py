"""An ERP to try connections with: it sends orders, takes receipts, and misbehaves at a word."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec

from central.events import signing
from central.events.model import Secret

__all__ = ["Answer", "EmulatedErp"]

_MOST_BYTES = 8 << 20


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a receipt is answered: with a status, after a while; ``lost``: it is taken, and the
    connection ends without an answer.
    """

    status: int = 200
    headers: dict[str, str] = {}
    delay_s: float = 0.0
    lost: bool = False


class _Behaviour(msgspec.Struct, forbid_unknown_fields=True):
    answers: list[Answer]


class EmulatedErp:
    """Listens on the loopback, and sends to ``central`` (a URL). ``taken`` are receipts by their
    ids, each once; ``asked`` is how often somebody tried, ``unsigned`` without a good signature.
    """

    def __init__(self, secret: str, central: str, *, port: int = 0) -> None:
        self._keys = (Secret(key=secret),)
        self.central = central
        self._lock = threading.Lock()
        self._rest = threading.Event()
        self.answers: list[Answer] = []
        self.taken: dict[str, Any] = {}
        self.asked = 0
        self.unsigned = 0
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", port), type("Asking", (_Asking,), {"erp": self})
        )
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Until ``close`` from another thread, or an interrupt."""
        try:
            self._server.serve_forever(poll_interval=0.05)
        finally:
            self._server.server_close()

    def close(self) -> None:
        """Answer nobody any more."""
        self._rest.set()
        self._server.shutdown()

    def send(self, body: bytes, message_id: str | None = None) -> tuple[int, str]:
        """A message to central, signed; its answer. Raises ``httpx.HTTPError``."""
        key = message_id or f"msg_{secrets.token_hex(12)}"
        headers = signing.headers(self._keys, key, int(time.time()), body)
        answer = httpx.post(self.central, content=body, headers=headers, trust_env=False)
        return answer.status_code, answer.text

    def take(self, headers: dict[str, str], body: bytes) -> Answer:
        """A receipt came; what it is answered."""
        with self._lock:
            self.asked += 1
            try:
                message_id = signing.verified(self._keys, headers, body, int(time.time()))
            except ValueError:
                self.unsigned += 1
                return Answer(status=401)
            answer = self.answers.pop(0) if self.answers else Answer()
            if answer.lost or answer.delay_s or 200 <= answer.status < 300:
                self.taken.setdefault(message_id, _content(body))
        if answer.delay_s:
            self._rest.wait(answer.delay_s)
        return answer

    def behave(self, said: bytes) -> None:
        """Answer so, one after the other, then well again. Raises ``msgspec.DecodeError``."""
        found = msgspec.json.decode(said, type=_Behaviour)
        with self._lock:
            self.answers = found.answers

    def report(self) -> dict[str, Any]:
        """What it has."""
        with self._lock:
            return {"taken": self.taken, "asked": self.asked, "unsigned": self.unsigned}


def _content(body: bytes) -> object:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(body)
    return body.decode("utf-8", "replace")


class _Asking(BaseHTTPRequestHandler):
    """One connection to it."""

    protocol_version = "HTTP/1.1"
    erp: EmulatedErp

    def do_GET(self) -> None:
        """What was taken."""
        if self.path == "/taken":
            self._say(Answer(), msgspec.json.encode(self.erp.report()))
        else:
            self._say(Answer(status=404))

    def do_POST(self) -> None:
        """A receipt, or a word of whoever tries it."""
        length = int(self.headers.get("content-length") or 0)
        if length > _MOST_BYTES:
            self.close_connection = True
            self._say(Answer(status=413))
            return
        body = self.rfile.read(length)
        if self.path == "/behave":
            self._behave(body)
        elif self.path == "/send":
            self._send(body)
        else:
            self._take(body)

    def _take(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.erp.take(headers, body)
        if answer.lost:
            self.close_connection = True
            return
        self._say(answer)

    def _behave(self, body: bytes) -> None:
        try:
            self.erp.behave(body)
        except msgspec.DecodeError as error:
            self._say(Answer(status=422), str(error).encode())
            return
        self._say(Answer(status=204))

    def _send(self, body: bytes) -> None:
        try:
            status, said = self.erp.send(body)
        except httpx.HTTPError as error:
            status, said = 502, str(error)
        self._say(Answer(status=status), said.encode())

    def _say(self, answer: Answer, body: bytes = b"") -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: what it has is asked for."""
