"""Pages of listings: how many rows an answer has, and what asks for the following ones."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query, Response

from central.api.problems import Problem
from central.api.services import json_answer

T = TypeVar("T")
K = TypeVar("K")

_MOST = 2**62
Limit = Annotated[int, Query(ge=1, le=500)]
Number = Annotated[int | None, Query(ge=0, le=_MOST, description="`next` of the last answer.")]
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]


class Cursor(Generic[K]):
    """The key of a listing's last row (a tuple of texts and ``Count``) as one word of a URL."""

    def __init__(self, key: type[K]) -> None:
        self._decoder = msgspec.json.Decoder(key)

    def read(self, after: str | None) -> K | None:
        """The key behind which the page begins. Raises ``Problem`` 422 for another's word."""
        if after is None:
            return None
        try:
            return self._decoder.decode(base64.urlsafe_b64decode(after))
        except (binascii.Error, msgspec.DecodeError, ValueError) as error:
            raise Problem(
                422, "`after` is not what `next` of an answer said: begin again"
            ) from error

    @staticmethod
    def told(key: K) -> str:
        """What ``read`` reads."""
        return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def following(found: Sequence[T], limit: int, key: Callable[[T], K]) -> K | None:
    """What asks for the page behind ``found``: the key of its last row; ``None`` at the end."""
    return key(found[-1]) if len(found) == limit else None


def page(rows: Sequence[object], after: object = None) -> Response:
    """A page of a listing: ``next`` goes into ``after`` to ask for the following one."""
    return json_answer({"rows": rows, "next": after})
