"""Checking a rule set of automation as a whole, against the house and the messages that there are,
before it becomes active."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from desk.automation.book import Book
from desk.automation.ruleset import ALWAYS, Do, Rule, RuleSet
from desk.house import House
from desk.messages import Channel, Templates
from desk.notices import BadAddress, address
from desk.routing.check import schema_of
from desk.routing.condition import Condition
from desk.routing.errors import BadCondition, BadRules, Finding
from desk.routing.written import Location, Written, named, read_as

DOCS = "docs/automation.md"
SUBJECTS = frozenset(
    {
        "attachment", "call", "callback", "handover", "message", "note", "outbound", "recording",
        "sla", "survey", "task", "ticket", "watcher",
    }
)  # fmt: skip
"""What a rule may follow: the first words of kinds that concern a ticket. What automation itself
tells, and notices, are not among them."""
_OWN = {"{team}": "team", "{assignee}": "agent:1"}


@cache
def shipped() -> str:
    """The rule set that comes along, as YAML."""
    return files("desk.automation").joinpath("shipped.yaml").read_text(encoding="utf-8")


def read(text: str) -> tuple[Written, RuleSet | None, list[Finding]]:
    """The rule set in a text, or what is wrong with its form."""
    return read_as(text, RuleSet, "begin with rules:", DOCS)


def check(text: str, house: House, templates: Templates) -> tuple[RuleSet | None, list[Finding]]:
    """A rule set in YAML and everything that is wrong with it, in the order of its lines."""
    written, rules, findings = read(text)
    if rules is not None:
        findings = list(_rules(written, rules, house, templates))
    return rules, sorted(findings, key=lambda each: each.line)


def book_of(text: str, house: House, templates: Templates, edition: int = 0) -> Book:
    """A rule set in YAML, ready to be asked.

    Raises:
        BadRules: it cannot be used; has every finding.
    """
    rules, findings = check(text, house, templates)
    fatal = [each for each in findings if each.fatal]
    if rules is None or fatal:
        raise BadRules(fatal)
    return Book.of(rules, schema_of(house), edition)


def _rules(
    written: Written, rules: RuleSet, house: House, templates: Templates
) -> Iterator[Finding]:
    schema = schema_of(house)
    names: dict[str, int] = {}
    for place, rule in enumerate(rules.rules):
        at: Location = ("rules", place)
        if rule.name in names:
            yield _finding(
                written, (*at, "name"), f"rule {names[rule.name] + 1} has the name {rule.name!r}",
                "give it another one",
            )  # fmt: skip
        names.setdefault(rule.name, place)
        for number, kind in enumerate(rule.on):
            if kind.partition(".")[0] not in SUBJECTS:
                yield _finding(
                    written, (*at, "on", number), f"no rule can follow {kind!r}",
                    f"follow a kind of {', '.join(sorted(SUBJECTS))}: docs/webhooks.md lists them",
                )  # fmt: skip
        yield from _condition(written, at, rule, schema)
        for number, do in enumerate(rule.do):
            yield from _action(written, (*at, "do", number, do.action), do, house, templates)


def _condition(written: Written, at: Location, rule: Rule, schema: object) -> Iterator[Finding]:
    if rule.when == ALWAYS:
        return
    try:
        found = Condition.compile(rule.when, schema)  # type: ignore[arg-type]
    except BadCondition as error:
        where = (*at, "when")
        line = written.text_begins(where) + error.line - 1
        what = f"{error.what} (column {error.column} of the condition)"
        yield Finding(line, named(written.data, where), what, error.mend)
        return
    if found.constant is False:
        yield _finding(written, (*at, "when"), "it never holds", "remove the rule, or mend it")


def _action(
    written: Written, at: Location, do: Do, house: House, templates: Templates
) -> Iterator[Finding]:
    given = do.arguments
    team = getattr(given, "team", None)
    if team is not None and team != "{team}":
        yield from _known(written, (*at, "team"), team, house.teams, "team")
    for part in ("to", "who"):
        value = getattr(given, part, None)
        if do.action in ("notify", "mention", "task", "watch") and value is not None:
            for number, each in enumerate(value if isinstance(value, list) else [value]):
                where = (*at, part, number) if isinstance(value, list) else (*at, part)
                yield from _address(written, where, each)
    if do.action in ("sms", "email"):
        channel = Channel(do.action)
        known = templates.names(channel)
        yield from _known(written, (*at, "template"), given.template, known, f"{channel} template")
        if given.template == "free" and not given.text:
            yield _finding(written, at, "it says nothing", "give a text, or another template")


def _known(
    written: Written, location: Location, value: str, known: Iterable[str], what: str
) -> Iterator[Finding]:
    there = list(known)
    if value in there:
        return
    near = difflib.get_close_matches(value, there, n=1, cutoff=0.6)
    mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(there) or 'none'}"
    yield _finding(written, location, f"no {what} {value!r}", mend)


def _address(written: Written, location: Location, value: str) -> Iterator[Finding]:
    for place, example in _OWN.items():
        value = value.replace(place, example)
    try:
        address(value)
    except BadAddress as error:
        what, _, mend = str(error).partition("; ")
        yield _finding(written, location, what, mend)


def _finding(written: Written, location: Location, what: str, mend: str) -> Finding:
    return Finding(written.line_of(location), named(written.data, location), what, mend)
