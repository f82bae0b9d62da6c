"""Each role × each operation of the API × whose ticket: what the table says, and nothing else."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from desk import customers, recordings, tickets
from desk.access import TABLE, Reach, Role
from desk.accounts import Terms, sessions
from desk.api import Feed, create_app
from desk.db.engine import Database
from desk.recordings import NewRecording, Store, keys_for
from desk.settings import ApiSettings, LimitSettings
from desk.tickets import By, handovers
from desk.tickets import Role as Acting
from tests.desk.api.people import HASH, TEAM, make, ticket_of
from tests.desk.api.test_rest import FOR_EVERYBODY
from tests.rig.samples import NOW

WHOSE = {
    Reach.OWN: {"team": TEAM, "assignee": "me"},
    Reach.TEAM: {"team": TEAM, "assignee": "colleague"},
    Reach.OTHER: {"team": "北京", "assignee": "stranger"},
}
OTHERS = re.compile(r"(ticket|call|customer)-of-others")
OF_A_TICKET = re.compile(
    r"/tickets/\{number\}|/calls/\{call_id\}(?!/talk)|/recordings/\{recording_id\}"
    r"|/customers/\{customer_id\}"
)
ENDS_THE_SESSION = "DELETE /session"
SOME = {
    "extension": "8001", "kind": "related", "name": "nobody", "watcher": "nobody", "edition": "1",
}  # fmt: skip


@dataclass
class House:
    """An API with three tickets, each with a call, a recording and a customer."""

    db: Database
    schema: dict[str, Any]
    http: httpx.AsyncClient
    numbers: dict[Reach, str]

    @property
    def operations(self) -> list[str]:
        found = [
            f"{method.upper()} {path.removeprefix('/api/v1')}"
            for path, methods in self.schema["paths"].items()
            for method in methods
        ]
        return [operation for operation in found if operation not in FOR_EVERYBODY]

    async def person(self, role: Role) -> dict[str, str]:
        """The headers of somebody with this role, to whom `me` is assigned."""
        name = role.value
        await self.db.write(make, name, role)
        await self.db.write(_rename, name)
        made = await self.db.write(sessions.open_session, name, HASH, NOW, Terms())
        assert made is not None
        _, secret = made
        return {
            "Cookie": f"huisheng_session={secret}",
            "X-CSRF-Token": sessions.csrf_of(secret),
        }

    async def ask(self, operation: str, headers: dict[str, str], whose: Reach) -> httpx.Response:
        method, _, path = operation.partition(" ")
        number = list(WHOSE).index(whose) + 1
        given = {
            **SOME,
            "number": self.numbers[whose],
            "other": self.numbers[Reach.OWN],
            "call_id": f"c-{whose.name}",
            "recording_id": str(number),
            "customer_id": str(number),
        }
        path = re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], "1"), path)
        await self.db.write(_put_back)
        return await self.http.request(
            method, f"/api/v1{path}", headers=headers, json=None if method == "GET" else {}
        )


def _rename(db: Connection, name: str) -> None:
    values = {"name": name}
    db.execute(text("UPDATE accounts SET full_name = 'me' WHERE name = :name"), values)


def _hand_over(db: Connection, ticket_id: int) -> None:
    """A ticket of another team, which is on its way to a third one."""
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    by = By("test", Acting.SUPERVISOR)
    handovers.ask(db, ticket_id, "上海", "x", NOW, by=by, expected_version=ticket.version)


def _put_back(db: Connection) -> None:
    """Whatever the request before it did to them."""
    for number, place in enumerate(WHOSE.values(), 1):
        db.execute(
            text(
                "UPDATE tickets SET team = :team, assignee = :assignee, customer_id = :id "
                "WHERE id = :id"
            ),
            {**place, "id": number},
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as db:
        await db.write(
            customers.import_csv, "name,numbers\na,13812345671\nb,13812345672\nc,13812345673\n", NOW
        )
        numbers = {}
        for whose, place in WHOSE.items():
            numbers[whose] = await db.write(
                lambda c, w=whose, p=place: ticket_of(c, f"c-{w.name}", **p)
            )
            new = NewRecording(f"c-{whose.name}", f"m-{whose.name}", "/x", 1.0, "ab")
            await db.write(recordings.add, new, NOW)
        await db.write(_put_back)
        await db.write(_hand_over, list(WHOSE).index(Reach.OTHER) + 1)
        feed = Feed(db, 10)
        feed.close()  # a stream ends as soon as it has begun
        many = LimitSettings(requests=10**6, failures=10**6, logins=10**6)
        store = Store(tmp_path, keys_for(False), encrypt=False)
        app = create_app(
            db, settings=ApiSettings(limits=many), feed=feed, recordings=store, now=lambda: NOW
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as http:
            yield House(db, app.openapi(), http, numbers)


async def test_every_operation_has_a_row_and_every_row_an_operation(house: House) -> None:
    assert sorted(house.operations) == sorted(TABLE)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_its_column_says_with_whose_ticket_it_says(
    house: House, role: Role
) -> None:
    headers = await house.person(role)
    wrong = []
    for operation in house.operations:
        if operation == ENDS_THE_SESSION:
            continue
        reach = TABLE[operation][role]
        for whose in WHOSE:
            answer = await house.ask(operation, headers, whose)
            error_id = answer.json()["error_id"] if answer.status_code >= 400 else ""
            expected = "allowed"
            if reach is Reach.NONE:
                expected = "operation-not-allowed"
            elif OF_A_TICKET.search(operation) and whose > reach:
                expected = "of others"
            told = "of others" if OTHERS.fullmatch(error_id) else error_id
            if told not in ("operation-not-allowed", "of others"):
                told = "allowed"
            assert answer.status_code < 500 or error_id in HERE_IS_NO_LINE, (operation, error_id)
            assert answer.status_code != 401, operation
            if told != expected:
                wrong.append((operation, whose.name, expected, error_id, answer.status_code))
    assert not wrong


HERE_IS_NO_LINE = {"recording-file-missing", "no-attachments-here", "line-timeout"}


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.AGENT, Role.LEAD])
async def test_no_list_names_a_ticket_or_call_that_the_role_does_not_reach(
    house: House, role: Role
) -> None:
    headers = await house.person(role)
    for operation in house.operations:
        reach = TABLE[operation][role]
        if (
            not operation.startswith("GET ")
            or "{" in operation
            or reach in (Reach.NONE, Reach.OTHER)
        ):
            continue
        answer = await house.ask(operation, headers, Reach.OWN)
        assert answer.status_code == 200, operation
        for whose, number in house.numbers.items():
            if whose > reach:
                assert number not in answer.text, (operation, whose)
                assert f"c-{whose.name}" not in answer.text, (operation, whose)
