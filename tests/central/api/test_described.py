"""What the API's description says is what happens: whatever is sent, no route fails, and each
answers as it says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from central.api.application import build
from central.api.services import Services
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.config import AttachmentsSection
from central.database.store import Database
from central.database.tide import Tide
from central.insight.series_duckdb import DuckDBSeries
from central.reports.desk import ReportDesk
from central.web.pages import Pages
from tests.fakes.books import sqlite_books

load_all_checks()
_NOT_MEANT = [
    one for one in CHECKS.get_all() if one.__name__ in {"positive_data_acceptance", "ignored_auth"}
]
"""A request may be well-formed and be refused: without the ETag that it changes, for goods that
are not there. And this central is open: who gets in elsewhere, tests/central/access asks.
"""


def central(folder: Path) -> tuple[Database, FastAPI]:
    """A central in a folder, and its books (which nobody opens before the first request)."""
    database, tide = Database(f"sqlite:///{folder / 'central.sqlite'}"), Tide()
    series = DuckDBSeries(folder / "series.duckdb")
    reports = ReportDesk(folder / "extract", database.read_now)
    attachments = AttachmentDesk(Folder(folder / "attachments"), AttachmentsSection())
    services = Services(
        database=database, tide=tide, series=series, reports=reports, attachments=attachments
    )
    return database, build(services, Pages(database=database, tide=tide))


def _routes() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        described = central(Path(folder))[1].openapi()["paths"]
    return [(method.upper(), path) for path, ways in described.items() for method in ways]


ROUTES = _routes()


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """The description of a central with empty books."""
    folder: Path = tmp_path_factory.mktemp("described")
    sqlite_books(folder / "central.sqlite")
    database, app = central(folder)
    with closing(database):
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_body_has_a_name_of_its_own(described: schemathesis.BaseSchema) -> None:
    names = described.raw_schema["components"]["schemas"]
    assert len(names) > 90
    odd = [one for one in names if "__" in one or not one[0].isupper()]
    assert not odd, "two models share a name (FastAPI puts the module before it), or it is private"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_answers_as_it_says(
    described: schemathesis.BaseSchema, method: str, path: str
) -> None:
    @given(described[path][method].as_strategy())
    @settings(
        max_examples=6,
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=_NOT_MEANT)

    holds()
