"""Calls that the desk wants placed, their attempts, and what bounds them."""

from sqlalchemy import (
    Boolean,
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

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

outbound_requests = Table(
    "outbound_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),  # what must not be asked for twice
    Column("purpose", String(20), nullable=False),
    Column("way", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("ticket_id", ForeignKey("tickets.id")),
    Column("cycle", Integer, nullable=False),  # of the ticket
    Column("customer_id", ForeignKey("customers.id")),
    Column("number", String(40), nullable=False),  # as it is dialled
    Column("e164", String(40), nullable=False),
    Column("identity", String(20), nullable=False),  # how it is made sure who answers
    Column("agent", String(40), nullable=False),
    Column("due_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("channel_id", String(150)),  # of the last attempt
    Column("outcome", String(60), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint("purpose IN ('confirm', 'click', 'scheduled', 'revisit')", name="purpose"),
    CheckConstraint("way IN ('call', 'sms', 'handler')", name="way"),
    CheckConstraint("state IN ('waiting', 'dialling', 'asked', 'done')", name="state"),
    Index(
        "ix_outbound_requests_open",
        "due_at",
        sqlite_where=text("state != 'done'"),
        postgresql_where=text("state != 'done'"),
    ),
    Index(None, "ticket_id", "id"),
    Index(None, "agent", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# One row per call over the trunk, whatever for: what limits count, and the evidence that is kept.
outbound_attempts = Table(
    "outbound_attempts",
    metadata,
    Column("id", String(150), primary_key=True),  # the channel's, chosen before it is dialled
    Column("purpose", String(20), nullable=False),
    Column("request_id", ForeignKey("outbound_requests.id")),
    Column("callback_id", ForeignKey("callbacks.id")),
    Column("ticket_id", Id),
    Column("number", String(40), nullable=False),
    Column("e164", String(40), nullable=False),
    Column("shown", String(40), nullable=False),
    Column("agent", String(40), nullable=False),
    Column("placed_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("outcome", String(60), nullable=False),
    Column("consent", String(10), nullable=False),
    Column("consent_at", UtcTime),
    Column("identity", String(20), nullable=False, server_default=""),  # how it was made sure who
    Column("identity_at", UtcTime),
    CheckConstraint("consent IN ('', 'given', 'refused', 'told')", name="consent"),
    Index(None, "placed_at", "id"),
    Index(None, "e164", "placed_at"),
    Index(None, "request_id"),
    Index(
        "ix_outbound_attempts_open",
        "placed_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

# Whoever places a call holds the one row, so that limits are counted one after the other.
outbound_switch = Table(
    "outbound_switch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("stopped", Boolean, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcTime),
    CheckConstraint("id = 1", name="single"),
)

outbound_alarms = Table(
    "outbound_alarms",
    metadata,
    Column("cause", String(30), primary_key=True),
    Column("hour", UtcTime, primary_key=True),  # one alarm per cause and hour
    Column("at", UtcTime, nullable=False),
    Column("detail", Text, nullable=False),
)

outbound_marks = Table(
    "outbound_marks",
    metadata,
    Column("e164", String(40), primary_key=True),
    Column("mark", String(20), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("mark IN ('do_not_call', 'shared', 'recycled', 'virtual')", name="mark"),
)

# A case whose customer has no mobile: who looks after it is asked for one, once, and answers.
outbound_mobiles = Table(
    "outbound_mobiles",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False),
    Column("e164", String(40), nullable=False),
    Column("reason", Text, nullable=False),  # why there is none
    Column("actor", String(200), nullable=False),  # who answered
    Column("asked_at", UtcTime),
    Column("answered_at", UtcTime),
    CheckConstraint("state IN ('wanted', 'given', 'none')", name="state"),
)

revisits = Table(
    "revisits",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("agent", String(100), nullable=False),  # whose task it is; empty: the assignee's
    Column("every_days", Integer, nullable=False),
    Column("visits", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("note", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    CheckConstraint("state IN ('active', 'done', 'cancelled')", name="state"),
    CheckConstraint("every_days > 0", name="every_days"),
    CheckConstraint("visits > 0", name="visits"),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

revisit_visits = Table(
    "revisit_visits",
    metadata,
    Column("revisit_id", ForeignKey("revisits.id"), primary_key=True),
    Column("visit", Integer, primary_key=True, autoincrement=False),
    Column("due_at", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("told_at", UtcTime),  # when it became somebody's task
    Column("outcome", String(20), nullable=False),
    Column("result", Text, nullable=False),
    Column("call_id", String(150)),
    Column("actor", String(200), nullable=False),
    Column("done_at", UtcTime),
    CheckConstraint("state IN ('planned', 'due', 'done', 'cancelled')", name="state"),
    Index(
        "ix_revisit_visits_planned",
        "due_at",
        sqlite_where=text("state = 'planned'"),
        postgresql_where=text("state = 'planned'"),
    ),
)
