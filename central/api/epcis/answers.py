"""How the routes of EPCIS answer: documents of events in pages, and the standard's exceptions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Response

from central.api.pages import Count, Cursor
from central.api.problems import Problem
from central.api.services import Services, json_answer, now_us
from central.catalogue.errors import AlreadyExists, NotFound
from central.database.moments import from_us
from central.epcis import query
from central.epcis.from_ledger import moment
from central.epcis.model import CONTEXT, SIMPLE, Wanted, document
from central.epcis.names import Names
from central.epcis.query import Place, TooMuch

__all__ = [
    "HEADERS",
    "JSON_LD",
    "collection",
    "events_of",
    "next_page",
    "refusal",
    "refused_as_said",
]

JSON_LD = "application/ld+json"
HEADERS = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0"}
_CURSOR = Cursor(tuple[Count, Count, Count])


def refusal(status: int, kind: str, why: object) -> Problem:
    """One of the standard's exceptions (EPCIS 2.0, 8.2.6), by its name."""
    return Problem(status, str(why), kind=f"epcisException:{kind}")


@contextlib.contextmanager
def refused_as_said() -> Iterator[None]:
    """What is refused within has the name that the standard gives it. Raises ``Problem``."""
    try:
        yield
    except TooMuch as error:
        raise refusal(413, "QueryTooLargeException", error) from error
    except NotFound as error:
        raise refusal(404, "NoSuchNameException", error) from error
    except AlreadyExists as error:
        raise refusal(409, "ResourceAlreadyExistsException", error) from error


async def events_of(
    services: Services,
    wanted: Wanted,
    *,
    path: str,
    said: Mapping[str, str],
    token: str | None,
    per_page: int,
    name: str = SIMPLE,
) -> Response:
    """A page of the events that are wanted; ``said`` are the parameters that the next one has,
    too.
    """
    seen = _CURSOR.read(token)
    after = Place(0, 0, 0) if seen is None else Place(*seen)
    names = Names(services.epcis.locations)
    with refused_as_said():
        found, behind = await services.read(
            lambda c: query.query(c, wanted, names, after=after, limit=per_page)
        )
    answer = json_answer(document(found, moment(from_us(now_us())), query=name))
    answer.headers.update(HEADERS)
    answer.headers["content-type"] = JSON_LD
    if behind is not None:
        further = _CURSOR.told((behind.ledger, behind.captured, behind.log))
        answer.headers["Link"] = next_page(path, said, further)
    return answer


def collection(members: Sequence[str]) -> Response:
    """An answer that lists what there is."""
    answer = json_answer({"@context": CONTEXT, "type": "Collection", "member": members})
    answer.headers.update(HEADERS)
    return answer


def next_page(path: str, said: Mapping[str, str], token: str) -> str:
    """The header ``Link`` of a page behind which there is another."""
    kept = {one: value for one, value in said.items() if one != "nextPageToken"}
    return f'<{path}?{urlencode(kept | {"nextPageToken": token})}>; rel="next"'
