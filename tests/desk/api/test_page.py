"""The status page: the line at a glance, and nothing that a caller sends becomes HTML."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from desk import journal, outbox, tickets
from desk.api import ApiServer, PartyView, PortTaken, create_app
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import locate
from desk.settings import ApiSettings
from desk.tickets import NewTicket
from tests.desk.api.conftest import TALK, Api
from tests.rig.samples import NOW, begin

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&{{7*7}}'


async def test_it_says_where_to_call_what_is_live_and_what_the_model_cannot(api: Api) -> None:
    await api.db.write(outbox.fan_out, ["demo"], NOW)
    await api.db.write(begin, "c2")
    page = (await api.http.get("/")).text
    for shown in (
        "sip:4001234567@127.0.0.1:5060",
        "只懂合成语音",
        "线路正常",
        "100014",
        "022****6789",
        "天津",
        "demo",
        "/api/v1/openapi.json",
    ):
        assert shown in page
    assert "53456789" not in page
    assert "13812345678" not in page


async def test_a_call_that_nobody_serves_is_marked(api: Api) -> None:
    await api.db.write(begin, "c2")
    await api.db.write(begin, "c3")
    api.line.serving = ["c2"]
    assert (await api.http.get("/")).text.count("待恢复") == 1


async def test_agents_who_waits_and_what_is_talked_are_shown(api: Api) -> None:
    await api.db.write(begin, "c9")
    api.control.talks["c9"] = replace(
        TALK,
        parties=(*TALK.parties, PartyView("supervisor", "8009", NOW, mode="whisper")),
        recording="paused",
        consult="8002",
    )
    page = (await api.http.get("/")).text
    for shown in (
        "张敏",
        "通话中 busy",
        "空闲 ready",
        "8009",
        "耳语",
        "录音暂停",
        "8002",
        "实时转写",
    ):
        assert shown in page
    queue = page.split('id="queue"')[1].split("</section>")[0]
    assert re.findall(r"<tr><td>(\d)</td>", queue) == ["1", "2"]
    assert "<td>42</td>" in queue


async def test_a_process_without_calls_shows_no_empty_tables_of_agents(api: Api) -> None:
    api.control.states.clear()
    api.control.waiting.clear()
    page = (await api.http.get("/")).text
    assert 'id="agents"' not in page
    assert 'id="queue"' not in page


async def test_trouble_is_shown_with_its_mend(api: Api) -> None:
    api.line.trouble = "ARI refused <b>"
    page = (await api.http.get("/")).text
    assert "线路异常" in page
    assert "start Asterisk" in page
    assert "ARI refused &lt;b&gt;" in page


async def test_hostile_callers_never_become_html(api: Api) -> None:
    caller = replace(locate("1", "022"), input=HOSTILE, city=HOSTILE[:40])
    await api.db.write(journal.begin, NewCall("c2", HOSTILE, HOSTILE, caller), NOW)
    await api.db.write(journal.enter_stage, "c2", "talk", {}, NOW)
    new = NewTicket("complaint", HOSTILE, HOSTILE, call_id="c2", labels=(HOSTILE,))
    await api.db.write(tickets.open_ticket, new, NOW)
    await api.db.write(journal.begin, NewCall("c3", "4", HOSTILE, caller), NOW)
    await api.db.write(journal.end, "c3", HOSTILE, NOW)
    api.line.company = HOSTILE
    page = (await api.http.get("/")).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in re.sub(r"\d{2}:\d{2}:\d{2}", "", page.split("&lt;script&gt;")[1][:120])
    assert "&lt;script&gt;alert(1)" in page


async def test_the_page_loads_nothing_from_elsewhere_and_forbids_it(api: Api) -> None:
    for path in ("/", "/docs"):
        answer = await api.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style| on\w+=| style=", answer.text)
        for asset in re.findall(r"""(?:src|href)=["'](/static/[^"']+)""", answer.text):
            assert (await api.http.get(asset)).status_code == 200


async def test_it_works_without_javascript_by_loading_itself_again(api: Api) -> None:
    page = (await api.http.get("/")).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page


async def test_the_pages_script_is_told_of_changes_and_of_nothing_else(api: Api) -> None:
    async with api.http.stream("GET", "/changes") as answer:
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        await api.db.write(begin, "c2")
        while not (line := await anext(lines)).startswith("data:"):
            pass
        assert line == "data: changed"


async def test_the_pages_script_hears_of_agents_and_the_queue_and_of_no_words(api: Api) -> None:
    async with api.http.stream("GET", "/changes") as answer:
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        api.feed.publish("utterance.partial", "c9", {"leg": "l", "text": "你好"})
        api.feed.publish("agent.state", None, {"extension": "8001", "state": "away"})
        heard = [line async for line in _until_data(lines)]
    assert heard[-1] == "data: changed"
    assert not any(line.startswith("id:") for line in heard)


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data:"):
            return


async def test_the_reference_describes_every_path(api: Api) -> None:
    page = (await api.http.get("/docs")).text
    assert "/api/v1/tickets/{number}" in page
    assert "Last-Event-ID" in page or "last-event-id" in page


async def test_a_taken_port_is_one_clear_error(api: Api, db: Database) -> None:
    taken = int(api.server.url.rpartition(":")[2])
    with pytest.raises(PortTaken, match=r"api\.port"):
        async with ApiServer(create_app(db, settings=ApiSettings(port=taken))):
            pass
