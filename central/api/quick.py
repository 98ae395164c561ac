"""Routes that are asked thousands of times a second.

FastAPI looks at how each parameter was declared anew at each request, and makes two stacks for
what is to be closed after it, which costs a look-up more than its question to the database does.
Of a route that declares nothing unusual that is looked at once. What is asked of it and how is
described by FastAPI all the same, and whatever does not fit goes FastAPI's own way, which says
what is wrong with it. What a handler raises is answered by the application's handlers of errors.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from fastapi import Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.api.signpost import is_traced

if TYPE_CHECKING:
    from fastapi._compat import ModelField

__all__ = ["QuickRoute"]

_Values = dict[str, Any]
_PLAIN = (str, int, float, bool, type(None))
_JSON = "application/json"
_decode = msgspec.json.Decoder().decode


class QuickRoute(APIRoute):
    """``APIRouter(route_class=QuickRoute)``; its handlers answer with a ``Response``."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        **said: Any,  # noqa: ANN401 (FastAPI's)
    ) -> None:
        super().__init__(path, endpoint, **said)
        plan = _planned(self.dependant, self.body_field)
        answers = inspect.iscoroutinefunction(endpoint) and self.response_model is None
        if plan is not None and answers and getattr(self, "max_body_size", None) is None:
            self.app = _Quick(plan, endpoint, self.app)


class _Quick:
    """The quick way, before ``thorough``, which is FastAPI's."""

    def __init__(
        self, plan: _Plan, call: Callable[..., Awaitable[Response]], thorough: ASGIApp
    ) -> None:
        self._plan = plan
        self._call = call
        self._thorough = thorough

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan, heard = self._plan, receive
        values = None if is_traced(scope) else plan.asked_of(scope)
        if values is not None and plan.body is not None:
            heard = body = _Heard(receive)
            values = await body.read_into(values, plan.body, scope)
        if values is None:
            await self._thorough(scope, heard, send)
            return
        for name, (call, of) in plan.asked.items():
            values[name] = await call(**{of: Request(scope, heard, send)})
        answer = await self._call(**values)
        await answer(scope, receive, send)


class _Field(NamedTuple):
    """A parameter: the function's ``name`` for it, and how it is called in the request."""

    name: str
    alias: str
    validate: Callable[..., tuple[Any, list[Any]]]
    required: bool
    default: object


class _Plan(NamedTuple):
    """All that a function is called with: fields by where they stand, and who is asked for more
    (each with the name under which it takes the request).
    """

    path: Sequence[_Field]
    query: Sequence[_Field]
    headers: Sequence[_Field]
    body: _Field | None
    asked: Mapping[str, tuple[Callable[..., Awaitable[Any]], str]]

    def asked_of(self, scope: Scope) -> _Values | None:
        """The values, but for the body's; ``None`` where FastAPI has to look at the request."""
        values: _Values = {}
        sound = not self.path or _read(self.path, scope["path_params"].get, values)
        if sound and self.query:
            sound = _read(self.query, _queried(scope["query_string"]), values)
        if sound and self.headers:
            sound = _read(self.headers, lambda name: _header(scope, _named(name)), values)
        return values if sound else None


class _Heard:
    """Takes a body in, and gives it again to who has to look at it too."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._again: list[Message] = []

    async def read_into(self, values: _Values, field: _Field, scope: Scope) -> _Values | None:
        """The values, with the body's; ``None`` as above."""
        if _header(scope, b"content-type") != _JSON:
            return None
        more = True
        while more:
            message = await self._receive()
            self._again.append(message)
            if message["type"] != "http.request":
                return None  # who asked went away
            more = message.get("more_body", False)
        said = [message.get("body", b"") for message in self._again]
        try:
            values[field.name], wrong = field.validate(_decode(b"".join(said)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return None if wrong else values

    async def __call__(self) -> Message:
        return self._again.pop(0) if self._again else await self._receive()


def _queried(said: bytes) -> Callable[[str], str | None]:
    """What stands behind a name in a query."""
    if b"%" in said or b"+" in said:
        return QueryParams(said).get
    pairs = (one.partition("=") for one in said.decode("latin-1").split("&") if one)
    return {name: value for name, _, value in pairs}.get


def _header(scope: Scope, name: bytes) -> str | None:
    """The first of a request's headers with a name, which is in small letters."""
    for each, value in scope["headers"]:
        if each == name:
            return str(value, "latin-1")
    return None


@lru_cache(maxsize=64)
def _named(header: str) -> bytes:
    return header.lower().encode("latin-1")


def _read(fields: Sequence[_Field], said: Callable[[str], Any], values: _Values) -> bool:
    for field in fields:
        value = said(field.alias)
        if value is not None:
            values[field.name], wrong = field.validate(value)
            if wrong:
                return False
        elif field.required:
            return False
        else:
            values[field.name] = field.default
    return True


class _Unusual(Exception):
    """Something is declared that is not understood here."""


def _planned(of: Dependant, body: ModelField | None) -> _Plan | None:
    """``None`` where a route is unusual."""
    if of.cookie_params or _takes_more(of):
        return None
    try:
        return _Plan(
            path=[_plain(one, params.Path) for one in of.path_params],
            query=[_plain(one, params.Query) for one in of.query_params],
            headers=[_plain(one, params.Header) for one in of.header_params],
            body=_whole(of.body_params, body),
            asked=dict(map(_asked, of.dependencies)),
        )
    except _Unusual:
        return None


def _whole(declared: Sequence[ModelField], body: ModelField | None) -> _Field | None:
    """The body, where it is of one model and not of parts."""
    if not declared:
        return None
    if len(declared) > 1 or declared[0] is not body:
        raise _Unusual
    found = _plain(body, params.Body)
    if not found.required:
        raise _Unusual
    return found


def _asked(of: Dependant) -> tuple[str, tuple[Callable[..., Awaitable[Any]], str]]:
    """Who takes the request and nothing else."""
    alone = not (of.dependencies or _fields_of(of) or _takes_more(of, request=True))
    if not (alone and of.name and of.request_param_name and inspect.iscoroutinefunction(of.call)):
        raise _Unusual
    return of.name, (of.call, of.request_param_name)


def _takes_more(of: Dependant, *, request: bool = False) -> bool:
    """Whether it is handed what is not made here."""
    return any(
        (
            of.websocket_param_name,
            of.http_connection_param_name,
            of.response_param_name,
            of.background_tasks_param_name,
            of.security_scopes_param_name,
            of.request_param_name and not request,
        )
    )


def _fields_of(of: Dependant) -> list[ModelField]:
    return [
        *of.path_params, *of.query_params, *of.header_params, *of.cookie_params, *of.body_params,
    ]  # fmt: skip


def _plain(field: ModelField, kind: type) -> _Field:
    """A field of one value, by one name; a body's is of a model."""
    info: Any = field.field_info
    fits = _is_model if kind is params.Body else _is_single
    renamed = kind is params.Header and info.alias is None  # it is written otherwise there
    as_declared = type(info) is kind
    plain = fits(info.annotation) and not info.validate_default
    if not (as_declared and plain) or renamed or info.validation_alias not in {None, info.alias}:
        raise _Unusual
    required = info.is_required()
    default = None if required else field.get_default()
    if not isinstance(default, _PLAIN):
        raise _Unusual
    return _Field(field.name, field.alias, field.validate, required, default)


def _is_model(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


def _is_single(kind: Any) -> bool:  # noqa: ANN401 (whatever stands in an annotation)
    origin = get_origin(kind)
    if origin is Literal:
        return True
    if origin in {Union, UnionType}:
        return all(map(_is_single, get_args(kind)))
    if origin is Annotated:
        return _is_single(get_args(kind)[0])
    if not inspect.isclass(kind):
        return False
    return issubclass(kind, str) or not issubclass(kind, (Collection, BaseModel))
