"""Two lines serve one desk, and their processes are killed and frozen at random: whoever dies, each
customer is called, written to and surveyed once, and each escalation is told once.

What has reached people is counted at their end: the calls at the customers' telephones, the SMS
with the provider. `HUISHENG_HARMS=200` makes the storm long; `HUISHENG_SEED` gives the same
chances.
"""

import asyncio
import logging
import os
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asterisk_conf.install import Installation
from desk import sla
from desk.db.engine import Database
from tests.chaos.cases_of_two import People
from tests.chaos.once import Kept, problems
from tests.chaos.two_lines import MOODS, SOLVED, TwoLines, two_lines
from tests.desk.sla.books import book
from tests.rig.postgres import Cluster

HARMS = int(os.environ.get("HUISHENG_HARMS", "6"))
SEED = int(os.environ.get("HUISHENG_SEED", "0")) or random.SystemRandom().randrange(1 << 30)
STEPS = [
    {"to": "agent", "share": 0.05},
    {"to": "lead", "share": 0.1},
    {"to": "supervisor", "share": 0.2},
    {"to": "manager", "share": 0.4},
]
"""Of a minute, which is the shortest time that a policy allows."""
PARTS = len(MOODS)
FINISH_SECONDS = 240.0

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.postgres,
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.timeout(FINISH_SECONDS + 360 + 20 * HARMS),
]


async def storm(lines: TwoLines, chance: random.Random) -> None:
    """All harms, while the customers of the second line change their mood."""
    for part in range(PARTS):
        await lines.customers[1].are(MOODS[part])
        await lines.harm(HARMS * (part + 1) // PARTS - HARMS * part // PARTS, chance)
    await lines.customers[1].are(SOLVED)
    await lines.serve()


async def test_what_reaches_people_does_so_once_whichever_process_dies(
    installation: Installation, postgres: Cluster, tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    url = await postgres.fresh()
    async with (
        two_lines(tmp_path, url) as lines,
        await Database.open(url, wait_seconds=20) as db,
    ):
        await db.write(sla.apply, book(1, response=1, hand_over=1, steps=STEPS), datetime.now(UTC))
        people = People(db, lines, chance)
        work = asyncio.create_task(people.work(), name="people")
        try:
            await storm(lines, chance)
            async with asyncio.timeout(FINISH_SECONDS):
                await people.finish()
        except TimeoutError:
            raise AssertionError(f"seed {SEED}: {people.left}\n{lines.words[-5000:]}") from None
        finally:
            work.cancel()
            await asyncio.wait([work])
        kept = await db.read(Kept.of, datetime.now(UTC))
        invites, sent, words = lines.invites, lines.sent, lines.words
    outcomes = Counter(attempt.outcome for attempt in kept.attempts)
    about = (
        f"seed {SEED}, {dict(lines.harmed)}: {len(kept.tickets)} cases,"
        f" {len(kept.attempts)} attempts {dict(outcomes)}, {len(invites)} rang,"
        f" {len(sent)} SMS of {len(kept.messages)}, {len(kept.surveys)} surveys,"
        f" {len(kept.kinds('sla.escalated'))} escalations, {len(kept.told)} entries"
    )
    logging.getLogger(__name__).info("%s", about)
    found = problems(kept, invites, sent)
    assert not found, "\n".join([about, *found])
    assert sum(lines.harmed.values()) == HARMS
    assert "Traceback" not in words, words
    assert outcomes["solved"], about
    assert kept.surveys, about
    assert kept.kinds("sla.escalated"), about
