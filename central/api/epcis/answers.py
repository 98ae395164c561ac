"""How the routes of EPCIS answer: documents of events in pages, and the standard's exceptions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import Depends, Request, Response
from sqlalchemy import Connection

from central.api.pages import Count, Cursor
from central.api.problems import Problem
from central.api.services import Services, json_answer, now_us
from central.catalogue.errors import AlreadyExists, NotFound
from central.database.moments import from_us
from central.epcis import by_field, ordering, query
from central.epcis.by_field import Stood
from central.epcis.from_ledger import moment
from central.epcis.model import CONTEXT, SIMPLE, Wanted, document
from central.epcis.names import Names
from central.epcis.ordering import Reached
from central.epcis.query import Place, TooMuch
from central.epcis.standing import NotTold

__all__ = [
    "HEADERS",
    "JSON_LD",
    "JSON_ONLY",
    "collection",
    "events_of",
    "next_page",
    "refusal",
    "refuse_xml",
    "refused_as_said",
]

JSON_LD = "application/ld+json"
HEADERS = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0"}
_CURSOR = Cursor(tuple[Count, Count, Count])
_Time = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
_ORDERED = Cursor(tuple[_Time, Count, Count])
_STOOD = Cursor(tuple[bool, Count, Count, Count, Count])


def refusal(status: int, kind: str, why: object) -> Problem:
    """One of the standard's exceptions (EPCIS 2.0, 8.2.6), by its name."""
    return Problem(status, str(why), kind=f"epcisException:{kind}")


async def refuse_xml(request: Request) -> None:
    """Raises ``Problem`` 406 or 415 for the standard's XML, in which nothing is told or taken."""
    if "xml" in request.headers.get("content-type", ""):
        raise Problem(
            415, "EPCIS is taken as JSON or JSON-LD here, not as XML: send application/ld+json"
        )
    accepted = request.headers.get("accept", "*/*")
    if "xml" in accepted and not any(one in accepted for one in ("json", "*/*", "application/*")):
        raise Problem(
            406, "EPCIS is told as JSON-LD here, not as XML: accept application/ld+json",
            kind="epcisException:NotAcceptableException",
        )  # fmt: skip


JSON_ONLY = (Depends(refuse_xml),)
"""What every route of EPCIS depends on."""
_Page = tuple[list[dict[str, Any]], str | None]
"""Events, and the token of the next page."""
_Reads = Callable[[Connection], _Page]


@contextlib.contextmanager
def refused_as_said() -> Iterator[None]:
    """What is refused within has the name that the standard gives it. Raises ``Problem``."""
    try:
        yield
    except TooMuch as error:
        raise refusal(413, "QueryTooLargeException", error) from error
    except NotTold as error:
        raise refusal(400, "SubscribeNotPermittedException", error) from error
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
    names = Names(services.epcis.locations)
    read = _reader(wanted)(wanted, names, token, per_page)

    def work(conn: Connection) -> _Page:
        if token is None:
            ordering.check_count(conn, wanted, names)
        return read(conn)

    with refused_as_said():
        found, further = await services.read(work)
    answer = json_answer(document(found, moment(from_us(now_us())), query=name))
    answer.headers.update(HEADERS)
    answer.headers["content-type"] = JSON_LD
    if further is not None:
        answer.headers["Link"] = next_page(path, said, further)
    return answer


def _reader(wanted: Wanted) -> Callable[[Wanted, Names, str | None, int], _Reads]:
    if wanted.order is None:
        return _recorded
    return _by_field if wanted.order.field else _by_time


def _recorded(wanted: Wanted, names: Names, token: str | None, limit: int) -> _Reads:
    """Reads a page in the order of the records."""
    seen = _CURSOR.read(token)
    after = Place(0, 0, 0) if seen is None else Place(*seen)

    def read(conn: Connection) -> _Page:
        found, behind = query.query(conn, wanted, names, after=after, limit=limit)
        if behind is None:
            return found, None
        return found, _CURSOR.told((behind.ledger, behind.captured, behind.log))

    return read


def _by_time(wanted: Wanted, names: Names, token: str | None, limit: int) -> _Reads:
    """Reads a page in the order of a time."""
    seen, now = _ORDERED.read(token), now_us()
    after = None if seen is None else Reached(*seen)

    def read(conn: Connection) -> _Page:
        found, behind = ordering.ordered(conn, wanted, names, after=after, limit=limit, now_us=now)
        return found, None if behind is None else _ORDERED.told(
            (behind.at_us, behind.same, behind.given)
        )

    return read


def _by_field(wanted: Wanted, names: Names, token: str | None, limit: int) -> _Reads:
    """Reads a page in the order of a field that users added."""
    seen = _STOOD.read(token)
    after = None if seen is None else Stood(*seen)

    def read(conn: Connection) -> _Page:
        found, behind = by_field.ordered(conn, wanted, names, after=after, limit=limit)
        if behind is None:
            return found, None
        return found, _STOOD.told((behind.lacking, *behind.place, behind.given))

    return read


def collection(members: Sequence[str]) -> Response:
    """An answer that lists what there is."""
    answer = json_answer({"@context": CONTEXT, "type": "Collection", "member": members})
    answer.headers.update(HEADERS)
    return answer


def next_page(path: str, said: Mapping[str, str], token: str) -> str:
    """The header ``Link`` of a page behind which there is another."""
    kept = {one: value for one, value in said.items() if one != "nextPageToken"}
    return f'<{path}?{urlencode(kept | {"nextPageToken": token})}>; rel="next"'
