"""What FastAPI read of endpoints' parameters, kept for the next application of this process.

Central has some 350 routes. FastAPI reads the parameters of each anew for every application that
is built, which was half of what a test of the API cost. Endpoints are closures over their
services: the next application's differ from the last one's in what they close over and in what
they depend on, which is read every time, and not in their other parameters, which are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FunctionType
from typing import Any

from fastapi import params, routing
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant

__all__ = ["forgotten", "keep"]

_Key = tuple[object, ...]
_NAMES = ("get_dependant", "analyze_param", "get_typed_return_annotation")
_OWN: dict[str, Callable[..., Any]] = {name: getattr(utils, name) for name in _NAMES}
_LISTS = (
    "path_params", "query_params", "header_params", "cookie_params", "body_params",
    "own_oauth_scopes", "parent_oauth_scopes",
)  # fmt: skip
_endpoints: dict[_Key, Dependant] = {}
"""Those without dependencies, as a whole."""
_parameters: dict[_Key, utils.ParamDetails] = {}
_returned: dict[_Key, Any] = {}
_reading: list[_Key | None] = []
"""Whose parameters are being read: an endpoint, what it depends on, and so on."""


def keep() -> None:
    """From now on, in this process."""
    _put({"get_dependant": _endpoint, "analyze_param": _parameter,
          "get_typed_return_annotation": _return})  # fmt: skip


@contextmanager
def forgotten() -> Iterator[None]:
    """Meanwhile FastAPI reads everything itself, as in production."""
    _put(_OWN)
    try:
        yield
    finally:
        keep()


def _put(readers: dict[str, Callable[..., Any]]) -> None:
    for name, reader in readers.items():
        for module in (utils, routing):
            if hasattr(module, name):
                setattr(module, name, reader)


def _key(call: Callable[..., Any], *more: object) -> _Key | None:
    """What is written at one place is the same every time, with the same values."""
    if not isinstance(call, FunctionType) or hasattr(call, "__wrapped__"):
        return None
    given = [*enumerate(call.__defaults__ or ()), *(call.__kwdefaults__ or {}).items()]
    plain = [repr(one) for one in given if not isinstance(one[1], params.Depends)]
    return call.__code__, tuple(plain), repr(call.__annotations__), *more


def _endpoint(*, path: str, call: Callable[..., Any], **told: Any) -> Dependant:
    key = _key(call, path, repr(told))
    if key in _endpoints:
        return _copied(_endpoints[key], call)
    _reading.append(key)
    try:
        made: Dependant = _OWN["get_dependant"](path=path, call=call, **told)
    finally:
        _reading.pop()
    if key is not None and not made.dependencies:
        _endpoints[key] = _copied(made, None)
    return made


def _copied(of: Dependant, call: Callable[..., Any] | None) -> Dependant:
    """Of its own lists, into which FastAPI puts more; the fields in them stay as they are."""
    lists = {name: [*one] for name in _LISTS if (one := getattr(of, name)) is not None}
    return replace(of, call=call, dependencies=[], **lists)


def _parameter(*, param_name: str, **told: Any) -> utils.ParamDetails:
    reading = _reading[-1] if _reading else None
    key = None if reading is None else (*reading, param_name)
    if key in _parameters:
        return _parameters[key]
    made: utils.ParamDetails = _OWN["analyze_param"](param_name=param_name, **told)
    if key is not None and made.depends is None:
        _parameters[key] = made
    return made


def _return(call: Callable[..., Any]) -> Any:
    key = _key(call)
    if key is None:
        return _OWN["get_typed_return_annotation"](call)
    if key not in _returned:
        _returned[key] = _OWN["get_typed_return_annotation"](call)
    return _returned[key]
