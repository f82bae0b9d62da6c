"""All tables. Moments are UTC, JSON is canonical text, telephone numbers are E.164.

`REVISION` names the migration that makes exactly these tables (desk/db/migrations).

A column that came after its table has a server default: during a rolling restart the program of
the version before still writes rows, and does not know it.
"""

from desk.db.schema import account, automation, outbound, routing, survey, teamwork
from desk.db.schema.base import metadata
from desk.db.schema.call import agents, callbacks, calls, talks
from desk.db.schema.customer import customer_numbers, customers
from desk.db.schema.delivery import deliveries, outbox, outbox_cursors
from desk.db.schema.history import timeline, timeline_head
from desk.db.schema.service_level import sla_clocks, sla_cursor, sla_editions, sla_steps
from desk.db.schema.speech import recordings, transcripts, utterances
from desk.db.schema.ticket import confirmations, handovers, ticket_links, tickets
from desk.db.schema.token import tokens

REVISION = "0014"

__all__ = [
    "REVISION",
    "account",
    "agents",
    "automation",
    "callbacks",
    "calls",
    "confirmations",
    "customer_numbers",
    "customers",
    "deliveries",
    "handovers",
    "metadata",
    "outbound",
    "outbox",
    "outbox_cursors",
    "recordings",
    "routing",
    "sla_clocks",
    "sla_cursor",
    "sla_editions",
    "sla_steps",
    "survey",
    "talks",
    "teamwork",
    "ticket_links",
    "tickets",
    "timeline",
    "timeline_head",
    "tokens",
    "transcripts",
    "utterances",
]
