"""The demo CRM over real HTTP: it must take everything once and nothing forged."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from standardwebhooks import Webhook

from crm_bridge import demo_crm
from crm_bridge.demo_crm import DemoCrm, received
from crm_bridge.errors import DemoCrmError
from tests.crm_bridge.conftest import MakeBridge, Write, settled
from tests.crm_bridge.receiver import SECRET

EVIL = "<script>alert('坏')</script>"


@pytest.fixture
async def crm() -> AsyncIterator[DemoCrm]:
    async with DemoCrm(SECRET, 0) as running:
        yield running


def _message(call_id: str = "call-1", **data: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "type": "call.noted",
        "timestamp": "2026-01-05T09:00:00+00:00",
        "data": {"seq": 1, "call_id": call_id, "ticket_number": None, "body": {}, **data},
    }


async def _post(
    crm: DemoCrm,
    message: Any,
    *,
    identity: str = "msg_1",
    secret: str = SECRET,
    at: datetime | None = None,
    **headers: str,
) -> tuple[int, str]:
    text = message if isinstance(message, str) else orjson.dumps(message).decode()
    at = at or datetime.now(UTC)
    signed = {
        "webhook-id": identity,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, at, text),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    url = f"http://127.0.0.1:{crm.port}/webhook"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(text.encode()), headers=signed) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_message_that_comes_twice_is_kept_once(crm: DemoCrm) -> None:
    assert (await _post(crm, _message()))[0] == 200
    status, text = await _post(crm, _message())
    assert (status, "known already" in text) == (200, True)
    assert len(await received(crm.port)) == 1
    assert crm.ledger.duplicates == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_" + "QUJD" * 8},
        {"at": timedelta(minutes=-6)},
        {"at": timedelta(minutes=6)},
        {"webhook_id": "msg_2"},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,!!!"},
        {"webhook_signature": ""},
        {"webhook_timestamp": "now"},
    ],
)
async def test_what_is_forged_or_replayed_later_is_refused(
    crm: DemoCrm, wrong: dict[str, Any]
) -> None:
    if "at" in wrong:
        wrong = {"at": datetime.now(UTC) + wrong["at"]}
    status, _ = await _post(crm, _message(), **wrong)
    assert status == 401
    assert await received(crm.port) == []
    assert crm.ledger.refused == 1


@pytest.mark.parametrize("message", ["[]", "1", '{"data": 1}', "{}", '"x"'])
async def test_a_signed_message_of_another_shape_is_refused(crm: DemoCrm, message: str) -> None:
    assert (await _post(crm, message))[0] == 400


async def test_what_is_too_large_is_refused(crm: DemoCrm) -> None:
    assert (await _post(crm, _message(body="x" * demo_crm.BODY_BYTES)))[0] == 413


async def test_messages_are_shown_by_ticket_in_order(crm: DemoCrm) -> None:
    for number in range(3):
        await _post(crm, _message(ticket_number="10042", seq=number), identity=f"msg_a{number}")
        await _post(crm, _message(seq=number), identity=f"msg_b{number}")
    found = await received(crm.port, "10042")
    assert [one["data"]["seq"] for one in found] == [0, 1, 2]
    assert {"id", "received_at", "version", "type", "timestamp", "data"} == set(found[0])
    assert len(await received(crm.port)) == 6
    assert await received(crm.port, "nothing") == []


async def test_the_page_escapes_what_it_got(crm: DemoCrm) -> None:
    await _post(crm, _message(call_id=EVIL, body={"text": EVIL}) | {"type": EVIL})
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{crm.port}/") as answer,
    ):
        page = await answer.text()
    assert "已收到 1 条" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_a_strange_host_name_reads_nothing(crm: DemoCrm) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"http://127.0.0.1:{crm.port}/received", headers={"host": "evil.example:80"}
        ) as answer,
    ):
        assert answer.status == 403


async def test_it_keeps_a_bounded_number(crm: DemoCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_crm, "KEPT_KEYS", 3)
    for number in range(6):
        await _post(crm, _message(call_id=f"call-{number}"), identity=f"msg_{number}")
    kept = [one["data"]["call_id"] for one in await received(crm.port)]
    assert kept == ["call-3", "call-4", "call-5"]


async def test_a_taken_port_and_a_missing_crm_are_one_sentence(crm: DemoCrm) -> None:
    with pytest.raises(DemoCrmError, match=r"cannot use port .* change bridge.demo_crm_port"):
        await DemoCrm(SECRET, crm.port).start()
    port = crm.port
    await crm.aclose()
    await crm.aclose()
    with pytest.raises(DemoCrmError, match="no demo CRM answers"):
        await received(port)


async def test_the_bridge_and_the_demo_crm_understand_each_other(
    crm: DemoCrm, make_bridge: MakeBridge, write: Write, db: Any
) -> None:
    async with make_bridge(demo=f"http://127.0.0.1:{crm.port}/webhook"):
        await write("call-1", 3, 词="漏水")
        await settled(db, "demo")
    found = await received(crm.port, "call-1")
    assert [one["data"]["body"] for one in found] == [{"n": n, "词": "漏水"} for n in range(3)]
