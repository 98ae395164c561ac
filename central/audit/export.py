"""The audit as a file: CSV or JSON Lines, oldest first, with people's names masked on request."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from central.audit import Entry
from central.database.moments import from_us

__all__ = ["Format", "Masked", "lines"]

Format = Literal["csv", "jsonl"]
_COLUMNS = ("id", "at", "actor", "action", "subject", "before", "after")
_PERSONAL = {"full_name", "email", "name", "address", "agent", "external", "by", "account"}
_USER = re.compile(r"^user:")
_OURS = {"judging", "central", "log-in", "token", "api"}
_encode = msgspec.json.Encoder().encode


class Masked:
    """Names as words that stand for them: the same one each time in one export, and nobody can
    tell whose without the key of this export, which is thrown away.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def entry(self, entry: Entry) -> Entry:
        """Without names, addresses and browsers."""
        return msgspec.structs.replace(
            entry,
            actor=entry.actor if entry.actor in _OURS else self._word(entry.actor),
            subject=self._subject(entry.subject),
            before=self._value(entry.before),
            after=self._value(entry.after),
        )

    def _subject(self, subject: str) -> str:
        return f"user:{self._word(subject[5:])}" if _USER.match(subject) else subject

    def _value(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: self._word(str(kept)) if name in _PERSONAL and kept else kept
            for name, kept in value.items()
        }

    def _word(self, name: str) -> str:
        digest = hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()
        return f"person-{digest[:10]}"


def lines(
    entries: Sequence[Entry], format_: Format, masked: Callable[[Entry], Entry] | None
) -> Iterator[str]:
    """One line each, and CSV's head first."""
    if format_ == "csv":
        yield _row(_COLUMNS)
    for entry in entries:
        shown = entry if masked is None else masked(entry)
        at = from_us(shown.at_us).isoformat()
        if format_ == "jsonl":
            said = {**msgspec.structs.asdict(shown), "at": at}
            yield _encode(said).decode() + "\n"
        else:
            before, after = _encode(shown.before).decode(), _encode(shown.after).decode()
            yield _row((shown.id, at, shown.actor, shown.action, shown.subject, before, after))


def _row(values: Sequence[object]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerow([_plain(value) for value in values])
    return made.getvalue()


def _plain(value: object) -> object:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
