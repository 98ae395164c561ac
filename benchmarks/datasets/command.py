"""The command line that all importers of data sets share, and that of the emulated suites."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.datasets.rows import DatasetError
from drivers.recording import Recording, write_recording

__all__ = ["converted", "import_files", "make_numbers", "numbered", "written_once"]


def converted(destination: Path, made: Iterable[tuple[str, Recording]]) -> list[Path]:
    """Write each ``(name, recording)`` as ``destination/NAME.jsonl.gz``; gives what was written."""
    destination.mkdir(parents=True, exist_ok=True)
    written = []
    for name, recording in made:
        written.append(destination / f"{name}.jsonl.gz")
        write_recording(written[-1], recording)
    return written


def import_files(
    name: str,
    about: str | None,
    source: str,
    convert: Callable[[Path, Path], list[Path]],
    arguments: Sequence[str] | None,
) -> int:
    """``python -m benchmarks.datasets.NAME SRC DST``; gives the exit status.

    ``about`` and ``source`` are what ``--help`` says of the data set and of SRC. What is wrong
    with the data set is said in a sentence.
    """
    parser = _parser(name, about)
    parser.add_argument("source", metavar="SRC", type=Path, help=source)
    _add_destination(parser)
    options = parser.parse_args(arguments)
    try:
        written = convert(options.source, options.destination)
    except (DatasetError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if not written:
        print(f"{options.source}: nothing of this data set is here", file=sys.stderr)
        return 1
    print(f"{len(written)} recordings in {options.destination}")
    return 0


def numbered(name: str, about: str | None, suites: Sequence[str]) -> argparse.ArgumentParser:
    """The words of a command that makes numbers of an emulated suite."""
    parser = _parser(name, about)
    parser.add_argument("suite", choices=suites)
    parser.add_argument("split", choices=("train", "test"))
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    _add_destination(parser)
    parser.add_argument("--workers", type=int, default=None)
    return parser


def make_numbers(options: argparse.Namespace, make: Callable[[int], Path]) -> int:
    """Make what ``numbered`` was asked for, in several processes; gives the exit status."""
    options.destination.mkdir(parents=True, exist_ok=True)
    numbers = range(options.first, options.first + options.count)
    with ProcessPoolExecutor(options.workers) as pool:
        written = list(pool.map(make, numbers))
    print(f"{len(written)} recordings in {options.destination}")
    return 0


def written_once(destination: Path, name: str, make: Callable[[], Recording]) -> Path:
    """``destination/NAME.jsonl.gz``: made unless it is there already, and never there in part."""
    target = destination / f"{name}.jsonl.gz"
    if not target.exists():
        being_made = destination / f".{name}.jsonl.gz"
        write_recording(being_made, make())
        being_made.replace(target)
    return target


def _parser(name: str, about: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.datasets.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_destination(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("destination", metavar="DST", type=Path, help="folder for the recordings")
