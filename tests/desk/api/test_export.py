"""A file of tickets holds what its reader's list would show, as that shows it, and no formulas."""

import csv
import io
from typing import Any

import httpx
import orjson
import pytest

from desk import tickets, timeline
from desk.access import Role
from desk.errors import DatabaseBusy
from desk.tickets import NewTicket
from tests.desk.api.conftest import Api
from tests.desk.api.people import TEAM, person, ticket_of
from tests.rig.samples import NOW

PATH = "/api/v1/tickets/export"
NUMBER = "+862253456789"


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def objects(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def opened(api: Api, subject: str, **more: Any) -> str:
    new = NewTicket("complaint", subject, **more)
    return (await api.db.write(tickets.open_ticket, new, NOW)).number


async def test_both_forms_hold_what_the_list_shows(api: Api) -> None:
    for subject in ("一", "二", "三"):
        await opened(api, subject)
    listed = (await api.get("/api/v1/tickets?sort=oldest", "tickets:read")).json()["items"]
    assert objects(await api.get(f"{PATH}?format=ndjson", "tickets:read")) == listed
    answer = await api.get(PATH, "tickets:read")
    assert answer.content.startswith("\N{BOM}".encode()), "a spreadsheet takes it for UTF-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="tickets-2026-11-22.csv"'
    )
    assert answer.headers["cache-control"] == "private, no-store"
    found = rows(answer)
    assert [row["number"] for row in found] == [each["number"] for each in listed]
    assert (found[0]["status_name"], found[0]["province"]) == ("受理", "天津")


async def test_a_file_of_many_pages_has_each_ticket_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.api.ticket_export.PAGE", 2)
    numbers = ["100014", *[await opened(api, f"第{n}件") for n in range(6)]]
    assert [row["number"] for row in rows(await api.get(PATH, "tickets:read"))] == numbers
    some = await api.get(f"{PATH}?text=第3件&format=ndjson", "tickets:read")
    assert [each["subject"] for each in objects(some)] == ["第3件"]
    none = await api.get(f"{PATH}?team=无", "tickets:read")
    assert rows(none) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝", "＠"])
async def test_no_cell_is_a_formula(api: Api, start: str) -> None:
    said = f"{start}HYPERLINK(0)"
    await opened(api, "x", description=f"a\n{said}", labels=(f"{start}1",))
    await opened(api, said)
    for row in rows(await api.get(PATH, "tickets:read", "unmasked")):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠")), cell
    found = rows(await api.get(PATH, "tickets:read"))
    assert found[2]["subject"] in (f"'{said}", f"'{said.strip()}", said.strip())


async def test_each_finds_his_own_and_numbers_as_far_as_he_sees_them(api: Api) -> None:
    zhang = await person(api, "zhang", Role.AGENT, unmasked=True)
    field = await person(api, "zhao", Role.TECHNICIAN)
    mine = await api.db.write(lambda c: ticket_of(c, "c2", team=TEAM, assignee="zhang"))
    teams = await api.db.write(lambda c: ticket_of(c, "c3", team=TEAM, assignee="li"))
    await api.db.write(lambda c: ticket_of(c, "c4", team="北京", assignee="wang"))
    told = objects(await zhang.get("/tickets/export?format=ndjson"))
    numbers = {each["number"]: each["caller"]["e164"] for each in told}
    assert numbers == {"100014": "+8622****6789", mine: NUMBER, teams: "+8622****6789"}
    assert rows(await field.get("/tickets/export")) == [], "technicians: their own only"


async def test_who_reads_numbers_in_full_is_on_the_record_before_he_has_them(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def readings() -> list[Any]:
        entries = await api.db.read(timeline.entries_after, 0, 99)
        return [entry.body for entry in entries if entry.kind == "unmasked.read"]

    await api.get(PATH, "tickets:read")
    assert await readings() == []
    assert rows(await api.get(PATH, "tickets:read", "unmasked"))[0]["e164"] == f"'{NUMBER}"
    [body] = await readings()
    assert (body["operation"], body["records"]) == ("GET /tickets/export", ["100014"])

    async def busy(*_: object) -> None:
        raise DatabaseBusy("no record, no reading")

    monkeypatch.setattr("desk.api.ticket_export.reveal", busy)
    with pytest.raises(httpx.RemoteProtocolError):
        await api.get(PATH, "tickets:read", "unmasked")


async def test_what_cannot_be_asked_is_told_before_the_file_begins(api: Api) -> None:
    hidden = await api.get(f"{PATH}?said=5345", "tickets:read")
    assert (hidden.status_code, hidden.json()["error_id"]) == (422, "digits-hidden")
    assert (await api.get(f"{PATH}?format=xlsx", "tickets:read")).status_code == 422
