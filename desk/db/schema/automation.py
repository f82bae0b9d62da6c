"""Rule sets of automation, their runs, and messages to people outside."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

# Messages to people outside the house; the bridge sends what is queued.
messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("channel", String(10), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("template", String(60), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("secret", Text, nullable=False),  # a part of the text for the recipient's eyes alone
    Column("fields", Text, nullable=False),  # JSON: for providers that hold the templates
    Column("segments", Integer, nullable=False),
    Column("ticket_id", ForeignKey("tickets.id")),
    Column("customer_id", ForeignKey("customers.id")),
    Column("asks", String(20), nullable=False),  # what an answer "1" or "2" would mean
    Column("only_while", String(30), nullable=False),  # the ticket has this status
    Column("cycle", Integer, nullable=False),  # the ticket's, when it was written
    Column("answered_at", UtcTime),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),  # why it was dropped, or the last error
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),  # when it was to be sent
    Column("next_at", UtcTime, nullable=False),  # when it will be tried
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),  # sent, failed or dropped then
    Column("attempted_at", UtcTime),
    Column("provider", String(60), nullable=False),
    Column("provider_id", String(200), nullable=False),
    Column("claimed_by", String(100)),
    Column("claimed_until", UtcTime),
    CheckConstraint("channel IN ('sms', 'email')", name="channel"),
    CheckConstraint("state IN ('queued', 'sent', 'failed', 'dropped')", name="state"),
    CheckConstraint("asks IN ('', 'confirm')", name="asks"),
    Index(
        "ix_messages_queued",
        "channel",
        "next_at",
        "id",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_messages_open_question",
        "recipient",
        "id",
        sqlite_where=text("asks != '' AND answered_at IS NULL"),
        postgresql_where=text("asks != '' AND answered_at IS NULL"),
    ),
    Index(None, "recipient", "attempted_at"),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# Whoever takes messages to send holds the channel's row, so that a day's limit is counted by one.
message_channels = Table(
    "message_channels",
    metadata,
    Column("channel", String(10), primary_key=True),
    Column("taken_at", UtcTime),
)

# Who wants no more messages on a channel.
message_optouts = Table(
    "message_optouts",
    metadata,
    Column("channel", String(10), primary_key=True),
    Column("recipient", String(320), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("channel IN ('sms', 'email')", name="channel"),
)

# What came back. The provider's own id of it makes sure that each counts once.
replies = Table(
    "replies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(60), nullable=False),
    Column("provider_id", String(200), nullable=False),
    Column("sender", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("ticket_id", ForeignKey("tickets.id")),
    Column("message_id", ForeignKey("messages.id")),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("provider", "provider_id"),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
