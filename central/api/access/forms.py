"""Forms of pages, and that it is one of our own pages that sends them.

A page that somebody is logged in on sends its token along with every change: in the field
``csrf`` of a form, or as the header ``X-CSRF-Token``, which scripts read from the cookie
``tp_csrf``. Another site knows it not, though the browser sends our cookies along.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection

from central.access.sessions import csrf_of
from central.api.problems import Problem

__all__ = ["COOKIE", "HEADER", "comes_from_elsewhere", "read", "shows_token"]

COOKIE = "tp_session"
HEADER = "x-csrf-token"
_FROM = {b"sec-fetch-site", b"origin"}
"""Headers by which a browser says whose page made a request."""
_MOST_BYTES = 16_384
_MOST_FIELDS = 20


async def read(request: Request) -> dict[str, str]:
    """The fields of a form. Raises ``Problem`` where it is none, or another site's."""
    if comes_from_elsewhere(request):
        raise Problem(403, "this form was sent from another site")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Problem(415, "send it as application/x-www-form-urlencoded")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Problem(413, "that is too much for a form")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Problem(422, "the form cannot be read") from error
    fields = dict(pairs)
    secret = request.cookies.get(COOKIE)
    signed_in = request.scope.get("tallyport.session") is not None
    if signed_in and secret is not None and not shows_token(secret, fields.get("csrf", "")):
        raise Problem(403, "the page is too old: load it again")
    return fields


def shows_token(secret: str, shown: str) -> bool:
    """Whether this is what a page of the session sends along."""
    return hmac.compare_digest(csrf_of(secret).encode(), shown.encode())


def comes_from_elsewhere(request: HTTPConnection) -> bool:
    """Whether a browser says that a page of another site made this request."""
    if all(name not in _FROM for name, _ in request.scope["headers"]):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
