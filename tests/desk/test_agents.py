"""Agents are after a restart what they were before it, and every change is told once."""

from datetime import timedelta

import pytest

from desk import agents, outbox, timeline
from desk.agents import AgentRow
from desk.db.engine import Database
from tests.rig.samples import NOW, count

LATER = NOW + timedelta(minutes=5)


async def test_a_restart_finds_every_agent_as_last_seen(db: Database) -> None:
    await db.write(agents.set_state, "8002", "ready", "", NOW)
    await db.write(agents.set_state, "8001", "ready", "", NOW)
    await db.write(agents.set_state, "8001", "away", "午饭", LATER, "agent:8001")
    assert await db.read(agents.states) == {
        "8001": AgentRow("8001", "away", "午饭", LATER),
        "8002": AgentRow("8002", "ready", "", NOW),
    }
    [_, _, change] = await db.read(timeline.entries_after, 0, 10)
    assert (change.kind, change.actor, change.at) == ("agent.state", "agent:8001", LATER)
    assert change.body == {"agent": "8001", "state": "away", "before": "ready", "reason": "午饭"}


async def test_the_same_state_again_keeps_since_when_and_tells_nothing(db: Database) -> None:
    await db.write(agents.set_state, "8001", "ready", "", NOW)
    await db.write(agents.set_state, "8001", "ready", "", LATER)
    assert (await db.read(agents.states))["8001"].since == NOW
    assert await db.read(count, "timeline") == 1


async def test_a_crm_hears_of_one_agents_states_in_order(db: Database) -> None:
    for state in ("ready", "ringing", "busy"):
        await db.write(agents.set_state, "8001", state, "", NOW)
    await db.write(outbox.fan_out, ["crm"], NOW, from_start=True)
    [first] = await db.read(outbox.due, "crm", NOW, 10)
    assert (first.kind, first.key) == ("agent.state", "agent:8001")
    assert first.payload["body"]["state"] == "ready"


@pytest.mark.parametrize("extension", ["", "8" * 41])
async def test_an_extension_that_the_key_cannot_hold_is_refused(
    db: Database, extension: str
) -> None:
    with pytest.raises(ValueError, match="extension"):
        await db.write(agents.set_state, extension, "ready", "", NOW)


async def test_hostile_reasons_are_cut_and_cleaned(db: Database) -> None:
    await db.write(agents.set_state, "8001", "away", "\0\udcff" * 500, NOW, "\x1b[31m")
    assert len((await db.read(agents.states))["8001"].reason) == 200
    assert (await db.read(timeline.verify)).intact
