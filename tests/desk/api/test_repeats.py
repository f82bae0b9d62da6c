"""A request that is sent again does nothing again, whatever came between the two."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from desk import served, tickets, timeline
from desk.db.engine import Database
from desk.errors import DatabaseBusy
from desk.served import Answer, Asked, KeyTaken, TooManyKeys
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, count

NEW = {"type": "complaint", "subject": "空调不制冷"}
ONE = "/api/v1/tickets/100014"
DAY = timedelta(hours=24)


def nothing(_db: Connection) -> None:
    """An effect that leaves no trace."""


def told(_: object) -> Answer:
    return Answer(204, {}, b"")


class Sender:
    """Sends with one token."""

    def __init__(self, api: Api, headers: dict[str, str]) -> None:
        self.api = api
        self.headers = headers

    async def __call__(
        self, path: str, body: object, key: str | None, method: str = "POST", **headers: str
    ) -> httpx.Response:
        given = {"Idempotency-Key": key} if key is not None else {}
        return await self.api.http.request(
            method, path, json=body, headers={**self.headers, **given, **headers}
        )


@pytest.fixture
async def send(api: Api) -> Sender:
    return Sender(api, await api.token("admin"))


async def tickets_there(api: Api) -> int:
    return await api.db.read(count, "tickets")


async def test_the_same_request_again_gets_the_same_answer_and_no_second_ticket(
    api: Api, send: Sender
) -> None:
    first = await send("/api/v1/tickets", NEW, "k1")
    again = await send("/api/v1/tickets", NEW, "k1")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    for header in ("etag", "location", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await tickets_there(api) == 2
    other = await send("/api/v1/tickets", NEW, "k2")
    assert other.json()["number"] != first.json()["number"]


async def test_a_step_that_was_taken_is_answered_again_although_the_version_went_on(
    api: Api, send: Sender
) -> None:
    seen = (await api.get(ONE, "admin")).headers["etag"]
    headers = {"If-Match": seen}
    first = await send(f"{ONE}/start", None, "k1", **headers)
    assert first.status_code == 200, first.text
    again = await send(f"{ONE}/start", None, "k1", **headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == first.headers["etag"] != seen
    without = await send(f"{ONE}/start", None, None, **headers)
    assert without.status_code == 412


async def test_a_key_is_of_one_request_one_token_and_one_route(api: Api, send: Sender) -> None:
    await send("/api/v1/tickets", NEW, "k1")
    other = await send("/api/v1/tickets", {**NEW, "subject": "另一件事"}, "k1")
    assert (other.status_code, other.json()["error_id"]) == (422, "idempotency-key-reused")
    note = await send(f"{ONE}/notes", {"text": "x"}, "k1")
    assert note.status_code == 201, "another route"
    elsewhere = await send("/api/v1/tickets/100023/notes", {"text": "x"}, "k1")
    assert elsewhere.json()["error_id"] == "idempotency-key-reused", "another ticket"
    somebody = Sender(api, await api.token("admin"))
    assert (await somebody("/api/v1/tickets", NEW, "k1")).status_code == 201
    assert await tickets_there(api) == 3


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "é"])
async def test_what_is_no_key_is_refused(api: Api, send: Sender, key: str) -> None:
    headers = [(b"idempotency-key", key.encode()), (b"authorization", send.headers[
        "Authorization"].encode())]  # fmt: skip
    answer = await api.http.post("/api/v1/tickets", json=NEW, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error_id"]) == (400, "bad-idempotency-key")


async def test_a_refused_request_may_be_corrected_under_its_key(api: Api, send: Sender) -> None:
    bad = await send("/api/v1/tickets", {**NEW, "call_id": "no-such-call"}, "k1")
    assert bad.status_code == 404
    invalid = await send("/api/v1/tickets", {"type": "X"}, "k1")
    assert invalid.status_code == 422
    assert (await send("/api/v1/tickets", NEW, "k1")).status_code == 201


async def test_of_two_at_once_one_is_served_and_the_other_asks_again(
    api: Api, send: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go = asyncio.Event(), asyncio.Event()
    write = Database.write

    async def slow(db: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
        if work is served.once:
            entered.set()
            await go.wait()
        return await write(db, work, *args, **kwargs)

    monkeypatch.setattr(Database, "write", slow)
    first = asyncio.ensure_future(send("/api/v1/tickets", NEW, "k1"))
    await entered.wait()
    second = await send("/api/v1/tickets", NEW, "k1")
    assert (second.status_code, second.json()["error_id"]) == (409, "idempotency-key-in-use")
    assert second.headers["retry-after"]
    go.set()
    assert (await first).status_code == 201
    assert (await send("/api/v1/tickets", NEW, "k1")).content == (await first).content
    assert await tickets_there(api) == 2


async def test_two_processes_with_the_same_key_make_one_ticket(api: Api, send: Sender) -> None:
    """The other process knows nothing of what this one is serving, and meets it in the database."""
    asked = Asked("token:1", "POST /tickets", "k", "d")

    def effect(db: Connection) -> None:
        tickets.open_ticket(db, tickets.NewTicket("complaint", "x"), NOW)

    results = await asyncio.gather(
        *(api.db.write(served.once, asked, NOW, told, effect, (), {}) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, KeyTaken) for result in results) == 7
    assert await tickets_there(api) == 2


async def test_neither_effect_nor_key_stays_without_the_other(api: Api, send: Sender) -> None:
    asked = Asked("token:1", "POST /tickets", "k", "d")

    def fails(db: Connection) -> None:
        tickets.open_ticket(db, tickets.NewTicket("complaint", "x"), NOW)
        raise DatabaseBusy("the disk is full")

    with pytest.raises(DatabaseBusy):
        await api.db.write(served.once, asked, NOW, told, fails, (), {})
    assert await tickets_there(api) == 1
    assert await api.db.read(served.find, asked, NOW) is None


async def test_a_process_that_dies_before_it_answers_has_kept_the_answer_with_the_effect(
    api: Api, send: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Database.write
    done = []

    async def dies(db: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
        result = await write(db, work, *args, **kwargs)
        if work is served.once:
            done.append(work)
            raise DatabaseBusy("and the process was killed here")
        return result

    monkeypatch.setattr(Database, "write", dies)
    lost = await send("/api/v1/tickets", NEW, "k1")
    assert (lost.status_code, len(done)) == (503, 1)
    monkeypatch.undo()
    again = await send("/api/v1/tickets", NEW, "k1")
    assert again.status_code == 201
    assert again.json()["number"] == "100023"
    assert await tickets_there(api) == 2


async def test_a_secret_is_not_kept_to_be_told_again(api: Api, send: Sender) -> None:
    body = {"name": "wallboard", "scopes": ["tickets:read"]}
    made = await send("/api/v1/tokens", body, "k1")
    assert made.json()["token"].startswith("hs_")
    again = await send("/api/v1/tokens", body, "k1")
    assert (again.status_code, again.json()["error_id"]) == (409, "answer-lost")
    stored = await api.db.read(
        lambda c: str(c.exec_driver_sql("SELECT * FROM served_requests").all())
    )
    assert made.json()["token"] not in stored


async def test_numbers_in_an_answer_that_is_given_again_are_on_the_record_too(
    api: Api, send: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time the reading could not be noted, so nothing was shown."""

    async def unwritable(*_: object) -> None:
        raise DatabaseBusy("the disk is full")

    async def readings() -> int:
        entries = await api.db.read(timeline.entries_after, 0, 99)
        return sum(entry.kind == "unmasked.read" for entry in entries)

    body = {**NEW, "number": "13812345678"}
    with monkeypatch.context() as full:
        full.setattr("desk.api.answering.reveal", unwritable)
        assert (await send("/api/v1/tickets", body, "k1")).status_code == 503
    assert await readings() == 0
    again = await send("/api/v1/tickets", body, "k1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json()["caller"]["e164"] == "+8613812345678"
    assert await readings() == 1


async def test_what_acts_on_a_call_is_not_done_twice_either(api: Api, send: Sender) -> None:
    for _ in range(2):
        answer = await send("/api/v1/calls/c9/hold", None, "k1")
        assert answer.json()["talk"]["held"] is True
    assert [told[0] for told in api.control.told] == ["hold"]


async def test_keys_live_a_day_are_bounded_and_forgotten(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.served.served.MOST_OF_ONE", 3)
    asked = [Asked("token:1", "POST /x", f"k{number}", "d") for number in range(4)]
    for one in asked[:3]:
        await api.db.write(served.once, one, NOW, lambda _: Answer(200, {}, b"x"), nothing, (), {})
    with pytest.raises(TooManyKeys):
        await api.db.write(served.claim, asked[3], NOW)
    await api.db.write(served.claim, Asked("token:2", "POST /x", "k", "d"), NOW)
    [chore] = served.served_chores()
    assert await api.db.read(chore.next_at) == NOW + DAY
    assert await api.db.write(chore.work, NOW + DAY - timedelta(seconds=1), 10) == 0
    assert await api.db.read(served.find, asked[0], NOW + DAY) is None, "a day old, not swept yet"
    assert [await api.db.write(chore.work, NOW + DAY, 3) for _ in range(3)] == [3, 1, 0]


async def test_a_long_answer_is_not_kept(api: Api) -> None:
    asked = Asked("token:1", "POST /x", "k", "d")
    long = Answer(200, {}, b"x" * (256 * 1024 + 1))
    await api.db.write(served.once, asked, NOW, lambda _: long, nothing, (), {})
    assert await api.db.read(served.find, asked, NOW) == ("d", Answer(None, {}, b""))
