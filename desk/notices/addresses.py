"""To whom a notice goes, and what a reader may find in the inbox.

`agent:8001` (an extension), an account's name, `team:天津` (everybody in it), `role:lead@天津`
(whoever has the role there), `role:supervisor` (whoever has the role anywhere).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from desk.errors import Unacceptable

MOST_ADDRESS = 130
ROLE = "role:"
TEAM = "team:"
AGENT = "agent:"
_ROLE = re.compile(r"role:[a-z_]{1,30}(@[^@\s][^@]{0,59})?")
_NAMED = re.compile(r"(team|agent):[^@]*\S")


class BadAddress(Unacceptable):
    """A notice has nobody whom it can reach."""

    error_id = "bad-address"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address[:200]!r} is nobody's address; use agent:8001, an account's name, "
            "team:天津, role:lead@天津 or role:supervisor"
        )


def address(text: str) -> str:
    """An address as it is stored.

    Raises:
        BadAddress: it is none.
    """
    found = text.strip()
    kind, colon, _ = found.partition(":")
    if not found or not found.isprintable() or len(found) > MOST_ADDRESS:
        raise BadAddress(text)
    if kind == "role" and colon and not _ROLE.fullmatch(found):
        raise BadAddress(text)
    if kind in ("team", "agent") and colon and not _NAMED.fullmatch(found):
        raise BadAddress(text)
    return found


@dataclass(frozen=True, slots=True)
class Inbox:
    """Whose inbox it is.

    Attributes:
        reader: who reads; what is read is read for this one alone.
        addresses: every address by which notices reach the reader.
        everywhere: a role that the reader has in all teams, or `""`.
        own: the reader's names. What he did himself he is not told of, whatever he was called.
    """

    reader: str
    addresses: tuple[str, ...]
    everywhere: str = ""
    own: tuple[str, ...] = ()

    @classmethod
    def of(cls, reader: str, names: Iterable[str], role: str, team: str) -> "Inbox":
        """The inbox of somebody with these names who has a role in a team; without a team, in all
        of them. A name that would be a team's or a role's is no one's own.
        """
        own = dict.fromkeys(name for name in names if name and not name.startswith((TEAM, ROLE)))
        places = [f"{ROLE}{role}"]
        if team:
            places += [f"{TEAM}{team}", f"{ROLE}{role}@{team}"]
        return cls(reader, (*own, *places), "" if team else role, tuple(own))

    def holds(self, recipient: str, actor: str = "") -> bool:
        """Whether a notice to this address, of what `actor` did, is in it."""
        if actor in self.own:
            return False
        if recipient in self.addresses:
            return True
        return bool(self.everywhere) and recipient.startswith(f"{ROLE}{self.everywhere}@")
