"""The pages of signing in: log in, log out, set up, set a password, my account."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from central.access import sessions
from central.access.errors import AccessError, NotYours
from central.access.model import PUBLIC, SIGNED_IN
from central.access.passwords import LEAST
from central.access.sessions import csrf_of
from central.api.access import forms
from central.api.access.door import SESSION, address_of
from central.api.access.entrance import Entrance
from central.api.access.forms import COOKIE
from central.api.access.gate import actor_of
from central.api.access.own import person
from central.api.permits import needs
from central.api.services import Services
from central.web.pages import Pages

__all__ = ["CSRF_COOKIE", "Signing", "within_site"]

CSRF_COOKIE = "tp_csrf"


class Signing:
    """The routes, over the parts they are handed."""

    def __init__(self, services: Services, entrance: Entrance, pages: Pages) -> None:
        self._services = services
        self._entrance = entrance
        self._pages = pages

    def router(self) -> APIRouter:
        """None of them belongs to the API's description."""
        made = APIRouter(include_in_schema=False)
        shown, form = needs(PUBLIC, "none"), needs(PUBLIC, "none", form=True)
        mine, my_form = needs(SIGNED_IN, "none"), needs(SIGNED_IN, "none", form=True)
        made.add_api_route("/login", self.login_page, openapi_extra=shown)
        made.add_api_route("/login", self.log_in, methods=["POST"], openapi_extra=form)
        made.add_api_route("/logout", self.log_out, methods=["POST"], openapi_extra=my_form)
        made.add_api_route("/setup", self.setup_page, openapi_extra=shown)
        made.add_api_route("/setup", self.set_up, methods=["POST"], openapi_extra=form)
        made.add_api_route("/password", self.password_page, openapi_extra=shown)
        made.add_api_route("/password", self.set_password, methods=["POST"], openapi_extra=form)
        made.add_api_route("/account", self.account, openapi_extra=mine)
        made.add_api_route(
            "/account/password", self.change_password, methods=["POST"], openapi_extra=my_form
        )
        made.add_api_route(
            "/account/sessions", self.end_session, methods=["POST"], openapi_extra=my_form
        )
        return made

    # ---- in and out -----------------------------------------------------------------------
    async def login_page(self, next: str = "/") -> Response:  # noqa: A002 (the page's word)
        """Name and password."""
        return self._login(within_site(next))

    def _login(self, back: str, name: str = "", wrong: str = "", status: int = 200) -> Response:
        facts = {"back": back, "name": name, "wrong": wrong, "provider": self._entrance.label}
        return self._pages.page("access/login.html", facts, status)

    async def log_in(self, request: Request) -> Response:
        """Sets the cookies of a session."""
        fields = await forms.read(request)
        name, back = fields.get("name", ""), within_site(fields.get("next", "/"))
        agent = request.headers.get("user-agent", "")
        try:
            secret = await self._entrance.signing_in.log_in(
                name, fields.get("password", ""), address=address_of(request), agent=agent
            )
        except AccessError as error:
            told = self._login(back, name, str(error), error.status)
            told.headers.update(error.headers)
            return told
        return self.let_in(request, secret, back)

    def let_in(self, request: Request, secret: str, back: str) -> Response:
        """To where somebody wanted to go, with a new session's cookies."""
        answer = RedirectResponse(back, 303, {"cache-control": "no-store"})
        secure = request.url.scheme == "https"
        lasts_s = self._entrance.keeper.lifetimes.session_us // 1_000_000
        for cookie, value in ((COOKIE, secret), (CSRF_COOKIE, csrf_of(secret))):
            answer.set_cookie(
                cookie, value, max_age=lasts_s, secure=secure, samesite="lax",
                httponly=cookie == COOKIE,
            )  # fmt: skip
        return answer

    async def log_out(self, request: Request) -> Response:
        """Ends this session."""
        await forms.read(request)
        session = request.scope.get(SESSION)
        if session is not None:
            keeper = self._entrance.keeper
            told = keeper.told(session.account)
            await keeper.change(lambda c: sessions.end(c, session.account, session.id, told))
        answer = RedirectResponse("/login", 303)
        for cookie in (COOKIE, CSRF_COOKIE):
            answer.delete_cookie(cookie)
        return answer

    # ---- the first, and passwords -----------------------------------------------------------
    async def setup_page(self) -> Response:
        """For the token that central printed at its first start."""
        return self._pages.page("access/setup.html", {"wrong": "", "least": LEAST})

    async def set_up(self, request: Request) -> Response:
        """Makes the first administrator."""
        fields = await forms.read(request)
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        try:
            self._entrance.keeper.count_stranger(address_of(request))
            await self._entrance.signing_in.set_up(fields.get("token", "").strip(), name, password)
        except AccessError as error:
            facts = {"wrong": str(error), "least": LEAST}
            return self._pages.page("access/setup.html", facts, error.status)
        return RedirectResponse("/login", 303)

    async def password_page(self, name: str = "", token: str = "") -> Response:
        """For a link that is good once."""
        facts = {"name": name, "token": token, "wrong": "", "least": LEAST}
        return self._pages.page("access/password.html", facts)

    async def set_password(self, request: Request) -> Response:
        """By such a link."""
        fields = await forms.read(request)
        name, token = fields.get("name", ""), fields.get("token", "")
        try:
            self._entrance.keeper.count_stranger(address_of(request))
            await self._entrance.signing_in.set_password(
                name, fields.get("password", ""), link=token
            )
        except AccessError as error:
            facts = {"name": name, "token": token, "wrong": str(error), "least": LEAST}
            return self._pages.page("access/password.html", facts, error.status)
        return RedirectResponse("/login", 303)

    # ---- mine -----------------------------------------------------------------------------
    async def account(self, request: Request) -> Response:
        """Who I am here, and where I am logged in."""
        return await self._account(request)

    async def _account(self, request: Request, wrong: str = "", status: int = 200) -> Response:
        actor = actor_of(request)
        kind, _, name = actor.subject.partition(":")
        mine = []
        if kind == "user":
            mine = await self._services.read(lambda c: sessions.listed(c, name))
        facts = {
            "actor": actor,
            "sessions": mine,
            "here": request.scope.get(SESSION),
            "csrf": csrf_of(request.cookies.get(COOKIE, "")),
            "wrong": wrong,
            "least": LEAST,
        }
        return self._pages.page("access/account.html", facts, status)

    async def change_password(self, request: Request) -> Response:
        """By who knows the one of before. All sessions end, this one too."""
        fields = await forms.read(request)
        name = person(actor_of(request))
        try:
            await self._entrance.signing_in.set_password(
                name, fields.get("password", ""), before=fields.get("before", "")
            )
        except AccessError as error:
            status = 422 if isinstance(error, NotYours) else error.status
            return await self._account(request, str(error), status)
        return RedirectResponse("/login", 303)

    async def end_session(self, request: Request) -> Response:
        """Another browser is logged out."""
        fields = await forms.read(request)
        name, keeper = person(actor_of(request)), self._entrance.keeper
        wanted, told = fields.get("session", ""), keeper.told(name)
        await keeper.change(lambda c: sessions.end(c, name, wanted, told))
        return RedirectResponse("/account", 303)


def within_site(address: str) -> str:
    """An address of this site to go on to; the first page for any other."""
    parts = urlsplit(address)
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and not parts.netloc and "\\" not in address else "/"
