"""Templates of answers."""

from datetime import datetime
from functools import partial
from typing import Annotated, Self

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from desk.access import Principal, Role
from desk.api.access import Reader, reader
from desk.api.problems import Problem
from desk.api.room import MISSING, Desk, Id, described, room
from desk.api.ticket_bodies import Team
from desk.api.ticket_writing import CHANGE_ERRORS, Expected, Readable
from desk.api.writing import Write, no_content
from desk.masking import mask_name, mask_text
from desk.teamwork import templates
from desk.teamwork.templates import PLACES, Template

router = room("templates")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("tickets:write"))]
_PLACES = ", ".join(f"{{{{{name}}}}} ({word})" for name, word in PLACES.items())


class TemplateOut(BaseModel):
    """An answer that is written often."""

    id: int
    name: str
    team: str = Field(description="whose it is; empty: everybody's")
    text: str = Field(description=f"with places: {_PLACES}")
    version: int = Field(description="also the ETag")
    actor: str
    updated_at: datetime

    @classmethod
    def of(cls, found: Template) -> Self:
        """From the desk's template."""
        return cls(
            id=found.id,
            name=found.name,
            team=found.team,
            text=found.text,
            version=found.version,
            actor=found.actor,
            updated_at=found.updated_at,
        )


class TemplatesOut(BaseModel):
    """Templates by name."""

    items: list[TemplateOut]


class TextOut(BaseModel):
    """A template, filled for a ticket."""

    text: str


class EditTemplate(BaseModel):
    """What a template says."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    text: Annotated[str, Field(min_length=1, max_length=templates.MOST_TEXT, pattern=r"\S")]


class NewTemplate(EditTemplate):
    """A template to keep."""

    team: Team | None = Field(None, description="everybody's if left out; a lead's own team only")


@router.get("/templates")
async def list_templates(desk: Desk, who: Allowed) -> TemplatesOut:
    """The templates of the asker's team and everybody's; all for who is in no team. Scope
    `tickets:read`.
    """
    found = await desk.db.read(templates.listed, who.principal.team or None)
    return TemplatesOut(items=[TemplateOut.of(each) for each in found])


@router.post("/templates", status_code=201, responses=described({409: "there is one already"}))
async def create_template(desk: Desk, who: Writer, write: Write, body: NewTemplate) -> TemplateOut:
    """Keep a template. Scope `tickets:write`."""
    team = body.team or ""
    _may_write(who.principal, team)

    def tell(made: Template) -> TemplateOut:
        write.response.headers["Location"] = f"/api/v1/templates/{made.id}"
        return _shown(made, write.response)

    return await write(
        tell, templates.create, body.name, team, body.text, desk.now(), actor=who.actor
    )


@router.get("/templates/{template_id}", responses=MISSING)
async def get_template(
    desk: Desk, who: Allowed, template_id: Id, response: Response
) -> TemplateOut:
    """One template. Scope `tickets:read`."""
    return _shown(await desk.db.read(_visible, template_id, who.principal), response)


@router.put("/templates/{template_id}", responses=CHANGE_ERRORS)
async def change_template(
    desk: Desk, who: Writer, write: Write, template_id: Id, seen: Expected, body: EditTemplate
) -> TemplateOut:
    """Change a template. Scope `tickets:write`."""
    found = await desk.db.read(_visible, template_id, who.principal)
    _may_write(who.principal, found.team)
    return await write(
        partial(_shown, response=write.response),
        templates.change, template_id, body.name, body.text, desk.now(), actor=who.actor,
        expected_version=seen,
    )  # fmt: skip


@router.delete("/templates/{template_id}", status_code=204, responses=CHANGE_ERRORS)
async def delete_template(
    desk: Desk, who: Writer, write: Write, template_id: Id, seen: Expected
) -> None:
    """Delete a template. Scope `tickets:write`."""
    found = await desk.db.read(_visible, template_id, who.principal)
    _may_write(who.principal, found.team)
    await write(
        no_content, templates.remove, template_id, desk.now(), actor=who.actor,
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/templates/{template_id}", responses=MISSING)
async def fill_template(one: Readable, template_id: Id) -> TextOut:
    """A template, filled for a ticket: the answer to start from. Nothing is written. Scope
    `tickets:read`.
    """
    who, today = one.who, one.desk.now().astimezone(one.desk.timezone).date()

    def fill(db: Connection) -> str:
        found = _visible(db, template_id, who.principal)
        values = templates.values_of(db, one.ticket, who.actor, today)
        if one.masked:
            values = {place: mask_text(value) for place, value in values.items()}
            values["customer.name"] = mask_name(values["customer.name"])
        return templates.filled(found.text, values)

    return TextOut(text=await one.desk.db.read(fill))


def _visible(db: Connection, template_id: int, who: Principal) -> Template:
    found = templates.get(db, template_id)
    if who.team and found.team not in ("", who.team):
        raise templates.NoSuchTemplate(template_id)
    return found


def _may_write(who: Principal, team: str) -> None:
    """A lead writes his team's templates; everybody's and other teams' are the supervisors'.

    Raises:
        Problem: it is not his.
    """
    if who.role is Role.LEAD and (not who.team or team != who.team):
        raise Problem(
            403, "template-of-others", "Not yours",
            f"The role lead writes the templates of the own team ({who.team or 'none'}) only.",
            "Name your team, or ask a supervisor.",
        )  # fmt: skip


def _shown(found: Template, response: Response) -> TemplateOut:
    response.headers["ETag"] = f'"{found.version}"'
    return TemplateOut.of(found)
