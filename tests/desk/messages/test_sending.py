"""Two processes never send a customer one SMS twice, none at night, and not too many."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from desk import messages, timeline
from desk.db.engine import Database
from desk.messages import Channel, MessageSettings, State
from desk.messages.quiet import loud_again
from desk.messages.sending import (
    Later,
    Refused,
    Sent,
    Unknown,
    next_due_at,
    release,
    settle,
)
from desk.tickets import SYSTEM, closing
from tests.desk.messages.cases import (
    LEASE,
    MOBILE,
    NOON,
    SETTINGS,
    TZ,
    ask,
    resolved,
    send,
    take,
    write,
)


async def state_of(db: Database, number: int = 1) -> State:
    message = await db.read(messages.get, number)
    assert message is not None
    return message.state


async def test_what_one_process_sends_no_other_takes(db: Database) -> None:
    await db.write(write, "a")
    assert len(await db.write(take, who="p1")) == 1
    assert await db.write(take, who="p2") == []


async def test_an_sms_whose_sender_died_counts_as_sent_and_is_not_sent_again(
    db: Database,
) -> None:
    await db.write(write, "a")
    await db.write(take, who="p1")
    assert await db.read(next_due_at, Channel.SMS) == NOON + LEASE
    assert await db.write(take, NOON + LEASE, who="p2") == []
    assert await state_of(db) is State.SENT
    entry = (await db.read(timeline.entries_after, 0, 99))[-1]
    assert (entry.kind, (entry.body or {})["sure"]) == ("message.sent", False)


async def test_an_email_whose_sender_died_is_sent_again_under_the_same_id(db: Database) -> None:
    await db.write(write, "a", "zhang@example.com", channel="email")
    first = await db.write(take, channel=Channel.EMAIL, who="p1")
    second = await db.write(take, NOON + LEASE, channel=Channel.EMAIL, who="p2")
    assert [m.id for m in first] == [m.id for m in second]
    assert second[0].attempts == 1


async def test_a_process_that_wakes_up_late_says_nothing_about_what_another_settled(
    db: Database,
) -> None:
    await db.write(write, "a")
    late = (await db.write(take, who="p1"))[0]
    await db.write(take, NOON + LEASE, who="p2")
    told = await db.write(settle, late, "p1", "x", Refused("no"), NOON + 2 * LEASE, SETTINGS)
    assert told is None
    assert await state_of(db) is State.SENT


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Sent("id-1"), State.SENT),
        (Unknown("no answer"), State.SENT),
        (Refused("blocked"), State.FAILED),
        (Later("busy"), State.QUEUED),
    ],
)
async def test_what_became_of_an_sms_is_known(
    db: Database, result: Sent | Unknown | Refused | Later, state: State
) -> None:
    await db.write(write, "a")
    await db.write(send, result)
    assert await state_of(db) is state


async def test_retries_are_bounded_and_their_distance_grows(db: Database) -> None:
    await db.write(write, "a")
    now, waits = NOON, []
    for _ in range(SETTINGS.most_attempts - 1):
        assert await db.write(send, Later("busy"), now) == [1]
        then = await db.read(next_due_at, Channel.SMS)
        assert then is not None
        waits.append((then - now).total_seconds())
        now = then
    assert waits == [10, 20, 40, 80, 160]
    await db.write(send, Later("busy"), now)
    assert await state_of(db) is State.FAILED
    entry = (await db.read(timeline.entries_after, 0, 99))[-1]
    assert (entry.kind, (entry.body or {})["reason"]) == ("message.failed", "busy")


async def test_what_was_not_begun_to_be_sent_can_be_given_back(db: Database) -> None:
    await db.write(write, "a")
    taken = await db.write(take, who="p1")
    await db.write(release, taken, "p1")
    again = await db.write(take, NOON + 2 * LEASE, who="p2")
    assert [m.id for m in again] == [1]


async def test_two_messages_to_one_number_go_one_after_the_other(db: Database) -> None:
    await db.write(write, "a")
    await db.write(write, "b")
    assert [m.id for m in await db.write(take, who="p1")] == [1]
    assert await db.write(take, who="p2") == []
    assert [m.id for m in await db.write(take, NOON + LEASE, who="p2")] == [2]


async def test_nobody_is_woken_at_night(db: Database) -> None:
    night = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)  # 22:30 in Tianjin
    await db.write(write, "a", now=night)
    assert await db.write(take, night) == []
    morning = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)  # 08:00
    assert await db.read(next_due_at, Channel.SMS) == morning
    assert len(await db.write(take, morning)) == 1


async def test_an_email_goes_at_night_too(db: Database) -> None:
    night = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    await db.write(write, "a", "a@b.cn", night, "email")
    assert len(await db.write(take, night, channel=Channel.EMAIL)) == 1


async def test_one_number_gets_only_so_many_in_a_day_and_the_rest_tomorrow(db: Database) -> None:
    settings = MessageSettings(per_number_daily=2)
    for key in "abc":
        await db.write(write, key)
    await db.write(write, "other", "+8613502689472")
    sent = []
    while ids := await db.write(send, Sent(), settings=settings):
        sent += ids
    assert sent == [1, 4, 2]
    tomorrow = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert [m.id for m in await db.write(take, tomorrow, settings=settings)] == [3]


async def test_who_wants_no_messages_gets_none_not_even_those_that_wait(db: Database) -> None:
    def work(connection: Connection) -> None:
        write(connection, "a")
        messages.opt_out(connection, Channel.SMS, MOBILE, NOON, actor="agent:8001")

    await db.write(work)
    assert await db.write(take) == []
    assert await state_of(db) is State.DROPPED
    assert await db.write(messages.opt_in, Channel.SMS, MOBILE)
    await db.write(write, "b")
    assert len(await db.write(take)) == 1


async def test_a_question_does_not_go_when_the_case_was_reopened_meanwhile(db: Database) -> None:
    def work(connection: Connection) -> None:
        ticket = resolved(connection)
        ask(connection, ticket)
        closing.reopen(connection, ticket.id, "还是坏", NOON, by=SYSTEM, expected_version=None)

    await db.write(work)
    assert await db.write(take) == []
    assert await state_of(db) is State.DROPPED


async def test_what_could_not_be_sent_for_two_days_is_not_sent_any_more(db: Database) -> None:
    await db.write(write, "a")
    assert await db.write(take, NOON + timedelta(hours=49)) == []
    assert await state_of(db) is State.DROPPED


async def test_a_secret_link_is_forgotten_when_it_is_on_its_way(db: Database) -> None:
    new = messages.NewMessage("sms", MOBILE, "survey", "请看 https://x/l/s", None, None, "k",
                              secret="https://x/l/s")  # fmt: skip
    await db.write(messages.put, new, NOON)
    assert (await db.write(take))[0].text.endswith("https://x/l/s")
    await db.write(take, NOON + LEASE)
    message = await db.read(messages.get, 1)
    assert message is not None
    assert (message.text, message.secret) == ("请看 …", "")


@pytest.mark.parametrize(
    ("at", "until"),
    [("20:59", None), ("21:00", "08:00"), ("23:59", "08:00"), ("07:59", "08:00"), ("08:00", None)],
)
def test_quiet_hours_go_over_midnight(at: str, until: str | None) -> None:
    now = datetime.fromisoformat(f"2026-11-23T{at}:00+08:00").astimezone(UTC)
    then = loud_again(now, SETTINGS.quiet_hours, TZ)
    assert (f"{then.astimezone(TZ):%H:%M}" if then else None) == until
    assert then is None or timedelta(0) < then - now <= timedelta(hours=11)


def test_quiet_hours_within_a_day() -> None:
    noon_rest = MessageSettings(quiet="12:00-14:00").quiet_hours
    assert loud_again(NOON, noon_rest, TZ) == NOON + timedelta(hours=2)
    assert loud_again(NOON - timedelta(minutes=1), noon_rest, TZ) is None
