"""A plug-in of pytest that writes down what the tests prove, instead of running them.

A test says what it proves of which kinds of device::

    @pytest.mark.evidence("reconnect", "mt-sics", "sma")
    @pytest.mark.evidence("split")                # of the kind that its parameter "kind" names
    @pytest.mark.evidence("fuzz", of="target", table=KINDS)  # looked up by another parameter

Only what runs everywhere counts: a test that is skipped, may skip itself, or is expected to fail
proves nothing, but for ``published``, whose recordings are not part of this repository. A test that
waits for a server which ``tests/install_servers`` installs counts.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

CLAIMS = ("capture", "emulator", "reconnect", "split", "fuzz", "published")
RESULT = "TALLYPORT_EVIDENCE"
"""The environment variable that names the file to write."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write ``[[kind, claim, test], ...]``."""
    found = {one for item in session.items for one in proved(item)}
    Path(os.environ[RESULT]).write_text(json.dumps(sorted(found)), encoding="utf-8")


def proved(item: pytest.Item) -> Iterator[tuple[str, str, str]]:
    """What one test proves: kind, claim, and the test's id without its parameters.

    Raises ``pytest.UsageError`` for a mark that nobody can understand.
    """
    test = item.nodeid.partition("[")[0]
    for mark in item.iter_markers("evidence"):
        if not mark.args or mark.args[0] not in CLAIMS:
            raise pytest.UsageError(
                f"{test}: evidence of what? The first argument is one of {', '.join(CLAIMS)}."
            )
        claim = str(mark.args[0])
        if claim == "published" or counts(item):
            kinds = mark.args[1:] or _by_parameter(item, test, **mark.kwargs)
            yield from ((str(kind), claim, test) for kind in kinds)


def counts(item: pytest.Item) -> bool:
    """Whether a test runs wherever the suite runs, and is expected to pass."""
    if any(item.get_closest_marker(name) for name in ("skip", "skipif", "xfail")):
        return False
    function = getattr(item, "function", None)
    if function is None:
        return False
    source = inspect.getsource(function)
    return not any(call in source for call in ("pytest.skip(", "pytest.importorskip("))


def _by_parameter(
    item: pytest.Item, test: str, of: str = "kind", table: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    parameters: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    if of not in parameters:
        raise pytest.UsageError(
            f'{test}: evidence names no kind, and the test has no parameter "{of}".'
        )
    value = parameters[of]
    return (value,) if table is None else tuple(table.get(value, ()))
