"""The texts that parameters of an EPCIS query are, and what is refused about them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from central.api.bodies import Said
from central.api.problems import Problem

__all__ = ["Flag", "Words", "is_true", "query_flaw", "words"]

_MOST_ASKED = 100
Words = Annotated[Said, Field(max_length=8_000, description="Several with `|` between.")]
Flag = Annotated[Said, Field(max_length=20)]


def is_true(said: str | None) -> bool:
    """Whether a parameter that asks for what exists is there, and does not say ``false``."""
    return said is not None and said.lower() != "false"


def words(said: str | None) -> tuple[str, ...]:
    """Raises ``Problem`` 413 for more than are looked for at once."""
    found = tuple(one for one in (said or "").split("|") if one)
    if len(found) > _MOST_ASKED:
        raise Problem(
            413,
            f"a parameter names {_MOST_ASKED} values at most, and this one {len(found)}: ask for "
            "some of them at a time",
            kind="epcisException:QueryTooLargeException",
        )
    return found


def query_flaw(why: str) -> Problem:
    """The standard's QueryParameterException (EPCIS 2.0, 8.2.6)."""
    return Problem(400, why, kind="epcisException:QueryParameterException")
