"""Passwords: argon2id, hashed in threads and never many at a time (64 MiB each)."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from central.access.errors import NotValid

__all__ = ["LEAST", "Checked", "Passwords", "check_new"]

LEAST = 12
"""Characters of a password. Long is what counts: no rules about kinds of them."""
_MOST = 256
_AT_A_TIME = 2


class Checked(NamedTuple):
    """Whether it was the password; ``renewed`` is its hash by today's parameters, where the one
    that is kept was made by others.
    """

    right: bool
    renewed: str | None = None


def check_new(password: str, name: str) -> None:
    """Raises ``NotValid`` for a password that is too easy to guess."""
    if not LEAST <= len(password) <= _MOST:
        raise NotValid(f"a password has {LEAST} to {_MOST} characters")
    if name.casefold() in password.casefold() or len(set(password)) < LEAST // 2:
        raise NotValid("a password does not hold the user's name, and more than a few characters")


class Passwords:
    """Hashes and compares. ``memory_kib`` and ``rounds`` are argon2id's."""

    def __init__(self, *, memory_kib: int = 65_536, rounds: int = 3) -> None:
        hasher = Argon2Hasher(memory_cost=memory_kib, time_cost=rounds)
        self._hash = PasswordHash((hasher,))
        self._few = asyncio.Semaphore(_AT_A_TIME)
        self._nobodys = self._hash.hash("nobody has this password")

    def hash_now(self, password: str) -> str:
        """Blocks for a tenth of a second."""
        return self._hash.hash(password)

    async def hash(self, password: str) -> str:
        """As it is kept."""
        async with self._few:
            return await asyncio.to_thread(self._hash.hash, password)

    async def check(self, password: str, kept: str | None) -> Checked:
        """Whether this is the password that is ``kept``; without one it takes as long to say no."""
        async with self._few:
            right, renewed = await asyncio.to_thread(
                self._hash.verify_and_update, password[:_MOST], kept or self._nobodys
            )
        return Checked(right and kept is not None, renewed if kept is not None else None)
