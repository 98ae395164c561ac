"""Settings on trial: applied live, taken back by themselves, and whole after any power cut."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.emulators.mtsics_scale import EmulatedScale
from edge.config import load
from edge.fleet import Fleet
from edge.settings_file.edits import put
from edge.settings_file.settings import Settings
from edge.settings_file.trial import MOST_STARTS, settle
from edge.settings_file.versions import Outcome, Pending, Versions
from gateway.console import Troubled
from gateway.files import replace
from tests.edge.test_fleet import states, supervisor
from tests.edge.waiting import until

HEAD = '# the shelf at the door\n[edge]\nname = "pi"\nsite = "s"\ndata_dir = "data"\n'
SCALE = '\n[[devices]]\nname = "{name}"  # {name}\ndriver = "mt-sics"\nread_point = "{name}"\n'
SCALE += 'port = "{port}"\n'


class Bed:
    """A file, the fleet that runs by it, and its settings; ``reached`` plays the broker."""

    def __init__(self, path: Path) -> None:
        config = load(path)
        self.path, self.reached = path, True
        self.restarts: list[str] = []
        self.fleet = Fleet(config.devices, supervisor)
        self.settings = Settings(
            path, config, self.fleet, connected=lambda: self.reached,
            restart=self.restarts.append, now_us=lambda: 1_000_000, confirm_s=3.0,
        )  # fmt: skip

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def outcomes(self) -> dict[int, str]:
        return {one: outcome.state for one, outcome in self.settings.versions.outcomes().items()}


@asynccontextmanager
async def bed(folder: Path, *ports: str) -> AsyncIterator[Bed]:
    path = folder / "edge.toml"
    names = ("one", "two", "three")
    scales = [SCALE.format(name=name, port=port) for name, port in zip(names, ports, strict=False)]
    path.write_text(HEAD + "".join(scales))
    made = Bed(path)
    running = asyncio.create_task(made.fleet.run())
    try:
        await until(lambda: set(states(made.fleet).values()) <= {"running"})
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def ports() -> AsyncIterator[list[str]]:
    scales = [EmulatedScale(seed=seed) for seed in range(3)]
    yield [await scale.start() for scale in scales]
    for scale in scales:
        await scale.stop()


async def test_applied_live_and_kept_as_versions(tmp_path: Path, ports: list[str]) -> None:
    async with bed(tmp_path, ports[0]) as it:
        undisturbed = it.fleet.supervisors["one"]
        before = it.text
        more = before + SCALE.format(name="two", port=ports[1])
        result = await it.settings.apply(more, who="ann", why="a second plate", must_run=["two"])
        assert result["version"] == 2
        assert not result["restart"]
        assert states(it.fleet) == {"one": "running", "two": "running"}
        assert it.fleet.supervisors["one"] is undisturbed
        assert it.text == more
        assert it.outcomes == {2: "applied"}
        second, first = it.settings.versions.all()
        assert (first.author, first.reason) == ("the file", "as it was found")
        assert (second.author, second.reason) == ("ann", "a second plate")
        # Back to the first, byte for byte; and that again is a version.
        await it.settings.rollback(1, who="ben")
        assert it.path.read_bytes() == before.encode()
        assert list(states(it.fleet)) == ["one"]
        newest = it.settings.versions.newest()
        assert newest is not None
        assert (newest.version, newest.of, newest.reason) == (3, 1, "back to version 1")
        assert '+name = "two"  # two' in it.settings.diff(1, 2)
        assert not it.settings.diff(1, 3)
        # A hand in the file is kept as well, before it is changed.
        it.path.write_text("# by hand\n" + it.text)
        await it.settings.change(
            "one", lambda table: put(table, {"plate": 7}), "it is plate 7", "ann"
        )
        assert it.settings.versions.get(4).reason == "changed in the file by hand"
        assert "plate = 7" in it.text
        assert "# by hand" in it.text
        assert it.fleet.devices[0].plate == 7


async def test_what_does_not_come_back_goes_back(tmp_path: Path, ports: list[str]) -> None:
    async with bed(tmp_path, *ports[:2]) as it:
        before = it.text
        told: list[dict[str, object]] = []
        wrong = before.replace(ports[1], "/dev/none-such")
        with pytest.raises(Troubled, match="two did not come back: There is no serial port"):
            await it.settings.apply(wrong, who="ann", why="a typo", tell=told.append)
        assert it.text == before
        assert it.outcomes == {2: "went_back"}
        assert told[0]["waiting_for"] == ["two"]
        assert "none-such" in it.settings.versions.outcomes()[2].why
        await until(lambda: set(states(it.fleet).values()) == {"running"})
        assert it.settings.versions.pending() is None
        # A device that is new must run where that is asked, and is gone again if it does not.
        more = before + SCALE.format(name="three", port="/dev/none-such")
        with pytest.raises(Troubled, match="three did not come back"):
            await it.settings.apply(more, who="ann", why="", must_run=["three"])
        assert it.text == before
        assert list(states(it.fleet)) == ["one", "two"]


async def test_a_device_that_somebody_uses_meanwhile_is_no_failure(
    tmp_path: Path, ports: list[str]
) -> None:
    async with bed(tmp_path, *ports[:2]) as it:
        text = it.text.replace("two", "three")
        asked = asyncio.create_task(it.settings.apply(text, who="ann", why="", must_run=["three"]))
        async with it.fleet.hold("one", "a sweep"):
            assert (await asked)["changed"]
        # One that was away before, and is told where it is now, must be there.
        with pytest.raises(Troubled, match="one did not come back"):
            await it.settings.change(
                "one", lambda table: put(table, {"port": "/dev/none"}), "", "ann", must_run=True
            )
        assert it.text == text


async def test_what_is_refused_changes_nothing(tmp_path: Path, ports: list[str]) -> None:
    async with bed(tmp_path, ports[0]) as it:
        before = it.text
        refused = {
            "mistakes": before.replace("mt-sics", "mt-six"),
            "data-dir": before.replace('"data"', '"elsewhere"'),
        }
        for code, text in refused.items():
            with pytest.raises(Troubled) as caught:
                await it.settings.apply(text, who="ann", why="")
            assert caught.value.trouble.code == code
        with pytest.raises(Troubled) as caught:
            await it.settings.apply(before + "#", who="ann", why="", base="another")
        assert caught.value.trouble.code == "changed-meanwhile"
        async with it.fleet.hold("one", "a sweep"):
            with pytest.raises(Troubled, match="one is in use for a sweep"):
                await it.settings.apply(HEAD, who="ann", why="")
        assert it.text == before
        assert not it.settings.versions.all()
        assert not (await it.settings.apply(before, who="ann", why=""))["changed"]


async def test_a_disk_that_refuses_is_told(
    tmp_path: Path, ports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(path: Path, content: bytes, mode: int = 0) -> None:
        raise PermissionError(13, "Permission denied")

    async with bed(tmp_path, ports[0]) as it:
        before = it.text
        monkeypatch.setattr("edge.settings_file.settings.replace", refuses)
        with pytest.raises(Troubled, match="cannot be written: Permission denied") as caught:
            await it.settings.apply(before + "# more\n", who="ann", why="")
        assert str(tmp_path) in caught.value.trouble.hint
        assert it.text == before
        assert it.settings.versions.pending() is None
        assert it.outcomes == {2: "interrupted"}


async def test_who_stops_waiting_stops_nothing(tmp_path: Path, ports: list[str]) -> None:
    async with bed(tmp_path, ports[0]) as it:
        wrong = it.text.replace(ports[0], "/dev/none-such")
        asked = asyncio.create_task(it.settings.apply(wrong, who="ann", why=""))
        await until(lambda: it.settings.versions.pending() is not None)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await until(lambda: it.settings.versions.pending() is None)
        assert it.outcomes == {2: "went_back"}
        assert ports[0] in it.text


async def test_a_trial_over_a_new_start(tmp_path: Path, ports: list[str]) -> None:
    async with bed(tmp_path, ports[0]) as it:
        before = it.text
        text = before.replace("[edge]\n", "[edge]\ndrain_s = 1.0\n")
        result = await it.settings.apply(text, who="ann", why="")
        assert result["restart"]
        await until(lambda: it.restarts == ["new settings (edge)"])
        assert it.settings.check(text).config is not None
    config, told = settle(it.path, load(it.path), 5)
    assert told == "version 2 of the settings is on trial"
    assert config.edge.drain_s == 1.0
    # The new start finds its devices and the broker: the trial is over.
    again = Bed(it.path)
    running = asyncio.create_task(again.fleet.run())
    await again.settings.resume()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert again.outcomes == {2: "applied"}
    # Another one, which does not reach the broker any more, goes back.
    await _restarting(again, text.replace("1.0", "2.0"))
    last = Bed(it.path)
    last.reached = False
    running = asyncio.create_task(last.fleet.run())
    await last.settings.resume()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert last.outcomes[3] == "went_back"
    assert last.settings.versions.outcomes()[3].why == "the broker did not come back."
    assert last.text == text
    await until(lambda: last.restarts == ["the settings before"])


async def _restarting(it: Bed, text: str) -> None:
    result = await it.settings.apply(text, who="ann", why="")
    assert result["restart"]
    settle(it.path, load(it.path), 5)


def test_settings_that_end_the_agent_go_back(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    old, new = HEAD, HEAD.replace("[edge]\n", "[edge]\ndrain_s = 1.0\n")
    path.write_text(new)
    versions = Versions(tmp_path / "data" / "settings")
    for content in (old, new):
        versions.write(content.encode(), at_us=1, author="ann", reason="")
    versions.begin(Pending(version=2, back_to=1))
    for _ in range(MOST_STARTS):
        _, told = settle(path, load(path), 5)
        assert "on trial" in told
    config, told = settle(path, load(path), 5)
    assert "went back" in told
    assert path.read_text() == old
    assert config.edge.drain_s == 5.0
    assert settle(path, config, 6) == (config, "")


# ---- power cuts ------------------------------------------------------------------------------
def _cut_at(step: int, work: Callable[[], None]) -> bool:
    """Do it in a process of its own, killed at its ``step``-th touch of a file; whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, _: object) -> None:
            nonlocal left
            if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod"}:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_power_cut_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = HEAD, HEAD.replace("[edge]\n", "[edge]\ndrain_s = 1.0\n")
    seen: set[str] = set()
    step, cut = 0, True
    while cut:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        path = folder / "edge.toml"
        path.write_text(old)
        versions = Versions(folder / "data" / "settings")
        (folder / "data").mkdir()

        def work(path: Path = path, versions: Versions = versions) -> None:
            versions.write(old.encode(), at_us=1, author="the file", reason="")
            made = versions.write(new.encode(), at_us=2, author="ann", reason="")
            versions.begin(Pending(version=made.version, back_to=made.version - 1))
            replace(path, new.encode())
            versions.end(made.version, Outcome(state="applied", at_us=3))

        cut = _cut_at(step, work)
        # What a start finds: a whole file, of the old settings or of the new ones.
        assert path.read_text() in {old, new}
        config, told = settle(path, load(path), 5)
        assert config.edge.drain_s == (5.0 if path.read_text() == old else 1.0)
        for version in versions.all():
            assert versions.content(version.version).decode() in {old, new}
        seen.add(told.partition("settings ")[2] if told else path.read_text())
        # And from there everything goes on: the next version is kept and used.
        work()
        assert path.read_text() == new
        assert versions.pending() is None
    assert step > 10
    assert {"is on trial", old, new} <= seen
    assert any("cut off before it was used" in one for one in seen)
