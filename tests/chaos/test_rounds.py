"""Everything that can die does so with callers in every stage: no call, no ticket is lost."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ari_app.sip_caller import CallPlan, HangUp, Press, Speak, Wait
from ari_app.sip_caller.media import raw_sockets_allowed
from asterisk_conf.install import Installation
from desk import tickets, utterances
from desk.db.engine import Database
from tests.chaos.cast import Caller, new_number
from tests.chaos.faults import FAULTS
from tests.chaos.house import House, house
from tests.chaos.lead import learn, parties
from tests.chaos.oracle import quiet
from tests.chaos.round import calling, play_round, telephones
from tests.chaos.site import QUEUE_AGENT

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not raw_sockets_allowed(), reason="needs raw sockets"),
]

SEED = os.environ.get("HUISHENG_CHAOS_SEED", "1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("house"), installation) as running:
        yield running


# The target is dead, or the recogniser silent, while the application is killed: so `kill` is in
# both, and `kill_long` in `recovery`. A long run has them all, see tests/chaos/long.py.
SHORT = [name for name in FAULTS if name not in ("kill", "kill_long")]


@pytest.mark.parametrize("fault", SHORT)
async def test_every_call_keeps_its_one_ticket(home: House, fault: str) -> None:
    seed = f"{SEED}-{fault}"
    played = await play_round(home, FAULTS[fault], seed, waiting=11 if fault == "webhook" else 2)
    assert played.all_problems == [], f"seed {seed}"


async def test_what_is_said_before_and_after_a_crash_is_in_the_transcript_once(home: House) -> None:
    said = (Speak("我要退款"), Wait(9), Speak("产品质量太差了"))
    steps = (Wait(1), Press("8012"), Wait(5), *said, Wait(3), HangUp())
    one = Caller("hold", new_number(), CallPlan("", home.number, ()))
    one.plan = CallPlan(one.number, home.number, steps)
    async with telephones(home, home.config.parent), calling(home, [one]):
        await learn(home, one)
        await parties(home, one, 2)
        await asyncio.sleep(5.5)  # the first words are said
        await home.kill()
        await home.start()
        await asyncio.wait(home.calling)
        await home.order(f"agents/{QUEUE_AGENT}/state", {"state": "ready"}, "PUT")
    async with await Database.open(home.settings.database_url) as db:
        assert await quiet(home, db) == {}
        words = await db.read(utterances.transcript, one.call_id)
        (ticket,) = await db.read(tickets.search, e164=f"+86{one.number[1:]}")
    told = "".join(each.text for each in words if each.party == "caller")
    assert told == "我要退款产品质量太差了"
    assert "退款" in ticket.summary
