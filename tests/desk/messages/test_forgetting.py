"""What was written to customers is not kept for ever, and that it was written is."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from desk import messages
from desk.api.messages import MessageOut
from desk.chores import Chore, catch_up
from desk.db.engine import Database
from desk.messages import MessageSettings, NewMessage, Templates
from desk.messages.chores import message_chores
from desk.messages.sending import Refused, Sent
from tests.desk.messages.cases import MOBILE, NOON, ask, resolved, send, write

DAY = timedelta(days=1)
SECRETS = (MOBILE, MOBILE.removeprefix("+86"), "已解决请回复1", "还是不行", "13800000000")


def chores(**settings: Any) -> list[Chore]:
    """Of a house that keeps messages so long."""
    return message_chores(Templates(MessageSettings(**settings), "示例公司"))


async def rows(db: Database) -> list[dict[str, Any]]:
    def read(c: Connection) -> list[dict[str, Any]]:
        return [
            dict(row._mapping)
            for table in ("messages", "replies")
            for row in c.execute(text(f"SELECT * FROM {table} ORDER BY id"))  # noqa: S608
        ]

    return await db.read(read)


async def exchange(db: Database) -> None:
    """A question and its answer, a message that was refused, one to nobody, one that waits, and
    an answer that the provider has no id for."""

    def work(c: Connection) -> None:
        ticket = resolved(c)
        ask(c, ticket)
        send(c, Sent("provider-7"))
        messages.received(c, MOBILE, "还是不行", NOON, provider="aliyun", provider_id="r1")
        messages.received(c, "13800000000", "还是不行", NOON)
        write(c, "refused")
        send(c, Refused(f"no such subscriber {MOBILE}"))
        messages.put(
            c, NewMessage("sms", "", "opened", "已解决请回复1", None, None, "nobody"), NOON
        )
        write(c, "waits", now=NOON + 400 * DAY)

    await db.write(work)


async def after(db: Database, now: datetime, **settings: Any) -> str:
    """All that is kept once everything has happened that is due."""
    await catch_up(db, chores(**settings), lambda: now)
    return str(await rows(db))


async def test_numbers_and_words_are_blanked_in_their_time_and_the_rows_stay(db: Database) -> None:
    await exchange(db)
    before = await rows(db)
    assert await after(db, NOON + 180 * DAY) == str(before)
    await after(db, NOON + 180 * DAY + timedelta(seconds=1))
    now = await rows(db)
    (waiting,) = [row for row in now if row.get("key") == "waits"]
    assert waiting["recipient"] == MOBILE, "it is still to be sent"
    # A key names the cause; that of a test may hold a number.
    kept = str([row | {"key": ""} for row in now if row is not waiting])
    assert [secret for secret in SECRETS if secret in kept] == []
    assert len(now) == len(before)
    same = ("id", "state", "outcome", "segments", "ticket_id", "at", "ended_at", "template")
    for was, is_ in zip(before, now, strict=True):
        assert {name: was.get(name) for name in same} == {name: is_.get(name) for name in same}


async def test_a_message_that_was_forgotten_is_still_shown_as_one(db: Database) -> None:
    await exchange(db)
    await after(db, NOON + 181 * DAY)
    for message in await db.read(messages.of_ticket, 1):
        shown = MessageOut.of(message, masked=True)
        assert (shown.to, shown.text, shown.state) == ("", "", "sent")


async def test_a_house_may_keep_them_longer_or_for_ever(db: Database) -> None:
    await exchange(db)
    before = str(await rows(db))
    assert await after(db, NOON + 399 * DAY, keep_days=400) == before
    assert await after(db, NOON + 999 * DAY, keep_days=None) == before


async def test_what_is_forgotten_is_not_looked_for_again(db: Database) -> None:
    await exchange(db)
    (forget,) = (chore for chore in chores() if chore.name == "messages.forget")
    assert await db.read(forget.next_at) == NOON + 180 * DAY
    while await db.write(forget.work, NOON + 181 * DAY, 1):
        pass
    assert await db.read(forget.next_at) is None
