"""Routes that are asked thousands of times a second.

FastAPI looks at how each parameter was declared anew at each request, which costs a look-up more
than its question to the database does. Of a route that declares nothing unusual that is looked at
once. What is asked of it and how is described by FastAPI all the same, and whatever does not fit
goes FastAPI's own way, which says what is wrong with it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from fastapi import Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from fastapi._compat import ModelField

__all__ = ["QuickRoute"]

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_Values = dict[str, Any]
_PLAIN = (str, int, float, bool, type(None))
_JSON = "application/json"


class QuickRoute(APIRoute):
    """``APIRouter(route_class=QuickRoute)``; its handlers answer with a ``Response``."""

    def get_route_handler(self) -> _Handler:
        """The quick way where there is one, before FastAPI's."""
        thorough = super().get_route_handler()
        plan = _planned(self.dependant, self.body_field)
        call = self.dependant.call
        answers = inspect.iscoroutinefunction(call) and self.response_model is None
        if plan is None or call is None or not answers:
            return thorough

        async def quick(request: Request) -> Response:
            values = await plan.read(request)
            if values is None:
                return await thorough(request)
            answer: Response = await call(**values)
            return answer

        return quick


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

    async def read(self, request: Request) -> _Values | None:
        """The values; ``None`` where FastAPI has to look at the request."""
        values: _Values = {}
        sound = _read(self.path, request.path_params, values)
        if sound and self.query:
            sound = _read(self.query, request.query_params, values)
        if sound and self.headers:
            sound = _read(self.headers, request.headers, values)
        if sound and self.body is not None:
            sound = await _read_body(self.body, request, values)
        if not sound:
            return None
        for name, (call, of) in self.asked.items():
            values[name] = await call(**{of: request})
        return values


def _read(fields: Sequence[_Field], said: Mapping[str, str], values: _Values) -> bool:
    for field in fields:
        value = said.get(field.alias)
        if value is not None:
            values[field.name], wrong = field.validate(value)
            if wrong:
                return False
        elif field.required:
            return False
        else:
            values[field.name] = field.default
    return True


async def _read_body(field: _Field, request: Request, values: _Values) -> bool:
    if request.headers.get("content-type") != _JSON:
        return False
    try:
        said = await request.json()
    except (ClientDisconnect, json.JSONDecodeError, UnicodeDecodeError):
        return False
    values[field.name], wrong = field.validate(said)
    return not wrong


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
