"""Zammad's caller log shows each call once, with who answered it, whatever happened on the way."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Connection

from crm_bridge.connectors.posting import Answer
from crm_bridge.connectors.zammad import outcome_of
from crm_bridge.connectors.zammad_event import CAUSES
from crm_bridge.delivery import Bridge
from crm_bridge.errors import SecretError
from crm_bridge.outcome import Accepted, Gone, Outcome, Rejected, Unavailable
from crm_bridge.settings import BridgeSettings
from desk import journal, outbox, talks, tickets
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import locate
from desk.talks import NewTalk
from desk.tickets import NewTicket
from tests.crm_bridge.conftest import settled, until
from tests.crm_bridge.zammad_receiver import CAUSES as DOCUMENTED
from tests.crm_bridge.zammad_receiver import TOKEN, ContractError, Zammad, check

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
TIANJIN = locate("02253456789", "022")
Work = Callable[[Connection], Any]
MakeZammadBridge = Callable[..., Bridge]


@pytest.fixture
async def zammad() -> AsyncIterator[Zammad]:
    async with Zammad() as running:
        yield running


@pytest.fixture
def zammad_bridge(db: Database, tmp_path: Any, zammad: Zammad) -> MakeZammadBridge:
    def make(token: str = TOKEN, **settings: Any) -> Bridge:
        bridge = BridgeSettings.model_validate(
            {
                "targets": [
                    {
                        "kind": "zammad_cti",
                        "name": "helpdesk",
                        "url": zammad.url,
                        "deadline_seconds": 2,
                        "answering": {"8001": "zhang.min@example.cn"},
                        **settings,
                    }
                ],
                "retry_first_seconds": 0.01,
                "retry_most_seconds": 0.05,
            }
        )
        environ = {"HUISHENG_ZAMMAD_HELPDESK_TOKEN": token}
        return Bridge.of(bridge, db, tmp_path, environ, {"8001": "张敏", "8002": "李强"})

    return make


def came(call_id: str, caller_id: str = "02253456789", dialled: str = "4001234567") -> Work:
    new = NewCall(call_id, dialled, caller_id, locate(caller_id, "022"))
    return lambda db: journal.begin(db, new, NOW)


def answered(call_id: str, agent: str = "8001", leg: str = "leg-1") -> Work:
    return lambda db: talks.begin(db, NewTalk(leg, call_id, agent, NOW))


def ended(call_id: str, cause: str = "completed") -> Work:
    return lambda db: journal.end(db, call_id, cause, NOW + timedelta(seconds=60))


async def happened(db: Database, *works: Work) -> None:
    for work in works:
        await db.write(work)


async def test_a_call_that_an_agent_answered_is_three_events(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    async with zammad_bridge(queue="天津"):
        await happened(db, came("c1"), answered("c1"), ended("c1"))
        await settled(db, "helpdesk")
    common = {"from": "862253456789", "to": "4001234567", "direction": "in", "callId": "c1"}
    who = {"answeringNumber": "zhang.min@example.cn", "user": "张敏"}
    assert zammad.events == [
        {"event": "newCall", **common, "queue": "天津"},
        {"event": "answer", **common, **who},
        {"event": "hangup", **common, **who, "cause": "normalClearing"},
    ]
    assert not zammad.problems


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("hangup", "cancel"), ("lost", "cancel"), ("completed", "noAnswer"),
        ("fault", "congestion"), ("fallback", "noAnswer"), ("something new", "noAnswer"),
    ],
)  # fmt: skip
async def test_a_call_that_nobody_answered_says_why(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database, cause: str, told: str
) -> None:
    async with zammad_bridge():
        await happened(db, came("c1"), ended("c1", cause))
        await settled(db, "helpdesk")
    assert [event.get("cause") for event in zammad.events] == [None, told]
    assert "answeringNumber" not in zammad.events[1]
    assert not zammad.problems


async def test_an_outbound_call_goes_out_to_the_customer(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    def work(connection: Connection) -> None:
        ticket = tickets.open_ticket(connection, NewTicket("complaint", "x", caller=TIANJIN), NOW)
        new = NewCall("out", "02253456789", "02253456789", TIANJIN, (), "outbound", ticket.id)
        journal.begin(connection, new, NOW)

    async with zammad_bridge(number="+862212345678"):
        await happened(db, work, answered("out", "8002"), ended("out"))
        await settled(db, "helpdesk")
    common = {"from": "862212345678", "to": "862253456789", "direction": "out", "callId": "out"}
    assert [{key: event[key] for key in common} for event in zammad.events] == [common] * 3
    assert [event["event"] for event in zammad.events] == ["newCall", "answer", "hangup"]
    assert zammad.events[1]["answeringNumber"] == "8002"
    assert zammad.events[1]["user"] == "李强"


async def test_a_withheld_number_is_anonymous(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    async with zammad_bridge():
        await happened(db, came("c1", "anonymous", "sip:hotline@x"))
        await settled(db, "helpdesk")
    assert (zammad.events[0]["from"], zammad.events[0]["to"]) == ("anonymous", "anonymous")


async def test_a_transfer_does_not_answer_the_call_again(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    async with zammad_bridge():
        await happened(db, came("c1"), answered("c1"), answered("c1", "8002", "leg-2"), ended("c1"))
        assert (await settled(db, "helpdesk")).dead == 0
    assert [event["event"] for event in zammad.events] == ["newCall", "answer", "hangup"]
    assert zammad.events[2]["answeringNumber"] == "zhang.min@example.cn"


async def test_nothing_but_calls_is_sent(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    async with zammad_bridge():
        await happened(
            db,
            came("c1"),
            lambda c: tickets.open_ticket(c, NewTicket("complaint", "x", call_id="c1"), NOW),
            lambda c: journal.note(c, "c1", "menu.chosen", {"key": "1"}, NOW),
            ended("c1"),
        )
        await settled(db, "helpdesk")
    assert [event["event"] for event in zammad.events] == ["newCall", "hangup"]


async def test_events_stay_in_order_and_single_through_outages_and_lost_answers(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    zammad.faults = [web.Response(status=status) for status in (502, 503, 500, 504)]
    zammad.lose_answers = 3
    async with zammad_bridge():
        for number in range(5):
            name = f"c{number}"
            await happened(db, came(name), answered(name, leg=f"l{number}"), ended(name))
        count = await settled(db, "helpdesk", 30)
    assert count.dead == 0
    for number in range(5):
        of_call = [event["event"] for event in zammad.of(f"c{number}")]
        # An answer or hang-up may be told again, which changes nothing; a newCall may not.
        assert list(dict.fromkeys(of_call)) == ["newCall", "answer", "hangup"]
        assert of_call == sorted(of_call, key=["newCall", "answer", "hangup"].index)
        assert of_call.count("newCall") == 1
    assert set(zammad.log.values()) == {"hangup"}
    assert not zammad.problems


async def test_after_a_restart_an_event_is_the_same(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    async with zammad_bridge():
        await happened(db, came("c1"))
        await settled(db, "helpdesk")
    await happened(db, answered("c1"), ended("c1"))
    async with zammad_bridge():
        await settled(db, "helpdesk")
    assert [event["event"] for event in zammad.events] == ["newCall", "answer", "hangup"]
    assert zammad.events[1]["answeringNumber"] == "zhang.min@example.cn"


async def test_a_call_that_began_before_the_target_becomes_a_dead_letter_and_blocks_nobody(
    zammad: Zammad, zammad_bridge: MakeZammadBridge, db: Database
) -> None:
    await happened(db, came("old"))
    async with zammad_bridge():
        await happened(db, ended("old"), came("new"), ended("new"))
        count = await settled(db, "helpdesk", 30)
    assert count.dead == 1
    [letter] = await db.read(outbox.dead)
    assert "Error ID" in letter.last_error
    assert [event["callId"] for event in zammad.events] == ["new", "new"]


async def test_the_token_is_in_no_log_no_error_and_no_status(
    zammad: Zammad,
    zammad_bridge: MakeZammadBridge,
    db: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "AnotherSecretToken_123"
    zammad.faults = [
        web.Response(status=301, headers={"location": f"https://x/api/v1/cti/{TOKEN}"}),
        web.Response(status=500, text=f"no route /api/v1/cti/{TOKEN}"),
    ]
    async with zammad_bridge() as bridge:
        await happened(db, came("c1"))
        await settled(db, "helpdesk")
        right = list(map(str, bridge.status()))
    async with zammad_bridge(token=secret) as bridge:
        await happened(db, came("c2"))
        await until(lambda: "HTTP 401" in bridge.status()[0].error)
        assert "check the token" in bridge.status()[0].error
        wrong = str(bridge.status()[0])
    said = "\n".join([caplog.text, *right, wrong])
    assert "***" in said
    assert TOKEN not in said
    assert secret not in said


@pytest.mark.parametrize("token", ["", "short", "with/slash-and-more", "空"])
def test_a_missing_or_wrong_token_stops_the_start_with_the_mend(
    zammad_bridge: MakeZammadBridge, token: str
) -> None:
    with pytest.raises(SecretError, match="HUISHENG_ZAMMAD_HELPDESK_TOKEN") as caught:
        zammad_bridge(token=token)
    assert "CTI (generic)" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (200, "{}", Accepted),
        (200, '{"action":"reject","reason":"busy"}', Accepted),
        (200, '{"action":"dial","caller_id":"49699","number":"492214"}', Accepted),
        (500, '{"error":"Object already exists!"}', Accepted),
        (500, '{"error":"Error ID x: Please contact your administrator."}', Rejected),
        (500, "Internal Server Error", Unavailable),
        (422, '{"error":"Feature is disabled, please contact your admin!"}', Unavailable),
        (422, '{"error":"Invalid direction!"}', Rejected),
        (401, '{"error":"Invalid token, please contact your admin!"}', Unavailable),
        (404, "", Unavailable),
        (410, "", Gone),
        (502, "", Unavailable),
    ],
)
def test_what_an_answer_of_zammad_means(status: int, said: str, kind: type[Outcome]) -> None:
    assert isinstance(outcome_of(Answer(status, said, None, None), True, NOW), kind)


def test_we_know_only_causes_that_zammad_documents() -> None:
    assert set(CAUSES.values()) | {"normalClearing"} <= DOCUMENTED


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "ring"}, {"from": "+862253456789"}, {"direction": "inbound"}, {"callId": ""},
        {"cause": "hangup"}, {"extra": "1"}, {"answeringNumber": ""},
    ],
)  # fmt: skip
def test_the_receiver_of_these_tests_refuses_what_is_not_documented(wrong: dict[str, str]) -> None:
    right = {
        "event": "hangup", "from": "862253456789", "to": "4001234567", "direction": "in",
        "callId": "c1", "cause": "cancel",
    }  # fmt: skip
    check(right)
    with pytest.raises(ContractError):
        check(right | wrong)
