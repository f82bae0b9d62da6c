"""Automation: rules as data, each an event or a timer with a condition and what is done then.

`ruleset` says how rules are written, `effects` what each action does, `running` how often and how
far; docs/automation.md tells it to people.
"""

from desk.automation.chores import automation_chores
from desk.automation.editions import Edition, activate, get, in_force, latest, restore, versions
from desk.automation.runs import Run, RunState
from desk.automation.settings import AutomationSettings
from desk.automation.tools import Limits, Tools

__all__ = [
    "AutomationSettings",
    "Edition",
    "Limits",
    "Run",
    "RunState",
    "Tools",
    "activate",
    "automation_chores",
    "get",
    "in_force",
    "latest",
    "restore",
    "versions",
]
