"""The API of a desk with a call, a ticket, a customer and a transcript, served for real."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from desk import customers, journal, recordings, tokens
from desk.api import (
    AgentView,
    ApiServer,
    Feed,
    Finding,
    PartyView,
    SpeechModel,
    SupervisionMode,
    TalkView,
    TargetState,
    TransferKind,
    WaitingView,
    create_app,
)
from desk.db.engine import Database
from desk.errors import DeskError, NoSuchAgent, NoSuchLiveCall
from desk.recordings import NewRecording
from desk.settings import ApiSettings
from desk.teamwork.settings import AttachmentSettings
from desk.teamwork.shelf import Shelf
from tests.rig.samples import NOW, call_with_ticket


@dataclass
class FakeLine:
    company: str = "示例公司"
    serving: list[str] = field(default_factory=list)
    trouble: str = ""

    def where_to_call(self) -> Sequence[str]:
        return ["sip:4001234567@127.0.0.1:5060"]

    def live_calls(self) -> Sequence[str]:
        return self.serving

    def speech(self) -> SpeechModel:
        return SpeechModel("small", "只懂合成语音 understands synthetic speech only")

    def targets(self) -> Sequence[TargetState]:
        return [TargetState("demo", "up")]

    async def findings(self) -> Sequence[Finding]:
        return [Finding("ari", not self.trouble, self.trouble or "connected", "start Asterisk")]


@dataclass
class FakeControl:
    """Does what it is told to one talk, and notes who told it."""

    states: dict[str, AgentView] = field(default_factory=lambda: dict(AGENTS))
    waiting: list[WaitingView] = field(default_factory=lambda: list(WAITING))
    talks: dict[str, TalkView] = field(default_factory=lambda: {"c9": TALK})
    told: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: DeskError | None = None
    stuck: bool = False

    def agents(self) -> Sequence[AgentView]:
        return list(self.states.values())

    def queue(self) -> Sequence[WaitingView]:
        return self.waiting

    def talk(self, call_id: str) -> TalkView | None:
        return self.talks.get(call_id)

    async def set_agent_state(
        self, extension: str, state: Literal["ready", "wrap_up", "away"], reason: str, *, actor: str
    ) -> None:
        if extension not in self.states:
            raise NoSuchAgent(extension)
        await self._asked("set_agent_state", extension, state, reason, actor)
        self.states[extension] = replace(self.states[extension], state=state, reason=reason)

    async def hold(self, call_id: str, *, actor: str) -> None:
        await self._change("hold", call_id, actor, held=True)

    async def resume(self, call_id: str, *, actor: str) -> None:
        await self._change("resume", call_id, actor, held=False)

    async def transfer(self, call_id: str, to: str, kind: TransferKind, *, actor: str) -> None:
        consult = to if kind == "attended" else ""
        await self._change("transfer", call_id, actor, to, kind, consult=consult)

    async def complete_transfer(self, call_id: str, *, actor: str) -> None:
        await self._change("complete_transfer", call_id, actor, consult="")

    async def cancel_transfer(self, call_id: str, *, actor: str) -> None:
        await self._change("cancel_transfer", call_id, actor, consult="")

    async def conference(self, call_id: str, to: str, *, actor: str) -> None:
        await self._change("conference", call_id, actor, to)

    async def drop(self, call_id: str, extension: str, *, actor: str) -> None:
        await self._change("drop", call_id, actor, extension)

    async def hang_up(self, call_id: str, *, actor: str) -> None:
        await self._change("hang_up", call_id, actor)
        del self.talks[call_id]

    async def pause_recording(self, call_id: str, *, actor: str) -> None:
        await self._change("pause_recording", call_id, actor, recording="paused")

    async def resume_recording(self, call_id: str, *, actor: str) -> None:
        await self._change("resume_recording", call_id, actor, recording="on")

    async def supervise(
        self, call_id: str, supervisor: str, mode: SupervisionMode, *, actor: str
    ) -> None:
        there = (*TALK.parties, PartyView("supervisor", supervisor, NOW, mode=mode))
        await self._change("supervise", call_id, actor, supervisor, mode, parties=there)

    async def stop_supervising(self, call_id: str, supervisor: str, *, actor: str) -> None:
        await self._change("stop_supervising", call_id, actor, supervisor, parties=TALK.parties)

    async def _change(
        self, what: str, call_id: str, actor: str, *arguments: str, **changes: Any
    ) -> None:
        if call_id not in self.talks:
            raise NoSuchLiveCall(call_id)
        await self._asked(what, call_id, *arguments, actor)
        self.talks[call_id] = replace(self.talks[call_id], **changes)

    async def _asked(self, *what: str) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        if self.refuses is not None:
            raise self.refuses
        self.told.append(what)


TALK = TalkView(
    "c9",
    (PartyView("caller", "", NOW), PartyView("agent", "8001", NOW)),
    recording="on",
    transcript="live",
)
AGENTS = {
    "8001": AgentView("8001", "张敏", "tianjin", ("tj",), "busy", "", NOW, "c9"),
    "8002": AgentView("8002", "李强", "tianjin", (), "ready", "", NOW),
}
WAITING = [
    WaitingView("c7", 1, NOW, "tianjin", 2, 41.5),
    WaitingView("c8", 2, NOW),
]


@dataclass
class Api:
    """A served API and clients for it."""

    db: Database
    line: FakeLine
    control: FakeControl
    feed: Feed
    server: ApiServer
    http: httpx.AsyncClient

    async def token(self, *scopes: str) -> dict[str, str]:
        _, secret = await self.db.write(tokens.create, "test", scopes, NOW)
        return {"Authorization": f"Bearer {secret}"}

    async def send(
        self, method: str, path: str, *scopes: str, body: object = None
    ) -> httpx.Response:
        headers = await self.token(*scopes) if scopes else {}
        return await self.http.request(method, path, headers=headers, json=body)

    async def get(self, path: str, *scopes: str) -> httpx.Response:
        headers = await self.token(*scopes) if scopes else {}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def api(db: Database, tmp_path: Path) -> AsyncIterator[Api]:
    await db.write(
        customers.import_csv, "name,numbers,email\n张三,022-53456789,zhang@example.com\n", NOW
    )
    await db.write(call_with_ticket)
    heard = {
        "text": "请打 13812345678",
        "words": [{"text": "请", "start": 0.0, "end": 0.2, "confidence": 1.0}],
        "engine": "vosk small",
    }
    recording = NewRecording("c1", "m-c1", "/var/m-c1.wav", 4.25, "ab" * 32)
    recording_id = await db.write(recordings.add, recording, NOW)
    await db.write(recordings.add_transcript, recording_id, heard, NOW)
    await db.write(journal.end, "c1", "completed", NOW)
    line, control, feed = FakeLine(), FakeControl(), Feed(db, 3)
    app = create_app(
        db,
        settings=ApiSettings(port=0, stream_clients=3),
        line=line,
        control=control,
        feed=feed,
        attachments=Shelf(tmp_path / "attachments", AttachmentSettings(most_mib=1)),
        now=lambda: NOW,
    )
    async with (
        ApiServer(app) as server,
        httpx.AsyncClient(base_url=server.url, timeout=10) as http,
    ):
        yield Api(db, line, control, feed, server, http)
