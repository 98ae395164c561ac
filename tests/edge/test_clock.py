"""Event times come out right although a reader's clock is wrong."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import ReaderClock

S = 1_000_000
NOW = 1_790_000_000 * S


@given(
    offset_s=st.integers(-400_000_000, 400_000_000),
    delays_ms=st.lists(st.integers(1, 400), min_size=1, max_size=80),
)
@settings(max_examples=60)
def test_any_constant_error_is_found_within_the_delays(offset_s: int, delays_ms: list[int]) -> None:
    clock = ReaderClock()
    for index, delay in enumerate(delays_ms):
        truth = NOW + index * 100_000
        arrived = truth + delay * 1_000
        clock.observe(truth - offset_s * S, arrived)
        mapped = clock.to_edge(truth - offset_s * S, arrived)
        least = min(delays_ms[: index + 1]) * 1_000
        assert mapped <= arrived
        assert mapped == truth + least


def test_without_a_stamp_the_arrival_counts() -> None:
    clock = ReaderClock()
    assert clock.to_edge(None, NOW) == NOW
    assert clock.to_edge(NOW - 5, NOW) == NOW


def test_a_backlog_after_an_outage_lands_where_it_was_heard() -> None:
    clock = ReaderClock()
    wrong = 3_600 * S
    for index in range(300):
        at = NOW + index * S
        clock.observe(at - wrong, at + 5_000)
    silent_until = NOW + 600 * S
    for index in range(3_000):  # five minutes kept by the reader, delivered in three seconds
        heard = NOW + 300 * S + index * 100_000
        arrived = silent_until + index * 1_000
        clock.observe(heard - wrong, arrived)
        assert abs(clock.to_edge(heard - wrong, arrived) - heard) <= 5_000


def test_one_garbled_stamp_moves_nothing_and_a_clock_set_forward_is_followed() -> None:
    clock = ReaderClock()
    for index in range(20):
        clock.observe(NOW + index * S, NOW + index * S + 2_000)
    assert clock.offset_us == 2_000
    clock.observe(NOW + 10**9 * S, NOW + 21 * S)
    assert clock.offset_us == 2_000
    clock.observe(NOW + 22 * S, NOW + 22 * S + 2_000)
    assert clock.offset_us == 2_000
    for index in range(23, 27):  # the reader found its time server: five minutes forward
        clock.observe(NOW + (index + 300) * S, NOW + index * S + 2_000)
    assert clock.offset_us == -300 * S + 2_000


def test_a_clock_set_back_is_followed_after_some_seconds() -> None:
    clock = ReaderClock()
    for index in range(20):
        clock.observe(NOW + index * S, NOW + index * S + 2_000)
    for index in range(20, 40):
        clock.observe(NOW + (index - 90) * S, NOW + index * S + 2_000)
    assert clock.offset_us == 90 * S + 2_000
    assert clock.steps == 1


def test_uptime_stamps_map_too_and_a_reboot_starts_afresh() -> None:
    clock = ReaderClock()
    clock.observe(5 * S, NOW + 5 * S, uptime=True)
    assert clock.to_edge(7 * S, NOW + 8 * S) == NOW + 7 * S
    clock.restarted()
    clock.observe(1 * S, NOW + 100 * S, uptime=True)
    assert clock.to_edge(1 * S, NOW + 100 * S) == NOW + 100 * S
