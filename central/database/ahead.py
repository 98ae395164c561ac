"""Statements that PostgreSQL carries out while the next ones are made.

The driver's own way to do so, its pipeline mode, takes no COPY. So this speaks with libpq, which
psycopg hands out for that, and does so in the one thread that there is: another one would wait
for Python's lock at every answer while this one computes.
"""

from __future__ import annotations

import contextlib
import select
from collections import deque
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import pq
from sqlalchemy import Connection

from central.database.prepared import as_told

__all__ = ["Ahead"]

_PIECE = 64 * 1024
"""Bytes that libpq is given at once: it may never find room for many more."""
_REFUSED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
_Step = Generator[None, None, None]
"""Yields where the server must be waited for."""
Told = Callable[[str | None], None]


class Ahead:
    """Carries out what it is given, in order, in the transaction that ``conn`` is in.

    ``go_on`` looks whether the server wants more, and is to be called every few milliseconds.
    Until the end nothing else can be asked of ``conn``. What the server refuses is raised as
    SQLAlchemy raises it, by whichever call finds it out; nothing that was given later is done.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        driver: Any = conn.connection.dbapi_connection
        self._pg: pq.abc.PGconn = driver.pgconn
        self._encoding: str = driver.info.encoding
        self._later: deque[tuple[str, _Step]] = deque()
        self._now: tuple[str, _Step] | None = None
        self._unsent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """All is done; or nothing more is begun, and the connection can be told to go back."""
        if kind is None:
            self.finish()
            return
        self._later.clear()
        with contextlib.suppress(psycopg.Error):  # what was raised first is what is told
            if self._now is not None:
                self._waited_for(self._now[1])

    def copy(self, statement: str, lines: str) -> None:
        """``COPY ... FROM STDIN`` of such lines."""
        self._begin(statement, self._copied(statement, lines.encode(self._encoding)))

    def ask(self, question: str, values: Sequence[object], told: Told) -> None:
        """A question with one answer, which ``told`` hears as PostgreSQL writes it; ``$1`` and
        so on in it stand for the ``values``, which are written as PostgreSQL reads them.
        """
        encoded = [str(value).encode(self._encoding) for value in values]
        self._begin(question, self._asked(question, encoded, told))

    def go_on(self) -> None:
        """Tell the server what comes next, if it is ready; never waits for it."""
        while self._now is not None:
            statement, step = self._now
            try:
                next(step)
            except StopIteration:
                self._now = self._later.popleft() if self._later else None
            except psycopg.Error as error:
                self._now = None
                raise as_told(error, statement, self._conn) from error
            else:
                return

    def finish(self) -> None:
        """Wait until everything is done."""
        self.go_on()
        while self._now is not None:
            self._wait()
            self.go_on()

    def _begin(self, statement: str, step: _Step) -> None:
        self._later.append((statement, step))
        if self._now is None:
            self._now = self._later.popleft()
        self.go_on()

    def _waited_for(self, step: _Step) -> None:
        for _ in step:
            self._wait()

    def _wait(self) -> None:
        """Until the server says something, or has room for what was not sent yet."""
        poll = select.poll()
        poll.register(self._pg.socket, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        poll.poll()

    def _copied(self, statement: str, lines: bytes) -> _Step:
        self._pg.send_query(statement.encode(self._encoding))
        begun = yield from self._result()
        if begun is not None and begun.status == pq.ExecStatus.COPY_IN:
            for first in range(0, len(lines), _PIECE):
                while not self._pg.put_copy_data(lines[first : first + _PIECE]):
                    yield from self._sent()
            while not self._pg.put_copy_end():
                yield from self._sent()
            begun = None
        yield from self._ended(begun)

    def _asked(self, question: str, values: list[bytes], told: Told) -> _Step:
        self._pg.send_query_params(question.encode(self._encoding), values)
        answer = yield from self._ended((yield from self._result()))
        value = answer.get_value(0, 0)
        told(None if value is None else value.decode(self._encoding))

    def _ended(self, result: pq.abc.PGresult | None) -> Generator[None, None, pq.abc.PGresult]:
        """The statement's result, once it is over. Raises why it was refused."""
        results = [] if result is None else [result]
        while (found := (yield from self._result())) is not None:
            results.append(found)
        for one in results:
            if one.status in _REFUSED:
                raise psycopg.errors.error_from_result(one, self._encoding)
        return results[-1]

    def _result(self) -> Generator[None, None, pq.abc.PGresult | None]:
        """What the server says next; ``None`` at the end of a statement."""
        yield from self._sent()
        while self._pg.is_busy():
            yield
            self._pg.consume_input()
        return self._pg.get_result()

    def _sent(self) -> _Step:
        """All that was given to libpq has gone; what comes back meanwhile must be taken."""
        while self._pg.flush():
            self._unsent = True
            yield
            self._pg.consume_input()
        self._unsent = False
