"""Who somebody is to the desk, and whose a ticket is to him. Pure: no database, no clock."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Role(StrEnum):
    """What somebody is to the desk. A program that is bound to no account is an integration."""

    AGENT = "agent"
    TECHNICIAN = "technician"
    LEAD = "lead"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    INTEGRATION = "integration"


ROLES = {
    Role.AGENT: "坐席",
    Role.TECHNICIAN: "现场技术员",
    Role.LEAD: "班长",
    Role.SUPERVISOR: "主管",
    Role.ADMINISTRATOR: "管理员",
    Role.INTEGRATION: "系统对接",
}
"""Each role in Chinese."""


class Reach(IntEnum):
    """Up to whose tickets an operation goes; each includes those before it."""

    NONE = 0  # not at all
    OWN = 1  # those with oneself in charge
    TEAM = 2  # those of one's team, offered to it, or of no team and nobody yet
    OTHER = 3  # anybody's, and what is of no ticket


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket lies: who is in charge, and to which team it is on its way (`""`: none)."""

    team: str = ""
    assignee: str = ""
    offered_to: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        actor: as the timeline names him: an account's or a token's name.
        owner: what counts as one asker where something is counted: `token:3`, `account:5`.
        team: whose tickets are the team's; `""` for none.
        scopes: what a token was made for; None for a session, which may what its role may.
        unmasked: numbers and names may be shown in full, as far as `access.UNMASKED` reaches.
        names: each of which, as a ticket's assignee, is him; the actor's first.
        account_id: of the account behind a session or a token; None for a program's token.
        full_name: a person's name as colleagues know it; `""` for a program.
    """

    actor: str
    owner: str
    role: Role
    team: str = ""
    scopes: frozenset[str] | None = frozenset()
    unmasked: bool = False
    names: tuple[str, ...] = ()
    account_id: int | None = None
    full_name: str = ""

    def allows(self, scope: str) -> bool:
        """His token was made for `scope`, or he has a session."""
        return self.scopes is None or scope in self.scopes or "admin" in self.scopes


def whose(place: Place, who: Principal) -> Reach:
    """Whose a ticket is to somebody: OWN, TEAM or OTHER."""
    if place.assignee and place.assignee in who.names:
        return Reach.OWN
    nobodys = not place.team and not place.assignee
    if nobodys or (who.team and who.team in (place.team, place.offered_to)):
        return Reach.TEAM
    return Reach.OTHER
