"""Who may use the page: with a pin, whoever gave it; without one, whoever sits at this machine.

A cookie says that the pin was given: until when, signed with a key of this edge and the pin, so
that another pin ends all sessions. Guessing is slowed: after a few wrong pins each costs a wait,
for everybody, which an attacker cannot get around by changing addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from edge.config import PageSection, is_loopback
from gateway import files
from gateway.clock import Clock, SystemClock

__all__ = ["COOKIE", "LASTS_S", "Entry", "own_key"]

COOKIE = "tallyport_edge"
LASTS_S = 12 * 3_600
_FREE_TRIES = 5
_LONGEST_WAIT_S = 60.0


class Entry:
    """Decides about each request. ``wrong`` counts wrong pins since the last right one."""

    def __init__(
        self, settings: PageSection, key: bytes, *, edge: str, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._edge = edge
        self._clock = clock or SystemClock()
        pin = (settings.pin or "").encode()
        self._key = hmac.digest(key, b"session " + edge.encode() + b" " + pin, "sha256")
        self.wrong = 0
        self._again_s = 0.0

    @property
    def needs_pin(self) -> bool:
        """Whether there is a pin at all."""
        return self._settings.pin is not None

    def wait_s(self) -> float:
        """How long nobody may try a pin now."""
        return max(0.0, self._again_s - self._clock.steady_s())

    def open(self, pin: str) -> str | None:
        """The cookie's value for the right pin; ``None`` for a wrong one, or too early."""
        if self.wait_s() > 0 or self._settings.pin is None:
            return None
        if not hmac.compare_digest(pin.encode(), self._settings.pin.encode()):
            self.wrong += 1
            if self.wrong >= _FREE_TRIES:
                wait_s = min(_LONGEST_WAIT_S, 2.0 ** (self.wrong - _FREE_TRIES + 1))
                self._again_s = self._clock.steady_s() + wait_s
            return None
        self.wrong = 0
        until = str(self._clock.now_us() // 1_000_000 + LASTS_S)
        return f"{until}.{self._signature(until)}"

    def admits(self, request: HTTPConnection) -> bool:
        """Whether this request may see and do what the page can."""
        if not self.needs_pin:
            return self.is_of_this_machine(request)
        until, _, signature = request.cookies.get(COOKIE, "").partition(".")
        if not (until.isdigit() and len(until) < 12):
            return False
        known = hmac.compare_digest(signature, self._signature(until))
        return known and int(until) > self._clock.now_us() // 1_000_000

    @staticmethod
    def is_of_this_machine(request: HTTPConnection) -> bool:
        """Whether a program on this machine asks, under a name of this machine: another name is a
        web page elsewhere whose own name was made to point here (DNS rebinding).
        """
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        peer = request.client.host if request.client else ""
        return is_loopback(host) and is_loopback(peer)

    @staticmethod
    def comes_from_elsewhere(request: HTTPConnection) -> bool:
        """Whether a browser says that another site's page made this request."""
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            return True
        origin = request.headers.get("origin")
        return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")

    def _signature(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()


def own_key(data_dir: Path) -> bytes:
    """The key of this edge's cookies: made once, readable for the agent alone."""
    path = data_dir / "page.key"
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (FileNotFoundError, ValueError):
        key = b""
    if len(key) != 32:
        key = secrets.token_bytes(32)
        files.replace(path, key.hex().encode(), 0o600)
    return key
