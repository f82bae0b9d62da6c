"""The three phases in which the system is rolled out, each a switch: first the data (tickets and
the CRM), then routing, then automation. What is off does nothing, and what happens meanwhile is not
caught up with when it is switched on; but targets get all that happened. docs/rollout.md says when
to go on.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from desk.chores import Chore, idle


class Switch(StrEnum):
    """What can be switched: `phase.part`."""

    DATA_TICKETS = "data.tickets"
    DATA_CRM = "data.crm"
    ROUTING_RULES = "routing.rules"
    ROUTING_LEVELS = "routing.levels"
    ROUTING_ASSIGNMENT = "routing.assignment"
    AUTOMATION_RULES = "automation.rules"
    AUTOMATION_CALLBACKS = "automation.callbacks"
    AUTOMATION_SURVEYS = "automation.surveys"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Section):
    """Phase 1. `tickets`: calls become tickets by themselves. `crm`: targets get what happens; off:
    it waits for them.
    """

    tickets: bool = True
    crm: bool = True


class RoutingSwitches(_Section):
    """Phase 2. `rules`: rule sets are asked at all; `levels`: they raise levels; `assignment`:
    they say who is in charge.
    """

    rules: bool = True
    levels: bool = True
    assignment: bool = True


class AutomationSwitches(_Section):
    """Phase 3. `rules`: automation; `callbacks`: calls that ask the customer to confirm, by
    themselves; `surveys`: asking how it was.
    """

    rules: bool = True
    callbacks: bool = True
    surveys: bool = True


class RolloutSettings(_Section):
    """The `rollout:` section of config.yaml."""

    data: DataSettings = DataSettings()
    routing: RoutingSwitches = RoutingSwitches()
    automation: AutomationSwitches = AutomationSwitches()

    def on(self, switch: Switch) -> bool:
        """Whether something is switched on. `levels` and `assignment` need `routing.rules`."""
        phase, _, part = switch.partition(".")
        found = bool(getattr(getattr(self, phase), part))
        return found and (phase != "routing" or self.routing.rules)

    def switches(self) -> dict[str, bool]:
        """Every switch by name."""
        return {switch.value: self.on(switch) for switch in Switch}


def gated(on: bool, chores: Iterable[Chore]) -> list[Chore]:
    """Chores of something that may be switched off: then they do nothing, and what happens
    meanwhile is not caught up with.
    """
    return [chore if on else idle(chore) for chore in chores]
