"""A rule set of automation as people write it.

```yaml
rules:
  - name: silent-customer
    in_status: waiting_customer      # a timer: so long after a case came into this status,
    after: 24h                       # if it has not left it
    when: ticket.level != 1
    do:
      - sms: {template: waiting}
      - task: {title: "催一下客户 {{ number }}", to: "{assignee}", due: 4h}
  - name: overdue
    on: [sla.escalated]              # an event: a kind of entry of the timeline
    when: event.step == "lead"
    do:
      - escalate: {reason: "超时 / overdue"}
```
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from desk.automation import arguments as take
from desk.automation.arguments import Part
from desk.automation.durations import Duration
from desk.text import canonical
from desk.tickets.states import Status

ALWAYS = "true"
MOST_RULES = 200
MOST_ACTIONS = 20

RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Kind = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]


class Do(Part):
    """One action: exactly one of these."""

    assign: take.Assign | None = None
    escalate: take.Escalate | None = None
    set_level: take.SetLevel | None = None
    notify: take.Notify | None = None
    mention: take.Mention | None = None
    sms: take.Sms | None = None
    email: take.Email | None = None
    survey: take.Survey | None = None
    confirm: take.Confirm | None = None
    task: take.Task | None = None
    webhook: take.Webhook | None = None
    reopen: take.Reopen | None = None
    link: take.Link | None = None
    note: take.Note | None = None
    label: take.Label | None = None
    watch: take.Watch | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.arguments is None:
            raise ValueError(f"name exactly one action; choose from {', '.join(ACTIONS)}")
        return self

    @property
    def action(self) -> str:
        """Its name."""
        return next(iter(self.model_fields_set))

    @property
    def arguments(self) -> Any:
        """What it is to be done with."""
        return getattr(self, self.action)


ACTIONS: tuple[str, ...] = tuple(Do.model_fields)
"""Every kind of action there is."""


class Rule(Part):
    """A rule: what sets it off, a condition, and what is done then.

    on: at each entry of these kinds. after: not at once, but so long after the entry or, with
    in_status, after the case came into that status; it does not happen if the case leaves the
    status before. every: again and again at this distance, at most `most` times in all. stop: no
    later rule is asked about the same entry.
    """

    name: RuleName
    on: list[Kind] = Field(default=[], max_length=20)
    in_status: Status | None = None
    after: Duration | None = None
    every: Duration | None = None
    most: int = Field(default=3, ge=1, le=100)
    when: Annotated[str, Field(min_length=1, max_length=4000)] = ALWAYS
    do: list[Do] = Field(min_length=1, max_length=MOST_ACTIONS)
    stop: bool = False

    @model_validator(mode="after")
    def _sets_off(self) -> Self:
        if not self.on and self.in_status is None:
            raise ValueError("nothing sets it off; give `on` kinds, or `in_status` with `after`")
        if self.in_status is not None and not self.timed:
            raise ValueError("`in_status` needs `after` or `every`; at once is `on: [ticket.…]`")
        if self.stop and self.timed:
            raise ValueError("a timer comes alone: there is nothing to `stop`")
        return self

    @property
    def timed(self) -> bool:
        """It happens some time after what sets it off."""
        return self.after is not None or self.every is not None

    @property
    def first(self) -> timedelta:
        """How long after what sets it off it happens first."""
        return self.after or self.every or timedelta()

    @property
    def digest(self) -> str:
        """The same for rules that do the same: what was set by one of them stays set."""
        return hashlib.sha256(canonical(self.model_dump(mode="json")).encode()).hexdigest()


class RuleSet(Part):
    """A whole rule set. The rules are asked in this order."""

    rules: list[Rule] = Field(max_length=MOST_RULES)
