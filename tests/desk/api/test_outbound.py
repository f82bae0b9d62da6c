"""Calls to customers by API: whose telephone rings, which numbers never do, and the switch."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from desk import tokens
from desk.api import create_app
from desk.db.engine import Database
from desk.outbound import OutboundSettings
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
    assert (await asked(client, "GET", "/revisits")).json() == {"items": []}
