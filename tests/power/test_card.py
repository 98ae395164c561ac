"""The journal on a card that forgets: a real process, kill -9, a power cut, and on it goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.powercut.card import cut_often
from benchmarks.powercut.mount import mounted, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be mounted")
CUTS = 20


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
def test_power_cuts_under_a_real_process(lies: bool) -> None:
    counted, wrong = cut_often(CUTS, 11, lies=lies)
    assert wrong == []
    assert counted["cuts"] == CUTS
    if lies:
        assert counted["rows_lost"] > 0
    else:
        assert counted["rows_lost"] == counted["quarantined"] == 0


def test_the_card_forgets_what_was_not_synced_and_keeps_what_was(tmp_path: Path) -> None:
    with mounted(tmp_path / "card") as card:
        with (card.path / "a").open("w+b", buffering=0) as file:
            file.write(b"safe")
            os.fsync(file.fileno())
            file.write(b" and not")
            file.seek(0)
            assert file.read() == b"safe and not"
        card.cut("dropped", seed=1)
        assert (card.path / "a").read_bytes() == b"safe"
        card.lie()
        kept = set()
        for seed in range(20):
            path = card.path / f"synced-{seed}"
            with path.open("wb", buffering=0) as file:
                file.write(b"promised")
                os.fsync(file.fileno())
            card.cut("dropped", seed)
            kept.add(path.exists() and path.read_bytes() == b"promised")
        assert kept == {True, False}
