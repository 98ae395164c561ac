"""The running agent's settings: applied while it runs, and taken back by themselves if they fail.

A version is used on trial: every device that ran before, and the broker if it was reached, must
be back within a minute, else the version before is restored. What only concerns devices is changed
in the running agent; everything else needs a new start of it, over which the trial goes on.

The order on disk makes a power cut harmless: the new version is kept, then the trial is noted,
then the file is replaced. At any moment the file is the old one or the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import structlog

from edge.config import ConfigError, EdgeConfig, check_text
from edge.fleet import Fleet, Held
from edge.settings_file.edits import Edit, NoDevice, edit_device
from edge.settings_file.text import SettingsText
from edge.settings_file.trial import resolved
from edge.settings_file.versions import Outcome, Pending, Version, sha256
from gateway.console import Troubled
from gateway.files import replace

_log = structlog.get_logger("edge.settings")
CONFIRM_S = 60.0
_LOOK_EVERY_S = 0.1
_SAY_FIRST_S = 0.5
Tell = Callable[[dict[str, Any]], None]


class _Wish(NamedTuple):
    """A whole text that somebody wants to be used."""

    text: str
    base: str
    who: str
    why: str
    of: int
    must_run: tuple[str, ...]


class Settings(SettingsText):
    """``config`` is what the agent was started with, ``connected`` whether it reaches the broker;
    ``restart`` ends the agent in order, and it begins anew with the file as it is then.
    """

    def __init__(
        self,
        path: Path,
        config: EdgeConfig,
        fleet: Fleet,
        *,
        connected: Callable[[], bool],
        restart: Callable[[str], None],
        now_us: Callable[[], int],
        confirm_s: float = CONFIRM_S,
    ) -> None:
        super().__init__(path, config, started_us=now_us())
        self._fleet = fleet
        self._connected, self._restart = connected, restart
        self._now_us = now_us
        self._confirm_s = confirm_s
        self._applying = asyncio.Lock()
        self._trials: set[asyncio.Task[dict[str, Any]]] = set()

    # ---- changing -----------------------------------------------------------------------------
    async def change(
        self,
        device: str,
        edit: Edit,
        why: str,
        who: str,
        tell: Tell | None = None,
        *,
        must_run: bool = False,
    ) -> dict[str, Any]:
        """Change one device's table in place, and apply; with ``must_run`` the device must run
        afterwards even if it did not before. Raises ``Troubled``.
        """
        try:
            text = edit_device(self.text(), device, edit)
        except NoDevice as error:
            raise Troubled("no-such-device", f"{error}.") from error
        names = [device] if must_run else []
        return await self.apply(text, who=who, why=why, tell=tell, must_run=names)

    async def rollback(
        self, version: int, *, who: str, why: str = "", tell: Tell | None = None
    ) -> dict[str, Any]:
        """Restore a version byte for byte, as a new version, on trial like any other."""
        content = self._content(version)
        reason = why or f"back to version {version}"
        text = content.decode("utf-8")
        return await self.apply(text, who=who, why=reason, tell=tell, of=version)

    async def apply(
        self,
        text: str,
        *,
        who: str,
        why: str,
        tell: Tell | None = None,
        base: str = "",
        must_run: Sequence[str] = (),
        of: int = 0,
    ) -> dict[str, Any]:
        """Use a whole text from now on. Devices in ``must_run`` must run, besides all that ran.

        ``base`` is the hash of the file that the text was made from: somebody else's change
        meanwhile is not overwritten. Who stops waiting stops nothing: the trial ends by itself.
        Raises ``Troubled`` when nothing was changed, or when it went back.
        """
        if self._applying.locked():
            raise Troubled(
                "busy", "Other settings are being tried just now.", "Wait a minute, and try again."
            )
        wish = _Wish(text, base, who, why, of, tuple(must_run))
        work = self._apply(wish, tell or _nothing)
        task = asyncio.create_task(work, name="trial of settings")
        self._trials.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """The agent stops: a trial is left as it is, and goes on at the next start."""
        trials = [*self._trials]
        for task in trials:
            task.cancel()
        await asyncio.gather(*trials, return_exceptions=True)

    async def resume(self) -> None:
        """Go on with a trial that began before this start, if there is one."""
        pending = self.versions.pending()
        if pending is None:
            return
        async with self._applying:
            try:
                await self._confirm(pending, _nothing)
            except Troubled as error:
                _log.error("settings_went_back", why=str(error))

    # ---- one application ----------------------------------------------------------------------
    async def _apply(self, wish: _Wish, tell: Tell) -> dict[str, Any]:
        async with self._applying:
            config, before = self._ready(wish)
            content = wish.text.encode()
            if content == before:
                return {"version": 0, "changed": False, "restart": False}
            try:
                back_to, version = await asyncio.to_thread(self._keep, before, wish)
                pending = self._begin(version, back_to, config, wish.must_run)
                await asyncio.to_thread(self._switch, pending, content)
            except OSError as error:
                raise self._unwritten(error) from error
            _log.info("settings_applied", version=version.version, who=wish.who, why=wish.why)
            result = {"version": version.version, "sha256": version.sha256, "changed": True}
            if sections := self.needs_a_start(config):
                self._restart_soon(f"new settings ({', '.join(sections)})")
                return result | {"restart": True}
            try:
                await self._fleet.change(config.devices)
            except Held as error:
                await self._go_back(pending, f"{error}.")
            await self._confirm(pending, tell)
            return result | {"restart": False}

    def _over(self, task: asyncio.Task[dict[str, Any]]) -> None:
        self._trials.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("settings_not_applied", why=str(error))

    def _ready(self, wish: _Wish) -> tuple[EdgeConfig, bytes]:
        before = self.text().encode()
        if wish.base and wish.base != sha256(before):
            raise Troubled(
                "changed-meanwhile",
                "The file was changed since this text was loaded.",
                "Load it again, and make the change once more.",
            )
        try:
            config = resolved(check_text(wish.text, origin=self.path.name), self.path)
        except ConfigError as error:
            raise Troubled("mistakes", str(error), "Nothing was changed.") from error
        if config.edge.data_dir != self._config.edge.data_dir:
            raise Troubled(
                "data-dir",
                "edge.data_dir cannot be changed from here: the journal lies there.",
                "Stop the agent, move the folder, edit the file, and start it again.",
            )
        self._nobody_holds(config)
        return config, before

    def _nobody_holds(self, config: EdgeConfig) -> None:
        wanted = {device.name: device for device in config.devices}
        for device in self._fleet.devices:
            held_for = self._fleet.held_for(device.name)
            if held_for and wanted.get(device.name) != device:
                raise Troubled(
                    "held", f"{device.name} is in use for {held_for}.", "End that first."
                )

    def _keep(self, before: bytes, wish: _Wish) -> tuple[Version, Version]:
        """What was in use, kept now if a hand had changed the file; and what comes."""
        now_us = self._now_us()
        used = self.versions.of(before)
        if used is None:
            first = self.versions.newest() is None
            reason = "as it was found" if first else "changed in the file by hand"
            used = self.versions.write(before, at_us=now_us, author="the file", reason=reason)
        content = wish.text.encode()
        made = self.versions.write(
            content, at_us=now_us, author=wish.who, reason=wish.why, of=wish.of
        )
        return used, made

    def _begin(
        self, version: Version, back_to: Version, config: EdgeConfig, must_run: Sequence[str]
    ) -> Pending:
        wanted = {device.name for device in config.devices}
        ran = {name for name, state in self._states().items() if state == "running"}
        return Pending(
            version=version.version,
            back_to=back_to.version,
            healthy=tuple(sorted((ran | {*must_run}) & wanted)),
            connected=self._connected(),
        )

    def _unwritten(self, error: OSError) -> Troubled:
        """The disk refused; the file is as it was, and a trial that was noted is over."""
        if pending := self.versions.pending():
            why = f"it could not be written: {error.strerror or error}"
            with suppress(OSError):
                self.versions.end(
                    pending.version,
                    Outcome(state="interrupted", at_us=self._now_us(), why=why),
                )
        return Troubled(
            "not-written",
            f"{self.path} cannot be written: {error.strerror or error}.",
            f"The user that runs the agent must be able to write in {self.path.parent} and in "
            f"{self._config.edge.data_dir}; is the disk full? Nothing was changed.",
        )

    def _switch(self, pending: Pending, content: bytes) -> None:
        self.versions.begin(pending)
        mode = self.path.stat().st_mode & 0o777
        replace(self.path, content, mode)

    async def _confirm(self, pending: Pending, tell: Tell) -> None:
        """Wait for all that must be back; else go back, and raise ``Troubled``."""
        now = asyncio.get_running_loop().time
        ends_at = now() + self._confirm_s
        while True:
            missing = self._missing(pending)
            if not missing:
                outcome = Outcome(state="applied", at_us=self._now_us())
                await asyncio.to_thread(self.versions.end, pending.version, outcome)
                return
            left_s = ends_at - now()
            refused = [name for name in missing if self._states().get(name) == "refused"]
            if left_s <= 0 or refused:
                await self._go_back(pending, self._why(missing, refused))
            tell({"waiting_for": missing, "left_s": round(left_s), "version": pending.version})
            await asyncio.sleep(_LOOK_EVERY_S)

    def _missing(self, pending: Pending) -> list[str]:
        states = self._states()
        held = {device.name for device in self._fleet.devices if self._fleet.held_for(device.name)}
        missing = [
            name for name in pending.healthy if states.get(name) != "running" and name not in held
        ]
        if pending.connected and not self._connected():
            missing.append("the broker")
        return missing

    def _states(self) -> Mapping[str, str]:
        return {name: one.health.state for name, one in self._fleet.supervisors.items()}

    async def _go_back(self, pending: Pending, why: str) -> NoReturn:
        """Restore what was there before; always raises ``Troubled``."""
        content = self._content(pending.back_to)
        await asyncio.to_thread(replace, self.path, content, self.path.stat().st_mode & 0o777)
        outcome = Outcome(state="went_back", at_us=self._now_us(), why=why)
        await asyncio.to_thread(self.versions.end, pending.version, outcome)
        _log.warning("settings_went_back", version=pending.version, why=why)
        config = resolved(check_text(content.decode(), origin=self.path.name), self.path)
        if self.needs_a_start(config):
            self._restart_soon("the settings before")
        else:
            await self._fleet.change(config.devices)
        raise Troubled("went-back", f"{why} The settings before are in use again.", "")

    def _restart_soon(self, why: str) -> None:
        """Whoever asked hears of it first."""
        asyncio.get_running_loop().call_later(_SAY_FIRST_S, self._restart, why)

    def _why(self, missing: list[str], refused: list[str]) -> str:
        supervisors = self._fleet.supervisors
        told = []
        for name in refused or missing:
            health = supervisors[name].health if name in supervisors else None
            cause = f": {health.cause}" if health is not None and health.cause else ""
            told.append(f"{name} did not come back{cause}".rstrip("."))
        return f"{'; '.join(told)}."


def _nothing(_: dict[str, Any]) -> None:
    """Nobody asks how far it is."""
