"""Who gets a ticket: somebody of the team with the skill; who knows the customer before others,
then who has the fewest open tickets. Pure: the same house always gives the same person.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from desk.house import Member
from desk.routing.ruleset import RANKS

GIVEN = frozenset({"agent", "lead", "supervisor"})
"""Roles that tickets are given to without being asked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ticket asks of who gets it. Texts are `""` where it asks nothing.

    Attributes:
        regions: area code, city and province, of which one must be among a member's own, if the
            member has any.
    """

    team: str = ""
    skill: str = ""
    role: str = "agent"
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who gets it (`""`: the team, until somebody takes it), and why.

    Attributes:
        passed: everybody of the team who was not chosen, with the reason.
    """

    assignee: str
    why: str
    passed: tuple[tuple[str, str], ...] = ()


def choose(
    wanted: Wanted,
    roster: Sequence[Member],
    loads: Mapping[str, int],
    *,
    away: Collection[str] = (),
    known: Sequence[str] = (),
) -> Chosen:
    """Who gets a ticket.

    Args:
        loads: open tickets by name.
        away: names of those who take nothing now.
        known: assignees who know the customer or the case, the nearest first.
    """
    reasons = {
        member.name: lacks(member, wanted) or ("away" if _among(member, away) else "")
        for member in roster
        if not wanted.team or member.team == wanted.team
    }
    able = _lowest([member for member in roster if reasons.get(member.name) == ""])
    passed = [(name, reason) for name, reason in reasons.items() if reason]
    if not able:
        return Chosen("", "nobody of the team can be given it", tuple(passed))
    by_load = sorted(able, key=lambda member: (loads.get(member.name, 0), member.name))
    chosen, why = by_load[0], f"least load: {loads.get(by_load[0].name, 0)} open tickets"
    for name in known:
        sticky = next((member for member in able if name in member.names), None)
        if sticky is not None:
            chosen, why = sticky, "knows the customer: had the case or the last one"
            break
    passed += [
        (name, f"{loads.get(name, 0)} open tickets")
        for name, reason in reasons.items()
        if not reason and name != chosen.name
    ]
    return Chosen(chosen.name, why, tuple(passed))


def _lowest(able: Sequence[Member]) -> list[Member]:
    """Those of the lowest rank: a lead goes before a supervisor."""
    rank = min((RANKS[member.role] for member in able), default=0)
    return [member for member in able if RANKS[member.role] == rank]


def lacks(member: Member, wanted: Wanted) -> str:
    """What somebody lacks to be given a ticket, team apart; `""`: nothing. Ordinary tickets are
    given to agents only; who is above takes them if he likes.
    """
    if member.role not in GIVEN:
        return f"is {member.role}"
    rank, asked = RANKS[member.role], RANKS[wanted.role]
    if rank < asked or (asked == 0 and rank > 0):
        return f"is no {wanted.role}"
    if wanted.skill and wanted.skill not in member.skills:
        return f"has not the skill {wanted.skill}"
    if member.regions and not set(member.regions) & set(wanted.regions):
        return f"serves {', '.join(member.regions)} only"
    return ""


def _among(member: Member, names: Collection[str]) -> bool:
    return any(name in names for name in member.names)
