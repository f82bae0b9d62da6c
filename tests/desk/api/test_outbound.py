"""Calls to customers by API: whose telephone rings, which numbers never do, and the switch."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from desk import journal, recordings, tickets, tokens
from desk.api import create_app
from desk.db.engine import Database
from desk.journal import NewCall
from desk.outbound import OutboundSettings, attempts, mobiles
from desk.recordings import NewRecording
from desk.region import locate
from tests.desk.api.conftest import FakeControl
from tests.rig.samples import NOW, call_with_ticket

MOBILE = "13820220001"
SCOPES = ("calls:place", "calls:supervise", "tickets:read", "tickets:write")


@pytest.fixture
async def client(db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a desk with a ticket, two telephones and a trunk."""
    await db.write(call_with_ticket)
    _, secret = await db.write(tokens.create, "test", SCOPES, NOW)
    app = create_app(
        db,
        control=FakeControl(),
        outbound=OutboundSettings(trunk="carrier"),
        now=lambda: NOW,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://huisheng.test",
        headers={"Authorization": f"Bearer {secret}"},
    ) as opened:
        yield opened


async def asked(client: httpx.AsyncClient, method: str, path: str, **body: Any) -> httpx.Response:
    return await client.request(method, f"/api/v1{path}", json=body or None)


async def test_click_to_call_about_a_ticket_is_wanted_once_and_shown_with_it(
    client: httpx.AsyncClient,
) -> None:
    made = await asked(
        client, "POST", "/tickets/100014/outbound-calls", agent="8001", number=MOBILE
    )
    assert made.status_code == 201, made.text
    assert made.json()["purpose"] == "click"
    shown = await asked(client, "GET", "/tickets/100014/outbound-calls")
    assert [each["id"] for each in shown.json()["items"]] == [made.json()["id"]]
    gone = await asked(client, "DELETE", f"/outbound/calls/{made.json()['id']}")
    assert gone.json()["outcome"] == "cancelled"


async def test_premium_numbers_are_refused_and_the_alarm_stays(client: httpx.AsyncClient) -> None:
    refused = await asked(client, "POST", "/outbound/calls", agent="8001", number="0085223456789")
    assert refused.status_code == 409
    assert refused.json()["error_id"] == "not-dialled"
    standing = await asked(client, "GET", "/outbound")
    assert [alarm["cause"] for alarm in standing.json()["alarms"]] == ["prefix"]


async def test_the_switch_stops_and_starts(client: httpx.AsyncClient) -> None:
    stopped = await asked(client, "POST", "/outbound/stop", reason="盗打")
    assert stopped.json()["stopped"] is True
    refused = await asked(client, "POST", "/outbound/calls", agent="8001", number=MOBILE)
    assert refused.status_code == 409
    started = await asked(client, "POST", "/outbound/start", reason="查清")
    assert started.json()["stopped"] is False


async def test_marks_are_put_listed_and_taken_back(client: httpx.AsyncClient) -> None:
    path = f"/outbound/marks/do_not_call/{MOBILE}"
    assert (await asked(client, "PUT", path, reason="客户要求")).status_code == 200
    listed = (await asked(client, "GET", "/outbound/marks")).json()["items"]
    assert [mark["mark"] for mark in listed] == ["do_not_call"]
    assert (await asked(client, "DELETE", path)).status_code == 204
    assert (await asked(client, "DELETE", path)).status_code == 404
    assert (await asked(client, "PUT", "/outbound/marks/shared/abc", reason="x")).status_code == 422


async def test_an_unknown_telephone_is_said(client: httpx.AsyncClient) -> None:
    refused = await asked(client, "POST", "/outbound/calls", agent="9999", number=MOBILE)
    assert refused.json()["error_id"] == "no-such-agent"


async def test_re_visits_of_an_open_case_are_refused(client: httpx.AsyncClient) -> None:
    refused = await asked(client, "POST", "/tickets/100014/revisits", every_days=30, visits=2)
    assert refused.status_code == 409
    assert (await asked(client, "GET", "/tickets/100014/revisits")).json() == {"items": []}
    assert (await asked(client, "GET", "/revisits")).json() == {"items": [], "next": None}


async def test_a_case_wants_a_mobile_until_its_handler_answers(
    client: httpx.AsyncClient, db: Database
) -> None:
    ticket = await db.read(tickets.by_number, "100014")
    assert ticket is not None
    await db.write(mobiles.ask, ticket, NOW)
    assert (await asked(client, "GET", "/tickets/100014/outbound-calls")).json()["mobile_wanted"]
    wanted = (await asked(client, "GET", "/tickets/100014/mobile")).json()
    assert (wanted["wanted"], wanted["state"]) == (True, "wanted")
    for body in ({"number": "022 5345 6789"}, {"number": None}, {"reason": " "}):
        refused = await client.put("/api/v1/tickets/100014/mobile", json=body)
        assert (refused.status_code, refused.json()["error_id"]) == (422, "no-mobile")
    given = await asked(client, "PUT", "/tickets/100014/mobile", number=MOBILE)
    assert (given.json()["wanted"], given.json()["e164"]) == (False, "+86138****0001")
    shown = await asked(client, "GET", "/tickets/100014/outbound-calls")
    assert shown.json()["mobile_wanted"] is False


async def test_the_evidence_of_a_call_is_one_record(
    client: httpx.AsyncClient, db: Database
) -> None:
    """Both numbers, times, identity, consent and recording (at least 30 days: MIIT, June 2020)."""

    def called(c: Connection) -> int:
        new = attempts.NewAttempt("out-1", "confirm", MOBILE, f"+86{MOBILE}", "02288880000")
        attempts.add(c, new, NOW)
        caller = locate(MOBILE)
        journal.begin(c, NewCall("out-1", MOBILE, caller.e164, caller, direction="outbound"), NOW)
        attempts.answered(c, "out-1", NOW)
        attempts.identified(c, "out-1", "pressed", NOW)
        attempts.consented(c, "out-1", "given", NOW)
        attempts.ended(c, "out-1", "solved", NOW)
        kept = NewRecording("out-1", "confirm-out-1-1", "/r/1.wav", 3.0, "ab" * 32, "mix")
        return recordings.add(c, kept, NOW)

    recording_id = await db.write(called)
    (told,) = (await asked(client, "GET", "/outbound/attempts")).json()["items"]
    assert (told["e164"], told["shown"]) == ("+86138****0001", "02288880000")
    assert (told["identity"], told["consent"], told["outcome"]) == ("pressed", "given", "solved")
    assert all(
        told[f"{what}_at"] for what in ("placed", "answered", "identity", "consent", "ended")
    )
    assert told["recording_ids"] == [recording_id]


async def test_a_re_visits_call_is_told_apart(client: httpx.AsyncClient) -> None:
    made = await asked(
        client, "POST", "/tickets/100014/outbound-calls",
        agent="8001", number=MOBILE, revisit=True,
    )  # fmt: skip
    assert made.json()["purpose"] == "revisit"
