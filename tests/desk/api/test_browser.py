"""The status page in a real browser: it follows what happens, and runs nobody's words."""

from dataclasses import replace
from pathlib import Path

import pytest

from desk import journal, tickets
from desk.api import AgentView
from desk.journal import NewCall
from desk.region import locate
from desk.tickets import Digest, NewTicket
from tests.desk.api.chromium import open_tab
from tests.desk.api.conftest import TALK, Api
from tests.desk.api.test_page import HOSTILE
from tests.rig.samples import NOW, begin

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_who_calls_who_waits_and_what_agents_do_is_seen_without_reloading(
    api: Api, tmp_path: Path
) -> None:
    await api.db.write(begin, "c7")
    await api.db.write(journal.enter_stage, "c7", "queue", {}, NOW)
    api.line.serving = ["c7", "c9"]
    async with open_tab(api.server.url, tmp_path / "browser") as tab:
        assert "022****6789" in await tab.text("#live")
        assert "排队 waiting" in await tab.text("#live")
        assert "tianjin" in await tab.text("#queue")
        assert "空闲 ready" in await tab.text("#agents")
        await tab.evaluate("window.sameDocument = true")

        away = replace(api.control.states["8002"], state="away", reason="午休 <b>")
        api.control.states["8002"] = away
        api.feed.publish("agent.state", None, {"extension": "8002", "state": "away"})
        await tab.until("document.querySelector('#agents').innerText.includes('离席 away')")
        assert "午休 <b>" in await tab.text("#agents")

        await api.db.write(begin, "c9")
        await api.db.write(journal.enter_stage, "c9", "talk", {}, NOW)
        api.control.talks["c9"] = replace(TALK, held=True)
        api.control.waiting.clear()
        api.feed.publish("queue.changed", None, {})
        await tab.until("document.querySelector('#live').innerText.includes('通话 talking')")
        live = await tab.text("#live")
        assert "8001" in live
        assert "保持 held" in live
        assert "录音中 recorded" in live
        await tab.until("document.querySelector('#queue').innerText.includes('无人等待')")
        assert await tab.evaluate("window.sameDocument") is True
        await tab.screenshot(tmp_path / "status.png")


async def test_what_callers_send_and_say_stays_text_in_a_browser(api: Api, tmp_path: Path) -> None:
    api.line.company = HOSTILE
    api.control.states["8009"] = AgentView("8009", HOSTILE, HOSTILE, (), "away", HOSTILE, NOW)
    async with open_tab(api.server.url, tmp_path / "browser") as tab:
        await tab.evaluate("window.alert = () => { window.alerted = true; }")
        caller = replace(locate("1", "022"), input=HOSTILE, city=HOSTILE[:40])
        await api.db.write(journal.begin, NewCall("c2", HOSTILE, HOSTILE, caller), NOW)
        new = NewTicket("complaint", HOSTILE, HOSTILE, call_id="c2", labels=(HOSTILE,))
        await api.db.write(tickets.open_ticket, new, NOW)
        await api.db.write(tickets.add_digest, "c2", Digest(HOSTILE, engine="x"), NOW)
        await tab.until("document.querySelector('#live').innerText.includes('alert(1)')")
        await tab.until("document.body.innerText.split('alert(1)').length > 6")
        assert HOSTILE[:30] in await tab.text("#agents")
        assert await tab.evaluate("document.querySelectorAll('img').length") == 0
        assert await tab.evaluate("document.querySelectorAll('script:not([src])').length") == 0
        assert await tab.evaluate("window.alerted") is None
        await tab.screenshot(tmp_path / "hostile.png")
