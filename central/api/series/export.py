"""Every sample of feeds as CSV, streamed: a year of seconds is never in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing

from central.api.series.feeds import Key, Names, told
from central.database.moments import from_us as moment_of
from central.insight.series import SeriesStore

_COLUMNS = ("time", "feed", "quantity", "unit", "value")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


async def csv_lines(
    store: SeriesStore, keys: Sequence[Key], names: Names, *, from_us: int, to_us: int
) -> AsyncIterator[str]:
    """RFC 4180: times in UTC to the microsecond, feeds by the names that screens show."""
    yield _rows([_COLUMNS])
    for key in keys:
        said = told(key, names)
        name, quantity, unit = _text(said["title"]), said["quantity"], said["unit"]
        async with aclosing(store.samples(*key, from_us=from_us, to_us=to_us)) as pages:
            async for page in pages:
                yield _rows(
                    (
                        moment_of(one.time_us).isoformat(timespec="microseconds"),
                        name,
                        quantity,
                        unit,
                        repr(one.value).removesuffix(".0"),
                    )
                    for one in page
                )


def _text(value: object) -> str:
    """A name that a spreadsheet does not take for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _rows(rows: Iterable[Sequence[object]]) -> str:
    made = io.StringIO()
    csv.writer(made).writerows(rows)
    return made.getvalue()
