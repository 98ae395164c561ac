"""A command that sets up the broker's identities is cut short at any step: what stood stands, and
the same command, given again, brings it to its end.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.certificates import serial_number

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    ["central.commands.broker", "gateway.access", "rich.console", __name__]
)
PATIENCE_S = 60.0
KILLED = -signal.SIGKILL
STEPS = ("open", "os.mkdir", "os.rename", "os.remove")
WRITES = os.O_WRONLY | os.O_RDWR
STANDING = {"tallyport-central", "tallyport-admin"}
SETUP = ["setup", "{}", "--host", "127.0.0.1"]
ADMIT = ["admit", "{}", "shop", "dock"]
WORKER = ["worker", "{}", "second"]
RENEW = ["renew", "{}", "shop", "dock"]
REVOKE = ["revoke", "{}", "shop", "dock"]


def run(command: list[str], folder: Path, die_at: int = 0) -> int:
    """``tallyport central broker ...`` as a process that kills itself before it takes the step of
    this number in ``folder``; its exit status.
    """
    arguments = [word.format(folder) for word in command]
    process = _forks.Process(target=_command, args=(arguments, str(folder), die_at))
    process.start()
    try:
        process.join(PATIENCE_S)
        assert process.exitcode is not None, "it hangs"
        return process.exitcode
    finally:
        process.kill()
        process.join()


def _command(arguments: list[str], folder: str, die_at: int) -> None:
    from central.commands.broker import app

    numbers = count(1)

    def perhaps_die(event: str, told: tuple[object, ...]) -> None:
        if event not in STEPS or not str(told[0]).startswith(folder):
            return
        changes = event != "open" or int(str(told[2])) & WRITES
        if changes and next(numbers) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (the process ends with it)
    sys.addaudithook(perhaps_die)
    app(arguments)


def key_fits(certificate: Path) -> bool:
    public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    key = load_pem_private_key(certificate.with_suffix(".key").read_bytes(), None)
    return bool(key.public_key() == public)


def admitted(folder: Path) -> set[str]:
    """Who has a role on the broker."""
    state = json.loads((folder / "dynamic-security.json").read_text())
    roles = {role["rolename"] for role in state["roles"]}
    names = {client["username"] for client in state["clients"]}
    assert roles == names
    return names


def revoked(folder: Path) -> set[int]:
    listed = x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()).public_key()
    assert listed.is_signature_valid(authority)  # type: ignore[arg-type]
    return {one.serial_number for one in listed}


def issued(folder: Path) -> set[int]:
    """Serial numbers of every certificate that the edge was ever given: what can be revoked."""
    register = folder / "devices" / "issued" / "shop" / "dock"
    return {serial_number(path.read_bytes()) for path in register.glob("*.pem")}


def handed_over(folder: Path) -> int:
    return serial_number((folder / "devices" / "shop.dock.pem").read_bytes())


def is_whole(folder: Path, names: set[str]) -> None:
    """Nothing is half there, and exactly these may come in beside those of the setup."""
    assert admitted(folder) == {*STANDING, *names}
    pairs = {path.with_suffix(".pem") for path in [*folder.glob("*.key"), *folder.glob("*/*.key")]}
    assert len(pairs) >= 4
    assert all(key_fits(pair) for pair in pairs)
    assert all(oct(pair.with_suffix(".key").stat().st_mode)[-3:] == "600" for pair in pairs)
    assert "dynamic" in (folder / "tallyport.conf").read_text()
    revoked(folder)


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of syncs cost nothing there."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def stages(room: Path) -> dict[str, Path]:
    """The folder as it stands before each command."""
    made = {"setup": room / "none"}
    folder = room / "standing"
    for command, after in ((SETUP, ("admit", "worker")), (ADMIT, ("renew", "revoke"))):
        assert run(command, folder) == 0
        for name in after:
            made[name] = room / f"before-{name}"
            shutil.copytree(folder, made[name])
    return made


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (SETUP, set()),
        (ADMIT, {"shop:dock"}),
        (WORKER, {"tallyport-central-second"}),
        (RENEW, {"shop:dock"}),
        (REVOKE, set()),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_that_was_cut_short_is_given_again(
    stages: dict[str, Path], room: Path, command: list[str], names: set[str]
) -> None:
    before = stages[command[0]]
    for die_at in count(1, 3 if command is SETUP else 1):  # its many files are made alike
        folder = room / f"cut-{die_at}"
        if before.exists():
            shutil.copytree(before, folder)
        ended = run(command, folder, die_at)
        if ended == 0:
            break
        assert ended == KILLED
        if before.exists():  # what stood is old or new, and never out of reach of a revocation
            assert admitted(folder) in (admitted(before), {*STANDING, *names})
            assert revoked(folder) >= revoked(before)
        if command in (RENEW, REVOKE):
            assert handed_over(folder) in issued(folder)
        refused = run(command, folder) != 0  # as there was nothing left to do
        assert not refused or command in (SETUP, ADMIT, WORKER)
        is_whole(folder, names)
        if command is REVOKE:
            assert revoked(folder) >= issued(folder)
    is_whole(folder, names)
    assert die_at > 5
