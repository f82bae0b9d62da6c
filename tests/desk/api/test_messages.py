"""Messages over the API: what a provider hands in counts once, and a customer is written to in the
company's words."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from desk import customers, messages, tickets, timeline
from desk.messages.sending import Sent
from tests.desk.api.conftest import Api
from tests.desk.messages.cases import MOBILE, ask, resolved, send
from tests.rig.samples import NOW


def asked(db: Connection) -> None:
    """A question that was sent to a mobile, about the second ticket."""
    ask(db, resolved(db, "c2", NOW), now=NOW)
    send(db, Sent(), NOW)


async def hand_in(api: Api, **changes: str) -> httpx.Response:
    body = {"provider": "aliyun", "id": "m-1", "from": "13502689471", "text": "1", **changes}
    return await api.send("POST", "/api/v1/messages/received", "messages:receive", body=body)


def reachable(db: Connection) -> None:
    """The customer of the first ticket has a mobile and an address."""
    row = "name,numbers,email\n李四,13502689471,li@example.cn\n"
    customers.import_csv(db, row, NOW)
    tickets.edit(db, 1, NOW, by=tickets.SYSTEM, expected_version=None, customer_id=2)


async def test_a_customers_answer_closes_the_case_once_however_often_it_is_handed_in(
    api: Api,
) -> None:
    await api.db.write(asked)
    for again in (False, True):
        told = (await hand_in(api)).json()
        assert (told["outcome"], told["again"]) == ("confirmed", again)
    ticket = await api.db.read(tickets.get, 2)
    assert ticket is not None
    assert ticket.status == "closed"
    assert told["ticket_number"] == ticket.number
    shown = (await api.get(f"/api/v1/tickets/{ticket.number}/messages", "tickets:read")).json()
    assert [(one["text"], one["outcome"]) for one in shown["answers"]] == [("1", "confirmed")]
    assert shown["items"][0]["to"] == "+86135****9471"


@pytest.mark.parametrize(
    "wrong", [{"provider": ""}, {"id": ""}, {"from": ""}, {"provider": "A b"}, {"text": "x" * 2001}]
)
async def test_what_no_provider_would_send_is_refused(api: Api, wrong: dict[str, str]) -> None:
    assert (await hand_in(api, **wrong)).status_code == 422


async def test_only_who_receives_messages_may_hand_them_in(api: Api) -> None:
    body = {"provider": "a", "id": "1", "from": "1", "text": "1"}
    refused = await api.send("POST", "/api/v1/messages/received", "tickets:write", body=body)
    assert refused.status_code == 403


async def write(api: Api, body: dict[str, Any]) -> httpx.Response:
    return await api.send("POST", "/api/v1/tickets/100014/messages", "tickets:write", body=body)


async def test_an_agent_writes_to_the_customer(api: Api) -> None:
    await api.db.write(reachable)
    sms = await write(api, {"text": "技术员下午到 {{ number }}"})
    assert (sms.status_code, sms.json()["state"]) == (201, "queued")
    assert sms.json()["text"].endswith("技术员下午到 {{ number }}")
    mail = await write(api, {"channel": "email", "template": "delayed"})
    assert mail.json()["to"] == "l***@example.cn"
    shown = (await api.get("/api/v1/tickets/100014/messages", "tickets:read")).json()
    assert [one["template"] for one in shown["items"]] == ["free", "delayed"]
    told = await api.db.read(timeline.entries_after, 0, 200)
    (first, second) = [entry for entry in told if entry.kind == "message.queued"]
    assert first.actor == second.actor != "system", "who wrote is on the record"
    assert first.body is not None
    assert first.body["by_hand"] is False, "a token is a program's"


async def test_a_customer_without_a_mobile_shows_why_nothing_goes(api: Api) -> None:
    told = (await write(api, {"template": "opened"})).json()
    assert (told["state"], told["to"]) == ("dropped", "")
    assert "mobile" in told["reason"]


async def test_a_message_that_says_nothing_or_that_there_is_not_is_refused(api: Api) -> None:
    assert (await write(api, {})).status_code == 422
    assert (await write(api, {"template": "nothing"})).status_code == 404


async def test_who_wants_no_messages_is_listed_and_can_be_taken_off(api: Api) -> None:
    path = "/api/v1/opt-outs/sms/13502689471"
    for new in (True, False):
        told = await api.send("PUT", path, "tickets:write", body={"reason": "来电要求"})
        assert told.json() == {"changed": new}
    (one,) = (await api.get("/api/v1/opt-outs", "tickets:read")).json()["items"]
    assert (one["to"], one["reason"]) == ("+86135****9471", "来电要求")
    assert [each.to for each in await api.db.read(messages.opted_out)] == [MOBILE]
    assert (await api.send("DELETE", path, "tickets:write")).json() == {"changed": True}
    gone = await api.send("DELETE", path, "tickets:write")
    assert gone.status_code == 404
