"""Types and fields of the schema that are described by their docstrings, typed for the checker."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc
from typing import Any, TypeVar, cast, dataclass_transform

import strawberry

__all__ = ["field", "shape"]

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass_transform(kw_only_default=True)
def shape(made: C) -> C:
    """A type of the schema."""
    return strawberry.type(made, description=getdoc(made))


def field(resolver: F) -> F:
    """A field of it that is asked for by a function."""
    return cast("F", strawberry.field(resolver, description=getdoc(resolver)))
