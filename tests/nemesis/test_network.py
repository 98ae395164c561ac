"""The broken networks are as broken as they say, and no more."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from benchmarks.nemesis import network

_RATE = 64_000
_SENT = 300_000
_HEAD_START = 66_000 + _RATE
"""What a bucket holds that nobody drew from: its burst, and a second's worth."""


def test_a_slow_line_is_slow_and_no_outage() -> None:
    if reason := network.why_not():
        pytest.skip(reason)
    came = 0

    def take(server: socket.socket) -> None:
        nonlocal came
        with server.accept()[0] as line:
            while chunk := line.recv(65_536):
                came += len(chunk)

    with socket.create_server(("127.0.0.1", 0)) as server:
        taking = threading.Thread(target=take, args=(server,))
        taking.start()
        with socket.create_connection(server.getsockname()) as line:
            network.slow(server.getsockname()[1], _RATE)
            try:
                began = time.monotonic()
                line.sendall(bytes(_SENT))
                line.shutdown(socket.SHUT_WR)
                taking.join(60)
                took = time.monotonic() - began
            finally:
                network.heal()
                taking.join(60)
    assert came == _SENT
    assert took >= (_SENT - _HEAD_START) / _RATE
