"""Tag reports decoded per second of CPU: ours, to finished readings, against sllurp."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module

from benchmarks.machine import describe
from drivers.emulators.llrp_encode import ReportContent, tag_report
from drivers.llrp.decode import LlrpDecoder
from drivers.readings import TagRead

_MESSAGES, _TAGS_PER_MESSAGE, _ROUNDS = 100, 20, 9


def run() -> dict[str, object]:
    """Best of nine rounds over the same 2,000 tags; ``baseline`` is sllurp's rate."""
    contents = {
        "plain_51_bytes": ReportContent(rospec_id=True),
        "impinj_93_bytes": ReportContent(
            rospec_id=True, impinj_phase=True, impinj_rssi=True, impinj_doppler=True
        ),
    }
    figures = {name: _figure(content) for name, content in contents.items()}
    return {"bench": "decode", "machine": describe(), "figures": figures}


def _figure(content: ReportContent) -> dict[str, object]:
    messages = [tag_report(_reads(number), content, number) for number in range(_MESSAGES)]
    stream = b"".join(messages)
    message_class = import_module("sllurp.llrp").LLRPMessage

    def ours() -> None:
        LlrpDecoder().feed(stream)

    def theirs() -> None:
        for message in messages:
            message_class(msgbytes=message)

    rate, baseline = _rate(ours), _rate(theirs)
    return {
        "value": round(rate),
        "unit": "tags/s",
        "baseline": round(baseline),
        "ratio": round(rate / baseline, 2),
    }


def _reads(number: int) -> list[TagRead]:
    first = number * _TAGS_PER_MESSAGE
    return [
        TagRead(
            epc=f"3034{tag % 200:020X}",
            epc_bits=96,
            antenna=1 + tag % 4,
            peak_rssi_dbm=-50.0 - tag % 20,
            first_seen_us=1_700_000_000_000_000 + tag,
            last_seen_us=1_700_000_000_000_900 + tag,
            phase_rad=(tag % 4096) / 1000,
            doppler_hz=(tag % 300) / 16,
            channel=1 + tag % 50,
        )
        for tag in range(first, first + _TAGS_PER_MESSAGE)
    ]


def _rate(work: Callable[[], None]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return _MESSAGES * _TAGS_PER_MESSAGE / best
