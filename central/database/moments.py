"""Times as the tables hold them: integer microseconds since 1970 UTC, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exact; ``moment`` carries a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The moment ``us`` microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=us)
