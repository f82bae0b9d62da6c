"""Events of the moment: seen by who watches, kept by nobody, and no client waits for another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from desk.api.feed import Feed
from desk.api.passing import MOST, Mailbox, Passing
from desk.db.engine import Database
from tests.desk.api.conftest import Api
from tests.desk.api.test_events import listening
from tests.rig.samples import begin

NUMBER = "13812345678"


async def test_words_are_seen_as_they_are_spoken_and_resuming_is_not_disturbed(api: Api) -> None:
    async with listening(api, "/api/v1/events?after=0") as events:
        first = await anext(events)
        assert first["id"] == "1"
        body = {"leg": "l1", "party": "caller", "text": "热线"}
        api.feed.publish("utterance.partial", "c1", body)
        event = await anext(events)
        while event.get("event") != "utterance.partial":
            event = await anext(events)
    assert "id" not in event, "the client's Last-Event-ID stays the last entry's"
    data = orjson.loads(event["data"])
    assert data == {"kind": "utterance.partial", "call_id": "c1", "body": body}


async def test_a_number_that_is_being_spoken_cannot_be_put_together(api: Api) -> None:
    async with listening(api) as events, listening(api, "/api/v1/events", "unmasked") as all_told:
        shown = ""
        for end in range(3, len(NUMBER) + 1):
            body = {"leg": "l1", "text": f"打{NUMBER[:end]}", "words": [{"text": NUMBER[end - 1]}]}
            api.feed.publish("utterance.partial", "c1", body)
            for stream, masked in ((events, True), (all_told, False)):
                event = await anext(stream)
                while event.get("event") != "utterance.partial":
                    event = await anext(stream)
                if masked:
                    shown += event["data"]
                else:
                    assert NUMBER[:end] in event["data"]
        told = orjson.loads(event["data"])
    assert told["body"]["text"] == f"打{NUMBER}"
    assert not set(shown.replace("c1", "").replace("l1", "")) & set("0123456789")


def partial(leg: str, text: str) -> Passing:
    return Passing("utterance.partial", "c1", {"leg": leg, "text": text})


def test_a_slow_client_gets_the_newest_words_of_each_leg_in_order() -> None:
    mailbox = Mailbox()
    for event in (partial("a", "热"), partial("b", "您"), partial("a", "热线")):
        mailbox.put(event)
    mailbox.put(Passing("agent.state", None, {"extension": "8001", "state": "busy"}))
    mailbox.put(Passing("agent.state", None, {"extension": "8002", "state": "away"}))
    mailbox.put(Passing("agent.state", None, {"extension": "8001", "state": "ready"}))
    assert [(event.kind, *event.body.values()) for event in mailbox.take()] == [
        ("utterance.partial", "b", "您"),
        ("utterance.partial", "a", "热线"),
        ("agent.state", "8002", "away"),
        ("agent.state", "8001", "ready"),
    ]
    assert not mailbox
    assert mailbox.take() == []


def test_a_client_that_takes_nothing_costs_a_bounded_amount_and_the_oldest_goes() -> None:
    mailbox = Mailbox()
    for n in range(MOST + 5):
        mailbox.put(partial(str(n), "x"))
    assert [event.body["leg"] for event in mailbox.take()] == [str(n) for n in range(5, MOST + 5)]


@asynccontextmanager
async def following(feed: Feed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run())
    try:
        with feed.place():
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_flood_of_passing_events_starves_no_entry_and_no_entry_is_lost(
    db: Database,
) -> None:
    feed = Feed(db, 1)
    for n in range(3):
        await db.write(begin, f"c{n}")
    async with following(feed), asyncio.timeout(10):
        stream = feed.entries(0, 5)
        seqs: list[int] = []
        while len(seqs) < 3:
            feed.publish("utterance.partial", "c1", {"leg": "a", "text": "…"})
            await asyncio.sleep(0)  # whoever publishes is not the client
            told = await anext(stream)
            seqs += [entry.seq for entry in told if not isinstance(entry, Passing)]
        assert seqs == [1, 2, 3]
        await stream.aclose()


async def test_nothing_is_kept_for_a_client_that_has_gone(db: Database) -> None:
    feed = Feed(db, 1)
    feed.publish("queue.changed", None, {})
    async with following(feed):
        stream = feed.entries(None, 0.01)
        assert await anext(stream) == [], "what passed before is gone"
        feed.publish("queue.changed", None, {})
        assert [event.kind for event in await anext(stream) if isinstance(event, Passing)] == [
            "queue.changed"
        ]
        await stream.aclose()
        assert not feed._mailboxes


@pytest.mark.parametrize("leave", ["early", "late"])
async def test_a_client_that_leaves_takes_its_mailbox_with_it(api: Api, leave: str) -> None:
    async with listening(api) as events:
        if leave == "late":
            await api.db.write(begin, "c2")
            await anext(events)
    async with asyncio.timeout(5):
        while api.feed.clients or api.feed._mailboxes:
            await api.http.get("/healthz")
