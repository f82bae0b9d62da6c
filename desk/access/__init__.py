"""Who may what with whose tickets: roles, and one table of operations."""

from desk.access.places import place_of
from desk.access.roles import ROLES, Place, Principal, Reach, Role, whose
from desk.access.table import COLUMNS, TABLE, UNMASKED, reach_of

__all__ = [
    "COLUMNS",
    "ROLES",
    "TABLE",
    "UNMASKED",
    "Place",
    "Principal",
    "Reach",
    "Role",
    "place_of",
    "reach_of",
    "whose",
]
