"""A name for the shape of what is kept: it changes whenever a field anywhere inside does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec


def layout_of(*kinds: type[msgspec.Struct]) -> str:
    """16 hexadecimal digits that depend on the fields of some structs, and of all inside them."""
    told = "\n".join(line for kind in kinds for line in _lines(kind, set()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _lines(kind: type[msgspec.Struct], met: set[type]) -> Iterator[str]:
    if kind in met:
        return
    met.add(kind)
    hints = get_type_hints(kind, include_extras=True)
    config = kind.__struct_config__
    yield f"{kind.__name__} {config.array_like} {config.tag}"
    for name in kind.__struct_fields__:
        yield f" {name}: {hints[name]}"
    for name in kind.__struct_fields__:
        for inner in _structs(hints[name]):
            yield from _lines(inner, met)


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401 (any annotation)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    elif isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        for inner in get_type_hints(hint).values():
            yield from _structs(inner)
    for inner in get_args(hint):
        yield from _structs(inner)
