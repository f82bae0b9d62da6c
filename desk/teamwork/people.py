"""Who can be mentioned, told and asked to watch: people by any of their names, and teams."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from desk.db.schema.account import accounts
from desk.house import house_of
from desk.notices import address

TEAM = "team:"
AGENT = "agent:"
_ACCOUNTS = (
    select(accounts.c.name, accounts.c.full_name, accounts.c.team, accounts.c.extension)
    .where(accounts.c.disabled_at.is_(None))
    .order_by(accounts.c.id)
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here.

    Attributes:
        address: where notices reach the person, see `desk.notices`.
        names: account, extension, full name: what colleagues write after an @.
    """

    address: str
    names: tuple[str, ...]
    team: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who is known, and the teams."""

    people: tuple[Person, ...] = ()
    teams: tuple[str, ...] = ()

    @classmethod
    def of(cls, people: Iterable[Person], teams: Iterable[str] = ()) -> "Roster":
        """Of these people; one who is named twice with the same address is one person."""
        found: dict[str, Person] = {}
        for person in people:
            there = found.get(person.address)
            names = person.names if there is None else (*there.names, *person.names)
            team = person.team or (there.team if there is not None else "")
            unique = tuple(dict.fromkeys(name for name in names if name))
            found[person.address] = Person(address(person.address), unique, team)
        known = dict.fromkeys((*teams, *(person.team for person in found.values())))
        return cls(tuple(found.values()), tuple(team for team in known if team))

    def named(self) -> dict[str, list[str]]:
        """Addresses by name as it may be written, in lower case; several where people share it."""
        found: dict[str, list[str]] = {}
        for person in self.people:
            for name in (person.address, *person.names):
                there = found.setdefault(name.casefold(), [])
                if person.address not in there:
                    there.append(person.address)
        for team in self.teams:
            found[f"{TEAM}{team}".casefold()] = [f"{TEAM}{team}"]
        return found


def roster(db: Connection) -> Roster:
    """Everybody who has an account or stands in the configuration. An account goes before the
    extension that it has: they are one person.
    """
    house = house_of(db)
    holders: dict[str, str] = {}
    people = []
    for row in db.execute(_ACCOUNTS):
        extension = (f"{AGENT}{row.extension}", row.extension) if row.extension else ()
        people.append(Person(row.name, (row.full_name, *extension), row.team))
        if row.extension:
            holders[f"{AGENT}{row.extension}"] = row.name
    for member in house.members:
        names = (member.full_name, member.name, member.name.removeprefix(AGENT))
        people.append(Person(holders.get(member.name, member.name), names, member.team))
    return Roster.of(people, house.teams)
