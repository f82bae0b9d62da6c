"""Routing: rules as data say which team, skill, priority and level a ticket gets."""

from desk.routing.condition import Condition, Why
from desk.routing.errors import BadCondition
from desk.routing.facts import facts_of
from desk.routing.schema import SCHEMA, Schema

__all__ = ["SCHEMA", "BadCondition", "Condition", "Schema", "Why", "facts_of"]
