"""Routing: rules as data say which team, skill, priority and level a ticket gets, and who."""

from desk.routing.check import book_of, check, schema_of
from desk.routing.condition import Condition, Why
from desk.routing.decide import Book, Decision, decide
from desk.routing.editions import Edition, activate, begin, in_force, latest, restore, versions
from desk.routing.errors import (
    BadCondition,
    BadRules,
    BadSample,
    Finding,
    NoSuchRuleSet,
    NothingToTake,
)
from desk.routing.explaining import Explained, explain, explain_sample
from desk.routing.facts import facts_of
from desk.routing.levels import set_level, set_priority
from desk.routing.route import Route, route, route_of
from desk.routing.schema import SCHEMA, Schema
from desk.routing.taking import Taker, take_next

__all__ = [
    "SCHEMA",
    "BadCondition",
    "BadRules",
    "BadSample",
    "Book",
    "Condition",
    "Decision",
    "Edition",
    "Explained",
    "Finding",
    "NoSuchRuleSet",
    "NothingToTake",
    "Route",
    "Schema",
    "Taker",
    "Why",
    "activate",
    "begin",
    "book_of",
    "check",
    "decide",
    "explain",
    "explain_sample",
    "facts_of",
    "in_force",
    "latest",
    "restore",
    "route",
    "route_of",
    "schema_of",
    "set_level",
    "set_priority",
    "take_next",
    "versions",
]
