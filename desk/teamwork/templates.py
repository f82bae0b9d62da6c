"""模板: answers that are written often, with places for what differs.

A place is `{{ticket.number}}`, one of `PLACES`. What stands there afterwards is data: it is put in
once, as it is, and nothing in it is a place again, whatever a customer is called.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from desk import customers
from desk.db.schema.teamwork import reply_templates
from desk.db.types import moment
from desk.errors import NotFound, Refused, Unacceptable, VersionConflict
from desk.text import storable
from desk.tickets import STATUSES, Ticket
from desk.timeline import append

MOST_TEXT = 5000
MOST_VALUE = 500
MOST = 500
PLACES: Mapping[str, str] = {
    "ticket.number": "工单号",
    "ticket.subject": "主题",
    "ticket.status": "状态",
    "ticket.solution": "解决方案",
    "ticket.team": "负责组",
    "ticket.assignee": "负责人",
    "customer.name": "客户姓名",
    "customer.company": "客户公司",
    "agent": "写答复的人",
    "date": "今天,如 2026-11-22",
}
_PLACE = re.compile(r"\{\{\s*([^{}]{0,60}?)\s*\}\}")


class NoSuchTemplate(NotFound):
    """No template with this id, or not one of the asker's team."""

    error_id = "no-such-template"

    def __init__(self, template_id: int) -> None:
        super().__init__(f"no template with id {template_id}; GET /api/v1/templates lists them")
        self.template_id = template_id


class BadTemplate(Unacceptable):
    """A template has places that nothing can fill."""

    error_id = "bad-template"

    def __init__(self, unknown: list[str]) -> None:
        super().__init__(
            f"nothing fills {', '.join(f'{{{{{name}}}}}' for name in unknown)}; "
            f"places are {', '.join(PLACES)}"
        )


class TemplateThere(Refused):
    """The team has a template of this name."""

    error_id = "template-there"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a template {name!r} already; change that one")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places. `team`: whose it is; `""`: everybody's."""

    id: int
    name: str
    team: str
    text: str
    version: int
    actor: str
    updated_at: datetime


def places_in(text: str) -> list[str]:
    """The names of the places in a text, each once."""
    return list(dict.fromkeys(found[1] for found in _PLACE.finditer(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every place filled; what nobody knows is `—`. Pure."""

    def value(found: re.Match[str]) -> str:
        known = " ".join(values.get(found[1], "").split())
        return known[:MOST_VALUE] or "—"

    return _PLACE.sub(value, text)


def values_of(db: Connection, ticket: Ticket, actor: str, today: date) -> dict[str, str]:
    """What fills the places in an answer about a ticket."""
    customer = customers.get(db, ticket.customer_id) if ticket.customer_id is not None else None
    return {
        "ticket.number": ticket.number,
        "ticket.subject": ticket.subject,
        "ticket.status": STATUSES[ticket.status],
        "ticket.solution": ticket.solution,
        "ticket.team": ticket.team,
        "ticket.assignee": ticket.assignee,
        "customer.name": customer.name if customer is not None else "",
        "customer.company": customer.company if customer is not None else "",
        "agent": actor,
        "date": today.isoformat(),
    }


def create(
    db: Connection, name: str, team: str, text: str, now: datetime, *, actor: str
) -> Template:
    """A new template; `template.created`.

    Raises:
        BadTemplate, TemplateThere: see there.
        ValueError: name or text is empty.
    """
    row = _row(name, text, now, actor) | {"team": storable(team.strip(), 60), "version": 1}
    try:
        with db.begin_nested():
            made: Any = db.execute(insert(reply_templates), row).inserted_primary_key
    except IntegrityError as error:
        raise TemplateThere(row["name"]) from error
    found = Template(id=made[0], **row)
    _tell(db, "template.created", found, now, actor)
    return found


def change(
    db: Connection, template_id: int, name: str, text: str, now: datetime, *, actor: str,
    expected_version: int,
) -> Template:  # fmt: skip
    """Change a template; `template.changed`.

    Raises:
        NoSuchTemplate, BadTemplate, TemplateThere: see there.
        VersionConflict: somebody was faster.
        ValueError: name or text is empty.
    """
    found = _for_change(db, template_id, expected_version)
    row = _row(name, text, now, actor) | {"version": found.version + 1}
    try:
        with db.begin_nested():
            db.execute(
                update(reply_templates).where(reply_templates.c.id == template_id).values(row)
            )
    except IntegrityError as error:
        raise TemplateThere(row["name"]) from error
    changed = replace(found, **row)
    _tell(db, "template.changed", changed, now, actor)
    return changed


def remove(
    db: Connection, template_id: int, now: datetime, *, actor: str, expected_version: int
) -> None:
    """Delete a template; `template.deleted`.

    Raises:
        NoSuchTemplate: there is none with this id.
        VersionConflict: somebody was faster.
    """
    found = _for_change(db, template_id, expected_version)
    db.execute(delete(reply_templates).where(reply_templates.c.id == template_id))
    _tell(db, "template.deleted", found, now, actor)


def get(db: Connection, template_id: int) -> Template:
    """The template with this id.

    Raises:
        NoSuchTemplate: there is none.
    """
    row = db.execute(select(reply_templates).where(reply_templates.c.id == template_id)).first()
    if row is None:
        raise NoSuchTemplate(template_id)
    return _template(row)


def listed(db: Connection, team: str | None = None, limit: int = MOST) -> list[Template]:
    """Templates by name, at most 500: a team's and everybody's, or all."""
    query = select(reply_templates).order_by(reply_templates.c.name, reply_templates.c.id)
    if team is not None:
        query = query.where(or_(reply_templates.c.team == "", reply_templates.c.team == team))
    return [_template(row) for row in db.execute(query.limit(min(limit, MOST)))]


def _for_change(db: Connection, template_id: int, expected_version: int) -> Template:
    row = db.execute(
        select(reply_templates).where(reply_templates.c.id == template_id).with_for_update()
    ).first()
    if row is None:
        raise NoSuchTemplate(template_id)
    if row.version != expected_version:
        raise VersionConflict(f"template {row.name}", row.version, expected_version)
    return _template(row)


def _row(name: str, text: str, now: datetime, actor: str) -> dict[str, Any]:
    name, text = storable(name.strip(), 100), storable(text.strip(), MOST_TEXT)
    if not name or not text:
        raise ValueError("a template has a name and a text; give both")
    unknown = [place for place in places_in(text) if place not in PLACES]
    if unknown:
        raise BadTemplate(unknown)
    return {"name": name, "text": text, "updated_at": now, "actor": storable(actor, 200)}


def _template(row: Any) -> Template:
    return Template(
        row.id, row.name, row.team, row.text, row.version, row.actor, moment(row.updated_at)
    )


def _tell(db: Connection, kind: str, found: Template, now: datetime, actor: str) -> None:
    body = {"template_id": found.id, "title": found.name, "team": found.team, "text": found.text}
    append(db, kind=kind, body=body, now=now, actor=actor)
