"""Checking a rule set as a whole, against the house, before it becomes active."""

import difflib
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from desk.house import House
from desk.notices import BadAddress, address
from desk.region import areas
from desk.routing.condition import Condition
from desk.routing.decide import Book
from desk.routing.errors import BadCondition, BadRules, Finding
from desk.routing.ruleset import RANKS, Rule, RuleSet
from desk.routing.schema import Kind, Schema
from desk.routing.written import Location, Written, named, read

_KINDS = {
    "text": Kind.TEXT,
    "choice": Kind.TEXT,
    "date": Kind.TEXT,
    "number": Kind.NUMBER,
    "yes_no": Kind.YES_NO,
}


def schema_of(house: House) -> Schema:
    """The facts of a house: everybody's, and the fields that its types declare."""
    return Schema.of(
        {
            name: _KINDS[each.kind]
            for declared in house.fields.values()
            for name, each in declared.items()
        }
    )


def check(text: str, house: House) -> tuple[RuleSet | None, list[Finding]]:
    """A rule set in YAML and everything that is wrong with it, in the order of its lines."""
    written, rules, findings = read(text)
    if rules is not None:
        findings = [*_places(written, rules, house), *_rules(written, rules, house)]
    return rules, sorted(findings, key=lambda each: each.line)


def book_of(text: str, house: House, edition: int = 0) -> Book:
    """A rule set in YAML, ready to be asked.

    Raises:
        BadRules: it cannot be used; has every finding.
    """
    rules, findings = check(text, house)
    fatal = [each for each in findings if each.fatal]
    if rules is None or fatal:
        raise BadRules(fatal)
    return Book.of(rules, schema_of(house), edition)


def _places(written: Written, rules: RuleSet, house: House) -> Iterator[Finding]:
    """Teams, regions and addresses outside of the rules."""
    yield from _known(written, ("default_team",), rules.default_team, house.teams, "team")
    for region, team in rules.regions.items():
        location = ("regions", region)
        yield from _known(written, location, team, house.teams, "team")
        if region not in _regions():
            yield _finding(
                written, location, f"{region!r} is no area code, province or city",
                "write a present code with its zero (022) or a short name (天津)",
            )  # fmt: skip
    for level, flow in rules.levels.items():
        for part in ("notify", "watchers"):
            for place, each in enumerate(getattr(flow, part)):
                yield from _address(written, ("levels", level, part, place), each)
        if flow.role != "agent" and not any(
            RANKS.get(member.role, 0) >= RANKS[flow.role] for member in house.members
        ):
            yield _finding(
                written, ("levels", level, "role"), f"nobody is a {flow.role}",
                f"its tickets wait for a {flow.role} to take them; make an account", fatal=False,
            )  # fmt: skip


@cache
def _regions() -> frozenset[str]:
    """Every area code that is in use, and every name that a caller's region may have."""
    return frozenset(
        name for area in areas().values() for name in (area.area_code, area.province, *area.cities)
    )


def _rules(written: Written, rules: RuleSet, house: House) -> Iterator[Finding]:
    schema = schema_of(house)
    names: dict[str, int] = {}
    ended = ""
    for place, rule in enumerate(rules.rules):
        at: Location = ("rules", place)
        if rule.name in names:
            yield _finding(
                written, (*at, "name"), f"rule {names[rule.name] + 1} has the name {rule.name!r}",
                "give it another one",
            )  # fmt: skip
        names.setdefault(rule.name, place)
        if ended:
            yield _finding(
                written, at, f"it is never reached: rule {ended} before it always holds",
                f"put it before {ended}, or let that one go_on",
            )  # fmt: skip
        constant = None
        try:
            constant = Condition.compile(rule.when, schema).constant
        except BadCondition as error:
            yield _bad_condition(written, (*at, "when"), error)
        if constant is False:
            yield _finding(written, (*at, "when"), "it never holds", "remove the rule, or mend it")
        if constant is True and not rule.go_on and not ended:
            ended = rule.name
        yield from _then(written, at, rule, house)


def _then(written: Written, at: Location, rule: Rule, house: House) -> Iterator[Finding]:
    then = rule.then
    for part, known, what in (
        ("team", house.teams, "team"),
        ("skill", house.skills, "skill"),
        ("type", house.types, "ticket type"),
        ("policy", house.policies, "policy in force"),
    ):
        value = getattr(then, part)
        if value is not None:
            yield from _known(written, (*at, "then", part), value, known, what)
    if then.team in house.teams and then.skill in house.skills:
        able = [m for m in house.members if m.team == then.team and then.skill in m.skills]
        if not able:
            yield _finding(
                written, (*at, "then", "skill"),
                f"nobody in the team {then.team} has the skill {then.skill}",
                "its tickets wait until somebody of the team takes them", fatal=False,
            )  # fmt: skip
    for place, each in enumerate(then.watchers):
        yield from _address(written, (*at, "then", "watchers", place), each)


def _known(
    written: Written, location: Location, value: str, known: Collection[str], what: str
) -> Iterator[Finding]:
    if value in known:
        return
    near = difflib.get_close_matches(value, list(known), n=1, cutoff=0.6)
    if near:
        mend = f"did you mean {near[0]}?"
    else:
        mend = f"there are {', '.join(known) or 'none'}: see config.yaml"
    yield _finding(written, location, f"no {what} {value!r}", mend)


def _address(written: Written, location: Location, value: str) -> Iterator[Finding]:
    try:
        address(value.replace("{team}", "team"))
    except BadAddress as error:
        what, _, mend = str(error).partition("; ")
        yield _finding(written, location, what, mend)


def _bad_condition(written: Written, location: Location, error: BadCondition) -> Finding:
    line = written.text_begins(location) + error.line - 1 if _there(written, location) else 1
    what = f"{error.what} (column {error.column} of the condition)"
    return Finding(line, named(written.data, location), what, error.mend)


def _there(written: Written, location: Location) -> bool:
    node: Any = written.data
    for part in location:
        try:
            node = node[part]
        except (LookupError, TypeError):
            return False
    return True


def _finding(
    written: Written, location: Location, what: str, mend: str, *, fatal: bool = True
) -> Finding:
    place = named(written.data, location)
    return Finding(written.line_of(location), place, what, mend, fatal)
