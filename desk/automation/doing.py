"""What an action of a rule is done with: the ticket, who acts, and texts and addresses filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from desk.automation.tools import Tools
from desk.errors import NoSuchTicket, Refused
from desk.messages.rendering import EMAIL_TIMES, rendered
from desk.messages.telling import fields_of
from desk.tickets.change import By
from desk.tickets.ticket import Ticket
from desk.tickets.ticket import get as get_ticket

SUPERVISORS = "role:supervisor"


class NothingToDo(Refused):
    """The case does not need the action, or cannot take it; says why."""

    error_id = "nothing-to-do"


@dataclass(frozen=True, slots=True)
class Doing:
    """An action of a rule on a ticket.

    Attributes:
        key: of the run and the action in it: what is done under it is done once.
        by: as the rule acts.
        said: the words of what set it off, shown as `text`.
    """

    ticket_id: int
    rule: str
    key: str
    by: By
    now: datetime
    tools: Tools
    event: Mapping[str, Any] = field(default_factory=dict)

    def ticket(self, db: Connection) -> Ticket:
        """The ticket as it is now."""
        found = get_ticket(db, self.ticket_id)
        if found is None:
            raise NoSuchTicket(self.ticket_id)
        return found

    def words(self, db: Connection, text: str) -> str:
        """A rule's text, filled."""
        said = self.event.get("text", "")
        fields = {
            **fields_of(db, self.ticket(db)),
            "company": self.tools.templates.company,
            "text": said if isinstance(said, str) else "",
        }
        return rendered(text, fields, EMAIL_TIMES)

    def person(self, db: Connection, address: str) -> str:
        """An address with the ticket's team and assignee in it. Where the ticket has none, whoever
        is next: the team for the assignee, the supervisors for the team."""
        ticket = self.ticket(db)
        if "{assignee}" in address:
            if not ticket.assignee:
                return f"team:{ticket.team}" if ticket.team else SUPERVISORS
            address = address.replace("{assignee}", ticket.assignee)
        if "{team}" in address:
            if not ticket.team:
                return address.replace("@{team}", "") if "@{team}" in address else SUPERVISORS
            address = address.replace("{team}", ticket.team)
        return address

    def place(self, db: Connection, name: str | None) -> str | None:
        """A team or an assignee that a rule names; `""`: nobody. None: it stays."""
        if not name:
            return name
        ticket = self.ticket(db)
        return name.replace("{team}", ticket.team).replace("{assignee}", ticket.assignee) or None
