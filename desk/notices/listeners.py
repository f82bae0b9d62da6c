"""Who is there to hear a notice: one to a role or a team in which nobody can read it goes to the
next role upward, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from desk.db.schema.account import accounts
from desk.notices.addresses import AGENT, ROLE, TEAM

UPWARD = ("lead", "supervisor", "administrator")
_EVERYBODY = select(
    accounts.c.name, accounts.c.full_name, accounts.c.role, accounts.c.team, accounts.c.extension
).where(accounts.c.disabled_at.is_(None))


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody with an account: who can read an inbox."""

    name: str
    full_name: str
    role: str
    team: str
    extension: str

    @property
    def names(self) -> tuple[str, ...]:
        """Addresses and actors by which this person is known."""
        extension = (f"{AGENT}{self.extension}", self.extension) if self.extension else ()
        return tuple(name for name in (self.name, self.full_name, *extension) if name)


def listeners(db: Connection) -> list[Listener]:
    """Everybody who has an account that is not disabled."""
    return [Listener(*row) for row in db.execute(_EVERYBODY)]


def persons(everybody: Sequence[Listener]) -> Mapping[str, str]:
    """Account by each name that is one person's alone: `agent:8001` and `张敏` are one, and heard
    of a thing once.
    """
    found: dict[str, str] = {}
    for one in everybody:
        for name in one.names:
            found[name] = one.name if found.get(name, one.name) == one.name else name
    return found


def heard_at(to: str, actor: str, everybody: Sequence[Listener]) -> str:
    """The address at which somebody hears what is for `to`: itself, or the first upward (lead →
    supervisor → administrator) that is held by somebody other than who did it. Where nobody is at
    all, itself: who comes later finds it.
    """
    if not to.startswith((ROLE, TEAM)) or to.startswith(f"{ROLE}integration"):
        return to  # a person's, or programs', which have no accounts
    others = [one for one in everybody if actor not in one.names]
    if to.startswith(TEAM) and any(one.team == to.removeprefix(TEAM) for one in everybody):
        return to
    return next((place for place in _upward(to) if is_held(place, others)), to)


def _upward(to: str) -> Iterator[str]:
    """A role's own address and those above; in the team first, then anywhere."""
    if to.startswith(TEAM):
        roles: tuple[str, ...] = UPWARD
        team = to.removeprefix(TEAM)
    else:
        role, _, team = to.removeprefix(ROLE).partition("@")
        yield to
        roles = UPWARD[UPWARD.index(role) + 1 :] if role in UPWARD else UPWARD
    for role in roles:
        if team:
            yield f"{ROLE}{role}@{team}"
        yield f"{ROLE}{role}"


def is_held(place: str, everybody: Sequence[Listener]) -> bool:
    """Whether somebody with an account has the role of an address, is in its team, or is it."""
    if place.startswith(TEAM):
        return any(one.team == place.removeprefix(TEAM) for one in everybody)
    if not place.startswith(ROLE):
        return any(place in one.names for one in everybody)
    role, _, team = place.removeprefix(ROLE).partition("@")
    return any(one.role == role and (not team or one.team in ("", team)) for one in everybody)
