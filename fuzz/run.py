"""``python -m fuzz.run TARGET --seconds N``: coverage-guided fuzzing of one parser, by atheris.
``python -m fuzz.run all --seconds N``: every parser in turn, N seconds each, and a table.

Begins with ``fuzz/corpus/TARGET`` and ``fuzz/findings/TARGET``; with ``--learnt FOLDER`` also
with what earlier runs learnt there, else keeps that in a folder of its own. Inputs are changed
by their structure (``fuzz.mutators``) and by atheris. A finding ends that target's run: its
bytes go to ``fuzz/findings/TARGET``, where ``tests/fuzz`` tries them for ever after, and the
exit status is 1. Needs ``pip install 'tallyport[fuzz]'``.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog

HERE = Path(__file__).parent
_LONGEST_BYTES = {"central-road": 16_384, "mqtt-batch": 16_384, "edge-config": 8_192}
_LONGEST = 4_096
_MOST_SECONDS_EACH = 120
"""An input that takes longer is a finding."""


def main() -> None:
    """Run one target, or all of them, until the time is over or something is found."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    arguments.add_argument("target", help="a target's name, or all")
    arguments.add_argument("--seconds", type=int, default=600, help="for each target")
    arguments.add_argument("--together", type=int, default=1, help="with all: how many at once")
    arguments.add_argument("--learnt", type=Path, help="where to keep what is learnt")
    asked = arguments.parse_args()
    learnt = asked.learnt or Path(tempfile.mkdtemp(prefix="tallyport-fuzz-"))
    if asked.target == "all":
        from fuzz.campaign import run_all  # noqa: PLC0415 (atheris must see the parsers first)

        sys.exit(run_all(asked.seconds, asked.together, learnt))
    _one(asked.target, asked.seconds, learnt / asked.target)


def _one(name: str, seconds: int, learnt: Path) -> None:
    import atheris  # noqa: PLC0415 (only where something is fuzzed)

    with atheris.instrument_imports(
        include=["drivers", "gateway", "edge", "central", "sllurp", "biip"]
    ):
        from fuzz.mutators import mutated  # noqa: PLC0415 (instrumented as they are imported)
        from fuzz.targets import TARGETS  # noqa: PLC0415

    # Hostile input is told at length, and telling costs more than reading it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    if name not in TARGETS:
        sys.exit(f"there is no target {name!r}; there are: all, {', '.join(sorted(TARGETS))}")

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        if seed % 4 == 0:
            by_atheris: bytes = atheris.Mutate(data, most)
            return by_atheris
        return mutated(name, data, seed)[:most]

    findings = HERE / "findings" / name
    for folder in (learnt, findings):
        folder.mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0], str(learnt), str(HERE / "corpus" / name), str(findings),
            f"-max_total_time={seconds}", f"-artifact_prefix={findings}/",
            f"-max_len={_LONGEST_BYTES.get(name, _LONGEST)}", f"-timeout={_MOST_SECONDS_EACH}",
            f"-report_slow_units={_MOST_SECONDS_EACH}", "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ],
        TARGETS[name],
        custom_mutator=mutator,
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
