"""Passwords: what is one, and its Argon2id hash (RFC 9106, its second recommended choice: 64 MiB).

Hashing takes some 50 ms of a core and 64 MiB, so it happens outside of the database's threads and
outside of the event loop, and by `MOST_AT_ONCE` at a time.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from desk.errors import Unacceptable

MOST_AT_ONCE = 2
FEWEST, MOST = 10, 200  # characters
_HASHER = PasswordHasher()
NOBODYS = _HASHER.hash("nobody's password, which takes as long to refuse")


class BadPassword(Unacceptable):
    """It cannot be somebody's password."""

    error_id = "bad-password"


def check(password: str, name: str) -> None:
    """A password that its owner may have.

    Raises:
        BadPassword: it is too short, too long, or easily guessed.
    """
    if not FEWEST <= len(password) <= MOST:
        raise BadPassword(f"a password has {FEWEST} to {MOST} characters; choose a longer one")
    if len(set(password)) < 5 or name.lower() in password.lower():
        raise BadPassword("the password is easily guessed; choose several words or a longer one")


class Hashing:
    """Hashes and verifies in threads, a few at once; the others wait their turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def of(self, password: str) -> str:
        """The hash to keep."""
        async with self._turn:
            return await asyncio.to_thread(hashed, password)

    async def verify(self, kept: str, password: str) -> bool:
        """Whether it is the password of this hash."""
        async with self._turn:
            return await asyncio.to_thread(verified, kept, password)


def hashed(password: str) -> str:
    """The hash to keep; in the caller's own thread."""
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def verified(kept: str, password: str) -> bool:
    """Whether it is the password of this hash; in the caller's own thread."""
    try:
        return _HASHER.verify(kept, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """The hash was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(kept)
