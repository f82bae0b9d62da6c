"""Who can be mentioned, told and asked to watch: people by any of their names, and teams."""

from collections.abc import Iterable
from dataclasses import dataclass

from desk.notices import address

TEAM = "team:"


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
