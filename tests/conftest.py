"""What every test must leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import inspect
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("any machine", settings(), deadline=None)
settings.load_profile("any machine")

GRACE_S = 10.0
"""How long what was told to end may take on a busy machine; waited only while it lives."""


LONG = (
    "tests/power/test_states.py",
    "tests/sim/",
    "tests/architecture/test_tools.py",
    "tests/central/test_dying_migrations.py",
    "tests/benchmarks/test_screens.py",
    "tests/edge/console/test_calibrate.py",
    "tests/fuzz/",
)
"""Where the longest tests are that belong to no group: begun first, none runs alone at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, and watch the tasks of coroutine tests only, so that plain ones
    need no event loop.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    for item in items:
        # xdist 3.8 marks a group by a suffix of an attribute that pytest 9.2 no longer reads, so
        # that groups were parted without a word (pytest-xdist issue 1386).
        grouped = vars(item).get("_nodeid", item.nodeid)
        if item.nodeid != grouped and hasattr(item, "_id"):
            item._id = type(item._id).parse(grouped)
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(0, "no_leftover_tasks")


gc.disable()  # what is imported and collected from here on stays: a quarter of the time goes to it


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Let the garbage collector pass over what was collected: five thousand tests and all that
    they import are half a million objects, which it walked every few tests, half a second each.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """As it was, for what libraries look for when the interpreter ends."""
    gc.unfreeze()


_GROUP = re.compile(r"^([^\[]*|.*\])@[\w-]+\]?$")
"""The name of a test with its xdist group behind it, as reports have it: behind parameters, too."""


def without_group(name: str) -> str:
    """The name by which a test of a group is found again where there are no groups."""
    found = _GROUP.match(name)
    return found[1] if found else name


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let those of a group be found by ``--last-failed``, which ``make test`` runs once more."""
    cache = getattr(session.config, "cache", None)
    if cache is not None and not hasattr(session.config, "workerinput"):
        failed = cache.get("cache/lastfailed", {})
        cache.set("cache/lastfailed", {without_group(name): True for name in failed})


@pytest.fixture
async def no_leftover_tasks(no_leftover_threads: None) -> AsyncIterator[None]:
    """Fail a test that ends while a task it started still runs.

    It asks for the watch over threads first, so that the event loop is made after that watch
    began and has closed, its executor's threads with it, before that watch ends.
    """
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_S)
    assert not left, f"tasks left running: {[task.get_name() for task in left]} {left}"


@pytest.fixture(autouse=True)
def no_leftover_threads() -> Iterator[None]:
    """Fail a test that ends while a non-daemon thread it started still runs."""
    before = set(threading.enumerate())
    yield
    left = [
        thread for thread in threading.enumerate() if thread not in before and not thread.daemon
    ]
    for thread in left:
        thread.join(GRACE_S)
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"threads left running: {alive}"


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
