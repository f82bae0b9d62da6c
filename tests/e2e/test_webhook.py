"""The CRM goes away and comes back; nothing is lost, doubled or out of order."""

from collections import defaultdict

import pytest

from ari_app.sip_caller import HangUp, Press, Wait
from desk import outbox
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import TARGET, TestLine, Visit, beijing, tianjin

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

CALLS = 4
COMPLAINS = (Wait(0.6), Press("1"), Wait(2), HangUp())


async def test_crm_that_was_down_gets_every_event_of_every_ticket_once_and_in_order(
    line: TestLine, crm: Receiver
) -> None:
    await line.quiet()  # what former calls left is delivered
    crm.taken.clear()
    await crm.down()
    try:
        visits = {
            str(number): Visit(tianjin() if number % 2 else beijing(), COMPLAINS)
            for number in range(CALLS)
        }
        stories = await line.visits(visits)
        assert crm.taken == []
        waiting = (await line.running.line.db.read(outbox.counts))[TARGET].pending
        assert waiting == sum(len(story.entries) for story in stories.values())
    finally:
        await crm.up()
    expected = {entry.seq for story in stories.values() for entry in story.entries}
    await crm.until(lambda: {got.seq for got in crm.taken} >= expected)
    await line.quiet()

    assert sorted(got.seq for got in crm.taken) == sorted(expected)
    assert len({got.id for got in crm.taken}) == len(crm.taken)
    by_key = defaultdict(list)
    for got in crm.taken:
        by_key[got.key].append(got.seq)
    assert all(sequence == sorted(sequence) for sequence in by_key.values())
    for story in stories.values():
        assert story.ticket is not None
        told = [got.message["type"] for got in crm.taken if got.key == f"ticket:{story.ticket.id}"]
        assert told == [e.kind for e in story.entries if e.ticket_id is not None]
        assert told[0] == "ticket.opened"
