"""Tickets, and what moves them through their life."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from desk.db.schema.base import Id, caller_columns, metadata
from desk.db.types import UtcTime

tickets = Table(
    "tickets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(60), nullable=False),
    Column("subject", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", String(30), nullable=False),
    Column("labels", Text, nullable=False),
    *caller_columns(),
    Column("customer_id", ForeignKey("customers.id")),
    Column("candidate_customer_ids", Text, nullable=False),
    Column("call_id", ForeignKey("calls.id"), unique=True),
    Column("opened_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("summary", Text, nullable=False, server_default=""),
    Column("found", Text, nullable=False, server_default="{}"),
    Column("team", String(60), nullable=False, server_default=""),
    Column("assignee", String(100), nullable=False, server_default=""),
    Column("solution", Text, nullable=False, server_default=""),
    Column("cycle", Integer, nullable=False, server_default="1"),  # one more per reopening
    Column("resolved_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("confirmation_id", Id),  # refers to confirmations, which refer to tickets
    Column("void_reason", String(30), nullable=False, server_default=""),
    Column("void_check", String(10), nullable=False, server_default=""),
    Column("survivor_id", Id),  # the ticket into which this one was merged
    Column("status_before", String(30), nullable=False, server_default=""),  # it was merged
    Column("level", Integer, nullable=False, server_default="0"),  # 1 gravest to 4; 0: not set
    Column("priority", Integer, nullable=False, server_default="0"),  # higher goes first
    Column("fields", Text, nullable=False, server_default="{}"),  # those that its type declares
    # What nobody may get wrong, whatever program writes: see desk/tickets/lifecycle.py.
    CheckConstraint(
        "status IN ('accepted', 'assigned', 'in_progress', 'waiting_customer', 'escalated', "
        "'resolved', 'closed', 'reopened', 'void', 'merged')",
        name="status",
    ),
    CheckConstraint("status != 'closed' OR confirmation_id IS NOT NULL", name="closed"),
    CheckConstraint("status != 'void' OR void_reason != ''", name="void"),
    CheckConstraint("status != 'merged' OR survivor_id IS NOT NULL", name="merged"),
    CheckConstraint("level BETWEEN 0 AND 4", name="level"),
    Index(None, "status", "id"),
    Index(None, "e164", "id"),
    Index(None, "team", "id"),
    Index(None, "assignee", "id"),
    Index(
        "ix_tickets_survivor_id",
        "survivor_id",
        sqlite_where=text("survivor_id IS NOT NULL"),
        postgresql_where=text("survivor_id IS NOT NULL"),
    ),
    Index(
        "ix_tickets_void_check",
        "id",
        sqlite_where=text("void_check = 'wanted'"),
        postgresql_where=text("void_check = 'wanted'"),
    ),
    Index(
        "ix_tickets_untaken",
        "team",
        "id",
        sqlite_where=text("assignee = ''"),
        postgresql_where=text("assignee = ''"),
    ),
    Index(None, "customer_id", "id"),
    Index(None, "area_code", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# What customers said of a solution, and supervisors' overrides: a ticket is closed by one of them.
confirmations = Table(
    "confirmations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("answer", String(20), nullable=False),
    Column("source", String(20), nullable=False),
    Column("identity", String(30), nullable=False),
    Column("call_id", ForeignKey("calls.id")),
    Column("recording_id", ForeignKey("recordings.id")),
    Column("evidence", Text, nullable=False),
    Column("supervisor", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("answer IN ('solved', 'not_solved', 'overridden')", name="answer"),
    CheckConstraint("source IN ('talk', 'key', 'sms', 'link', 'override')", name="source"),
    CheckConstraint(
        "(answer = 'overridden' AND source = 'override' AND supervisor != '' AND reason != '')"
        " OR (answer != 'overridden' AND source != 'override' AND identity != '')",
        name="override",
    ),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("from_team", String(60), nullable=False),
    Column("to_team", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("overdue_at", UtcTime),  # when it was noticed
    Column("ended_by", String(200), nullable=False),
    Column("ended_at", UtcTime),
    Column("term_seconds", Integer, nullable=False, server_default="0"),  # 0: the policy's
    CheckConstraint("state IN ('open', 'taken', 'refused', 'withdrawn')", name="state"),
    Index(None, "ticket_id", "id"),
    Index(  # a ticket is on its way to one team at most
        "uq_handovers_open",
        "ticket_id",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index(
        "ix_handovers_due",
        "due_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

ticket_links = Table(
    "ticket_links",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("other_id", ForeignKey("tickets.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("kind IN ('duplicate', 'related', 'caused_by', 'split_from')", name="kind"),
    CheckConstraint("ticket_id != other_id", name="other"),
    Index(None, "other_id"),
)
