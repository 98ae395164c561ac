"""``python -m benchmarks.devices``: write ``docs/devices.md`` from what there is to show.

With ``--check`` nothing is written, and a page that is out of date ends with status 1.
"""

from __future__ import annotations

import argparse
import difflib
import sys

from benchmarks.devices.evidence import ROOT, Undeclared, records
from benchmarks.devices.page import rewritten
from benchmarks.devices.rates import machine
from tallyport.not_here import NotHere

PAGE = ROOT / "docs" / "devices.md"


def main() -> int:
    """Write or check the page; the exit status."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    check = arguments.parse_args().check
    try:
        page = PAGE.read_text(encoding="utf-8")
        wanted = rewritten(page, records(), machine())
    except (Undeclared, NotHere, OSError, ValueError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if check:
        differs = difflib.unified_diff(
            page.splitlines(),
            wanted.splitlines(),
            "docs/devices.md",
            "as it should be",
            lineterm="",
        )
        sys.stdout.writelines(f"{line}\n" for line in differs)
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
