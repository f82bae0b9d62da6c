"""Rule sets of routing, and what they decided for each ticket (desk/routing)."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, String, Table, Text

from desk.db.schema.base import metadata
from desk.db.types import UtcTime

# Every rule set that was ever in force, the latest one being in force. None is changed later.
routing_editions = Table(
    "routing_editions",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # the YAML as it was given
    Column("fields", Text, nullable=False),  # those it could ask about, with their types
    Column("note", Text, nullable=False),
    Column("restores", ForeignKey("routing_editions.edition")),  # a roll-back names what it repeats
    Column("activated_at", UtcTime, nullable=False),
    Column("actor", String(200), nullable=False),
    CheckConstraint("edition >= 1", name="edition"),
)

# Ticket types, fields and people as the configuration says (desk/house.py). Who changes rule sets
# holds its one row, so that editions have no gap and no double.
house = Table(
    "house",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("declared_at", UtcTime),
    CheckConstraint("id = 1", name="single"),
)

# What routing decided for a ticket the last time, and what it asks of who takes it.
ticket_routes = Table(
    "ticket_routes",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("edition", ForeignKey("routing_editions.edition"), nullable=False),
    Column("skill", String(60), nullable=False),  # of who takes it; empty: none
    Column("role", String(20), nullable=False),  # likewise
    Column("confirm", String(20), nullable=False),  # how a rule wants it confirmed; or empty
    Column("team", String(60), nullable=False),  # where routing put it; another place is somebody's
    Column("assignee", String(100), nullable=False),  # own choice
    Column("decision", Text, nullable=False),
    Column("routed_at", UtcTime, nullable=False),
)
