"""``python -m fuzz.run TARGET --seconds N``: coverage-guided fuzzing of one parser, by atheris.

Begins with ``fuzz/corpus/TARGET``; keeps what it learns in a folder of its own. A finding ends
the run: its bytes go to ``fuzz/findings/TARGET``, where ``tests/fuzz`` tries them for ever after.
Needs ``pip install 'tallyport[fuzz]'``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["drivers", "gateway", "edge", "central", "sllurp", "biip"]
):
    from drivers import registry
    from fuzz.targets import DEVICES, TARGETS

    for _kind in DEVICES:
        registry.load(_kind)  # they are imported late, and would not be instrumented

HERE = Path(__file__).parent


def main() -> None:
    """Run one target until the time is over or something is found."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    arguments.add_argument("target", choices=sorted(TARGETS))
    arguments.add_argument("--seconds", type=int, default=600)
    asked = arguments.parse_args()
    findings = HERE / "findings" / asked.target
    findings.mkdir(parents=True, exist_ok=True)
    learnt = tempfile.mkdtemp(prefix=f"tallyport-fuzz-{asked.target}-")
    atheris.Setup(
        [
            sys.argv[0], learnt, str(HERE / "corpus" / asked.target),
            f"-max_total_time={asked.seconds}", f"-artifact_prefix={findings}/", "-max_len=4096",
            "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
        ],
        TARGETS[asked.target],
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
