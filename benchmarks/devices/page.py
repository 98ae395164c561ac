"""The generated part of ``docs/devices.md``: a table of all kinds, and a section for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.devices.grades import Grade, Record, grade, missing
from drivers.catalogue import ABOUT

BEGIN = "<!-- What follows is written by `python -m benchmarks.devices`: do not edit. -->"
END = "<!-- What was written ends here. -->"


def rewritten(page: str, records: Sequence[Record], machine: str) -> str:
    """The page with its generated part made anew. Raises ``ValueError`` without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/devices.md lacks the lines {BEGIN!r} and {END!r}")
    written = "\n".join(_lines(records, machine))
    return f"{before}{BEGIN}\n\n{written}\n{END}{after}"


def _lines(records: Sequence[Record], machine: str) -> Iterator[str]:
    grades = [grade(record.shown) for record in records]
    counted = [f"{grades.count(one)} {one.words}" for one in reversed(Grade) if one in grades]
    yield f"{len(records)} kinds: {', '.join(counted)}."
    yield ""
    yield "| kind | grade | device families | connection | sample |"
    yield "|---|---|---|---|---|"
    for record, reached in zip(records, grades, strict=True):
        about = ABOUT[record.kind]
        yield (
            f"| [`{record.kind}`](#{record.kind}) | {reached.words} | {about.families} "
            f"| {about.connection} | {_listed(record.samples)} |"
        )
    yield ""
    for record in records:
        yield from _section(record, machine)


def _section(record: Record, machine: str) -> Iterator[str]:
    about = ABOUT[record.kind]
    module, _, name = about.emulator.partition(":")
    yield f"### {record.kind}"
    yield ""
    yield f"- **Grade: {grade(record.shown).words}**"
    yield f"- Families: {about.families}"
    yield f"- Protocol: {about.protocol}"
    yield f"- Connection: {about.connection}"
    yield f"- Sample: {_listed(record.samples) or 'none'}"
    yield f"- Emulator: `{module}` ({name})"
    for claim, tests in sorted(record.evidence.items()):
        yield f"- {_TOLD[claim]}: {_listed(tests)}"
    if record.rate is not None:
        yield f"- Rate: {_rounded(record.rate)} readings/s of processor time ({machine})"
    for hardware in record.hardware:
        yield f"- Verified on: {hardware}"
    lacking = missing(record.shown)
    if lacking:
        yield f"- For the next grade: {'; '.join(lacking)}"
    for quirk in about.quirks:
        yield f"- Known: {quirk}"
    yield ""


_TOLD = {
    "capture": "Its captures decode",
    "emulator": "The driver hears its emulator",
    "reconnect": "Lost, it is heard again",
    "split": "Any split of the bytes reads the same",
    "fuzz": "Fuzzed",
    "published": "Agrees with published bytes, where these are beside the checkout",
}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rounded(rate: int) -> str:
    """Two digits: more would only tell how busy the machine was."""
    digits = 10 ** max(0, len(str(rate)) - 2)
    return f"{round(rate / digits) * digits:,}"
