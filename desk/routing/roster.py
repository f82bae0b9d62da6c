"""Who may be given tickets: the agents of the configuration and the accounts, each person once."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, select

from desk.db.schema import agents, tickets
from desk.db.schema.account import accounts
from desk.house import House, Member
from desk.sla.editions import latest
from desk.tickets.states import OPEN

AGENT = "agent:"
_TAKING = ("agent", "technician", "lead", "supervisor", "administrator")
_ACCOUNTS = (
    select(
        accounts.c.name, accounts.c.full_name, accounts.c.role, accounts.c.team,
        accounts.c.extension,
    )
    .where(accounts.c.disabled_at.is_(None), accounts.c.role.in_(_TAKING))
    .order_by(accounts.c.name)
)  # fmt: skip
_OPEN = [status.value for status in sorted(OPEN)]


def roster_of(db: Connection, house: House) -> tuple[Member, ...]:
    """Everybody who may be given tickets, by name. An account with an extension is the agent who
    has it, under the account's name and in its role.
    """
    return joined(house.members, (Member.model_validate(_of_account(row)) for row in
                                  db.execute(_ACCOUNTS)))  # fmt: skip


def peopled(db: Connection, house: House) -> House:
    """The house with everybody in it, accounts too, and the service levels that are in force: what
    rule sets are checked against."""
    book = latest(db)
    policies = tuple(policy.name for policy in book.data.policies) if book is not None else ()
    return house.model_copy(update={"members": roster_of(db, house), "policies": policies})


def joined(members: Iterable[Member], accounts_: Iterable[Member]) -> tuple[Member, ...]:
    """Both lists as one: who is in both has the account's name, role and team, and the agent's
    skills and regions.
    """
    found = {member.name: _named(member) for member in members}
    for account in accounts_:
        agent = next((found.pop(name) for name in account.names if name in found), None)
        if agent is not None:
            account = account.model_copy(
                update={
                    "team": account.team or agent.team,
                    "skills": agent.skills,
                    "regions": agent.regions,
                    "names": tuple(dict.fromkeys((*account.names, *agent.names))),
                }
            )
        found[account.name] = _named(account)
    return tuple(found[name] for name in sorted(found))


def _named(member: Member) -> Member:
    names = tuple(dict.fromkeys((member.name, *member.names)))
    return member.model_copy(update={"names": names})


def _of_account(row: Any) -> dict[str, Any]:
    name, full_name, role, team, extension = row
    names = [name, full_name]
    if extension:
        names += [f"{AGENT}{extension}", extension]
    return {
        "name": name,
        "full_name": full_name,
        "names": tuple(each for each in names if each),
        "role": role,
        "team": team,
    }


def away_of(db: Connection) -> frozenset[str]:
    """Agents who are away, as `agent:8001`."""
    rows = db.execute(select(agents.c.extension).where(agents.c.state == "away"))
    return frozenset(f"{AGENT}{row.extension}" for row in rows)


def loads_of(db: Connection, roster: Iterable[Member]) -> dict[str, int]:
    """How many open tickets each has, by name."""
    rows = db.execute(
        select(tickets.c.assignee, func.count().label("open"))
        .where(tickets.c.status.in_(_OPEN), tickets.c.assignee != "")
        .group_by(tickets.c.assignee)
    )
    by_name = {row.assignee: row.open for row in rows}
    return {member.name: sum(by_name.get(name, 0) for name in member.names) for member in roster}
