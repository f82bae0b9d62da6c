"""Rule sets of routing, and what they decided for each ticket (desk/routing)."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from desk.db.schema.base import metadata
from desk.db.types import UtcTime

# Every rule set that was ever in force, the latest one being in force. None is changed later.
routing_editions = Table(
    "routing_editions",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # the YAML as it was given
    Column("note", Text, nullable=False),
    Column("restores", ForeignKey("routing_editions.edition")),  # a roll-back names what it repeats
    Column("activated_at", UtcTime, nullable=False),
    Column("actor", String(200), nullable=False),
    CheckConstraint("edition >= 1", name="edition"),
)

# Who changes rule sets holds its one row, so that editions have no gap and no double.
routing_lock = Table(
    "routing_lock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    CheckConstraint("id = 1", name="single"),
)

# What routing decided for a ticket the last time, and what it asks of who takes it.
ticket_routes = Table(
    "ticket_routes",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("edition", ForeignKey("routing_editions.edition"), nullable=False),
    Column("rule", String(60), nullable=False),  # names of the rules that decided
    Column("team", String(60), nullable=False),
    Column("skill", String(60), nullable=False),
    Column("policy", String(20), nullable=False),
    Column("decision", Text, nullable=False),
    Column("routed_at", UtcTime, nullable=False),
    Index(None, "skill"),
)
