"""Escalation in virtual time: a step that is lost leaves a case lying, one that fires twice calls
the manager twice."""

import asyncio
import random
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from desk import sla, timeline
from desk.db.engine import Database
from desk.errors import VersionConflict
from desk.sla.clock import Clock
from desk.sla.projection import StepKey, stored_clocks
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import go, open_case, talk
from tests.rig.samples import NOW

ONLY_RESOLUTION = {"response": 400_000, "hand_over": 400_000}


async def case(db: Database, now: datetime = NOW, call_id: str = "c1") -> int:
    ticket_id = await db.write(open_case, call_id, now)
    await catch_up(db)
    return ticket_id


async def catch_up(db: Database) -> None:
    while await db.write(sla.follow):
        pass
    while await db.write(sla.recompute):
        pass


async def fired(db: Database, now: datetime) -> list[tuple[str, int, str]]:
    return [one.key[1:] for one in await db.write(sla.fire_due, now)]


async def resolution(db: Database, ticket_id: int) -> Clock:
    return [
        each for each in await db.read(stored_clocks, ticket_id) if each.target == "resolution"
    ][-1]


def roles(found: list[tuple[str, int, str]]) -> list[str]:
    return [step for _, _, step in found]


async def test_the_chain_hears_one_after_the_other(db: Database) -> None:
    await db.write(sla.apply, book(1440, **ONLY_RESOLUTION), NOW)
    await case(db)
    assert await db.read(sla.next_due) == NOW + minutes(1080)
    for hours, expected in ((17.9, []), (18, ["agent"]), (24, ["lead"]), (35, []),
                            (36, ["supervisor"]), (48, ["manager"]), (999, [])):  # fmt: skip
        assert roles(await fired(db, NOW + minutes(hours * 60))) == expected
    assert (await db.read(sla.next_due) or NOW) > NOW + minutes(200_000), "of the other clocks"


async def test_each_firing_is_told_in_the_timeline_and_to_webhooks(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await fired(db, NOW + minutes(60))
    entries = await db.read(timeline.entries_after, 0, 99, None, ticket_id)
    told = [entry.body for entry in entries if entry.kind == "sla.escalated"]
    assert [body["step"] for body in told if body] == ["agent", "lead"]
    assert told[1] is not None
    assert (told[1]["colour"], told[1]["state"]) == ("amber", "running")


async def test_waiting_for_the_customer_puts_steps_off(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await db.write(go, ticket_id, NOW + minutes(40), "waiting_customer")
    await catch_up(db)
    clock = await resolution(db, ticket_id)
    assert (clock.state, clock.due_at, clock.elapsed) == ("paused", None, minutes(40))
    assert await fired(db, NOW + minutes(10_000)) == []
    await db.write(go, ticket_id, NOW + minutes(500), "in_progress")
    await catch_up(db)
    assert (await resolution(db, ticket_id)).due_at == NOW + minutes(520)
    assert roles(await fired(db, NOW + minutes(505))) == ["agent"]


async def test_a_case_reopened_goes_on_with_its_clock_and_tells_the_chain_again(
    db: Database,
) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    assert roles(await fired(db, NOW + minutes(50))) == ["agent"]
    await db.write(go, ticket_id, NOW + minutes(50), "resolved")
    await catch_up(db)
    assert (await resolution(db, ticket_id)).state == "met"
    assert await fired(db, NOW + minutes(900)) == []
    await db.write(go, ticket_id, NOW + minutes(1000), "reopened")
    await catch_up(db)
    clock = await resolution(db, ticket_id)
    assert (clock.cycle, clock.elapsed, clock.due_at) == (2, minutes(50), NOW + minutes(1010))
    assert await fired(db, NOW + minutes(1000)) == [("resolution", 2, "agent")]
    assert await fired(db, NOW + minutes(1010)) == [("resolution", 2, "lead")]


@pytest.mark.parametrize("end", ["void", "merged"])
async def test_void_and_merged_cases_tell_nobody(db: Database, end: str) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await db.write(go, ticket_id, NOW + minutes(300), end)
    await catch_up(db)
    told = await db.write(sla.fire_due, NOW + minutes(9000))
    assert [one for one in told if one.key.ticket_id == ticket_id] == []
    states = {each.state for each in await db.read(stored_clocks, ticket_id)}
    assert states == {"stopped"}, "neither kept nor missed"


async def test_a_case_solved_a_moment_before_is_not_escalated_for_lack_of_news(
    db: Database,
) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await fired(db, NOW + minutes(45))
    await db.write(go, ticket_id, NOW + minutes(59), "resolved")  # nobody followed yet
    key = StepKey(ticket_id, "resolution", 1, "lead")
    assert await db.read(sla.due_steps, NOW + minutes(60)) == [key]
    assert await db.write(sla.fire, key, NOW + minutes(60)) is None


async def test_a_step_that_nobody_looked_at_in_time_fires_late_but_fires(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await db.write(go, ticket_id, NOW + minutes(70), "resolved")
    [one, two] = await db.write(sla.fire_due, NOW + minutes(80))
    assert (one.key.step, two.key.step, two.due_at) == ("agent", "lead", NOW + minutes(60))
    assert two.clock.state == "breached"


async def test_a_step_fires_once_and_not_before_its_time(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    key = StepKey(await case(db), "resolution", 1, "lead")
    assert await db.write(sla.fire, key, NOW + minutes(59)) is None
    assert await db.write(sla.fire, key, NOW + minutes(60)) is not None
    assert await db.write(sla.fire, key, NOW + minutes(60)) is None
    assert await db.write(sla.fire, key._replace(ticket_id=99), NOW + minutes(60)) is None


async def test_a_human_answer_stops_the_first_response(db: Database) -> None:
    await db.write(sla.apply, book(400_000, response=120), NOW)
    ticket_id = await case(db)
    await db.write(talk, "c1", NOW + minutes(100))
    await catch_up(db)
    assert roles(await fired(db, NOW + minutes(9000))) == ["agent"]
    first = (await db.read(stored_clocks, ticket_id))[0]
    assert (first.state, first.elapsed) == ("met", minutes(100))


async def test_a_failed_unit_leaves_the_step_to_be_fired(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    await case(db)

    def notify(connection: Connection) -> None:
        assert sla.fire_due(connection, NOW + minutes(60))
        raise RuntimeError("nobody could be told")

    with pytest.raises(RuntimeError):
        await db.write(notify)
    assert roles(await fired(db, NOW + minutes(60))) == ["agent", "lead"]


# a change of policies


async def test_a_change_shows_its_effect_first_and_a_passed_step_never_fires_twice(
    db: Database,
) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    now = NOW + minutes(50)
    assert roles(await fired(db, now)) == ["agent"]
    longer, shorter = book(600, **ONLY_RESOLUTION), book(40, **ONLY_RESOLUTION)

    seen = await db.read(sla.effect, shorter, now)
    [only] = seen.changed
    assert only.before is not None
    assert only.after is not None
    assert (only.ticket_id, only.before.due_at, only.after.due_at) == (
        ticket_id,
        NOW + minutes(60),
        NOW + minutes(40),
    )
    assert only.fires == ("lead",), "the agent has heard already"
    assert (await resolution(db, ticket_id)).due_at == NOW + minutes(60), "only shown"

    assert await db.write(sla.apply, longer, now, expected=seen.edition) == 2
    await catch_up(db)
    assert (await resolution(db, ticket_id)).due_at == NOW + minutes(600)
    assert await fired(db, now) == []
    [only] = (await db.read(sla.effect, shorter, now)).changed
    assert only.fires == ("lead",), "the agent heard under the policies before"
    await db.write(sla.apply, shorter, now + minutes(1))
    await catch_up(db)
    assert roles(await fired(db, now + minutes(1))) == ["lead"]


async def test_a_step_that_fired_stays_fired_when_policies_drop_it_and_bring_it_back(
    db: Database,
) -> None:
    chained = book(60, **ONLY_RESOLUTION)
    await db.write(sla.apply, chained, NOW)
    ticket_id = await case(db)
    now = NOW + minutes(50)
    assert roles(await fired(db, now)) == ["agent"]
    before = await db.read(sla.stored_steps, ticket_id)
    for found in (book(60, steps=[], **ONLY_RESOLUTION), book(90, **ONLY_RESOLUTION), chained):
        now += minutes(1)
        await db.write(sla.apply, found, now)
        await catch_up(db)
        assert await fired(db, now) == []
    assert await db.read(sla.stored_steps, ticket_id) == before, "as it was when it fired"


async def test_an_effect_does_not_count_what_is_due_anyway(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    await case(db)
    [only] = (await db.read(sla.effect, book(50, **ONLY_RESOLUTION), NOW + minutes(52))).changed
    assert only.fires == ("lead",), "the agent's step is due with or without the change"


async def test_a_change_leaves_what_has_ended_as_it_was(db: Database) -> None:
    await db.write(sla.apply, book(60, **ONLY_RESOLUTION), NOW)
    ticket_id = await case(db)
    await db.write(go, ticket_id, NOW + minutes(50), "resolved")
    await catch_up(db)
    shorter = book(10, **ONLY_RESOLUTION)
    assert (await db.read(sla.effect, shorter, NOW + minutes(55))).changed == ()
    await db.write(sla.apply, shorter, NOW + minutes(55))
    await catch_up(db)
    assert (await resolution(db, ticket_id)).state == "met"


async def test_a_change_that_somebody_else_made_meanwhile_is_told(db: Database) -> None:
    seen = await db.read(sla.effect, book(60), NOW)
    assert seen.edition == 0
    await db.write(sla.apply, book(30), NOW)
    with pytest.raises(VersionConflict, match="version 1, not 0"):
        await db.write(sla.apply, book(60), NOW, expected=seen.edition)


async def test_the_same_policies_again_are_no_new_edition(db: Database) -> None:
    assert await db.write(sla.apply, book(60), NOW) == 1
    assert await db.write(sla.apply, book(60), NOW + minutes(9)) == 1
    assert (await db.read(sla.effect, book(60), NOW)).changed == ()


async def test_effects_of_many_cases_come_in_parts(db: Database) -> None:
    await db.write(sla.apply, book(60), NOW)
    for number in range(5):
        await case(db, call_id=f"c{number}")
    seen, last = [], 0
    while True:
        part = await db.read(sla.effect, book(30, response=120), NOW, last, 2)
        seen += [each.ticket_id for each in part.changed]
        if part.last is None:
            break
        last = part.last
    assert seen == [1, 2, 3, 4, 5]
    await db.write(sla.apply, book(30), NOW)
    rounds = 0
    while await db.write(sla.recompute, 2):
        rounds += 1
    assert rounds == 2
    assert (await resolution(db, 5)).due_at == NOW + minutes(30)


# several processes

FIRE = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from desk import sla
from desk.db.engine import Database

async def work() -> None:
    now = datetime.fromisoformat(sys.argv[2])
    async with await Database.open(sys.argv[1], wait_seconds=30) as db:
        for _ in range(30):
            await db.write(sla.follow, 7)
            now += timedelta(minutes=10)
            print("round", flush=True)
            while await db.read(sla.due_steps, now, 1):
                await db.write(sla.fire_due, now, 5)

asyncio.run(work())
"""


async def _process(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FIRE,
        url,
        NOW.isoformat(),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[3],
    )


async def test_two_processes_and_one_that_dies_fire_every_step_once(
    db: Database, database_url: str
) -> None:
    await db.write(sla.apply, book(120, **ONLY_RESOLUTION), NOW)
    for number in range(8):
        await db.write(open_case, f"c{number}", NOW)
    mortal = [await _process(database_url) for _ in range(2)]
    dies = mortal[0]
    assert dies.stdout is not None
    for _ in range(random.Random(4).randint(10, 20)):  # noqa: S311 - it may die anywhere
        await asyncio.wait_for(dies.stdout.readline(), 60)
    dies.kill()
    mortal.append(await _process(database_url))
    for process in mortal:
        await asyncio.wait_for(process.communicate(), 60)
    assert [process.returncode for process in mortal[1:]] == [0, 0]
    entries = []
    while part := await db.read(timeline.entries_after, entries[-1].seq if entries else 0, 500):
        entries += part
    told = [
        (entry.ticket_id, entry.body["step"])
        for entry in entries
        if entry.kind == "sla.escalated" and entry.body
    ]
    roles_ = ("agent", "lead", "supervisor", "manager")
    assert sorted(told) == sorted((i, role) for i in range(1, 9) for role in roles_)
