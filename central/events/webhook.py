"""An event to a URL, signed."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import httpx

from central.events import signing
from central.events.addresses import Network, reachable
from central.events.model import Letter, NotTaken, Secret
from gateway.clock import Clock

__all__ = ["Webhook"]

_LONGEST_WAIT_S = 3_600.0
_SHOWN = 200
"""Bytes of an answer that are read: enough to say why, and no more than that."""


class Webhook:
    """One URL. Redirects are not followed, and no proxy is asked: both would lead elsewhere than
    what was looked at. ``headers`` (in small letters) go with each request, and those that ``also``
    says of a letter.
    """

    def __init__(
        self,
        url: str,
        keys: Callable[[], Sequence[Secret]],
        *,
        clock: Clock,
        allowed: Sequence[Network] = (),
        timeout_s: float = 15.0,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        also: Callable[[Letter], Mapping[str, str]] | None = None,
    ) -> None:
        self._url = urlsplit(url)
        self._headers = headers or {}
        self._also = also
        self._keys = keys
        self._clock = clock
        self._allowed = allowed
        self._http = httpx.AsyncClient(
            follow_redirects=False,
            timeout=timeout_s,
            trust_env=False,
            verify=tls or ssl.create_default_context(),
            limits=httpx.Limits(max_connections=1),
        )

    async def send(self, letter: Letter) -> None:
        """Raises ``NotTaken`` for anything but an answer of 200 to 299."""
        now_us = self._clock.now_us()
        keys = signing.good(self._keys(), now_us)
        headers = {
            "host": self._url.netloc.rpartition("@")[2],
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "tallyport",
            **self._headers,
            **(self._also(letter) if self._also else {}),
            **signing.headers(keys, letter.id, now_us // 1_000_000, letter.body),
        }
        target, extensions = await self._looked_at()
        try:
            async with self._http.stream(
                "POST", target, content=letter.body, headers=headers, extensions=extensions
            ) as answer:
                if answer.is_success:
                    return
                raise await _refused(answer, self._clock)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotTaken(f"nobody answers: {error}", reached=False) from error
        except httpx.HTTPError as error:
            raise NotTaken(f"{type(error).__name__}: {error}") from error

    async def _looked_at(self) -> tuple[str, dict[str, object]]:
        """The URL by its address, and the name that its certificate must be of."""
        url = self._url
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        address, is_within = await reachable(host, port, self._allowed)
        if url.scheme != "https" and not is_within:
            raise NotTaken("events leave the house over https only")
        netloc = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        by_address = urlunsplit((url.scheme, netloc, url.path or "/", url.query, ""))
        return by_address, {"sni_hostname": host}

    async def close(self) -> None:
        """End the connection."""
        await self._http.aclose()


async def _refused(answer: httpx.Response, clock: Clock) -> NotTaken:
    said = b""
    with contextlib.suppress(httpx.HTTPError):
        async for piece in answer.aiter_raw(_SHOWN):
            said = piece
            break
    why = f"{answer.status_code} {answer.reason_phrase}"
    shown = said[:_SHOWN].decode("utf-8", "replace").replace("\x00", "")
    return NotTaken(
        f"{why}: {shown}" if shown else why,
        gone=answer.status_code == 410,
        status=answer.status_code,
        wait_s=_asked_to_wait(answer.headers.get("retry-after", ""), clock),
    )


def _asked_to_wait(said: str, clock: Clock) -> float:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3), bounded; 0 where it says nothing clear."""
    seconds = 0.0
    if said.isascii() and said.isdigit():
        seconds = float(said[:9])
    elif said:
        with contextlib.suppress(ValueError):
            seconds = parsedate_to_datetime(said).timestamp() - clock.now_us() / 1e6
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)
