"""All targets in one command: what its table says, and a finding told by the exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import campaign
from fuzz.campaign import Run, read_log, run_all, table

LOG = """INFO: seed corpus: files: 4
#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 90Mb
#5120\tNEW    cov: 417 ft: 1402 corp: 85/46Kb lim: 4096 exec/s: 94 rss: 132Mb
"""
DONE = LOG + "stat::number_of_executed_units: 6001\nstat::average_exec_per_sec: 20\n"


def test_a_log_that_ended_and_one_that_was_cut() -> None:
    assert read_log("epc", DONE, 300.0, (), 0) == Run("epc", 6_001, 300.0, 417, 85, (), 0)
    assert read_log("epc", LOG, 9.0, ("crash-1",), 77).executions == 5_120
    assert read_log("epc", "", 1.0, (), 1) == Run("epc", 0, 1.0, 0, 0, (), 1)


def test_the_table_adds_up_and_names_findings() -> None:
    runs = [read_log("epc", DONE, 300.0, (), 0), read_log("barcode", LOG, 9.0, ("crash-1",), 77)]
    lines = table(runs).splitlines()
    assert lines[2] == "| epc | 6,001 | 300 | 20 | 417 | 85 | 0 |"
    assert "crash-1 (ended with 77)" in lines[3]
    assert lines[4] == "| all | 11,121 | 309 | | | | 1 |"


@pytest.mark.parametrize("finds", [False, True])
def test_a_finding_is_told_by_the_exit_status(
    finds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fuzzer itself is a program that writes what libFuzzer would."""
    fuzzer = tmp_path / "fuzzer"
    found = tmp_path / "findings" / "epc" / "crash-2"
    found.parent.mkdir(parents=True)
    script = "#!/bin/sh\necho 'stat::number_of_executed_units: 7'\n"
    if finds:
        script += f'case "$3" in epc) echo x > {found}; exit 77;; esac\n'
    fuzzer.write_text(script)
    fuzzer.chmod(0o755)
    monkeypatch.setattr(campaign, "HERE", tmp_path)
    monkeypatch.setattr(campaign.sys, "executable", str(fuzzer))
    monkeypatch.setattr(campaign, "TARGETS", {"epc": None, "barcode": None})
    assert run_all(1, 2, tmp_path / "learnt") == (1 if finds else 0)
    told = capsys.readouterr().out
    assert "| all | 14 |" in told
    assert ("crash-2" in told) is finds
