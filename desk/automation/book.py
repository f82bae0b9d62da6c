"""A rule set, ready to be asked. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from desk.automation.ruleset import Rule, RuleSet
from desk.routing.condition import Condition
from desk.routing.errors import BadCondition
from desk.routing.schema import Schema

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule with its condition compiled. `digest`: the same for rules that do the same."""

    rule: Rule
    condition: Condition
    digest: str

    @property
    def name(self) -> str:
        """The rule's."""
        return self.rule.name


@dataclass(frozen=True, slots=True)
class Book:
    """A rule set. `edition`: its number; 0 while it is not in force."""

    edition: int
    rules: tuple[Ready, ...]
    _by_kind: Mapping[str, tuple[Ready, ...]] = field(compare=False, repr=False)
    _by_name: Mapping[str, Ready] = field(compare=False, repr=False)

    @classmethod
    def of(cls, rules: RuleSet, schema: Schema, edition: int = 0) -> "Book":
        """Of a rule set that was checked."""
        return cls._of(
            [
                Ready(rule, Condition.compile(rule.when, schema), rule.digest)
                for rule in rules.rules
            ],
            edition,
        )

    @classmethod
    def lenient(cls, rules: RuleSet, schema: Schema, edition: int) -> "Book":
        """Without the rules whose conditions ask for what the house has no more."""
        ready = []
        for rule in rules.rules:
            try:
                condition = Condition.compile(rule.when, schema)
            except BadCondition as error:
                log.warning("a rule rests", rule=rule.name, edition=edition, why=str(error))
                continue
            ready.append(Ready(rule, condition, rule.digest))
        return cls._of(ready, edition)

    @classmethod
    def _of(cls, ready: Sequence[Ready], edition: int) -> "Book":
        by_kind: dict[str, list[Ready]] = {}
        for each in ready:
            for kind in dict.fromkeys(each.rule.on):
                by_kind.setdefault(kind, []).append(each)
        return cls(
            edition,
            tuple(ready),
            {kind: tuple(found) for kind, found in by_kind.items()},
            {each.name: each for each in ready},
        )

    def on(self, kind: str) -> tuple[Ready, ...]:
        """The rules that an entry of this kind sets off, in order."""
        return self._by_kind.get(kind, ())

    def named(self, name: str) -> Ready | None:
        """The rule of this name."""
        return self._by_name.get(name)

    def waiting_in(self, status: str) -> Iterator[Ready]:
        """The rules that come so long after a case came into a status."""
        return (
            each
            for each in self.rules
            if each.rule.timed and not each.rule.on and each.rule.in_status == status
        )

    @property
    def statuses(self) -> frozenset[str]:
        """The statuses that timers wait in."""
        return frozenset(
            each.rule.in_status.value
            for each in self.rules
            if each.rule.in_status is not None and not each.rule.on
        )
