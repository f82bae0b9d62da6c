"""The application is killed with callers on the line: nobody is dropped, each call has a ticket."""

import asyncio
from pathlib import Path

import pytest

from ari_app.sip_caller import ExpectBye, HangUp, Press, Speak, Wait
from asterisk_conf.install import Installation
from tests.e2e.process_rig import new_number, patient, site

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

CHOOSES_AFTER = 40.0  # in the menu, which asks for 90 s: the next process serves by then
TELLS = (
    *(Wait(CHOOSES_AFTER), Press("1"), Wait(2.5), Speak("我要退款"), Wait(0.6), Press("#")),
    ExpectBye(40),
)
LEAVES = (Wait(3.5), HangUp())


async def test_callers_in_the_menu_go_on_where_they_were_and_lost_calls_become_tickets(
    tmp_path: Path, installation: Installation
) -> None:
    stays, leaves = new_number(), new_number()
    async with site(tmp_path, patient) as one:
        first = await one.start()
        calls = {
            number: asyncio.create_task(one.call(number, *steps))
            for number, steps in ((stays, TELLS), (leaves, LEAVES))
        }
        await one.comes({stays: "menu", leaves: "menu"})
        await first.kill()
        await calls[leaves]
        await one.start()
        assert (await calls[stays]).ended_by == "them"
        kept = await one.settled()
    assert [ticket.type for ticket in kept[leaves].tickets] == ["abandoned"]
    (ticket,) = kept[stays].tickets
    assert (ticket.type, ticket.description) == ("complaint", "我要退款")
