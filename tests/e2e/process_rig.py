"""A line of processes: `huisheng run` as an operator has it, more than one if need be."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from ari_app.settings import Settings, load
from ari_app.sip_caller import CallPlan, CallResult, Step, place_call
from asterisk_conf.paths import Paths
from desk import journal, recordings, tickets, timeline, tokens, utterances
from desk.db.engine import Database
from desk.journal import Call
from desk.tickets import Ticket
from desk.timeline import Entry
from tests.e2e.line_rig import CONFIG, SHORT
from tests.rig.asterisk import pbx_settings
from tests.rig.huisheng import LOOK_SECONDS, SECONDS, Process, is_ready
from tests.rig.ports import free_port

TALKER, ASIDE = "8011", "8001"
"""Two agents of the team that key 5 leads to."""
KEYS: dict[str, dict[str, Any]] = {
    "1": {"label": "投诉", "ticket": "complaint", "message": "tell"},
    "5": {"label": "人工", "person": "waiters"},
}
_number = itertools.count(1)

Change = Callable[[dict[str, Any]], None]


def new_number() -> str:
    """A land line in Tianjin that nobody else has."""
    return f"0226{next(_number):07d}"


def write_config(folder: Path) -> Path:
    """The project's config.yaml on free ports: always open, one patient menu, no target."""
    config = load(CONFIG).model_dump(mode="json")
    agents = [
        {
            "extension": extension,
            "name": f"坐席{extension}",
            "team": "waiters",
            "contact": f"sip:{extension}@127.0.0.1:{free_port()}",
        }
        for extension in (ASIDE, TALKER)
    ]
    pbx = pbx_settings(ring_seconds=60, agents=agents)
    config["pbx"] = pbx.model_dump(mode="json", exclude_none=True)
    config["state_dir"] = str(folder / "state")
    ivr = config["ivr"]
    ivr["prompts"] = dict.fromkeys(ivr["prompts"], SHORT)
    ivr["entry"] = [{"menu": "main"}]
    ivr["menus"] = {
        "main": {
            "prompt": "main",
            "timeout_seconds": 6,
            "attempts": 9,
            "dial_extensions": True,
            "keys": KEYS,
            "failure": {"label": "无有效按键", "message": "nobody"},
        }
    }
    config["queue"] |= {
        "wrap_up_seconds": 1,
        "unanswered_rings": 0,
        "rules": {"default": [{"after": 0, "need": ["team"]}]},
    }
    config["speech"]["silence_seconds"] = 2.0
    config["api"]["port"] = free_port()
    config["bridge"] |= {"targets": [], "demo_crm_port": 0}
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


@dataclass
class Site:
    """One config.yaml, the processes that serve it, and its desk."""

    config: Path
    settings: Settings
    client: httpx.AsyncClient
    processes: list[Process] = field(default_factory=list)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.settings.pbx.sip.port}"

    @property
    def paths(self) -> Paths:
        return Paths.under(self.settings.state_dir, Path())

    # -- processes ---------------------------------------------------------------------------------

    async def launch(self, *words: str) -> Process:
        """Begin to start `huisheng run`; it is not ready yet."""
        said = self.config.parent / f"said-{len(self.processes)}"
        self.processes.append(await Process.launch(self.config, said, *words))
        return self.processes[-1]

    async def start(self, *words: str) -> Process:
        """`huisheng run`, serving calls."""
        process = await self.launch(*words)
        last = time.monotonic() + SECONDS
        while "停止 / stop" not in process.words:  # a former one may be the one that serves
            assert process.runs, process.words
            assert time.monotonic() < last, process.words
            await asyncio.sleep(LOOK_SECONDS)
        await process.serves(self.client)
        return process

    async def becomes(self, *, ready: bool) -> None:
        """Wait until the line says so of itself."""
        last = time.monotonic() + SECONDS
        while await is_ready(self.client) is not ready:
            assert time.monotonic() < last, self.processes[-1].words
            await asyncio.sleep(LOOK_SECONDS)

    async def aclose(self) -> None:
        """Nothing of it outlives the test, whatever has failed."""
        for process in self.processes:
            await process.kill()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self.paths.pid_file.read_text()), signal.SIGKILL)

    # -- callers -----------------------------------------------------------------------------------

    async def call(self, caller: str, *steps: Step) -> CallResult:
        plan = CallPlan(caller, self.settings.pbx.line_numbers[0], steps)
        return await place_call(plan, self.target)

    # -- API and desk ------------------------------------------------------------------------------

    async def order(
        self, path: str, body: Mapping[str, Any] | None = None, *, method: str = "POST"
    ) -> None:
        answer = await self.client.request(method, f"/api/v1/{path}", json=body)
        assert answer.is_success, answer.text

    async def live(self) -> list[dict[str, Any]]:
        answer = await self.client.get("/api/v1/calls", params={"live": "true"})
        assert answer.is_success, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def comes(self, expected: Mapping[str, str]) -> None:
        """Wait until the journal says that each caller is in this stage."""
        last = time.monotonic() + SECONDS
        async with await Database.open(self.settings.database_url) as db:
            while True:
                calls = await db.read(journal.unfinished)
                found = {one.caller_id: str(one.stage) for one in calls}
                if found == expected:
                    return
                assert time.monotonic() < last, (found, expected)
                await asyncio.sleep(LOOK_SECONDS)

    async def noted(self, kind: str) -> None:
        """Wait until the timeline has such an entry."""
        last = time.monotonic() + SECONDS
        async with await Database.open(self.settings.database_url) as db:
            while all(e.kind != kind for e in await db.read(timeline.entries_after, 0, 500)):
                assert time.monotonic() < last, kind
                await asyncio.sleep(LOOK_SECONDS)

    async def kept(self) -> dict[str, "Kept"]:
        """What the desk knows of each caller, by number."""
        async with await Database.open(self.settings.database_url) as db:
            found: dict[str, Kept] = {}
            for call in await db.read(journal.search, limit=100):
                kept = found.setdefault(call.caller_id, Kept())
                kept.calls.append(call)
                kept.entries += await db.read(timeline.entries_after, 0, 500, call_id=call.id)
                kept.said += "".join(
                    one.text
                    for one in await db.read(utterances.transcript, call.id)
                    if one.party == "caller"
                )
                for one in await db.read(recordings.of_call, call.id):
                    text = await db.read(recordings.transcript_of, one.id)
                    if one.kind == "message" and text is not None:
                        kept.said += text.text
            for ticket in await db.read(tickets.search, limit=100):
                found.setdefault(ticket.caller.input, Kept()).tickets.append(ticket)
            return found

    async def settled(self) -> dict[str, "Kept"]:
        """Wait until every call is over and every recording transcribed; what is known then."""
        last = time.monotonic() + SECONDS
        async with await Database.open(self.settings.database_url) as db:
            while await db.read(journal.unfinished) or await db.read(recordings.untranscribed):
                assert time.monotonic() < last, await db.read(journal.unfinished)
                await asyncio.sleep(LOOK_SECONDS)
        return await self.kept()


@dataclass
class Kept:
    """What the desk knows of one caller."""

    calls: list[Call] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    said: str = ""

    @property
    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.entries]

    @property
    def types(self) -> list[str]:
        """Of the tickets: one, or something is lost or doubled."""
        return [ticket.type for ticket in self.tickets]


def patient(data: dict[str, Any]) -> None:
    """Callers who wait for a process that a busy machine starts slowly."""
    data["pbx"]["lease_seconds"] = 60
    data["ivr"]["menus"]["main"]["timeout_seconds"] = 10


@asynccontextmanager
async def site(folder: Path, change: Change = lambda _: None) -> AsyncIterator[Site]:
    """A line's folder with nothing running yet. `change` mends its config.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    config = write_config(folder)
    data = json.loads(config.read_text(encoding="utf-8"))
    change(data)
    config.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    settings = load(config)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    async with await Database.open(settings.database_url) as db:
        _, secret = await db.write(tokens.create, "test", list(tokens.SCOPES), datetime.now(UTC))
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{settings.api.port}",
        headers={"Authorization": f"Bearer {secret}"},
        timeout=10,
        trust_env=False,
    ) as client:
        one = Site(config, settings, client)
        try:
            yield one
        finally:
            await one.aclose()
