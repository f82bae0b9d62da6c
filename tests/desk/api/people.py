"""People with accounts and sessions, for tests of the API."""

from dataclasses import dataclass, field

import httpx
from sqlalchemy import Connection

from desk import accounts, talks, tickets
from desk.access import Role
from desk.accounts import NewAccount, passwords
from desk.talks import NewTalk
from desk.tickets import By, NewTicket, steps
from desk.tickets import Role as Acting
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, begin

PASSWORD = "correct horse battery"
HASH = passwords.hashed(PASSWORD)
TEAM = "天津"


@dataclass
class Person:
    """Somebody who has logged in."""

    http: httpx.AsyncClient
    csrf: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, **more: object) -> httpx.Response:
        headers = {
            "X-CSRF-Token": self.csrf,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **more.pop("headers", {}),  # type: ignore[dict-item]
        }
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)  # type: ignore[arg-type]

    async def get(self, path: str, **more: object) -> httpx.Response:
        return await self.send("GET", path, **more)


def make(
    db: Connection, name: str, role: Role, team: str = TEAM, *, unmasked: bool = False,
    extension: str = "",
) -> None:  # fmt: skip
    new = NewAccount(name, f"全名 {name}", role, team, extension, unmasked)
    accounts.create(db, new, HASH, NOW, actor="cli")


async def log_in(api: Api, name: str, password: str = PASSWORD) -> httpx.Response:
    async with httpx.AsyncClient(base_url=api.server.url) as browser:
        return await browser.post("/api/v1/session", json={"name": name, "password": password})


async def person(api: Api, name: str, role: Role, team: str = TEAM, **more: object) -> Person:
    """Somebody new, logged in."""
    await api.db.write(lambda c: make(c, name, role, team, **more))  # type: ignore[arg-type]
    answer = await log_in(api, name)
    assert answer.status_code == 200, answer.text
    return Person(api.http, answer.json()["csrf"], dict(answer.cookies))


def ticket_of(db: Connection, call_id: str, *, team: str = "", assignee: str = "") -> str:
    """A call with a talk of 8009, and its ticket, with somebody in charge; the ticket's number."""
    begin(db, call_id)
    talks.begin(db, NewTalk(f"leg-{call_id}", call_id, "8009", NOW))
    ticket = tickets.open_ticket(db, NewTicket("complaint", f"of {call_id}", call_id=call_id), NOW)
    if team or assignee:
        by = By("test", Acting.SUPERVISOR)
        steps.assign(
            db, ticket.id, NOW, by=by, expected_version=1, team=team, assignee=assignee or None
        )
    return ticket.number
