"""Tickets that tests of routing begin with, and the rules by which they go."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from desk import customers, routing, tickets
from desk.chores import catch_up
from desk.customers import CustomerRow
from desk.db.engine import Database
from desk.region import locate
from desk.routing.chores import routing_chores
from desk.tickets import By, NewTicket, Role, Ticket
from tests.desk.routing.houses import declare
from tests.rig.samples import NOW, TIANJIN

AGENT = By("agent:8001", Role.AGENT)
LEAD = By("lead.tj", Role.LEAD)
SYSTEM = By("system", Role.SYSTEM)
LATER = NOW + timedelta(minutes=5)
BEIJING = locate("01062345678")
RULES = """
default_team: national
regions: {"022": tianjin}
levels:
  1: {name: 重大, priority: 60, role: lead, escalate: true, notify: ["role:supervisor@{team}"],
      watchers: ["role:supervisor@{team}"]}
  2: {name: 严重, priority: 40, notify: ["role:lead@{team}"]}
  3: {name: 一般, priority: 20}
  4: {name: 轻微}
rules:
  - name: law
    when: '$mentions(ticket.text, ["律师", "媒体", "12315", "曝光", "起诉"])'
    then: {level: 1}
    go_on: true
  - name: gold
    when: customer.level == "金牌"
    then: {level: 2, confirm: handler, watchers: ["role:lead@{team}"]}
    go_on: true
  - name: chosen
    when: ticket.type == "call" and call.choice == "报修"
    then: {type: repair}
    go_on: true
  - name: repair
    when: ticket.type == "repair"
    then: {skill: repair, level: 3}
  - name: software
    when: ticket.fields.product == "软件"
    then: {team: national, skill: software}
  - name: anything
    then: {level: 4}
"""


def begin(db: Connection, **changed: Any) -> None:
    """The house, the rules in force, and routing that follows from here on."""
    declare(db, **changed)
    routing.activate(db, RULES, NOW, actor="boss")
    for chore in routing_chores():
        chore.work(db, NOW, 1)


def opened(db: Connection, kind: str = "complaint", **given: Any) -> Ticket:
    """A ticket from Tianjin, by hand."""
    new = NewTicket(kind, **{"subject": "空调坏了", "caller": TIANJIN, **given})
    return tickets.open_ticket(db, new, NOW)


def customer(db: Connection, level: str = "金牌") -> int:
    """A customer of this level."""
    row = CustomerRow(1, "k1", "王先生", "", level, ("+862253456789",), "", "")
    customers.upsert(db, [row], NOW)
    return customers.find_by_number(db, "+862253456789")[0].id


def now_of(db: Connection, ticket: Ticket) -> Ticket:
    """The ticket as it is."""
    found = tickets.get(db, ticket.id)
    assert found is not None
    return found


async def follow(db: Database, now: datetime = LATER) -> None:
    """Let routing see everything that has happened."""
    await catch_up(db, routing_chores(), lambda: now)
