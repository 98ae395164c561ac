"""What goes into the edge's own computer, judged by the programs that will read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "firmware_configs"
RULES = FOLDER / "udev" / "99-tallyport.rules"
CHRONY = FOLDER / "chrony" / "tallyport.conf"
UDEVADM = shutil.which("udevadm")
CHRONYD = shutil.which("chronyd", path=f"{os.environ['PATH']}:/usr/sbin")
A_TTY = Path("/sys/class/tty/tty7")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


# ---- time ----------------------------------------------------------------------------------
@pytest.mark.skipif(CHRONYD is None, reason="there is no chronyd")
def test_chronyd_takes_its_settings() -> None:
    assert CHRONYD is not None
    told = run(CHRONYD, "-p", "-f", str(CHRONY))
    assert told.returncode == 0, told.stdout + told.stderr
    lines = [line for line in CHRONY.read_text().splitlines() if line and not line.startswith("#")]
    assert told.stdout.splitlines() == lines
    assert "makestep 1.0 3" in lines


@pytest.mark.skipif(CHRONYD is None, reason="there is no chronyd")
def test_chronyd_would_have_told_a_mistake(tmp_path: Path) -> None:
    assert CHRONYD is not None
    wrong = tmp_path / "wrong.conf"
    wrong.write_text(CHRONY.read_text().replace("makestep 1.0 3", "makestep often"))
    assert run(CHRONYD, "-p", "-f", str(wrong)).returncode != 0


# ---- devices -------------------------------------------------------------------------------
def test_every_place_that_is_gone_to_is_there() -> None:
    text = RULES.read_text()
    gone_to = set(re.findall(r'GOTO="(\w+)"', text))
    assert gone_to == set(re.findall(r'LABEL="(\w+)"', text))


def can_verify() -> bool:
    """Whether this udevadm knows ``verify`` (systemd 254)."""
    return UDEVADM is not None and "verify" in run(UDEVADM, "--help").stdout


@pytest.mark.skipif(not can_verify(), reason="udevadm verify needs systemd 254")
def test_udevadm_finds_no_mistake() -> None:
    assert UDEVADM is not None
    told = run(UDEVADM, "verify", "--resolve-names=never", str(RULES))
    assert told.returncode == 0, told.stdout + told.stderr


def simulated(folder: Path, rules: str, vendor: str) -> str:
    """What udevadm makes of a tty of this vendor, by our rules and the system's, in a mount
    namespace where nothing of the machine's own can be changed."""
    folder.mkdir()
    # This machine has no such adapter: another tty stands for it, with its vendor given.
    (folder / RULES.name).write_text(rules.replace("ttyUSB[0-9]*|ttyACM[0-9]*", A_TTY.name))
    (folder / "01-vendor.rules").write_text(f'ENV{{ID_VENDOR_ID}}="{vendor}"\n')
    # By its owner: a file in a private mount is root's.
    script = (
        "mkdir -p /run/udev /etc/udev/rules.d && mount -t tmpfs none /run/udev && "
        f"mount --bind '{folder}' /etc/udev/rules.d && mount -t tmpfs none /dev && "
        f"mknod /dev/null c 1 3 && udevadm test --action=add {A_TTY}"
    )
    told = run("unshare", "--mount", "sh", "-c", script)
    if told.returncode != 0 and "Operation not permitted" in told.stderr:
        pytest.skip("mounts are not allowed here")
    assert told.returncode == 0, told.stderr
    return told.stdout + told.stderr


needs_simulation = pytest.mark.skipif(
    UDEVADM is None or os.geteuid() != 0 or not A_TTY.exists() or can_verify(),
    reason="needs root, udevadm before 254 (a later one has verify), and a tty",
)


@needs_simulation
@pytest.mark.parametrize(("vendor", "ignored"), [("0403", True), ("0c2e", True), ("1199", False)])
def test_udevadm_applies_the_rules_without_a_complaint(
    tmp_path: Path, vendor: str, ignored: bool
) -> None:
    told = simulated(tmp_path / "rules", RULES.read_text(), vendor)
    ours = [line for line in told.splitlines() if RULES.name in line]
    assert not [line for line in ours if "nvalid" in line or "nknown" in line], told
    assert any(re.search(r"GROUP \d+", line) for line in ours), told
    assert any("MODE 0660" in line for line in ours), told
    assert ("ID_MM_DEVICE_IGNORE=1" in told.splitlines()) == ignored


@needs_simulation
def test_udevadm_would_have_told_a_mistake(tmp_path: Path) -> None:
    wrong = RULES.read_text().replace('MODE="0660"', 'MODE="0660"  # a comment behind a rule')
    assert "Invalid" in simulated(tmp_path / "rules", wrong, "0403")


@pytest.mark.skipif(shutil.which("systemd-hwdb") is None, reason="there is no systemd-hwdb")
@pytest.mark.parametrize(
    ("vendor", "maker"),
    [
        ("0403", "Future Technology"), ("1a86", "QinHeng"), ("067b", "Prolific"),
        ("10c4", "Silicon Lab"), ("0eb8", "Mettler"), ("0c2e", "Metrologic"),
        ("05e0", "Symbol"), ("05f9", "PSC"), ("2341", "Arduino"),
    ],
)  # fmt: skip
def test_the_numbers_are_those_of_the_makers(vendor: str, maker: str) -> None:
    assert vendor in RULES.read_text()
    told = run("systemd-hwdb", "query", f"usb:v{vendor.upper()}pFFFF").stdout
    if not told:
        pytest.skip("the hardware database was not built here")
    assert maker in told
