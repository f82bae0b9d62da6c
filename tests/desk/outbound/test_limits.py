"""Toll fraud: nothing gets past the limits, whoever wants the call and however many try at once."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from desk import timeline
from desk.db.engine import Database
from desk.notices import Inbox, of_inbox
from desk.outbound import (
    LimitSettings,
    NewAttempt,
    OutboundSettings,
    attempts,
    limits,
    marks,
)
from tests.desk.outbound.samples import MORNING, look

SUPERVISOR = Inbox.of("王主管", ("王主管",), "supervisor", "")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def attempt(number: int, dialled: str = "13820220001") -> NewAttempt:
    return NewAttempt(f"huisheng-{number}", "click", dialled, f"+86{dialled}", "02288880000")


async def test_processes_do_not_count_past_each_other(db: Database) -> None:
    few = LimitSettings(most_per_hour=3)
    begun = await asyncio.gather(
        *(db.write(limits.begin, attempt(n, f"1382022000{n}"), few, MORNING) for n in range(8))
    )
    assert sorted(map(str, begun)) == ["None"] * 3 + ["most_per_hour"] * 5
    assert await db.read(attempts.placed, MORNING - HOUR) == 3


async def test_at_once_counts_calls_that_have_not_ended(db: Database) -> None:
    few = LimitSettings(most_at_once=1)
    assert await db.write(limits.begin, attempt(1), few, MORNING) is None
    assert await db.write(limits.begin, attempt(2), few, MORNING) == "most_at_once"
    await db.write(attempts.ended, "huisheng-1", "answered", MORNING)
    assert await db.write(limits.begin, attempt(2), few, MORNING) is None
    later = MORNING + timedelta(hours=7)  # whoever placed it has died for good
    assert await db.write(limits.begin, attempt(3), few, later) is None


async def test_one_number_is_not_called_too_often_in_a_day(db: Database) -> None:
    few = LimitSettings(most_per_number_per_day=2)
    for number in (1, 2):
        assert await db.write(limits.begin, attempt(number), few, MORNING) is None
    assert await db.write(limits.begin, attempt(3), few, MORNING) == "most_per_number_per_day"
    assert await db.write(limits.begin, attempt(3), few, MORNING + DAY + HOUR) is None


@pytest.mark.parametrize(
    "number", ["0085223456789", "16812345", "16012345678", "4008123123", "95588", "", "1x", "９"]
)
async def test_premium_foreign_and_senseless_numbers_are_never_dialled(
    db: Database, number: str
) -> None:
    refused = await db.write(limits.begin, attempt(1, number), LimitSettings(), MORNING)
    assert refused == "prefix"
    assert await db.read(attempts.placed, MORNING - DAY) == 0


async def test_the_switch_takes_effect_with_the_next_call(db: Database) -> None:
    await db.write(limits.stop, "盗打", MORNING, actor="王主管")
    assert await db.write(limits.begin, attempt(1), LimitSettings(), MORNING) == "stopped"
    assert (await db.read(limits.standing)).reason == "盗打"
    await db.write(limits.start, "查清", MORNING, actor="王主管")
    assert await db.write(limits.begin, attempt(1), LimitSettings(), MORNING) is None
    entries = await db.read(timeline.entries_after, 0, 100)
    assert [e.kind for e in entries] == ["outbound.stopped", "outbound.started"]


async def test_a_limit_that_is_hit_is_told_once_an_hour(db: Database) -> None:
    few = LimitSettings(most_per_hour=1)
    await db.write(limits.begin, attempt(0), few, MORNING)
    for number in range(1, 4):
        await db.write(limits.begin, attempt(number), few, MORNING)
    entries = await db.read(timeline.entries_after, 0, 100)
    (alarm,) = [e for e in entries if e.kind == "outbound.alarm"]
    assert alarm.body is not None
    assert alarm.body["cause"] == "most_per_hour"
    (notice,) = await db.read(of_inbox, SUPERVISOR)
    assert "most_per_hour" in notice.text
    assert len(await db.read(limits.recent_alarms, MORNING - HOUR)) == 1


async def test_do_not_call_is_kept_until_it_is_taken_back(db: Database) -> None:
    e164 = "+8613820220001"
    await db.write(marks.put, e164, "do_not_call", "客户要求", MORNING, actor="agent:8001")
    await db.write(marks.put, e164, "do_not_call", "又一次", MORNING, actor="agent:8001")
    assert await db.write(limits.begin, attempt(1), LimitSettings(), MORNING) == "do_not_call"
    (kept,) = await db.read(marks.search, mark="do_not_call")
    assert kept.reason == "客户要求"
    assert await db.write(marks.remove, e164, "do_not_call", MORNING, actor="agent:8001")
    assert await db.write(limits.begin, attempt(1), LimitSettings(), MORNING) is None


async def test_evidence_is_kept_for_its_days_and_not_deleted_earlier(db: Database) -> None:
    """At least 30 days (MIIT, June 2020); the configuration can only lengthen that."""
    with pytest.raises(ValidationError, match="greater than or equal to 30"):
        OutboundSettings(keep_days=29)
    month, year = OutboundSettings(keep_days=30), OutboundSettings(keep_days=365)
    await db.write(limits.begin, attempt(1), LimitSettings(), MORNING)
    await db.write(attempts.identified, "huisheng-1", "pressed", MORNING)
    await db.write(attempts.consented, "huisheng-1", "given", MORNING)
    before = await db.read(attempts.get, "huisheng-1")
    assert before is not None
    await look(db, MORNING + 30 * DAY - timedelta(seconds=1), month)
    await look(db, MORNING + 300 * DAY, year)
    assert await db.read(attempts.get, "huisheng-1") == before
    await look(db, MORNING + 30 * DAY + timedelta(seconds=1), month)
    assert await db.read(attempts.get, "huisheng-1") is None
