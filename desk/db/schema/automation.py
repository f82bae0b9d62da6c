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
    Index(
        "ix_messages_to_forget",
        "ended_at",
        sqlite_where=text("text != ''"),
        postgresql_where=text("text != ''"),
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
    Index(
        "ix_replies_to_forget",
        "at",
        sqlite_where=text("sender != ''"),
        postgresql_where=text("sender != ''"),
    ),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# Every rule set that was ever in force, the latest one being in force. None is changed later but
# for how far the timers of cases that were there already are set.
automation_editions = Table(
    "automation_editions",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # the YAML as it was given
    Column("note", Text, nullable=False),
    Column("restores", ForeignKey("automation_editions.edition")),
    Column("activated_at", UtcTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("set_to", Id, nullable=False),  # timers are set for tickets up to this id
    Column("to_set", Id, nullable=False),  # and shall be up to this one
    CheckConstraint("edition >= 1", name="edition"),
)

# What will happen to a ticket when its time comes, unless something happens before.
automation_timers = Table(
    "automation_timers",
    metadata,
    Column("rule", String(60), primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("since_seq", Id, primary_key=True, autoincrement=False),  # the entry that set it
    Column("digest", String(64), nullable=False),  # of the rule as it was then
    Column("nth", Integer, nullable=False),  # 1, one more each time it repeats
    Column("in_status", String(30), nullable=False),  # ends when the ticket leaves this; or empty
    Column("due_at", UtcTime, nullable=False),
    Index(None, "due_at"),
    Index(None, "ticket_id"),
)

# Each rule runs once per cause: an entry of the timeline, or a timer's moment.
automation_runs = Table(
    "automation_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rule", String(60), nullable=False),
    Column("cause", String(100), nullable=False),
    Column("edition", ForeignKey("automation_editions.edition"), nullable=False),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("kind", String(60), nullable=False),  # of the entry; `timer` for a timer
    Column("depth", Integer, nullable=False),  # 0; one more than that of the run that caused it
    Column("state", String(10), nullable=False),
    Column("actions", Text, nullable=False),  # JSON: what was done, or why not
    Column("clauses", Text, nullable=False),  # JSON: why the condition held
    Column("after_seq", Id, nullable=False),  # what it wrote is after this entry,
    Column("last_seq", Id, nullable=False),  # and up to this one
    Column("at", UtcTime, nullable=False),
    CheckConstraint("state IN ('done', 'failed', 'stopped')", name="state"),
    UniqueConstraint("rule", "cause"),
    Index(None, "ticket_id", "last_seq"),
    Index(None, "last_seq"),
    Index(None, "at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# Small pieces of work for a person or a team, about a ticket or not.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("assignee", String(130), nullable=False),  # an address of notices, or a team
    Column("ticket_id", ForeignKey("tickets.id")),
    Column("due_at", UtcTime),
    Column("state", String(10), nullable=False),
    Column("result", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("reminded_at", UtcTime),
    Column("ended_by", String(200), nullable=False),
    Column("ended_at", UtcTime),
    CheckConstraint("state IN ('open', 'done', 'dropped')", name="state"),
    Index(None, "ticket_id", "id"),
    Index(
        "ix_tasks_open",
        "assignee",
        "due_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index(
        "ix_tasks_due",
        "due_at",
        sqlite_where=text("state = 'open' AND reminded_at IS NULL"),
        postgresql_where=text("state = 'open' AND reminded_at IS NULL"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)
