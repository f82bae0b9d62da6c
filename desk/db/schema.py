"""All tables. Moments are UTC, JSON is canonical text, telephone numbers are E.164.

`REVISION` names the migration that makes exactly these tables (desk/db/migrations).

A column that came after its table has a server default: during a rolling restart the program of
the version before still writes rows, and does not know it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from desk.db.types import UtcTime

REVISION = "0004"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

customers = Table(
    "customers",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("external_id", String(200), unique=True),
    Column("name", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("level", String(60), nullable=False),
    Column("email", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("e164", String(40), nullable=False),
    UniqueConstraint("customer_id", "e164"),
    Index(None, "e164"),
)


def _caller_columns() -> list[Column[str]]:
    """Who called and from where; `cities` is a JSON list (a shared area code names several)."""
    return [
        Column("caller_id", Text, nullable=False),
        Column("caller_kind", String(40), nullable=False),
        Column("e164", String(40), nullable=False),
        Column("province", String(40), nullable=False),
        Column("city", String(40), nullable=False),
        Column("area_code", String(10), nullable=False),
        Column("cities", Text, nullable=False),
    ]


calls = Table(
    "calls",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("dialled", Text, nullable=False),
    *_caller_columns(),
    Column("customer_ids", Text, nullable=False),
    Column("stage", String(60), nullable=False),
    Column("stage_state", Text, nullable=False),
    Column("stage_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("cause", String(60)),
    Column("ticket_id", _Id),  # the ticket it belongs to; that of its first call refers back
    Column("direction", String(10), nullable=False, server_default="inbound"),
    Column("digest", Text),  # what was found in its words; its ticket shows it, whenever opened
    CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
    Index("ix_calls_received_at_id", "received_at", "id"),
    Index(
        "ix_calls_ticket_id",
        "ticket_id",
        sqlite_where=text("ticket_id IS NOT NULL"),
        postgresql_where=text("ticket_id IS NOT NULL"),
    ),
    Index(
        "ix_calls_unfinished",
        "received_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("type", String(60), nullable=False),
    Column("subject", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", String(30), nullable=False),
    Column("labels", Text, nullable=False),
    *_caller_columns(),
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
    Column("confirmation_id", _Id),  # refers to confirmations, which refer to tickets
    Column("void_reason", String(30), nullable=False, server_default=""),
    Column("void_check", String(10), nullable=False, server_default=""),
    Column("survivor_id", _Id),  # the ticket into which this one was merged
    Column("status_before", String(30), nullable=False, server_default=""),  # it was merged
    # What nobody may get wrong, whatever program writes: see desk/tickets/lifecycle.py.
    CheckConstraint(
        "status IN ('accepted', 'assigned', 'in_progress', 'waiting_customer', 'escalated', "
        "'resolved', 'closed', 'reopened', 'void', 'merged')",
        name="status",
    ),
    CheckConstraint("status != 'closed' OR confirmation_id IS NOT NULL", name="closed"),
    CheckConstraint("status != 'void' OR void_reason != ''", name="void"),
    CheckConstraint("status != 'merged' OR survivor_id IS NOT NULL", name="merged"),
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
    Index(None, "customer_id", "id"),
    Index(None, "area_code", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False),
    Column("name", String(200), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("path", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("party", String(60), nullable=False, server_default=""),
    Column("leg", String(150), nullable=False, server_default=""),
    Column("started_at", UtcTime),
    Column("encrypted", Boolean, nullable=False, server_default=false()),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("deleted_at", UtcTime),
    CheckConstraint("state IN ('recorded', 'transcribed', 'failed', 'skipped')", name="state"),
    Index(None, "call_id"),
    Index(
        "ix_recordings_kept",
        "kind",
        "recorded_at",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "ix_recordings_untranscribed",
        "id",
        sqlite_where=text("state = 'recorded'"),
        postgresql_where=text("state = 'recorded'"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("engine", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("extension", String(40), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

talks = Table(
    "talks",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False),
    Column("agent", String(40), nullable=False),
    Column("e164", String(40), nullable=False),  # the caller's: who spoke with this number last
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("cause", String(60)),
    Index(None, "call_id"),
    Index(None, "e164", "started_at"),
)

utterances = Table(
    "utterances",
    metadata,
    Column("call_id", ForeignKey("calls.id"), primary_key=True),
    Column("leg", String(150), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("party", String(60), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("start_second", Float, nullable=False),
    Column("end_second", Float, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("engine", String(200), nullable=False),
    Column("live", Boolean, nullable=False),
    Index(  # whether a leg was transcribed afterwards, asked before each of its live utterances
        "ix_utterances_afterwards",
        "call_id",
        "leg",
        sqlite_where=text("live = 0"),
        postgresql_where=text("live = false"),
    ),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False, unique=True),
    Column("number", String(40), nullable=False),
    Column("need", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("channel_id", String(150)),
    Column("outcome", String(60)),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint("state IN ('waiting', 'dialling', 'done')", name="state"),
    Index(
        "ix_callbacks_open",
        "since",
        sqlite_where=text("state != 'done'"),
        postgresql_where=text("state != 'done'"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

# What customers said of a solution, and supervisors' overrides: a ticket is closed by one of them.
confirmations = Table(
    "confirmations",
    metadata,
    Column("id", _Id, primary_key=True),
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
    Column("id", _Id, primary_key=True),
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

# The timeline refers to nothing: history outlives what it speaks of.
timeline = Table(
    "timeline",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("call_id", String(150)),
    Column("ticket_id", _Id),
    Column("customer_id", _Id),
    Column("actor", String(200), nullable=False),
    Column("body", Text),
    Column("salt", String(32)),
    Column("body_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    *(
        Index(
            f"ix_timeline_{column}",
            column,
            "seq",
            sqlite_where=text(f"{column} IS NOT NULL"),
            postgresql_where=text(f"{column} IS NOT NULL"),
        )
        for column in ("call_id", "ticket_id", "customer_id")
    ),
)

timeline_head = Table(
    "timeline_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="single"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", ForeignKey("timeline.seq"), primary_key=True, autoincrement=False),
    Column("key", String(200), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("seq", ForeignKey("outbox.seq"), nullable=False),
    Column("target", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("claimed_by", String(100)),  # the process that is sending it, until `claimed_until`
    Column("claimed_until", UtcTime),
    UniqueConstraint("target", "seq"),
    CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state"),
    Index(
        "ix_deliveries_pending",
        "target",
        "key",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_deliveries_due",
        "target",
        "next_at",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_deliveries_dead",
        "target",
        "seq",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
)

outbox_cursors = Table(
    "outbox_cursors",
    metadata,
    Column("target", String(100), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("last_used_at", UtcTime),
    sqlite_autoincrement=True,  # an id is never given twice
)

# Service levels: editions of the policies, and what they make of each ticket (desk/sla).
sla_editions = Table(
    "sla_editions",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("recomputed", BigInteger, nullable=False),  # open tickets up to this id are reckoned
    Column("to_recompute", BigInteger, nullable=False),  # anew; up to this one they shall be
)

sla_clocks = Table(
    "sla_clocks",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("target", String(30), primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("edition", ForeignKey("sla_editions.edition"), nullable=False),
    Column("policy", String(60), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("team", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("elapsed_us", BigInteger, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
    Column("due_seconds", Integer, nullable=False),
    Column("amber_at", UtcTime),
    Column("due_at", UtcTime),
    Column("ended_at", UtcTime),
    CheckConstraint("state IN ('running', 'paused', 'met', 'breached', 'stopped')", name="state"),
    CheckConstraint("kind IN ('wall', 'working')", name="kind"),
    Index(
        "ix_sla_clocks_running",
        "due_at",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

sla_steps = Table(
    "sla_steps",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("target", String(30), primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("step", String(30), primary_key=True),
    Column("due_at", UtcTime, nullable=False),
    Column("fired_at", UtcTime),
    Index(
        "ix_sla_steps_due",
        "due_at",
        sqlite_where=text("fired_at IS NULL"),
        postgresql_where=text("fired_at IS NULL"),
    ),
)

# How far the timeline was followed. Who changes editions, or follows, holds its one row.
sla_cursor = Table(
    "sla_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
