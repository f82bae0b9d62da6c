"""What a rule set says of a ticket, and why. Pure: the same facts always get the same answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from desk.routing.condition import Condition, Why
from desk.routing.engine import mentions
from desk.routing.ruleset import LevelFlow, Rule, RuleSet, Then
from desk.routing.schema import Schema

_TEXT = "ticket.text"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules give a ticket. Texts are `""` and numbers 0 where they give nothing.

    Attributes:
        rules: the names of those that held, in their order.
        place: why this team: `rule legal`, `region 022`, `default`.
    """

    rules: tuple[str, ...] = ()
    type: str = ""
    team: str = ""
    place: str = ""
    skill: str = ""
    level: int = 0
    priority: int = 0
    policy: str = ""
    confirm: str = ""
    watchers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTold:
    """How a rule came out. `asked` is False after one that decided."""

    name: str
    asked: bool
    why: Why | None
    then: Then


@dataclass(frozen=True, slots=True)
class Book:
    """A rule set, ready to be asked. `edition` is 0 while it was not in force."""

    rules: RuleSet
    schema: Schema
    edition: int = 0
    conditions: tuple[Condition, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(cls, rules: RuleSet, schema: Schema, edition: int = 0) -> "Book":
        """A book of these rules.

        Raises:
            BadCondition: a condition cannot be used.
        """
        conditions = tuple(Condition.compile(rule.when, schema) for rule in rules.rules)
        return cls(rules, schema, edition, conditions)

    def heeds(self, words: str) -> bool:
        """Whether new words of a ticket may change what the rules give it."""
        asking = [each for each in self.conditions if _TEXT in each.paths]
        return any(not each.literals or mentions(words, each.literals) for each in asking)

    def flow(self, level: int) -> LevelFlow | None:
        """What a level means; None for 0."""
        return self.rules.levels.get(level)


def decide(book: Book, facts: Mapping[str, Any]) -> Decision:
    """What the rules give a ticket of which these facts are known."""
    known = _own(facts)
    decision = Decision()
    for rule, condition in zip(book.rules.rules, book.conditions, strict=True):
        if condition.matches(known):
            decision = _with(decision, rule, known)
            if not rule.go_on:
                break
    return _placed(book, decision, known)


def told(book: Book, facts: Mapping[str, Any]) -> tuple[Decision, tuple[RuleTold, ...]]:
    """The same decision, and how each rule came out, clause by clause."""
    known = _own(facts)
    decision, found, asked = Decision(), [], True
    for rule, condition in zip(book.rules.rules, book.conditions, strict=True):
        why = condition.why(known) if asked else None
        found.append(RuleTold(rule.name, asked, why, rule.then))
        if why is not None and why.holds:
            decision = _with(decision, rule, known)
            asked = rule.go_on
    return _placed(book, decision, known), tuple(found)


def _own(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, of which the ticket's change as rules give them."""
    return {**facts, "ticket": dict(facts.get("ticket", {}))}


def _with(decision: Decision, rule: Rule, known: dict[str, Any]) -> Decision:
    """The decision with what a rule gives; the rules after it see the ticket so."""
    then, ticket = rule.then, known["ticket"]
    level = min((level for level in (decision.level, then.level or 0) if level), default=0)
    if level and level < (ticket.get("level") or 5):
        ticket["level"] = level
    if then.type and not decision.type:
        ticket["type"] = then.type
    if then.team and not decision.team:
        ticket["team"] = then.team
    return Decision(
        rules=(*decision.rules, rule.name),
        type=decision.type or then.type or "",
        team=decision.team or then.team or "",
        place=decision.place or (f"rule {rule.name}" if then.team else ""),
        skill=decision.skill or then.skill or "",
        level=level,
        priority=max(decision.priority, then.priority or 0),
        policy=decision.policy or then.policy or "",
        confirm=decision.confirm or then.confirm or "",
        watchers=tuple(dict.fromkeys((*decision.watchers, *then.watchers))),
    )


def _placed(book: Book, decision: Decision, known: Mapping[str, Any]) -> Decision:
    """The decision with the team of the region or the default one, where no rule gave any."""
    if decision.team:
        return decision
    team, place = default_team(book.rules, known["ticket"])
    return replace(decision, team=team, place=place)


def default_team(rules: RuleSet, ticket: Mapping[str, Any]) -> tuple[str, str]:
    """The team of a ticket's region, and why."""
    for name in ("area_code", "city", "province"):
        region = ticket.get(name) or ""
        if region in rules.regions:
            return rules.regions[region], f"region {region}"
    return rules.default_team, "default"
