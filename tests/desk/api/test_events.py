"""The event stream: nothing missed, nothing twice, and no client may hurt another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from starlette.types import Message

from desk import timeline
from desk.api import feed as feed_module
from desk.api.event_stream import EventStream
from desk.api.feed import Feed, FeedFull
from desk.db.engine import Database
from desk.errors import DatabaseUnavailable
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW, begin


@asynccontextmanager
async def listening(
    api: Api, path: str = "/api/v1/events", *scopes: str, **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """Events of a stream, as a client parses them. Entered once the stream is open."""
    headers = {**await api.token("events:read", *scopes), **headers}
    async with asyncio.timeout(20), api.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry:")

        async def events() -> AsyncIterator[dict[str, str]]:
            event: dict[str, str] = {}
            async for line in lines:
                if line.startswith(":"):
                    yield {"comment": line}
                elif line:
                    key, _, value = line.partition(": ")
                    event[key] = value
                elif event:
                    yield event
                    event = {}

        yield events()


async def test_what_happens_is_told_as_it_happens_and_masked(api: Api) -> None:
    async with listening(api) as events:
        await api.db.write(begin, "c2")
        event = await anext(events)
        while event["event"] != "call.received":
            event = await anext(events)  # the token that listens was made before
    data = orjson.loads(event["data"])
    assert event["id"] == str(data["seq"])
    assert data["call_id"] == "c2"
    assert data["body"]["caller"]["caller_id"] == "022****6789"
    assert data["body"]["caller"]["city"] == "天津"


async def test_a_client_that_comes_back_goes_on_where_it_was(api: Api) -> None:
    async def write() -> None:
        for n in range(40):
            await api.db.write(begin, f"x{n}")

    writing = asyncio.create_task(write())
    seen: list[int] = []
    last = "0"
    while len(seen) < 40:
        async with listening(api, **{"Last-Event-ID": last}) as events:
            for _ in range(7):
                event = await anext(events)
                seen.append(int(event["id"]))
        last = event["id"]
    await writing
    assert seen == list(range(1, len(seen) + 1)), "every entry once, in order"


async def test_a_first_connection_may_ask_for_the_past_too(api: Api) -> None:
    async with listening(api, "/api/v1/events?after=3") as events:
        assert (await anext(events))["id"] == "4"


async def test_an_id_from_another_database_starts_from_now_on(api: Api) -> None:
    async with listening(api, **{"Last-Event-ID": "999999"}) as events:
        await api.db.write(begin, "c2")
        event = await anext(events)
        while event["event"] != "call.received":
            event = await anext(events)


@pytest.mark.parametrize("last", ["x", "-1", "1" * 30, "１"])
async def test_a_wrong_id_is_refused(api: Api, last: str) -> None:
    headers = await api.token("events:read")
    answer = await api.http.get(
        "/api/v1/events",
        headers={**headers, "Last-Event-ID": last.encode()},  # type: ignore[dict-item]
    )
    assert (answer.status_code, answer.json()["error_id"]) == (400, "bad-event-id")


async def test_clients_beyond_the_bound_are_told_when_to_come_again(api: Api) -> None:
    headers = await api.token("events:read")
    async with listening(api), listening(api):
        async with listening(api):
            answer = await api.http.get("/api/v1/events", headers=headers)
            assert (answer.status_code, answer.json()["error_id"]) == (503, "stream-full")
            assert answer.headers["retry-after"]
            assert "api.stream_clients" in answer.json()["mend"]
        async with asyncio.timeout(5):  # the place is free as soon as the server sees it leave
            while (await api.http.get("/metrics")).text.count("huisheng_stream_clients 3.0"):
                pass
        async with listening(api):
            pass


async def test_stopping_the_server_does_not_wait_for_those_who_listen(api: Api) -> None:
    async with listening(api) as events:
        await api.db.write(begin, "c2")
        await anext(events)
        async with asyncio.timeout(3):
            await api.server.__aexit__(None, None, None)
            async for _ in events:  # ends in good order, so a browser comes back by itself
                pass


async def test_a_quiet_stream_shows_that_it_lives(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.api.events.HEARTBEAT_SECONDS", 0.05)
    async with listening(api) as events:
        event = await anext(events)
        while "comment" not in event:
            event = await anext(events)


async def test_a_client_far_behind_catches_up_from_the_database(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEPT", 10)
    monkeypatch.setattr(feed_module, "CHUNK", 4)
    feed = Feed(db, 1)
    following = asyncio.create_task(feed.run())

    def write(connection: object, entries: int) -> None:
        for _ in range(entries):
            timeline.append(connection, kind="x", body={}, now=NOW)  # type: ignore[arg-type]

    await db.write(write, 30)
    seen: list[int] = []
    with feed.place():
        async for entries in feed.entries(0, 1):
            seen += [entry.seq for entry in entries]
            if len(seen) == 12:
                await db.write(write, 25)
            if len(seen) == 55:
                break
    assert seen == list(range(1, 56))
    with feed.place(), pytest.raises(FeedFull), feed.place():
        pass
    assert feed.clients == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_client_that_takes_nothing_is_dropped_and_its_place_freed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.api.event_stream.SEND_SECONDS", 0.05)
    feed = Feed(db, 1)
    place = feed.place()
    place.__enter__()
    stream = EventStream(feed.entries(None, 0.01), lambda entry: b"", place)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # the client's window is full, for ever

    async with asyncio.timeout(5):
        await stream({"type": "http"}, receive, send)
    assert feed.clients == 0


async def test_the_stream_goes_on_after_the_database_was_away(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "PAUSE_SECONDS", 0.01)
    away = 3
    read = db.read

    async def sometimes(*arguments: object) -> object:
        nonlocal away
        if away:
            away -= 1
            raise DatabaseUnavailable("the server is being restarted")
        return await read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(db, "read", sometimes)
    feed = Feed(db, 1)
    following = asyncio.create_task(feed.run())
    with feed.place():
        entries = feed.entries(0, 5)
        assert await anext(entries) == []
        coming = asyncio.ensure_future(anext(entries))
        await asyncio.sleep(0)
        while away:
            await read(timeline.last_seq)
        await db.write(begin)
        assert [entry.kind for entry in await coming] == ["call.received"]
        await entries.aclose()  # type: ignore[attr-defined]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_where_to_begin_is_asked_before_the_stream_opens(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {**await api.token("events:read"), "Last-Event-ID": "999999"}
    read = api.db.read

    async def away(work: object, *arguments: object) -> object:
        if work is timeline.last_seq:
            raise DatabaseUnavailable("the server is being restarted")
        return await read(work, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(api.db, "read", away)
    answer = await api.http.get("/api/v1/events", headers=headers)
    assert (answer.status_code, answer.json()["error_id"]) == (503, "database-unavailable")
    assert answer.headers["retry-after"]
    assert api.feed.clients == 0


async def test_a_client_that_heard_more_from_another_process_hears_nothing_twice(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(db, 1)
    following = asyncio.create_task(feed.run())
    with feed.place():
        async for _ in feed.entries(None, 0.01):
            break
        gate = asyncio.Event()
        catch_up = feed._catch_up

        async def late() -> None:
            await gate.wait()
            await catch_up()

        monkeypatch.setattr(feed, "_catch_up", late)
        await db.write(begin, "c1")
        await db.write(begin, "c2")
        entries = feed.entries(1, 0.01)
        assert await anext(entries) == [], "this process has not read so far"
        gate.set()
        while not (chunk := await anext(entries)):
            pass
        assert [entry.call_id for entry in chunk] == ["c2"]
        await entries.aclose()  # type: ignore[attr-defined]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
