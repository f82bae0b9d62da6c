"""Who called: the list of INVITEs that SIPp says it has sent, which the line cannot change.

`place_calls(…, invite_log=file)` adds a line for each as it goes out. The file outlives a test that
is killed; several tests may share it.
"""

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from ari_app.sip_caller.trace import CallResult


@dataclass(frozen=True, slots=True)
class Invite:
    """A call as its caller began it. `at`: seconds since 1970."""

    at: float
    call_id: str
    caller: str
    dialled: str


class InviteLog:
    """The file, open to be added to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def add(self, invite: Invite) -> None:
        """One line in one write: it is there whole, whoever dies."""
        os.write(self._file, orjson.dumps(astuple(invite)) + b"\n")


def invites(of: Path | Iterable[CallResult]) -> tuple[Invite, ...]:
    """The calls that were begun, in their order: out of a log, or out of results."""
    if isinstance(of, Path):
        lines = of.read_bytes().splitlines()
        found = [Invite(*orjson.loads(line)) for line in lines]
    else:
        found = [
            Invite(call.invited_at, call.call_id, text(call.plan.caller), text(call.plan.dialled))
            for call in of
            if call.invited_at is not None
        ]
    return tuple(sorted(found, key=lambda one: one.at))


def text(number: str | bytes) -> str:
    """A number as a plan gives it."""
    return number if isinstance(number, str) else number.decode(errors="backslashreplace")
