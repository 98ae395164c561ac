"""A scanner that is a keyboard: events to codes, and the driver that grabs its device."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulators.keyboard_scanner import EmulatedKeyboardScanner, Mode, key_event
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import CodeScan, DeviceEvent, Reading
from drivers.scanners import input_device
from drivers.scanners.input_device import INPUT_EVENT
from drivers.scanners.key_layouts import KEYPAD_DIGITS, KEYPAD_PLUS, LAYOUTS, Layout, characters
from drivers.scanners.keyboard import (
    EV_KEY,
    EV_SYN,
    SYN_DROPPED,
    HidScanner,
    HidScannerConfig,
    HidScannerDecoder,
)
from tests.drivers.listening import listening

CASE = "010703206980498810ABC\x1d21x-9"
SENT = b"".join(EmulatedKeyboardScanner().scan(*scan) for scan in ((CASE, "]d2"), ("B",)))
CODES = [CodeScan(data=CASE, symbology="]d2"), CodeScan(data="B")]


def decoded(decoder: HidScannerDecoder, *chunks: bytes) -> list[Reading]:
    return [reading for chunk in chunks for reading in decoder.feed(chunk)] + decoder.finish()


def test_events_as_a_64_bit_kernel_sends_them() -> None:
    if INPUT_EVENT.size != 24:
        pytest.skip("a 32-bit kernel's events have 16 bytes")
    # 5, 9, Enter: with the scan codes (type 4) and times that a real keyboard adds.
    keys = [(4, 4, 0x70022), (1, 6, 1), (0, 0, 0), (1, 6, 0), (0, 0, 0), (1, 10, 1), (0, 0, 0)]
    keys += [(1, 10, 0), (0, 0, 0), (1, 28, 1), (0, 0, 0), (1, 28, 0), (0, 0, 0)]
    sent = b"".join(struct.pack("<qqHHi", 1_790_000_000, 5, *key) for key in keys)
    assert sent[:24] == bytes.fromhex(
        "80 3b b1 6a 00 00 00 00 05 00 00 00 00 00 00 00 04 00 04 00 22 00 07 00"
    )
    decoder = HidScannerDecoder()
    assert decoded(decoder, sent) == [CodeScan(data="59")]
    assert decoder.errors == []


@pytest.mark.evidence("split", "scanner-hid")
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(SENT)), max_size=8)))
    edges = [0, *cuts, len(SENT)]
    decoder = HidScannerDecoder()
    assert decoded(decoder, *(SENT[a:b] for a, b in pairwise(edges))) == CODES
    assert decoder.errors == []


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)


MODES: tuple[Mode, ...] = ("layout", "alt", "alt-hex")


@given(TEXT, st.sampled_from(LAYOUTS), st.sampled_from(MODES))
@settings(max_examples=150, deadline=None)
def test_any_text_in_any_layout_comes_through(text: str, layout: Layout, mode: Mode) -> None:
    scanner = EmulatedKeyboardScanner(layout, mode)
    assert scanner.can_type(text)
    decoder = HidScannerDecoder(layout=layout)
    (code,) = decoded(decoder, scanner.scan(text + "\x1d7", "]C1"))
    assert code == CodeScan(data=text + "\x1d7", symbology="]C1")


def test_another_layout_than_the_scanners_is_seen_in_the_text() -> None:
    sent = EmulatedKeyboardScanner("us").scan("https://id.gs1.org/01/7032069804988")
    (code,) = decoded(HidScannerDecoder(layout="de"), sent)
    assert isinstance(code, CodeScan)
    assert code.data.startswith("httpsÖ--")


def test_a_separator_as_text_and_tab_as_the_end() -> None:
    decoder = HidScannerDecoder(suffix="tab", separators=("|",))
    sent = EmulatedKeyboardScanner().scan("10A|21B\t5\t", enter=False)
    assert decoded(decoder, sent) == [CodeScan(data="10A\x1d21B"), CodeScan(data="5")]


def test_missed_keys_cost_the_code_and_only_that() -> None:
    dropped = INPUT_EVENT.pack(0, 0, EV_SYN, SYN_DROPPED, 0)
    scanner = EmulatedKeyboardScanner()
    decoder = HidScannerDecoder()
    sent = scanner.scan("AB", enter=False) + dropped + scanner.scan("CD") + scanner.scan("E")
    assert decoded(decoder, sent) == [CodeScan(data="E")]
    assert [(error.offset, str(error)) for error in decoder.errors] == [
        (2 * INPUT_EVENT.size, "Keys of this code were missed.")
    ]


def test_what_cannot_be_read_is_told_and_a_held_key_does_not_repeat() -> None:
    scanner = EmulatedKeyboardScanner()
    alt = [key_event(56, 1), *(key_event(key, 1) for key in (82, 79, 80, 73)), key_event(56, 0)]
    decoder = HidScannerDecoder()
    held = key_event(30, 1) + key_event(30, 2) * 5 + key_event(30, 0)
    sent = b"".join(alt) + scanner.scan("7") + held + scanner.scan("") + b"half"
    assert decoded(decoder, sent) == [CodeScan(data="a")]
    assert [str(error)[:18] for error in decoder.errors] == [
        "Control characters",
        "Half an input even",
    ]


@given(st.binary(max_size=240), st.lists(st.tuples(st.integers(0, 130), st.integers(0, 3))))
@settings(max_examples=100, deadline=None)
def test_noise_ends_nothing(noise: bytes, keys: list[tuple[int, int]]) -> None:
    noise = noise[: len(noise) - len(noise) % INPUT_EVENT.size]
    sent = noise + b"".join(INPUT_EVENT.pack(0, 0, EV_KEY, *key) for key in keys)
    decoder = HidScannerDecoder()
    decoder.feed(sent)
    decoder.finish()
    assert decoder.pending_bytes == 0


def test_control_c_ends_no_code() -> None:
    control_c = key_event(29, 1) + key_event(46, 1) + key_event(46, 0) + key_event(29, 0)
    decoder = HidScannerDecoder()
    scanner = EmulatedKeyboardScanner()
    sent = scanner.scan("12", enter=False) + control_c + scanner.scan("34") + scanner.scan("5")
    assert decoded(decoder, sent) == [CodeScan(data="5")]
    assert [str(error)[:18] for error in decoder.errors] == ["Control characters"]


# ---- the events and key codes of python-evdev, which takes them from the kernel's headers ----
evdev_only = pytest.mark.skipif(
    importlib.util.find_spec("evdev") is None,
    reason="python-evdev is not installed (it is built with a C compiler: pip install evdev)",
)


@evdev_only
def test_events_of_evdev_are_read() -> None:
    from evdev import InputEvent, ecodes

    def typed(*names: str) -> Iterator[InputEvent]:
        for held, name in enumerate(names):
            yield InputEvent(1_790_000_000, held, ecodes.EV_MSC, ecodes.MSC_SCAN, 0x70004)
            yield InputEvent(1_790_000_000, held, ecodes.EV_KEY, getattr(ecodes, name), 1)
            yield InputEvent(1_790_000_000, held, ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
        for name in reversed(names):
            yield InputEvent(1_790_000_001, 0, ecodes.EV_KEY, getattr(ecodes, name), 0)
            yield InputEvent(1_790_000_001, 0, ecodes.EV_SYN, ecodes.SYN_REPORT, 0)

    events = [
        *typed("KEY_RIGHTBRACE"),
        *typed("KEY_LEFTSHIFT", "KEY_C"),
        *typed("KEY_1"),
        *typed("KEY_1"),
        *typed("KEY_0"),
        *typed("KEY_LEFTSHIFT", "KEY_A"),
        *typed("KEY_LEFTCTRL", "KEY_RIGHTBRACE"),
        *typed("KEY_2"),
        *typed("KEY_F8"),
        *typed("KEY_KP1"),
        *typed("KEY_ENTER"),
    ]
    sent = b"".join(
        INPUT_EVENT.pack(one.sec, one.usec, one.type, one.code, one.value) for one in events
    )
    decoder = HidScannerDecoder()
    assert decoded(decoder, sent) == [CodeScan(data="10A\x1d2\x1d1", symbology="]C1")]
    assert decoder.errors == []


@evdev_only
def test_our_key_codes_are_the_kernels() -> None:
    from evdev import ecodes

    typed = {code: plain for code, (plain, _, _) in characters("us").items()}
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789":
        assert typed[getattr(ecodes, f"KEY_{letter.upper()}")] == letter
    names = {
        "MINUS": "-",
        "EQUAL": "=",
        "SLASH": "/",
        "BACKSLASH": "\\",
        "GRAVE": "`",
        "102ND": "<",
    }
    for name, character in names.items():
        assert typed[getattr(ecodes, f"KEY_{name}")] == character
    assert {getattr(ecodes, f"KEY_KP{digit}"): str(digit) for digit in range(10)} == KEYPAD_DIGITS
    assert ecodes.KEY_KPPLUS == KEYPAD_PLUS
    assert (EV_KEY, EV_SYN, SYN_DROPPED) == (ecodes.EV_KEY, ecodes.EV_SYN, ecodes.SYN_DROPPED)


# ---- the driver ----------------------------------------------------------------------------
@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, int]]:
    """A named pipe in place of the input device; a pipe cannot be grabbed, so that is faked."""
    path = tmp_path / "usb-scanner-event-kbd"
    os.mkfifo(path)
    monkeypatch.setattr(input_device.fcntl, "ioctl", lambda fd, request, arg: 0)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield path, fd
    finally:
        os.close(fd)


@pytest.mark.evidence("emulator", "scanner-hid")
async def test_codes_come_from_the_device(pipe: tuple[Path, int]) -> None:
    path, fd = pipe
    scanner = EmulatedKeyboardScanner("de")
    heard_bytes: list[bytes] = []
    config = HidScannerConfig(port=str(path), layout="de")
    driver = HidScanner(config, tap=heard_bytes.append)
    async with listening(driver) as heard:
        await heard.heard(DeviceEvent, lambda event: event.name == "connected")
        os.write(fd, scanner.scan("no-enter-yet", enter=False))
        await heard.heard(CodeScan, lambda code: code.data == "no-enter-yet")
        os.write(fd, scanner.scan("zy]@", "]d2"))
        await heard.heard(CodeScan, lambda code: code == CodeScan(data="zy]@", symbology="]d2"))
        os.write(fd, scanner.scan("", "]C1"))
        await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
    assert driver.counters()["frames"] == 2
    assert driver.counters()["bytes"] == len(b"".join(heard_bytes))
    assert decoded(HidScannerDecoder(layout="de"), *heard_bytes)


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        (errno.EBUSY, DeviceUnavailable, "is held by"),
        (errno.EACCES, DeviceUnavailable, "may not be opened"),
        (errno.ENOTTY, DeviceRefused, "is no input device"),
        (errno.ENODEV, DeviceUnavailable, "cannot be opened"),
    ],
)
async def test_a_device_that_cannot_be_grabbed_says_why(
    pipe: tuple[Path, int],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    error: type[Exception],
    says: str,
) -> None:
    def refuse(fd: int, request: int, arg: int) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(input_device.fcntl, "ioctl", refuse)
    with pytest.raises(error, match=says):
        async with listening(HidScanner(HidScannerConfig(port=str(pipe[0])))) as heard:
            await heard.end()


async def test_a_missing_device_and_a_lost_one(pipe: tuple[Path, int], tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="No such file"):
        async with listening(HidScanner(HidScannerConfig(port=str(tmp_path / "gone")))) as heard:
            await heard.end()
    path, fd = pipe
    async with listening(HidScanner(HidScannerConfig(port=str(path)))) as heard:
        await heard.heard(DeviceEvent)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, fd)  # the only writer has gone
        os.close(nothing)
        with pytest.raises(DeviceUnavailable, match="lost"):
            await heard.end()


# ---- the kernel's own input device, where it can be made -----------------------------------
@contextmanager
def uinput_keyboard() -> Iterator[tuple[Path, int]]:
    """A keyboard made by /dev/uinput (``linux/uinput.h``): its event device, and where to type."""
    fd = os.open("/dev/uinput", os.O_WRONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, 0x40045564, EV_KEY)  # UI_SET_EVBIT
        for key in range(1, 128):
            fcntl.ioctl(fd, 0x40045565, key)  # UI_SET_KEYBIT
        setup = struct.pack("HHHH80sI", 3, 0x0C2E, 0x0200, 1, b"Tallyport test scanner", 0)
        fcntl.ioctl(fd, 0x405C5503, setup)  # UI_DEV_SETUP
        fcntl.ioctl(fd, 0x5501)  # UI_DEV_CREATE
        name = fcntl.ioctl(fd, 0x8040552C, bytes(64)).rstrip(b"\0").decode()  # UI_GET_SYSNAME
        (event,) = Path("/sys/devices/virtual/input", name).glob("event*")
        yield Path("/dev/input", event.name), fd
    finally:
        os.close(fd)  # unplugs it


@pytest.mark.skipif(
    not os.access("/dev/uinput", os.W_OK),
    reason="there is no /dev/uinput to write to: no input device can be made here",
)
async def test_a_real_input_device_is_grabbed_read_and_lost() -> None:
    with uinput_keyboard() as (path, fd):
        driver = HidScanner(HidScannerConfig(port=str(path)))
        async with listening(driver) as heard:
            await heard.heard(DeviceEvent)
            os.write(fd, EmulatedKeyboardScanner().scan(CASE, "]d2"))
            await heard.heard(CodeScan, lambda code: code == CODES[0])
            with pytest.raises(DeviceUnavailable, match="held by"):
                async with listening(HidScanner(HidScannerConfig(port=str(path)))) as second:
                    await second.end()
            fcntl.ioctl(fd, 0x5502)  # UI_DEV_DESTROY
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
