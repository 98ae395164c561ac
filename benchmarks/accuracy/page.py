"""``python -m benchmarks.accuracy.page``: write the figures of ``docs/accuracy.md``.

They come from the results kept in ``benchmarks/accuracy/results``, one JSON file each, of a kind:

* ``ladder``, kept by ``tallyport bench accuracy --recordings DIR... --keep RESULTS``;
* ``grade``, kept by ``python -m benchmarks.accuracy.page --grade NAME DIR...``, which judges the
  recordings as ``tallyport evaluate`` does;
* ``table``, ``columns`` and ``rows`` of text and numbers, and ``tables``, several of them with a
  ``title`` each; of any other benchmark they are kept by
  ``python -m benchmarks.accuracy.page --bench NAME BENCHMARK OPTIONS...``.

All have ``made_by``, the command that leads there. With ``--check`` nothing is written, and a page
that is out of date ends with status 1.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.accuracy import results
from benchmarks.accuracy.ladder_report import digits, ladder_svg, markdown
from benchmarks.accuracy.sections import SECTIONS, Section
from drivers.recording import read_header, read_recording
from tallyport.bench import BENCHES, options_for
from tallyport.evaluate import report

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
BEGIN = "<!-- What follows is written by `python -m benchmarks.accuracy.page`: do not edit. -->"
END = "<!-- What was written ends here. -->"
_SAID = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "recall_heard": "recall of what was heard",
    "direction_accuracy": "direction",
    "passes_exact": "passes exact",
    "quantity_exact": "quantity exact",
    "posted_wrong": "posted wrong",
    "reviewed": "reviewed",
    "calibration_error": "calibration error",
}


def rewritten(page: str, kept: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with its figures made anew. Raises ``ValueError`` without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/accuracy.md lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{_written(kept)}\n{END}{after}"


def _written(kept: Mapping[str, Mapping[str, Any]]) -> str:
    known = {section.name for section in SECTIONS}
    others = [Section(name, name.replace("_", " "), "") for name in sorted(kept.keys() - known)]
    lines = [
        line
        for section in (*SECTIONS, *others)
        if section.name in kept
        for line in _section(section, kept[section.name])
    ]
    return "\n".join(lines)


def _section(section: Section, result: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {section.title}"
    yield ""
    if section.about:
        yield section.about
        yield ""
    for command in (*section.made_of, str(result["made_by"])):
        yield f"    $ {command}"
    yield ""
    yield f"Tallyport {result['tallyport']}, weights `{result['weights']}`."
    yield ""
    match result["kind"]:
        case "ladder":
            yield f"![F1 of each rule, with its interval](accuracy-{section.name}.svg)"
            yield ""
            yield from markdown(section.name, result)
            yield from _mistakes(result["rungs"].get("tallyport", {}))
        case "grade":
            yield from _grade(result)
        case "tables":
            for one in result["tables"]:
                yield f"**{one['title']}**"
                yield ""
                yield from _table(one["columns"], one["rows"])
        case _:
            yield from _table(result["columns"], result["rows"])


def _grade(result: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("portal", "shelf"):
        part = result.get(kind)
        if part is None:
            continue
        yield f"{result['files']} recordings, {part['hours']} hours."
        yield ""
        rows = []
        for key, words in _SAID.items():
            if part.get(key) is not None:
                told = part["intervals"].get(key, {})
                between = "" if told.get("low") is None else _between(told["low"], told["high"])
                of = f"{told['hits']} of {told['cases']}" if "cases" in told else ""
                rows.append([words, digits(part[key]), between, of])
        late = part["latency_s"]
        if late["p50"] is not None:
            rows.append(["latency p50 / p95", f"{late['p50']:.2f} / {late['p95']:.2f} s", "", ""])
        yield from _table(["figure", "value", "95 % interval", "of"], rows)
        yield from _mistakes(part)


def _between(low: float, high: float) -> str:
    return f"{digits(low)} - {digits(high)}"


def _table(columns: list[Any], rows: list[list[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(map(str, columns))} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(digits(c) if isinstance(c, float) else str(c) for c in row)} |"
    yield ""


def _mistakes(told: Mapping[str, Any]) -> Iterator[str]:
    """What went wrong, and where: to be looked at with `tallyport evaluate`."""
    counts = told.get("errors_by_kind") or {}
    if not counts:
        return
    listed = ", ".join(f"{many} {kind}" for kind, many in counts.items())
    yield f"Mistakes of Tallyport, by tag or plate: {listed}. The largest, by recording:"
    yield ""
    for one in told.get("examples", [])[:6]:
        asked = f'; a person was asked ("{one["asked"]}")' if one["asked"] else ""
        many = f"{one['alike']} alike" if one["alike"] > 1 else "one"
        yield f"- `{one['file']}` at {one['t']:.1f} s: {one['kind']}, {many}{asked}"
    yield ""


def grade(name: str, folders: list[Path]) -> None:
    """Judge recordings as ``tallyport evaluate`` does and keep what comes of it."""
    paths = [path for folder in folders for path in folder.rglob("*.jsonl*")]
    paths.sort(key=lambda path: (read_header(path).started_at, path.name))
    figures = report.told(report.grade((path, read_recording(path)) for path in paths))
    for kind in ("portal", "shelf"):
        part = figures[kind]
        if isinstance(part, dict):
            results.shorten(part)
    given = " ".join(folder.name for folder in folders)
    made_by = f"python -m benchmarks.accuracy.page --grade {name} {given}"
    results.RESULTS.mkdir(exist_ok=True)
    told = {"kind": "grade", "made_by": made_by, **figures}
    results.write(results.RESULTS / f"{name}.json", told)


def bench(name: str, words: list[str]) -> None:
    """Run a benchmark of ``tallyport bench`` and keep its figures as a table."""
    benchmark, *options = words
    run = importlib.import_module(BENCHES[benchmark][0]).run
    result = run(**options_for(run, options))
    given = " ".join(Path(word).name if "/" in word else word for word in options)
    made_by = {"made_by": f"tallyport bench {benchmark} {given}".strip()}
    results.RESULTS.mkdir(exist_ok=True)
    results.write(results.RESULTS / f"{name}.json", {**_kept_as(result), **made_by})


def _kept_as(result: Mapping[str, Any]) -> dict[str, Any]:
    """A benchmark's own tables, or one of its figures."""
    if "tables" in result:
        return {"kind": "tables", "tables": result["tables"]}
    columns, rows = _across(result["figures"]) or _down(result["figures"])
    return {"kind": "table", "columns": columns, "rows": rows}


def _down(figures: Mapping[str, Any]) -> tuple[list[Any], list[list[Any]]]:
    """A row for each figure."""
    rows = [
        [name, one["value"], one["unit"], "" if one.get("ratio") is None else one["ratio"]]
        for name, one in figures.items()
    ]
    baselines = {one["baseline"] for one in figures.values() if one.get("baseline")}
    beside = f"x {baselines.pop()}" if len(baselines) == 1 else "x baseline"
    return ["figure", "value", "unit", beside], rows


def _across(figures: Mapping[str, Any]) -> tuple[list[Any], list[list[Any]]] | None:
    """A column for each rule, where every figure is called ``RULE_FIGURE``."""
    lowest = f"{next(iter(figures.values())).get('baseline')}_"
    kinds = [name.removeprefix(lowest) for name in figures if name.startswith(lowest)]
    rules: dict[str, dict[str, Any]] = {}
    for name, one in figures.items():
        kind = max((kind for kind in kinds if name.endswith(f"_{kind}")), key=len, default=None)
        if kind is None:
            return None
        rules.setdefault(name.removesuffix(f"_{kind}"), {})[kind] = one
    rows = []
    for kind in kinds:
        found = [of.get(kind) for of in rules.values()]
        unit = next(one["unit"] for one in found if one)
        values = ["-" if one is None else one["value"] for one in found]
        rows.append([f"{kind.replace('_', ' ')}, {unit}", *values])
    return ["figure", *(rule.replace("_", " ") for rule in rules)], rows


def main() -> int:
    """Write or check the page; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.page")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    parser.add_argument(
        "--grade", nargs="+", metavar=("NAME", "DIR"), help="grade DIR... first and keep it as NAME"
    )
    parser.add_argument(
        "--bench", nargs=argparse.REMAINDER, metavar="NAME BENCHMARK OPTION",
        help="run a benchmark first and keep its figures as NAME",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.bench:
        bench(arguments.bench[0], arguments.bench[1:])
    if arguments.grade:
        grade(arguments.grade[0], [Path(folder) for folder in arguments.grade[1:]])
    page = PAGE.read_text(encoding="utf-8")
    wanted = rewritten(page, results.kept())
    if arguments.check:
        differs = difflib.unified_diff(page.splitlines(), wanted.splitlines(), lineterm="")
        sys.stdout.writelines(f"{line}\n" for line in differs)
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    for name, result in results.kept().items():
        if result["kind"] == "ladder":
            picture = ladder_svg(result["rungs"], "f1", alone=True)
            PAGE.with_name(f"accuracy-{name}.svg").write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
