"""Each operation of the API that writes: its answer is kept in the transaction of its effect, or it
is one of the few that `operations` names, and keeps what it promises otherwise.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select

from desk import customers, notices, served, sla, tickets, tokens
from desk.access import Role
from desk.accounts import Terms, sessions
from desk.api import create_app
from desk.api.repeats import Once
from desk.db.engine import Database
from desk.db.schema import metadata
from desk.db.schema.account import accounts
from desk.db.schema.teamwork import reply_templates, views
from desk.errors import DatabaseBusy, NotPossibleNow
from desk.notices import NewNotice
from desk.outbound import OutboundSettings
from desk.settings import ApiSettings, LimitSettings
from desk.teamwork import templates
from desk.teamwork.settings import AttachmentSettings
from desk.teamwork.shelf import Shelf
from desk.tickets import notes
from tests.desk.api.conftest import TALK, FakeControl
from tests.desk.api.operations import (
    ACTS,
    CHANGES_NOTHING,
    DAY,
    HOLDS_A_SECRET,
    OF_A_SESSION,
    OTHERWISE,
)
from tests.desk.api.people import HASH, make, ticket_of
from tests.desk.routing.houses import declare
from tests.desk.sla.books import book
from tests.rig.samples import NOW, sql


@dataclass
class Day:
    """A desk with a ticket, people, rules and a trunk."""

    db: Database
    http: httpx.AsyncClient
    control: FakeControl
    operations: set[str]
    token: dict[str, str]
    session: dict[str, str]
    number: str = ""
    call: str = ""
    asked: int = 0
    made: int = 0

    async def open(self) -> None:
        self.call = f"day-{self.asked}"
        self.number = await self.db.write(ticket_of, self.call)

    async def ask(self, operation: str, path: str, body: Any, key: str) -> httpx.Response:
        self.asked += 1
        headers = {**(self.session if operation in OF_A_SESSION else self.token)}
        headers["Idempotency-Key"] = key
        method, _, named = operation.partition(" ")
        version = await self.db.read(_version, named, self.number)
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        path = path.replace("{number}", self.number)
        if isinstance(body, bytes):
            headers["Content-Type"] = "image/png"
            return await self.http.request(method, path, headers=headers, content=body)
        if body is not None and "call_id" in body:
            body = {**body, "call_id": self.call}
        if body is not None and "note_ids" in body:
            body = {**body, "note_ids": [await self.db.read(_last_note, self.number)]}
        return await self.http.request(method, path, headers=headers, json=body)


_VERSIONED = (("/views/{", views), ("/templates/{", reply_templates), ("/accounts/{", accounts))


def _version(db: Connection, named: str, number: str) -> int | None:
    if named.startswith("/tickets/{number}"):
        found = tickets.by_number(db, number)
        return found.version if found is not None else None
    for start, table in _VERSIONED:
        if named.startswith(start):
            return db.execute(select(func.max(table.c.version))).scalar()
    return None


def _last_note(db: Connection, number: str) -> int:
    ticket = tickets.by_number(db, number)
    assert ticket is not None
    return notes.of_ticket(db, ticket.id)[-1].id


def _everything(db: Connection) -> dict[str, list[str]]:
    """Every row of every table."""
    return {
        table.name: sorted(str(tuple(row)) for row in db.execute(select(table)))
        for table in metadata.sorted_tables
    }


def _people(db: Connection) -> tuple[str, tuple[str, str]]:
    """Everything that the day begins with; a token, and a session with its CSRF token."""
    _, secret = tokens.create(db, "integrator", ["admin"], NOW)
    declare(db)
    customers.import_csv(db, "name,numbers\n张三,13820220003\n", NOW)
    sla.apply(db, book(), NOW)
    ticket_of(db, "first")
    notices.notify(db, NewNotice("integrator", "mention", "看看", "k", 1, "li"), NOW)
    make(db, "admin", Role.ADMINISTRATOR)
    made = sessions.open_session(db, "admin", HASH, NOW, Terms())
    assert made is not None
    return secret, (made[1], sessions.csrf_of(made[1]))


@pytest.fixture
async def day(db: Database, tmp_path: Path) -> AsyncIterator[Day]:
    secret, (cookie, csrf) = await db.write(_people)
    many = LimitSettings(requests=10**6, failures=10**6, logins=10**6)
    control = FakeControl()
    app = create_app(
        db,
        settings=ApiSettings(limits=many),
        control=control,
        attachments=Shelf(tmp_path / "attachments", AttachmentSettings(most_mib=1)),
        outbound=OutboundSettings(trunk="carrier"),
        now=lambda: NOW,
    )
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/v1") and method != "get"
    }
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1/api/v1"
    ) as http:
        day = Day(
            db, http, control, operations, {"Authorization": f"Bearer {secret}"},
            {"Cookie": f"huisheng_session={cookie}", "X-CSRF-Token": csrf},
        )  # fmt: skip
        for headers in (day.token, day.session):
            await http.get("/session", headers=headers)  # that they are used is on the record
        yield day


async def nothing_follows(_once: Once, _response: object) -> None:
    """A process that is killed as soon as the effect is committed keeps nothing after it."""


async def test_every_operation_that_writes_has_its_place_here(day: Day) -> None:
    named = {operation for operation, _, _ in DAY if " " in operation}
    assert day.operations == named | set(CHANGES_NOTHING) | set(ACTS) | OTHERWISE


async def test_no_crash_parts_an_effect_from_its_key_and_answer(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, before_commit = Database.write, False

    async def killed(db: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
        def undone(connection: Connection, *args: Any, **kwargs: Any) -> None:
            work(connection, *args, **kwargs)
            raise DatabaseBusy("killed before the commit")

        dies = before_commit and work is served.once
        return await write(db, undone if dies else work, *args, **kwargs)

    monkeypatch.setattr(Database, "write", killed)
    monkeypatch.setattr(Once, "keep", nothing_follows)
    wrong: list[tuple[object, ...]] = []
    for place, (operation, path, body) in enumerate(DAY):
        if operation == "new":
            await day.open()
            continue
        if operation == "look":
            await sql(day.db, "UPDATE tickets SET void_check = 'wanted' WHERE void_reason <> ''")
            continue
        key = f"k{place}"
        clean = await day.db.read(_everything)
        before_commit = True
        asked = path.replace("{id}", str(day.made))
        refused = await day.ask(operation, asked, body, key)
        before_commit = False
        if refused.status_code != 503 or await day.db.read(_everything) != clean:
            wrong.append((operation, "before the commit", refused.status_code, refused.text))
        first = await day.ask(operation, asked, body, key)
        done = await day.db.read(_everything)
        if operation.startswith("POST") and first.status_code == 201:
            day.made = first.json().get("id", day.made)
        again = await day.ask(operation, asked, body, key)
        if await day.db.read(_everything) != done or done == clean:
            wrong.append((operation, "not done once", first.status_code, first.text))
        if operation in HOLDS_A_SECRET:
            same = again.json()["error_id"] == "answer-lost"
        else:
            same = (again.status_code, again.content, _told(again)) == (
                first.status_code, first.content, {**_told(first), "idempotent-replayed": "true"}
            )  # fmt: skip
        if first.status_code >= 300 or not same:
            wrong.append((operation, "another answer", first.text, again.text))
    assert not wrong, "\n".join(map(str, wrong))


def _told(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "content-length"}


async def test_what_changes_nothing_is_answered_again_and_may_as_well_be_asked_again(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    await day.db.write(lambda db: templates.create(db, "a", "", "x", NOW, actor="li") and None)
    clean = await day.db.read(_everything)
    with monkeypatch.context() as killed:
        killed.setattr(Once, "keep", nothing_follows)
        for operation, (path, body) in CHANGES_NOTHING.items():
            answer = await day.ask(operation, path, body, "k")
            assert answer.status_code == 200, (operation, answer.text)
    assert await day.db.read(_everything) == clean
    for operation, (path, body) in CHANGES_NOTHING.items():
        first, again = [await day.ask(operation, path, body, "k") for _ in range(2)]
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"


async def test_the_line_is_asked_once_at_most_under_a_key(day: Day) -> None:
    for operation, body in ACTS.items():
        path = _act(day, operation)
        day.control.refuses = NotPossibleNow("the call is ringing", "wait")
        refused = await day.ask(operation, path, body, "k")
        assert (refused.status_code, refused.json()["error_id"]) == (409, "not-possible-now")
        day.control.refuses = None
        first = await day.ask(operation, path, body, "k")
        assert first.status_code == 200, f"{operation}: a refused request leaves no key"
        again = await day.ask(operation, path, body, "k")
        assert (again.status_code, again.content) == (200, first.content), operation
        assert len(day.control.told) == 1, operation


async def test_where_nobody_saw_the_end_of_an_act_the_line_is_not_asked_again(day: Day) -> None:
    for operation, body in ACTS.items():
        path = _act(day, operation)
        day.control.refuses = DatabaseBusy("killed, whatever was done by then")
        assert (await day.ask(operation, path, body, "k")).status_code == 503
        day.control.refuses = None
        again = await day.ask(operation, path, body, "k")
        assert (again.status_code, again.json()["error_id"]) == (409, "answer-lost"), operation
        assert not day.control.told, operation


def _act(day: Day, operation: str) -> str:
    """The path of an act on a talk as it was at first."""
    day.control.talks = {"c9": TALK}
    day.control.told.clear()
    return operation.partition(" ")[2].format(call_id="c9", extension="8002")


async def test_without_a_database_no_line_is_asked_under_a_key_that_cannot_be_kept(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> None:
        raise DatabaseBusy("the disk is slow")

    monkeypatch.setattr(Database, "write", busy)
    refused = await day.ask("POST", "/calls/c9/hold", None, "k")
    assert (refused.status_code, day.control.told) == (503, [])
    plain = await day.http.post("/calls/c9/hold", headers=day.token)
    assert (plain.status_code, len(day.control.told)) == (200, 1)
