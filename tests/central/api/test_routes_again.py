"""An application of kept parameters is the one that FastAPI reads by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from tests.central.harness import bench
from tests.fakes import routes_again


def read(of: Dependant) -> tuple[Any, ...]:
    """All that requests are answered by, but for whom they are handed to."""
    fields = (*of.path_params, *of.query_params, *of.header_params, *of.cookie_params,
              *of.body_params)  # fmt: skip
    return (
        [repr(one) for one in fields],
        [read(one) for one in of.dependencies],
        (of.name, of.path, of.use_cache, of.scope, of.own_oauth_scopes, of.parent_oauth_scopes),
        (of.request_param_name, of.response_param_name, of.websocket_param_name,
         of.http_connection_param_name, of.background_tasks_param_name,
         of.security_scopes_param_name),
    )  # fmt: skip


async def test_kept_and_read_anew_are_alike(tmp_path: Path) -> None:
    for name in ("anew", "first", "again"):
        (tmp_path / name).mkdir()
    with routes_again.forgotten():
        async with bench(tmp_path / "anew") as made:
            anew = made.app
    async with bench(tmp_path / "first"), bench(tmp_path / "again") as made:
        again = made.app
    pairs = list(zip(anew.routes, again.routes, strict=True))
    assert len(pairs) > 300
    for one, other in pairs:
        assert type(one) is type(other)
        if isinstance(one, APIRoute):
            assert isinstance(other, APIRoute)
            assert (one.path, one.methods) == (other.path, other.methods)
            assert read(one.dependant) == read(other.dependant), one.path
            assert other.dependant.call is other.endpoint
    assert anew.openapi() == again.openapi()
