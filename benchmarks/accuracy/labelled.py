"""What people said in reviews, as rows to fit on: what ``tallyport central labels`` writes.

A label is of one tag with what judging saw of it and what really happened, so it teaches the first
stage (each tag by itself); groups are not in it. Labels are of what was doubted: they weigh as one
emulated tag each, beside recordings, and are no sample of all tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from central.reconcile.portal.features import SHAPE, WAY

__all__ = ["NoLabels", "Row", "read_labels", "rows_of"]

_WAYS: dict[str, int] = {"in": 1, "out": -1, "none": 0}


class NoLabels(ValueError):
    """A file that is none of labels; the message names it and what is wrong."""


class _Head(msgspec.Struct, frozen=True):
    tallyport_labels: Annotated[int, msgspec.Meta(ge=1, le=1)]
    app: str = ""


class _Line(msgspec.Struct, frozen=True):
    """A label; what other kinds say besides is not looked at."""

    review: str
    kind: Literal["tag", "plate", "review"]
    truth: str
    features: dict[str, Any] = {}


class Row(NamedTuple):
    """One tag: what judging saw of it, ``truth`` 1 for in, -1 for out and 0 for neither."""

    review: str
    shape: tuple[float, ...]
    way: tuple[float, ...]
    truth: int


def read_labels(file: Path) -> list[Row]:
    """The tags in a file of labels. Raises ``NoLabels`` and OSError."""
    lines = file.read_bytes().splitlines()
    if not lines:
        raise NoLabels(f"{file} is empty: a file of labels begins with a line that says so")
    try:
        msgspec.json.decode(lines[0], type=_Head)
        found = list(rows_of(_decoded(lines[1:])))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise NoLabels(f"{file} is no file of labels: {error}") from error
    if not found:
        raise NoLabels(
            f"{file} holds no tag with what judging sees of tags today (by name): labels of older "
            "weights' features, of plates and of dismissed reviews teach it nothing"
        )
    return found


def rows_of(labels: Iterable[_Line]) -> Iterator[Row]:
    """The labels that say all that judging sees of a tag today."""
    for one in labels:
        seen = one.features.get("features", {})
        shape, way = _named(seen, SHAPE), _named(seen, [f"way_{name}" for name in WAY])
        if one.kind == "tag" and one.truth in _WAYS and shape and way:
            yield Row(one.review, shape, way, _WAYS[one.truth])


def _decoded(lines: Sequence[bytes]) -> Iterator[_Line]:
    return (msgspec.json.decode(line, type=_Line) for line in lines if line.strip())


def _named(seen: object, names: Sequence[str]) -> tuple[float, ...]:
    """The features by name; none where any is missing."""
    if not isinstance(seen, dict):
        return ()
    found = [seen.get(name) for name in names]
    numbers = [float(one) for one in found if isinstance(one, int | float)]
    return tuple(numbers) if len(numbers) == len(names) else ()
