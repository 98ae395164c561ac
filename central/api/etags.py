"""Changing only what one has seen: entity tags (RFC 9110, 8.8.3) and ``If-Match`` (13.1.1)."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from fastapi import Header, Response

from central.api.problems import Problem
from central.api.services import json_answer

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1_000,
        description="The `ETag` of what you have seen, or `*` for whatever is there.",
    ),
]
_encode = msgspec.json.Encoder(order="deterministic").encode


def etag(shown: object) -> str:
    """A strong entity tag: another one as soon as anything of what is shown is another."""
    return f'"{hashlib.sha256(_encode(shown)).hexdigest()[:32]}"'


def tagged(shown: object, status: int = 200) -> Response:
    """What is shown, with its tag."""
    answer = json_answer(shown, status)
    answer.headers["ETag"] = etag(shown)
    return answer


def check(if_match: str | None, shown: object, *, needed: bool = True) -> None:
    """Raises ``Problem`` 412 where somebody else changed what is shown since it was seen, and 428
    where nobody says what he has seen though it is ``needed``.
    """
    if if_match is None:
        if needed:
            raise Problem(428, "send the ETag that you have seen as If-Match, so that nobody's "
                               "change is overwritten unseen")  # fmt: skip
        return
    seen = [one.strip() for one in if_match.split(",")]
    if "*" not in seen and etag(shown) not in seen:
        raise Problem(412, "somebody changed it since you have seen it: read it again, and "
                           "change that")  # fmt: skip
